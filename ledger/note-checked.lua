--[[ noteChecked: an account goes to the end of the queue of those to be checked; one that is away is none of them.
  KEYS  1 account  2 loaded     ARGV  1 account id ]]
if redis.call('EXISTS', KEYS[1]) == 0 then return redis.call('ZREM', KEYS[2], ARGV[1]) end
return redis.call('ZADD', KEYS[2], digits(nowMs()), ARGV[1])
