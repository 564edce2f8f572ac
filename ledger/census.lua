--[[ census: how much of what one shard holds. No writes.
  KEYS  1 receipts  2 dirty  3 deadlines  4 loaded
  Reply { now, receipts, ms of the oldest or 0, dirty accounts, holds, earliest deadline ms or 0, loaded accounts } ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local head = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', '1')[1]
local first = redis.call('ZRANGE', KEYS[3], '0', '0', 'WITHSCORES')[2]
return {
  now, redis.call('XLEN', KEYS[1]), head and tonumber(string.match(head[1], '^%d+')) or 0, redis.call('ZCARD', KEYS[2]),
  redis.call('ZCARD', KEYS[3]), first and tonumber(first) or 0, redis.call('ZCARD', KEYS[4]),
}
