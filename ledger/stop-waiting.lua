--[[ stopWaiting: a run that goes on, or ended, without being woken.
  KEYS  1 waiters  2 needs     ARGV  1 waiter ]]
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
