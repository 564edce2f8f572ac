--[[ read: the figures of an account. No writes.
  KEYS  1 account     ARGV  the fields to read
  Reply { now, … }: the fields; nothing but now for an account that is not loaded ]]
local now = nowMs()
if call('EXISTS', KEYS[1]) == 0 then return { now } end
return { now, unpack(call('HMGET', KEYS[1], unpack(ARGV))) }
