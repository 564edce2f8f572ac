--[[ read: the figures of an account. No writes.
  KEYS  1 account
  Reply { now, account }, its first fields as a flat list; an empty one for an account that is not loaded ]]
local now = nowMs()
local found = redis.call('HMGET', KEYS[1], 'figures', 'life', 'terms', 'earlier', 'card')
if not found[1] then return { now, {} } end
return { now, readable({ 'figures', found[1], 'life', found[2], 'terms', found[3], 'earlier', found[4], 'card', found[5] }) }
