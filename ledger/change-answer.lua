--[[ change-answer: what became of a claim, if it still is ours.
  KEYS  1 answer
  ARGV  1 charge id  2 'renew', 'forget' or 'finish'  3 lease, ms  4 status  5 headers  6 body
  Reply 1, or 0 when another call has taken over ]]
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
if ARGV[2] == 'forget' then
  redis.call('DEL', KEYS[1])
elseif ARGV[2] == 'renew' then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'untilMs', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]))
else
  redis.call('HSET', KEYS[1], 'state', 'finished', 'status', ARGV[4], 'headers', ARGV[5], 'body', ARGV[6])
end
return 1
