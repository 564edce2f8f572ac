--[[ Books what a charge has come to: row, spent, receipt, dirty mark. Shared by settle, charge and expire. ]]

local zeroQuantities = '0,0,0,0,0'

--[[ Five whole numbers, in the order of `quantityNames`. ]]
local function quantitiesOf(text)
  local list = {}
  for number in string.gmatch(text .. ',', '([^,]*),') do list[#list + 1] = wholeNumber(number) end
  if #list ~= 5 then fail('not five quantities: ' .. text) end
  return list
end

--[[ What the id takes in all when it took `before` until now: beyond that, what there is room for; what falls short is uncollected. ]]
local function collect(actual, before, room)
  if actual <= before then return actual, 0 end
  local charged = before + math.min(actual - before, room)
  return charged, actual - charged
end

--[[ The change that `charged` makes to a book, in memory. Beyond the room that `before` left it nothing may be taken. ]]
local function spend(account, book, delta, room)
  conserve(delta <= room, 'charged more than there is room for')
  book.spent = book.spent + delta
  account.seq = account.seq + 1
  account.n = account.n + 1
  account.version = account.version + 1
  -- What is spent and not yet in the journal, refunds left aside: what an exposure cap bounds
  account.undrained = account.undrained + math.max(0, delta)
end

--[[ Crossing an alert threshold or running out is worth telling the workflow at once. ]]
local function crossed(account, before, after, depletedBelow)
  if after >= before then return false end
  if before >= depletedBelow and after < depletedBelow then return true end
  for threshold in string.gmatch(account.alertsAt, '%d+') do
    local at = tonumber(threshold)
    if before > at and after <= at then return true end
  end
  return false
end

--[[ Writes the account after `spend`, and `entry`: accountId, id, kind, calledIn, row, quantities, charged, uncollected (the id's totals),
  windows, detail, and `before`: what of them was booked already. ]]
local function writeBooking(keys, account, book, entry, remainingBefore, depletedBelow, now)
  local field = digits(book.epoch) .. '|' .. entry.row
  local total = { 0, 0, 0, 0, 0, 0, 0, 0 }
  local packed = call('HGET', keys.rows, field)
  if packed then
    local i = 0
    for number in string.gmatch(packed, '%-?%d+') do
      i = i + 1
      total[i] = tonumber(number)
    end
    conserve(i == 8, 'row ' .. field)
  end
  local delta = entry.charged - entry.before.charged
  total[1] = total[1] + delta
  total[2] = total[2] + entry.uncollected - entry.before.uncollected
  total[3] = account.seq
  local quantities, counted = quantitiesOf(entry.quantities), quantitiesOf(entry.before.quantities)
  for i = 1, 5 do total[3 + i] = total[3 + i] + quantities[i] - counted[i] end
  for i = 1, 8 do total[i] = digits(total[i]) end

  call('HSET', keys.account, 'seq', digits(account.seq), 'n', digits(account.n), 'version', digits(account.version),
    'undrained', digits(account.undrained), 'quarantine', digits(account.quarantine),
    book.spentField, digits(book.spent), book.heldField, digits(book.held))
  call('HSET', keys.rows, field, table.concat(total, ','))
  call('XADD', keys.receipts, '*', 'account', entry.accountId, 'id', entry.id, 'kind', entry.kind, 'epoch', digits(book.epoch),
    'calledIn', digits(entry.calledIn), 'row', entry.row, 'quantities', entry.quantities, 'charged', digits(entry.charged),
    'uncollected', digits(entry.uncollected), 'windows', entry.windows, 'lineage', digits(account.lineage), 'n', digits(account.n),
    'atMs', digits(now), 'rise', digits(math.max(0, delta)), 'detail', entry.detail)
  if crossed(account, remainingBefore, remainingOf(account), depletedBelow) then
    call('ZADD', keys.dirty, 0, entry.accountId)
  else
    call('ZADD', keys.dirty, 'NX', digits(now), entry.accountId)
  end
end
