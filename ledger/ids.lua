--[[ What Redis may believe of an id. It starts with its birth: nine digits in base 36, ms since epoch. ]]

local function birthOf(id)
  return tonumber(string.sub(id, 1, 9), 36) or fail('not a charge id: ' .. id)
end

--[[ The latest time that this shard has seen: a clock that jumped ahead forgot tombstones, and must not admit their ids once it is set back.
  Noted once per `slackMs / 6`, since every write goes to disk, on an idle ledger too; the slack of the gate covers it. ]]
local function latestSeen(clockKey, noted, now)
  local seen = tonumber(noted or '0')
  if now > seen + slackMs / 6 then redis.call('SET', clockKey, digits(now)) end
  return now > seen and now or seen
end

local function noteTime(clockKey, now)
  latestSeen(clockKey, redis.call('GET', clockKey), now)
end

--[[ Whether an id is so young that Redis would know it. `seen` is the latest time seen. ]]
local function isYoung(account, id, seen, now)
  local birth = birthOf(id)
  return birth >= math.max(seen - tombstoneMs, account.knownSince) + slackMs and birth <= now + slackMs
end

--[[ What to make of an id that Redis does not know: 'new', or 'ask' the journal, or 'found' with what the journal has. `noted` is what the clock key holds.
  Evidence starts at ARGV[at]: lineage, time, kind ('' when not found), charged, uncollected, quantities, epoch, row, windows. ]]
local function meetUnknown(account, id, clockKey, noted, now, at)
  local seen = latestSeen(clockKey, noted, now)
  if ARGV[at] and wholeNumber(ARGV[at]) == account.lineage then
    local asked = wholeNumber(ARGV[at + 1])
    if asked <= now and now - asked < tombstoneMs / 2 then
      if ARGV[at + 2] == '' then return 'new' end
      return 'found', {
        kind = ARGV[at + 2], charged = wholeNumber(ARGV[at + 3]), uncollected = wholeNumber(ARGV[at + 4]),
        quantities = ARGV[at + 5], epoch = wholeNumber(ARGV[at + 6]), row = ARGV[at + 7], windows = ARGV[at + 8],
      }
    end
  end
  return isYoung(account, id, seen, now) and 'new' or 'ask'
end

local function askJournal(account, now)
  return { 'ask_journal', account.lineage, now }
end

--[[ When a tombstone may go: an id as young as this one must still be asked about by then. ]]
local function forgetAt(now, id)
  return digits(math.max(now, birthOf(id)) + tombstoneMs)
end
