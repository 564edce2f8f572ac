--[[ wait: a run that was refused registers, to be woken when there is enough. If there is by now it hears so at once: a wake-up that came between
  its refusal and this would be lost. Repeated, it keeps its place.
  KEYS  1 account  2 waiters  3 needs     ARGV  1 waiter  2 need
  Reply { 'ready', available } | { 'waiting' } | { 'held' }: there is enough, but other work holds it, and nobody is told when it is given back. ]]
local need = amountOf(ARGV[2])
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local remaining, available = remainingOf(account), availableOf(account)
if remaining >= depletedBelow and available >= need then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
  return { 'ready', available }
end
redis.call('ZADD', KEYS[2], 'NX', digits(now), ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], digits(need))
return { remaining >= depletedBelow and remaining >= need and 'held' or 'waiting' }
