--[[ ackReceipts: these receipts are in the journal. Only if the head of the stream still is exactly these: a drainer that outlived a
  failover would trim entries which it has not stored. Trims them, marks them drained, and lets their tombstones go in time.
  KEYS  1 receipts  2 clock  then for each entry its account and its hold
  ARGV  1 tombstone time  2 slack  then for each entry its stream id, charge id, kind, n
  Reply 'acked' or 'head_moved' ]]
local tombstoneMs, slackMs = wholeNumber(ARGV[1]), wholeNumber(ARGV[2])
local count = (#ARGV - 2) / 4
if count == 0 then return 'acked' end
local head = call('XRANGE', KEYS[1], '-', '+', 'COUNT', digits(count))
if #head ~= count then return 'head_moved' end
local facts = {}
for i, entry in ipairs(head) do
  local fact = {}
  for j = 1, #entry[2], 2 do fact[entry[2][j]] = entry[2][j + 1] end
  local at = 3 + 4 * (i - 1)
  local account = ':a:' .. fact.account
  if string.sub(KEYS[1 + 2 * i], -#account) ~= account or entry[1] ~= ARGV[at] or fact.id ~= ARGV[at + 1] or fact.kind ~= ARGV[at + 2]
    or fact.n ~= ARGV[at + 3] then
    return 'head_moved'
  end
  facts[i] = fact
end

local now = nowMs()
latestSeen(KEYS[2], now, slackMs)
-- One write per account, not per receipt
local accounts = {}
for i, fact in ipairs(facts) do
  local key = KEYS[1 + 2 * i]
  local account = accounts[key]
  if not account then
    local f = call('HMGET', key, 'bornIn', 'drained', 'n', 'undrained')
    account = { bornIn = tonumber(f[1]), drained = tonumber(f[2]), n = tonumber(f[3]), undrained = tonumber(f[4]) }
    accounts[key] = account
  end
  -- Receipts of an earlier life have their own count
  if account.bornIn and tonumber(fact.lineage) >= account.bornIn then
    account.drained = math.max(account.drained, math.min(account.n, tonumber(fact.n)))
    account.undrained = math.max(0, account.undrained - tonumber(fact.rise))
  end
end
for key, account in pairs(accounts) do
  if account.bornIn then call('HSET', key, 'drained', digits(account.drained), 'undrained', digits(account.undrained)) end
end
for i, fact in ipairs(facts) do
  local key = KEYS[2 + 2 * i]
  local tombstone = call('HMGET', key, 'n', 'birth', 'state')
  -- An expiry's receipt must not start the clock of the settlement that followed
  if tombstone[1] == fact.n and tombstone[3] ~= 'active' then
    call('PEXPIREAT', key, forgetAt(now, tonumber(tombstone[2]), tombstoneMs))
  end
end
local ms, sequence = string.match(head[#head][1], '^(%d+)%-(%d+)$')
call('XTRIM', KEYS[1], 'MINID', ms .. '-' .. digits(tonumber(sequence) + 1))
return 'acked'
