--[[ hydrate: a new life of an account, from the terms and the journal's totals. Only if it is absent and the lock is still the caller's:
  a hydrate that comes late would write old totals.
  KEYS  1 account  2 rows  3 budgets  4 dirty  5 lock  6 clock  7 loaded
  ARGV  1 account id  2 token  3 lineage  4 held in the life that was lost  5 quarantine, ms  6 slack  7–15 terms
        16 number of rows  17… rows '<epoch>|<row>' and their packed totals, then budgets '<level>|<window>' and what they spent
  Reply { status } ]]
local lineage, lostHeld, quarantineMs, slackMs = wholeNumber(ARGV[3]), wholeNumber(ARGV[4]), wholeNumber(ARGV[5]), wholeNumber(ARGV[6])
local terms = readTerms(7)
local rowCount = wholeNumber(ARGV[7 + termsLength])
local firstRow = 8 + termsLength
local firstBudget = firstRow + 2 * rowCount

if call('EXISTS', KEYS[1]) == 1 then return { 'present' } end
if call('GET', KEYS[5]) ~= ARGV[2] then return { 'lock_lost' } end

local spent = { [terms.epoch] = 0 }
for _, one in ipairs(terms.earlier) do spent[one.epoch] = 0 end
for i = firstRow, firstBudget - 1, 2 do
  local epoch, charged = wholeNumber(string.match(ARGV[i], '^(%d+)|')), signedNumber(string.match(ARGV[i + 1], '^([^,]*),'))
  if not spent[epoch] then fail('a row of an epoch that is not open: ' .. ARGV[i]) end
  spent[epoch] = spent[epoch] + charged
end
for i = firstBudget, #ARGV, 2 do wholeNumber(ARGV[i + 1]) end

local now = nowMs()
local account = {
  granted = terms.granted, used = terms.used, quarantine = 0,
  current = { spent = spent[terms.epoch], held = 0 }, earlier = {},
}
local epochs, changes = {}, {}
for i, one in ipairs(terms.earlier) do
  account.earlier[i] = { spent = spent[one.epoch], held = 0, free = one.free, counted = one.counted }
  epochs[i] = digits(one.epoch)
  for field, value in pairs(account.earlier[i]) do
    changes[#changes + 1] = field .. ':' .. epochs[i]
    changes[#changes + 1] = digits(value)
  end
end
latestSeen(KEYS[6], now, slackMs)
-- `version` starts at the time, so that two lives of an account do not show a feed the same one
call('HSET', KEYS[1], 'lineage', digits(lineage), 'bornIn', digits(lineage), 'seq', '1', 'n', '0', 'drained', '0', 'acked', '0', 'corrections', '0',
  'version', digits(now), 'termsVersion', digits(terms.version), 'epoch', digits(terms.epoch), 'granted', digits(terms.granted),
  'used', digits(terms.used), 'spent', digits(account.current.spent), 'held', '0', 'epochs', table.concat(epochs, ','),
  'quarantine', digits(math.min(lostHeld, availableOf(account))), 'quarantineUntil', digits(now + quarantineMs), 'knownSince', digits(now),
  'undrained', '0', 'utcOffsetMs', digits(terms.utcOffsetMs), 'alertsAt', terms.alertsAt, 'card', terms.card)
if #changes > 0 then call('HSET', KEYS[1], unpack(changes)) end
call('DEL', KEYS[2], KEYS[3])
for i = firstRow, firstBudget - 1, 2 do call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = firstBudget, #ARGV, 2 do call('HSET', KEYS[3], ARGV[i] .. '|s', ARGV[i + 1], ARGV[i] .. '|h', '0') end
writeLimits(KEYS[3], terms.limits)
call('ZADD', KEYS[4], 'NX', digits(now), ARGV[1])
call('ZADD', KEYS[7], '0', ARGV[1])
call('DEL', KEYS[5])
return { 'hydrated' }
