--[[ repair: another life of an account that Redis still holds, after a rollback or a fork. Only from the life that was read: a repair that comes
  late must not end the life which another one began. Holds stay; what was acknowledged was the rows of another branch, so all are sent again.
  KEYS  1 account  2 dirty  3 loaded     ARGV  1 account id  2 lineage it has now  3 lineage to begin
  Reply { status }, the lineage for 'other_lineage' ]]
local from, to = wholeNumber(ARGV[2]), wholeNumber(ARGV[3])
if to <= from then fail('a life that is not newer: ' .. digits(to)) end

local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
if account.lineage == to then return { 'exists' } end
if account.lineage ~= from then return { 'other_lineage', account.lineage } end

-- The tombstones of what was rolled back are gone although their ids are young: they are looked up, as after a hydrate
account.lineage, account.acked, account.knownSince, account.version = to, 0, now, account.version + 1
redis.call('HSET', KEYS[1], 'figures', figuresOf(account), 'life', lifeOf(account))
redis.call('ZADD', KEYS[2], '0', ARGV[1])
-- The check that belongs to it must come by also if whoever repairs dies here
redis.call('ZADD', KEYS[3], '0', ARGV[1])
return { 'repaired' }
