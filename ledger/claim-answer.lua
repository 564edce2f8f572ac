--[[ claim-answer: the right to answer a caller's idempotency key.
  KEYS  1 answer (hash: fingerprint, id, untilMs, state, status, headers, body)
  ARGV  1 fingerprint of the request  2 charge id  3 lease, ms  4 kept for, ms
  Reply { status, … }: status, headers and body of a 'finished' answer; all empty when it was too long to keep ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'fingerprint', 'state', 'untilMs', 'status', 'headers', 'body')
if found[1] then
  if found[1] ~= ARGV[1] then return { 'conflict' } end
  if found[2] == 'finished' then return { 'finished', found[4] or '', found[5] or '', found[6] or '' } end
  -- A gateway that died leaves its claim behind: it ends with its lease.
  if tonumber(found[3]) > now then return { 'running' } end
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'state', 'running', 'id', ARGV[2], 'untilMs', string.format('%d', now + ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 'claimed' }
