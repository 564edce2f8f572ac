--[[ settle-together: what several calls cost that ran under one hold, each under an id of its own, once per id. The hold pays for each up to the part that the
  call had of it; what a call did not need of its part stays in the hold for others, as long as the hold keeps it. Nothing happens unless the hold is active; a call whose id the
  journal would have to be asked about, or that was settled in another way, is left alone: `settle` knows what to do.
  KEYS  1 account  2 hold  3 deadlines  4 dirty  5 receipts  6 clock  7… each call's own tombstone
  ARGV  1 account id  2 id of the hold  3 what the hold keeps after this, '' for all: the rest is given back, and with 0 it ends  4… of each call: id, actual, its part, row, quantities, detail
  Reply { 'hold_not_found' } or { 'settled', status, charged, uncollected, epoch, … }: four of each call, status 'settled', 'exists' or 'alone' ]]
local perCall = 6
local count = #KEYS - 6
if #ARGV ~= 3 + perCall * count then fail('not as many calls as tombstones') end

local hold = parseHold(redis.call('GET', KEYS[2]))
if not hold or hold.state ~= 'active' then return { 'hold_not_found' } end
local now = nowMs()
local names = decodeList(hold.windows)
local account, found = readAccount(KEYS[1], now, windowFields(names))
if not account then return { 'account_not_loaded' } end
local epoch = hold.epoch
local book, list = bookOfHold(account, epoch, hold.amount), parseWindows(names, found, accountFields)
local known = count > 0 and redis.call('MGET', unpack(KEYS, 6)) or {}
local seen = count > 0 and latestSeen(KEYS[6], known[1], now) or now
local remainingBefore, rawBefore, seqBefore = remainingOf(account), rawOf(account), account.seq

local reply, rows, tombstones, receipts, fresh = { 'settled' }, {}, {}, {}, {}
for i = 1, count do
  local at = 4 + perCall * (i - 1)
  local id, actual, part = ARGV[at], amountOf(ARGV[at + 1]), amountOf(ARGV[at + 2])
  local own = parseHold(known[1 + i])
  local status, charged, uncollected, bookedIn = 'alone', 0, 0, 0
  if own and (own.state == 'settled' or own.state == 'released') then
    status, charged, uncollected, bookedIn = 'exists', own.charged, own.uncollected, own.epoch
  elseif not own and not fresh[id] and isYoung(account, id, seen, now) then
    fresh[id] = true
    local paid = math.min(actual, part, hold.amount)
    hold.amount = hold.amount - paid
    book.held = book.held - paid
    conserve(book.held >= 0, 'held')
    local room = roomOf(account, book)
    charged, uncollected = collect(actual, 0, room)
    moveWindows(list, charged, 0 - paid)
    spend(account, book, charged, room)
    local entry = {
      kind = 'settled', calledIn = epoch, row = ARGV[at + 3], quantities = ARGV[at + 4], charged = charged, uncollected = uncollected, windows = hold.windows,
    }
    local field = rowField(book.epoch, entry.row)
    local delta
    rows[field], delta = addToRow(rows[field] or redis.call('HGET', KEYS[1], field), account, entry)
    receipts[#receipts + 1] = { id, bookedText(account, book.epoch, entry, delta, now), entry.row, ARGV[at + 5] }
    tombstones[#tombstones + 1] = KEYS[6 + i]
    tombstones[#tombstones + 1] = holdText('settled', charged, uncollected, book.epoch, account.n)
    status, bookedIn = 'settled', book.epoch
  end
  local to = #reply
  reply[to + 1], reply[to + 2], reply[to + 3], reply[to + 4] = status, charged, uncollected, bookedIn
end

local keeps = ARGV[3] ~= '' and amountOf(ARGV[3]) or hold.amount
local ends, surplus = ARGV[3] ~= '' and keeps == 0, math.max(0, hold.amount - keeps)
hold.amount = hold.amount - surplus
moveWindows(list, 0, 0 - surplus)
book.held = book.held - surplus
conserve(book.held >= 0, 'held')
conserve(rawOf(account) >= math.min(0, rawBefore), 'settlements below zero')

local changed = #receipts > 0 or surplus > 0 or ends
if changed then
  local changes = changesOf(account, book)
  for field, row in pairs(rows) do
    changes[#changes + 1] = field
    changes[#changes + 1] = row
  end
  addWindows(changes, list)
  redis.call('HSET', KEYS[1], unpack(changes))
end
for i = 1, #receipts do
  local receipt = receipts[i]
  redis.call('XADD', KEYS[5], '*', 'account', ARGV[1], 'id', receipt[1], 'booked', receipt[2], 'row', receipt[3], 'detail', receipt[4])
end
if #receipts > 0 then
  -- Without expiry: a tombstone lives until its receipt is in the journal
  redis.call('MSET', unpack(tombstones))
  markDirty(KEYS[4], account, ARGV[1], seqBefore, remainingBefore, now)
end
if ends then
  redis.call('SET', KEYS[2], holdText('released', 0, 0, epoch, 0), 'PXAT', forgetAt(now, ARGV[2]))
  redis.call('ZREM', KEYS[3], deadlineMember(ARGV[2], ARGV[1]))
elseif changed then
  redis.call('SET', KEYS[2], holdText('active', hold.asked, hold.amount, hold.accrued, epoch, hold.windows, hold.row))
end
return reply
