--[[ expire: the lease ran out and nobody settled. Charges what was accrued, gives back the rest; a later settle adjusts it.
  KEYS  1 account  2 hold  3 rows  4 budgets  5 deadlines  6 dirty  7 receipts
  ARGV  1 account id  2 id  3 deadline member  4 depleted below  5 tombstone time
  Reply { status, charged } ]]
local depletedBelow, tombstoneMs = wholeNumber(ARGV[4]), wholeNumber(ARGV[5])

local hold = call('HMGET', KEYS[2], 'state', 'amount', 'accrued', 'epoch', 'row', 'windows', 'birth')
if hold[1] ~= 'active' then
  call('ZREM', KEYS[5], ARGV[3])
  return { 'hold_not_found' }
end
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
-- An early expiry would leave uncollected what the call still runs up
if tonumber(call('ZSCORE', KEYS[5], ARGV[3])) > now then return { 'not_due' } end

local amount, accrued, birth = tonumber(hold[2]), tonumber(hold[3]), tonumber(hold[7])
local calledIn = tonumber(hold[4])
local book, list = bookOfHold(account, calledIn, amount), readWindows(KEYS[4], hold[6])
local remainingBefore, rawBefore = remainingOf(account), rawOf(account)
book.held = book.held - amount
conserve(book.held >= 0, 'held')
local room = roomOf(account, book)
local charged, uncollected = collect(accrued, 0, room)
moveWindows(list, charged, 0 - amount)
if accrued > 0 then
  spend(account, book, charged, room)
  conserve(rawOf(account) >= math.min(0, rawBefore), 'an expiry below zero')
  writeBooking({ account = KEYS[1], rows = KEYS[3], dirty = KEYS[6], receipts = KEYS[7] }, account, book, {
    accountId = ARGV[1], id = ARGV[2], kind = 'expired', calledIn = calledIn, row = hold[5], quantities = quantitiesOf(zeroQuantities),
    charged = charged, uncollected = uncollected, windows = hold[6], detail = '',
    before = { charged = 0, uncollected = 0, quantities = zeroQuantities },
  }, remainingBefore, depletedBelow, now)
else
  call('HSET', KEYS[1], book.heldField, digits(book.held), 'version', digits(account.version + 1))
end
writeWindows(KEYS[4], list)
call('HSET', KEYS[2], 'state', 'expired', 'amount', '0', 'charged', digits(charged), 'uncollected', digits(uncollected),
  'epoch', digits(book.epoch), 'n', digits(accrued > 0 and account.n or 0))
if accrued == 0 then call('PEXPIREAT', KEYS[2], forgetAt(now, birth, tombstoneMs)) end
call('ZREM', KEYS[5], ARGV[3])
return { 'expired', charged }
