--[[ settle: what the work cost, once per id. It always succeeds: what there is no room for is uncollected. Zero writes a receipt too.
  KEYS  1 account  2 hold  3 rows  4 budgets  5 deadlines  6 dirty  7 receipts  8 clock
  ARGV  1 account id  2 id  3 birth  4 actual  5 row  6 quantities  7 levels, one a line  8 epoch in which the call began, '' if not known
        9 windows in which it began  10 detail  11 depleted below  12 tombstone time  13 slack  14 deadline member  15… evidence
  Reply { status, charged, uncollected, epoch } ]]
local birth, actual, depletedBelow = wholeNumber(ARGV[3]), amountOf(ARGV[4]), wholeNumber(ARGV[11])
local tombstoneMs, slackMs = wholeNumber(ARGV[12]), wholeNumber(ARGV[13])
local began = ARGV[8] ~= '' and wholeNumber(ARGV[8]) or nil
local quantities = quantitiesOf(ARGV[6])

local hold = call('HMGET', KEYS[2], 'state', 'amount', 'epoch', 'row', 'windows', 'charged', 'uncollected', 'n')
local state = hold[1]
if state == 'settled' or state == 'released' then
  return { 'exists', tonumber(hold[6]), tonumber(hold[7]), tonumber(hold[3]) }
end
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end

local calledIn, row, windows
local amount = 0
local before = { charged = 0, uncollected = 0, quantities = zeroQuantities }
if state == 'active' then
  amount, calledIn, row, windows = tonumber(hold[2]), tonumber(hold[3]), ARGV[5], hold[5]
  bookOfHold(account, calledIn, amount)
elseif state == 'expired' then
  -- The row that has the first charge takes the adjustment; an expiry that charged nothing left none
  calledIn, row, windows = tonumber(hold[3]), hold[8] == '0' and ARGV[5] or hold[4], hold[5]
  before.charged, before.uncollected = tonumber(hold[6]), tonumber(hold[7])
else
  local verdict, found = meetUnknown(account, KEYS[8], birth, now, tombstoneMs, slackMs, 15)
  if verdict == 'ask' then return askJournal(account, now) end
  if verdict == 'found' then
    if found.kind == 'settled' then return { 'exists', found.charged, found.uncollected, found.epoch } end
    calledIn, row, windows, before = found.epoch, found.row, found.windows, found
  else
    calledIn, row = began or account.current.epoch, ARGV[5]
    windows = began and ARGV[9] or windowsOf(KEYS[4], ARGV[7], now, account.utcOffsetMs)
  end
end

-- An epoch that has left Redis is booked in the current one: a partial row must not overwrite its archive
local book = bookOf(account, calledIn) or account.current
local list = readWindows(KEYS[4], windows)
local remainingBefore, rawBefore = remainingOf(account), rawOf(account)
book.held = book.held - amount
conserve(book.held >= 0, 'held')
-- A call that no hold covers any more was held in the life that was lost
if not state then account.quarantine = account.quarantine - math.min(account.quarantine, math.max(0, actual - before.charged)) end
local room = roomOf(account, book)
local charged, uncollected = collect(actual, before.charged, room)
conserve(charged >= 0 and charged + uncollected == actual, 'settle')
moveWindows(list, charged - before.charged, 0 - amount)
spend(account, book, charged - before.charged, room)
conserve(rawOf(account) >= math.min(0, rawBefore), 'a settlement below zero')

writeBooking({ account = KEYS[1], rows = KEYS[3], dirty = KEYS[6], receipts = KEYS[7] }, account, book, {
  accountId = ARGV[1], id = ARGV[2], kind = 'settled', calledIn = calledIn, row = row, quantities = quantities,
  charged = charged, uncollected = uncollected, windows = windows, detail = ARGV[10], before = before,
}, remainingBefore, depletedBelow, now)
writeWindows(KEYS[4], list)
call('HSET', KEYS[2], 'state', 'settled', 'amount', '0', 'charged', digits(charged), 'uncollected', digits(uncollected),
  'epoch', digits(book.epoch), 'n', digits(account.n), 'birth', digits(birth), 'row', '', 'windows', '')
-- The tombstone lives until its receipt is in the journal: the clock of the expiry's receipt may have been started
if state == 'expired' then call('PERSIST', KEYS[2]) end
if state == 'active' then call('ZREM', KEYS[5], ARGV[14]) end
return { 'settled', charged, uncollected, book.epoch }
