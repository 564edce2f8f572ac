--[[ lock: one hydrate at a time. The same token may take it again: its first answer may have been lost.
  KEYS  1 lock     ARGV  1 token  2 time to live, ms     Reply 1 if it is the caller's, else 0 ]]
local ttlMs = wholeNumber(ARGV[2])
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', digits(ttlMs))
return 1
