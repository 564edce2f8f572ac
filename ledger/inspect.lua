--[[ inspect: all that a snapshot reads. No writes: who only looks must not put off who reports.
  KEYS  1 account  2 rows  3 budgets     Reply { now, account, rows, budgets }, hashes as flat lists ]]
return { nowMs(), call('HGETALL', KEYS[1]), call('HGETALL', KEYS[2]), call('HGETALL', KEYS[3]) }
