--[[ Books what a charge has come to: row, spent, receipt, dirty mark. Shared by settle, charge and expire. ]]

local zeroQuantities = '[0,0,0,0,0]'

--[[ Five whole numbers, in the order of `quantityNames`. ]]
local function quantitiesOf(text)
  local units, input, cached, output, reasoning = string.match(text, '^%[(%d+),(%d+),(%d+),(%d+),(%d+)%]$')
  if not units or #units > 15 or #input > 15 or #cached > 15 or #output > 15 or #reasoning > 15 then fail('not five quantities: ' .. text) end
  return units, input, cached, output, reasoning
end

--[[ What the id takes in all when it took `before` until now: beyond that, what there is room for; what falls short is uncollected. ]]
local function collect(actual, before, room)
  if actual <= before then return actual, 0 end
  local rise = actual - before
  local charged = before + (rise < room and rise or room)
  return charged, actual - charged
end

--[[ The change that `charged` makes to a book, in memory. Beyond the room that `before` left it nothing may be taken. ]]
local function spend(account, book, delta, room)
  conserve(delta <= room, 'charged more than there is room for')
  book.spent = book.spent + delta
  account.seq = account.seq + 1
  account.n = account.n + 1
  -- What is spent and not yet in the journal, refunds left aside: what an exposure cap bounds
  if delta > 0 then account.undrained = account.undrained + delta end
end

--[[ Crossing an alert threshold or running out is worth telling the workflow at once. ]]
local function crossed(account, before, after)
  if after >= before then return false end
  if before >= depletedBelow and after < depletedBelow then return true end
  local alerts = numbersOf(account.terms)
  -- Behind the five figures of the terms
  for i = 6, #alerts do
    if before > alerts[i] and after <= alerts[i] then return true end
  end
  return false
end

--[[ A row as it is in the account's hash, and the field that holds it. ]]
local function rowField(epoch, row)
  return string.format('row|%d|%s', epoch, row)
end

--[[ A row with what an entry adds to it: packed, and what of the charge is new. `entry`: row, quantities (text), charged, uncollected (the id's totals),
  and `before`: what of them was booked already, nil for nothing. ]]
local function addToRow(packed, account, entry)
  local charged, uncollected, _, units, input, cached, output, reasoning = 0, 0, 0, 0, 0, 0, 0, 0
  if packed then charged, uncollected, _, units, input, cached, output, reasoning = struct.unpack('<dddddddd', packed) end
  local delta, short = entry.charged, entry.uncollected
  local u, i, c, o, r = quantitiesOf(entry.quantities)
  units, input, cached, output, reasoning = units + u, input + i, cached + c, output + o, reasoning + r
  if entry.before then
    delta, short = delta - entry.before.charged, short - entry.before.uncollected
    u, i, c, o, r = quantitiesOf(entry.before.quantities)
    units, input, cached, output, reasoning = units - u, input - i, cached - c, output - o, reasoning - r
  end
  return struct.pack('<dddddddd', charged + delta, uncollected + short, account.seq, units, input, cached, output, reasoning), delta
end

--[[ What a receipt tells of the money, `entry` as above with kind, calledIn and windows (text). ]]
local function bookedText(account, epoch, entry, delta, now)
  return string.format('["%s",%d,%d,%d,%d,%d,%d,%d,%d,%s,%s]', entry.kind, account.n, account.lineage, delta > 0 and delta or 0, epoch,
    entry.calledIn, entry.charged, entry.uncollected, now, entry.quantities, entry.windows)
end

--[[ `seqBefore` and `remainingBefore` are what they were before this operation. ]]
local function markDirty(key, account, accountId, seqBefore, remainingBefore, now)
  if crossed(account, remainingBefore, remainingOf(account)) then
    redis.call('ZADD', key, 0, accountId)
  elseif account.acked == seqBefore then
    -- While rows wait to be acknowledged it is marked already
    redis.call('ZADD', key, 'NX', digits(now), accountId)
  end
end

--[[ Writes the account after `spend`, its windows, and `entry` as above with accountId, id and detail. ]]
local function writeBooking(keys, account, book, list, entry, remainingBefore, now)
  local field = rowField(book.epoch, entry.row)
  local row, delta = addToRow(redis.call('HGET', keys.account, field), account, entry)
  local changes = changesOf(account, book)
  changes[#changes + 1] = field
  changes[#changes + 1] = row
  addWindows(changes, list)
  redis.call('HSET', keys.account, unpack(changes))
  redis.call('XADD', keys.receipts, '*', 'account', entry.accountId, 'id', entry.id,
    'booked', bookedText(account, book.epoch, entry, delta, now), 'row', entry.row, 'detail', entry.detail)
  markDirty(keys.dirty, account, entry.accountId, account.seq - 1, remainingBefore, now)
end
