--[[ evict: an idle account leaves Redis, and comes back by hydrate. Only if nobody touched it since it was read, nothing of it moves, and journal
  and workflow have everything. What the shard keeps of it stays: tombstones, which go in their time, and the receipts of other accounts.
  KEYS  1 account  2 dirty  3 loaded  4 deadlines  5 lock  6 waiters
  ARGV  1 account id  2 lineage  3 version     Reply { status } ]]
local lineage, version = wholeNumber(ARGV[2]), wholeNumber(ARGV[3])
local account = readAccount(KEYS[1], nowMs())
if not account then return { 'account_not_loaded' } end

if account.lineage ~= lineage or account.version ~= version or account.current.held ~= 0 or account.quarantine ~= 0
  or account.drained ~= account.n or account.acked ~= account.seq
  -- A period that has ended leaves by closeEpoch first: once the account is away nobody would see to it
  or #account.earlier > 0
  -- Somebody is loading it: the totals that he has read would be old by the time he writes them
  or redis.call('EXISTS', KEYS[5]) == 1
  -- Parked runs are woken by terms that reach the ledger
  or redis.call('EXISTS', KEYS[6]) == 1 then
  return { 'in_use' }
end
-- Free work holds nothing and is under way all the same
for _, member in ipairs(redis.call('ZRANGE', KEYS[4], '0', '-1')) do
  if string.sub(member, string.find(member, '|', 1, true) + 1) == ARGV[1] then return { 'in_use' } end
end

redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return { 'evicted' }
