--[[ Books what a charge has come to: row, spent, receipt, dirty mark. Shared by settle, charge and expire. ]]

local zeroQuantities = '0,0,0,0,0'

--[[ Five whole numbers, in the order of `quantityNames`. One match instead of five: this runs for every charge. ]]
local function quantitiesOf(text)
  if text == zeroQuantities then return { 0, 0, 0, 0, 0 } end
  local units, input, cached, output, reasoning = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  if not units or #text > 79 then fail('not five quantities: ' .. text) end
  return { tonumber(units), tonumber(input), tonumber(cached), tonumber(output), tonumber(reasoning) }
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

--[[ Writes the account after `spend`, and `entry`: accountId, id, kind, calledIn, row, quantities (a list), charged, uncollected (the id's totals),
  windows, detail, and `before`: what of them was booked already. ]]
local function writeBooking(keys, account, book, entry, remainingBefore, depletedBelow, now)
  local field = digits(book.epoch) .. '|' .. entry.row
  local charged, uncollected, seq, units, input, cached, output, reasoning = '0', '0', '0', '0', '0', '0', '0', '0'
  local packed = call('HGET', keys.rows, field)
  if packed then
    charged, uncollected, seq, units, input, cached, output, reasoning =
      string.match(packed, '^(%-?%d+),(%-?%d+),(%d+),(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+)$')
    conserve(charged, 'row ' .. field)
  end
  local delta = entry.charged - entry.before.charged
  local q, counted = entry.quantities, quantitiesOf(entry.before.quantities)
  local row = string.format('%d,%d,%d,%d,%d,%d,%d,%d', tonumber(charged) + delta,
    tonumber(uncollected) + entry.uncollected - entry.before.uncollected, account.seq, tonumber(units) + q[1] - counted[1],
    tonumber(input) + q[2] - counted[2], tonumber(cached) + q[3] - counted[3], tonumber(output) + q[4] - counted[4],
    tonumber(reasoning) + q[5] - counted[5])

  call('HSET', keys.account, 'seq', digits(account.seq), 'n', digits(account.n), 'version', digits(account.version),
    'undrained', digits(account.undrained), 'quarantine', digits(account.quarantine),
    book.spentField, digits(book.spent), book.heldField, digits(book.held))
  call('HSET', keys.rows, field, row)
  call('XADD', keys.receipts, '*', 'account', entry.accountId, 'id', entry.id, 'kind', entry.kind, 'epoch', digits(book.epoch),
    'calledIn', digits(entry.calledIn), 'row', entry.row, 'quantities', string.format('%d,%d,%d,%d,%d', unpack(q)), 'charged', digits(entry.charged),
    'uncollected', digits(entry.uncollected), 'windows', entry.windows, 'lineage', digits(account.lineage), 'n', digits(account.n),
    'atMs', digits(now), 'rise', digits(math.max(0, delta)), 'detail', entry.detail)
  if crossed(account, remainingBefore, remainingOf(account), depletedBelow) then
    call('ZADD', keys.dirty, 0, entry.accountId)
  else
    call('ZADD', keys.dirty, 'NX', digits(now), entry.accountId)
  end
end
