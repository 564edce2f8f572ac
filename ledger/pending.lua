--[[ pending: what waits in one shard. Notes the time too, so that a clock which jumped is known even where nobody reserves.
  KEYS  1 receipts  2 dirty  3 deadlines  4 clock     ARGV  1 dirty for so many ms  2 most accounts and holds
  Reply { now, receipts waiting, dirty accounts, overdue deadline members } ]]
local olderThanMs, limit = wholeNumber(ARGV[1]), wholeNumber(ARGV[2])
local now = nowMs()
noteTime(KEYS[4], now)
return {
  now, call('XLEN', KEYS[1]),
  call('ZRANGEBYSCORE', KEYS[2], '-inf', digits(max(0, now - olderThanMs)), 'LIMIT', '0', digits(limit)),
  call('ZRANGEBYSCORE', KEYS[3], '-inf', digits(now), 'LIMIT', '0', digits(limit)),
}
