--[[ Books what a charge has come to: row, spent, receipt, dirty mark. Shared by settle, charge and expire. ]]

local zeroQuantities = '[0,0,0,0,0]'

--[[ Five whole numbers, in the order of `quantityNames`. ]]
local function quantitiesOf(text)
  local list = decode(text)
  for i = 1, 5 do
    local one = list[i]
    if type(one) ~= 'number' or one < 0 or one >= 1e15 or one % 1 ~= 0 then fail('not five quantities: ' .. text) end
  end
  return list
end

--[[ What the id takes in all when it took `before` until now: beyond that, what there is room for; what falls short is uncollected. ]]
local function collect(actual, before, room)
  if actual <= before then return actual, 0 end
  local charged = before + min(actual - before, room)
  return charged, actual - charged
end

--[[ The change that `charged` makes to a book, in memory. Beyond the room that `before` left it nothing may be taken. ]]
local function spend(account, book, delta, room)
  conserve(delta <= room, 'charged more than there is room for')
  book.spent = book.spent + delta
  account.seq = account.seq + 1
  account.n = account.n + 1
  -- What is spent and not yet in the journal, refunds left aside: what an exposure cap bounds
  account.undrained = account.undrained + max(0, delta)
end

--[[ Crossing an alert threshold or running out is worth telling the workflow at once. ]]
local function crossed(account, before, after)
  if after >= before then return false end
  if before >= depletedBelow and after < depletedBelow then return true end
  local alerts = account.alertsAt
  for i = 1, #alerts do
    if before > alerts[i] and after <= alerts[i] then return true end
  end
  return false
end

--[[ Writes the account after `spend`, its windows, and `entry`: accountId, id, kind, calledIn, row, quantities (text), charged, uncollected
  (the id's totals), windows, detail, and `before`: what of them was booked already, nil for nothing. ]]
local function writeBooking(keys, account, book, list, entry, remainingBefore, now)
  local field = 'row|' .. digits(book.epoch) .. '|' .. entry.row
  local row, q = decode(call('HGET', keys.account, field) or noRow), quantitiesOf(entry.quantities)
  conserve(#row == 8, 'row ' .. field)
  local delta, short = entry.charged, entry.uncollected
  for i = 1, 5 do row[3 + i] = row[3 + i] + q[i] end
  if entry.before then
    delta, short = delta - entry.before.charged, short - entry.before.uncollected
    local counted = quantitiesOf(entry.before.quantities)
    for i = 1, 5 do row[3 + i] = row[3 + i] - counted[i] end
  end
  row[1], row[2], row[3] = row[1] + delta, row[2] + short, account.seq

  local changes = changesOf(account, book)
  changes[#changes + 1] = field
  changes[#changes + 1] = rowText(row)
  addWindows(changes, list)
  call('HSET', keys.account, unpack(changes))
  call('XADD', keys.receipts, '*', 'account', entry.accountId, 'id', entry.id, 'booked',
    format('["%s",%d,%d,%d,%d,%d,%d,%d,%d,%s,%s]', entry.kind, account.n, account.lineage, max(0, delta), book.epoch, entry.calledIn,
      entry.charged, entry.uncollected, now, entry.quantities, entry.windows),
    'row', entry.row, 'detail', entry.detail)
  if crossed(account, remainingBefore, remainingOf(account)) then
    call('ZADD', keys.dirty, 0, entry.accountId)
  elseif account.acked == account.seq - 1 then
    -- While rows wait to be acknowledged it is marked already
    call('ZADD', keys.dirty, 'NX', digits(now), entry.accountId)
  end
end
