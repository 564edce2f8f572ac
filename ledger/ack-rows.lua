--[[ ackRows: the workflow has taken the rows of this seq. Of another lineage: ignored.
  KEYS  1 account  2 dirty     ARGV  1 account id  2 lineage  3 seq     Reply the seq that is acknowledged now ]]
local lineage, seq = wholeNumber(ARGV[2]), wholeNumber(ARGV[3])
local account = readAccount(KEYS[1], nowMs())
if not account or account.lineage ~= lineage or seq > account.seq then return 0 end
account.acked = math.max(seq, account.acked)
redis.call('HSET', KEYS[1], 'figures', figuresOf(account))
if account.acked == account.seq then redis.call('ZREM', KEYS[2], ARGV[1]) end
return account.acked
