--[[ ackRows: the workflow has taken the rows of this seq. Of another lineage: ignored.
  KEYS  1 account  2 dirty     ARGV  1 account id  2 lineage  3 seq     Reply the seq that is acknowledged now ]]
local lineage, seq = wholeNumber(ARGV[2]), wholeNumber(ARGV[3])
local known = call('HMGET', KEYS[1], 'lineage', 'seq', 'acked')
if tonumber(known[1]) ~= lineage or seq > tonumber(known[2]) then return 0 end
local acked = math.max(seq, tonumber(known[3]))
call('HSET', KEYS[1], 'acked', digits(acked))
if acked == tonumber(known[2]) then call('ZREM', KEYS[2], ARGV[1]) end
return acked
