--[[ read: the figures of an account. No writes.
  KEYS  1 account     Reply { now, hash as a flat list }; an empty list for an account that is not loaded ]]
return { nowMs(), call('HGETALL', KEYS[1]) }
