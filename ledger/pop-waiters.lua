--[[ popWaiters: those who may go on, oldest first, as many as what is available feeds: one who does not fit keeps those behind waiting. They are told once: who does
  not hear of it registers again by itself. When more may fit than were asked for, the account is looked at again a little later, once these have taken what they need.
  KEYS  1 account  2 waiters  3 needs  4 wakeable     ARGV  1 account id  2 most  3 again after, ms
  Reply { status, … }: the waiters ]]
local most, againMs = wholeNumber(ARGV[2]), wholeNumber(ARGV[3])
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then
  redis.call('ZREM', KEYS[4], ARGV[1])
  return { 'account_not_loaded' }
end
local left = remainingOf(account) >= depletedBelow and availableOf(account) or 0
local reply = { 'popped' }
for _, waiter in ipairs(redis.call('ZRANGE', KEYS[2], '0', digits(most - 1))) do
  local need = tonumber(redis.call('HGET', KEYS[3], waiter) or '0')
  if left <= 0 or need > left then break end
  left = left - need
  reply[#reply + 1] = waiter
end
for i = 2, #reply do
  redis.call('ZREM', KEYS[2], reply[i])
  redis.call('HDEL', KEYS[3], reply[i])
end
if #reply - 1 == most then
  redis.call('ZADD', KEYS[4], digits(now + againMs), ARGV[1])
else
  redis.call('ZREM', KEYS[4], ARGV[1])
end
return reply
