--[[ settle: what the work cost, once per id. It always succeeds: what there is no room for is uncollected. Zero writes a receipt too.
  KEYS  1 account  2 hold  3 deadlines  4 dirty  5 receipts  6 clock
  ARGV  1 account id  2 id  3 actual  4 row  5 quantities  6 levels  7 epoch in which the call began, '' if not known
        8 windows in which it began  9 detail  10… evidence
  Reply { status, charged, uncollected, epoch } ]]
local actual = amountOf(ARGV[3])
local began = ARGV[7] ~= '' and wholeNumber(ARGV[7]) or nil

local hold = parseHold(redis.call('GET', KEYS[2]))
local state = hold and hold.state
if state == 'settled' or state == 'released' then return { 'exists', hold.charged, hold.uncollected, hold.epoch } end
local now = nowMs()
local windows = hold and hold.windows
local names = windows and decodeList(windows)
local account, found = readAccount(KEYS[1], now, names and windowFields(names))
if not account then return { 'account_not_loaded' } end

local calledIn, book, before
local row, amount = ARGV[4], 0
if state == 'active' then
  amount, calledIn = hold.amount, hold.epoch
  book = bookOfHold(account, calledIn, amount)
elseif state == 'expired' then
  calledIn, before = hold.epoch, { charged = hold.charged, uncollected = hold.uncollected, quantities = zeroQuantities }
  -- The row that has the first charge takes the adjustment; an expiry that charged nothing left none
  if hold.n ~= 0 then row = hold.row end
else
  local verdict, entry = meetUnknown(account, ARGV[2], KEYS[6], redis.call('GET', KEYS[6]), now, 10)
  if verdict == 'ask' then return askJournal(account, now) end
  if verdict == 'found' then
    if entry.kind == 'settled' then return { 'exists', entry.charged, entry.uncollected, entry.epoch } end
    calledIn, row, names, before = entry.epoch, entry.row, decodeList(entry.windows), entry
  else
    calledIn = began or account.current.epoch
    names = began and decodeList(ARGV[8]) or windowsOpen(KEYS[1], decodeList(ARGV[6]), now, account.utcOffsetMs)
  end
end

-- An epoch that has left Redis is booked in the current one: a partial row must not overwrite its archive
book = book or bookOf(account, calledIn) or account.current
local list = hold and parseWindows(names, found, accountFields) or readWindows(KEYS[1], names)
local taken = before and before.charged or 0
local remainingBefore, rawBefore = remainingOf(account), rawOf(account)
book.held = book.held - amount
conserve(book.held >= 0, 'held')
-- A call that no hold covers any more was held in the life that was lost
if not state then account.quarantine = account.quarantine - math.min(account.quarantine, math.max(0, actual - taken)) end
local room = roomOf(account, book)
local charged, uncollected = collect(actual, taken, room)
conserve(charged >= 0 and charged + uncollected == actual, 'settle')
moveWindows(list, charged - taken, 0 - amount)
spend(account, book, charged - taken, room)
conserve(rawOf(account) >= math.min(0, rawBefore), 'a settlement below zero')

writeBooking({ account = KEYS[1], dirty = KEYS[4], receipts = KEYS[5] }, account, book, list, {
  accountId = ARGV[1], id = ARGV[2], kind = 'settled', calledIn = calledIn, row = row, quantities = ARGV[5],
  charged = charged, uncollected = uncollected, windows = windows or encodeList(names), detail = ARGV[9], before = before,
}, remainingBefore, now)
-- Without expiry: the tombstone lives until its receipt is in the journal, though the clock of an expiry's receipt may have been started
redis.call('SET', KEYS[2], holdText('settled', charged, uncollected, book.epoch, account.n))
if state == 'active' then redis.call('ZREM', KEYS[3], deadlineMember(ARGV[2], ARGV[1])) end
return { 'settled', charged, uncollected, book.epoch }
