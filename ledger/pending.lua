--[[ pending: what waits in some shards. Notes the time too, so that a clock which jumped is known even where nobody reserves.
  KEYS  for each shard its receipts, dirty, deadlines, clock, wakeable     ARGV  1 dirty for so many ms  2 most accounts and holds of a shard
  Reply for each shard { now, receipts waiting, dirty accounts, overdue deadline members, accounts that may wake parked runs } ]]
local olderThanMs, limit = wholeNumber(ARGV[1]), wholeNumber(ARGV[2])
local now = nowMs()
local answer = {}
for i = 1, #KEYS, 5 do
  noteTime(KEYS[i + 3], now)
  answer[#answer + 1] = {
    now, redis.call('XLEN', KEYS[i]),
    redis.call('ZRANGEBYSCORE', KEYS[i + 1], '-inf', digits(math.max(0, now - olderThanMs)), 'LIMIT', '0', digits(limit)),
    redis.call('ZRANGEBYSCORE', KEYS[i + 2], '-inf', digits(now), 'LIMIT', '0', digits(limit)),
    redis.call('ZRANGEBYSCORE', KEYS[i + 4], '-inf', digits(now), 'LIMIT', '0', digits(limit)),
  }
end
return answer
