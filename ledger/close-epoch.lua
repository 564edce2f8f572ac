--[[ closeEpoch: an earlier period leaves Redis once nothing of it moves: no holds, all receipts in the journal, all rows with the
  workflow, and all it spent counted in the terms (which know no spend below zero, as a late refund leaves it in a period without charges).
  KEYS  1 account  2 rows     ARGV  1 lineage  2 epoch     Reply { status } ]]
local lineage, epoch = wholeNumber(ARGV[1]), wholeNumber(ARGV[2])
local account = readAccount(KEYS[1], nowMs())
if not account then return { 'account_not_loaded' } end
local book = bookOf(account, epoch)
if not book then return { 'absent' } end
local marks = call('HMGET', KEYS[1], 'drained', 'acked')
if account.lineage ~= lineage or book == account.current or book.held ~= 0 or math.max(0, book.spent) ~= book.counted
  or tonumber(marks[1]) ~= account.n or tonumber(marks[2]) ~= account.seq then
  return { 'open' }
end

local name = digits(epoch)
local kept = {}
for _, one in ipairs(account.earlier) do
  if one ~= book then kept[#kept + 1] = digits(one.epoch) end
end
local rawBefore = rawOf(account)
for i, one in ipairs(account.earlier) do
  if one == book then
    table.remove(account.earlier, i)
    break
  end
end
conserve(rawOf(account) == rawBefore, 'closing an epoch')
call('HSET', KEYS[1], 'epochs', table.concat(kept, ','), 'version', digits(account.version + 1))
call('HDEL', KEYS[1], 'spent:' .. name, 'held:' .. name, 'free:' .. name, 'counted:' .. name)
for _, field in ipairs(call('HKEYS', KEYS[2])) do
  if string.match(field, '^(%d+)|') == name then call('HDEL', KEYS[2], field) end
end
return { 'closed' }
