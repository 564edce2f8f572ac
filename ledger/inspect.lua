--[[ inspect: all that a snapshot reads. No writes: who only looks must not put off who reports.
  KEYS  1 account     Reply { now, account }, a hash as a flat list ]]
return { nowMs(), readable(redis.call('HGETALL', KEYS[1])) }
