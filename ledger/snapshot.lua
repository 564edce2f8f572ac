--[[ snapshot: all that reconciliation sends. The dirty mark is dated anew, not removed: ack-rows removes it. Were it removed here,
  a reconciler killed before its answer would leave rows that nobody sends.
  KEYS  1 account  2 dirty  3 loaded     ARGV  1 account id
  Reply { now, account }, a hash as a flat list ]]
local now = nowMs()
local account = redis.call('HGETALL', KEYS[1])
if #account == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
else
  redis.call('ZADD', KEYS[2], 'XX', digits(now), ARGV[1])
  -- One that was loaded before there was this queue
  redis.call('ZADD', KEYS[3], 'NX', '0', ARGV[1])
end
return { now, readable(account) }
