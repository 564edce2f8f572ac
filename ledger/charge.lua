--[[ charge: a one-shot debit, all or nothing. One that was accepted before and then lost is never refused: its shortfall is uncollected.
  KEYS  1 account  2 hold  3 dirty  4 receipts  5 clock
  ARGV  1 account id  2 id  3 amount  4 row  5 quantities  6 levels  7 epoch in which it was accepted, '' if not known  8 windows of then
        9 detail  10 '1' if accepted  11… evidence
  Reply { status, … }: charged, uncollected, epoch for 'settled' and 'exists' ]]
local amount = amountOf(ARGV[3])
local began = ARGV[7] ~= '' and wholeNumber(ARGV[7]) or nil
local accepted = ARGV[10] == '1'

local known = redis.call('MGET', KEYS[2], KEYS[5])
if known[1] then
  local hold = parseHold(known[1])
  if hold.state == 'active' then return { 'exists_with_different_amount', 0 } end
  if hold.state == 'settled' and hold.charged + hold.uncollected ~= amount then
    return { 'exists_with_different_amount', hold.charged }
  end
  return { 'exists', hold.charged, hold.uncollected, hold.epoch }
end
local now = nowMs()
local names = began and decodeList(ARGV[8])
local levels = names and levelsOf(names) or decodeList(ARGV[6])
local account, found = readAccount(KEYS[1], now, limitFields(levels))
if not account then return { 'account_not_loaded' } end
local verdict, entry = meetUnknown(account, ARGV[2], KEYS[5], known[2], now, 11)
if verdict == 'ask' then return askJournal(account, now) end
if verdict == 'found' then
  if entry.kind == 'settled' and entry.charged + entry.uncollected ~= amount then
    return { 'exists_with_different_amount', entry.charged }
  end
  return { 'exists', entry.charged, entry.uncollected, entry.epoch }
end

local calledIn = began or account.current.epoch
local book = bookOf(account, calledIn) or account.current
names = names or windowsNow(levels, found, accountFields, now, account.utcOffsetMs)
local list = readWindows(KEYS[1], names)
local remainingBefore, rawBefore = remainingOf(account), rawOf(account)
if accepted then
  account.quarantine = account.quarantine - math.min(account.quarantine, amount)
elseif amount > 0 then
  if exposureCap and account.undrained >= exposureCap then return { 'backlogged' } end
  if remainingBefore < depletedBelow then return { 'credits_depleted' } end
  if roomOf(account, book) < amount then return { 'insufficient_credits', roomOf(account, book) } end
  local level, left = tightest(list, found, accountFields, { pause = true, stop = true })
  if level and left < amount then return { 'budget_exhausted', level, left } end
end
local room = roomOf(account, book)
local charged, uncollected = collect(amount, 0, room)
conserve(charged + uncollected == amount and (accepted or uncollected == 0), 'charge')
moveWindows(list, charged, 0)
spend(account, book, charged, room)
conserve(rawOf(account) >= math.min(0, rawBefore), 'a charge below zero')

writeBooking({ account = KEYS[1], dirty = KEYS[3], receipts = KEYS[4] }, account, book, list, {
  accountId = ARGV[1], id = ARGV[2], kind = 'settled', calledIn = calledIn, row = ARGV[4], quantities = ARGV[5],
  charged = charged, uncollected = uncollected, windows = encodeList(names), detail = ARGV[9],
}, remainingBefore, now)
redis.call('SET', KEYS[2], holdText('settled', charged, uncollected, book.epoch, account.n))
return { 'settled', charged, uncollected, book.epoch }
