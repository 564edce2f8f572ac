--[[ closeEpoch: an earlier period leaves Redis once nothing of it moves: no holds, all receipts in the journal, all rows with the
  workflow, and all it spent counted in the terms (which know no spend below zero, as a late refund leaves it in a period without charges), or in
  the archive of a workflow that has closed it before: then it came back, and what was booked in it since is missing twice until it leaves.
  KEYS  1 account     ARGV  1 lineage  2 epoch  3 the n up to which that archive has all, if there is one     Reply { status } ]]
local lineage, epoch = wholeNumber(ARGV[1]), wholeNumber(ARGV[2])
local archivedN = ARGV[3] and wholeNumber(ARGV[3])
local account = readAccount(KEYS[1], nowMs())
if not account then return { 'account_not_loaded' } end
local book = bookOf(account, epoch)
if not book then return { 'absent' } end
local isCounted = math.max(0, book.spent) == book.counted
if account.lineage ~= lineage or book == account.current or book.held ~= 0 or not (isCounted or account.n == archivedN)
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
conserve(rawOf(account) == rawBefore or not isCounted, 'closing an epoch')
redis.call('HSET', KEYS[1], unpack(changesOf(account, book)))
local prefix = 'row|' .. digits(epoch) .. '|'
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, #prefix) == prefix then redis.call('HDEL', KEYS[1], field) end
end
return { 'closed' }
