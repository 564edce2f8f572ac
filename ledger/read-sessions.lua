--[[ read-sessions: many sessions at once, as `session` answers one. No writes.
  KEYS  sessions     Reply { now, { began, last sign of life, end or 0, reason, seconds left or -1, facts, 1 if it waits to be let in } or {} for each } ]]
local reply = { nowMs() }
for i = 1, #KEYS do
  local known = redis.call('HMGET', KEYS[i], 'began', 'alive', 'ended', 'reason', 'left', 'facts', 'waits')
  reply[i + 1] = known[6] and {
    tonumber(known[1]), tonumber(known[2]), tonumber(known[3] or '0'), known[4] or '', tonumber(known[5] or '-1'), known[6],
    known[7] == '1' and 1 or 0,
  } or {}
end
return reply
