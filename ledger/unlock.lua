--[[ unlock: gives the hydration lock back, only if it still is the caller's: after its time it may be another's.
  KEYS  1 lock     ARGV  1 token     Reply 1 if it was the caller's, else 0 ]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
