--[[ open-sessions: which sessions of an account have not ended. No writes.     KEYS  1 open sessions     Reply { id, … } ]]
return redis.call('SMEMBERS', KEYS[1])
