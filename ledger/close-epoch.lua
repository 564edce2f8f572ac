--[[ closeEpoch: an earlier period leaves Redis once nothing of it moves: no holds, all receipts in the journal, all rows with the
  workflow, and all it spent counted in the terms (which know no spend below zero, as a late refund leaves it in a period without charges).
  KEYS  1 account  2 dirty     ARGV  1 account id  2 lineage  3 epoch     Reply { status } ]]
local lineage, epoch = wholeNumber(ARGV[2]), wholeNumber(ARGV[3])
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local book = bookOf(account, epoch)
if not book then return { 'absent' } end
if account.lineage ~= lineage or book == account.current or book.held ~= 0 or math.max(0, book.spent) ~= book.counted
  or account.drained ~= account.n or account.acked ~= account.seq then
  return { 'open' }
end

local rawBefore = rawOf(account)
for i, one in ipairs(account.earlier) do
  if one == book then
    table.remove(account.earlier, i)
    break
  end
end
conserve(rawOf(account) == rawBefore, 'closing an epoch')
redis.call('HSET', KEYS[1], unpack(changesOf(account, book)))
local prefix = 'row|' .. digits(epoch) .. '|'
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, #prefix) == prefix then redis.call('HDEL', KEYS[1], field) end
end
-- Whoever sees to it may die before the workflow has closed it, too: then the next one finds it named, and absent here
redis.call('ZADD', KEYS[2], 'NX', digits(now), ARGV[1])
return { 'closed' }
