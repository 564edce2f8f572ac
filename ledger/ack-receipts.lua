--[[ ackReceipts: these receipts are in the journal. Only if the head of the stream still is exactly these: a drainer that outlived a
  failover would trim entries which it has not stored. Trims them, marks them drained, and lets their tombstones go in time.
  KEYS  1 receipts  2 clock  then for each entry its account and its hold
  ARGV  for each entry its stream id, charge id, kind, n
  Reply 'acked' or 'head_moved' ]]
local count = #ARGV / 4
if count == 0 then return 'acked' end
local head = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', digits(count))
if #head ~= count then return 'head_moved' end
local facts = {}
for i, entry in ipairs(head) do
  -- As booking.lua writes it: account, id, booked, each after its name
  local at, fields = 4 * (i - 1), entry[2]
  local kind, n, lineage, rise = string.match(fields[6], '^%["(%a+)",(%d+),(%d+),(%d+),')
  local account = ':a:' .. fields[2]
  if string.sub(KEYS[1 + 2 * i], -#account) ~= account or entry[1] ~= ARGV[at + 1] or fields[4] ~= ARGV[at + 2]
    or kind ~= ARGV[at + 3] or n ~= ARGV[at + 4] then
    return 'head_moved'
  end
  facts[i] = { id = fields[4], n = tonumber(n), lineage = tonumber(lineage), rise = tonumber(rise) }
end

local now = nowMs()
noteTime(KEYS[2], now)
-- One write per account, not per receipt
local accounts = {}
for i, fact in ipairs(facts) do
  local key = KEYS[1 + 2 * i]
  if accounts[key] == nil then accounts[key] = readAccount(key, now) or false end
  local account = accounts[key]
  -- Receipts of an earlier life have their own count
  if account and fact.lineage >= account.bornIn then
    account.drained = math.max(account.drained, math.min(account.n, fact.n))
    account.undrained = math.max(0, account.undrained - fact.rise)
  end
end
for key, account in pairs(accounts) do
  if account then redis.call('HSET', key, 'figures', figuresOf(account)) end
end
for i, fact in ipairs(facts) do
  local key = KEYS[2 + 2 * i]
  local tombstone = parseHold(redis.call('GET', key))
  -- An expiry's receipt must not start the clock of the settlement that followed
  if tombstone and tombstone.n == fact.n then redis.call('PEXPIREAT', key, forgetAt(now, fact.id)) end
end
local ms, sequence = string.match(head[#head][1], '^(%d+)%-(%d+)$')
redis.call('XTRIM', KEYS[1], 'MINID', ms .. '-' .. digits(tonumber(sequence) + 1))
return 'acked'
