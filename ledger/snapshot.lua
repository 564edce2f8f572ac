--[[ snapshot: all that reconciliation sends. The dirty mark is dated anew, not removed: ack-rows removes it. Were it removed here,
  a reconciler killed before its answer would leave rows that nobody sends.
  KEYS  1 account  2 rows  3 budgets  4 dirty  5 loaded     ARGV  1 account id
  Reply { now, account, rows, budgets }, hashes as flat lists ]]
local now = nowMs()
local account = call('HGETALL', KEYS[1])
if #account == 0 then
  call('ZREM', KEYS[4], ARGV[1])
  call('ZREM', KEYS[5], ARGV[1])
else
  call('ZADD', KEYS[4], 'XX', digits(now), ARGV[1])
  -- One that was loaded before there was this queue
  call('ZADD', KEYS[5], 'NX', '0', ARGV[1])
end
return { now, account, call('HGETALL', KEYS[2]), call('HGETALL', KEYS[3]) }
