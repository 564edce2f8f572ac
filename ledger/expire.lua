--[[ expire: the lease ran out and nobody settled. Charges what was accrued, gives back the rest; a later settle adjusts it.
  KEYS  1 account  2 hold  3 deadlines  4 dirty  5 receipts     ARGV  1 account id  2 id
  Reply { status, charged } ]]
local member = deadlineMember(ARGV[2], ARGV[1])
local hold = parseHold(redis.call('GET', KEYS[2]))
if not hold or hold.state ~= 'active' then
  redis.call('ZREM', KEYS[3], member)
  return { 'hold_not_found' }
end
local now = nowMs()
local names = decodeList(hold.windows)
local account, found = readAccount(KEYS[1], now, windowFields(names))
if not account then return { 'account_not_loaded' } end
-- An early expiry would leave uncollected what the call still runs up
if tonumber(redis.call('ZSCORE', KEYS[3], member)) > now then return { 'not_due' } end

local amount, accrued = hold.amount, hold.accrued
local book, list = bookOfHold(account, hold.epoch, amount), parseWindows(names, found, accountFields)
local remainingBefore, rawBefore = remainingOf(account), rawOf(account)
book.held = book.held - amount
conserve(book.held >= 0, 'held')
local room = roomOf(account, book)
local charged, uncollected = collect(accrued, 0, room)
moveWindows(list, charged, 0 - amount)
if accrued > 0 then
  spend(account, book, charged, room)
  conserve(rawOf(account) >= math.min(0, rawBefore), 'an expiry below zero')
  writeBooking({ account = KEYS[1], dirty = KEYS[4], receipts = KEYS[5] }, account, book, list, {
    accountId = ARGV[1], id = ARGV[2], kind = 'expired', calledIn = hold.epoch, row = hold.row, quantities = zeroQuantities,
    charged = charged, uncollected = uncollected, windows = hold.windows, detail = '',
  }, remainingBefore, now)
else
  local changes = changesOf(account, book)
  addWindows(changes, list)
  redis.call('HSET', KEYS[1], unpack(changes))
end
redis.call('SET', KEYS[2], holdText('expired', charged, uncollected, book.epoch, accrued > 0 and account.n or 0, hold.windows, hold.row))
if accrued == 0 then redis.call('PEXPIREAT', KEYS[2], forgetAt(now, ARGV[2])) end
redis.call('ZREM', KEYS[3], member)
return { 'expired', charged }
