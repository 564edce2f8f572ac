--[[ charge: a one-shot debit, all or nothing. One that was accepted before and then lost is never refused: its shortfall is uncollected.
  KEYS  1 account  2 hold  3 rows  4 budgets  5 dirty  6 receipts  7 clock
  ARGV  1 account id  2 id  3 birth  4 amount  5 row  6 quantities  7 levels, one a line  8 epoch in which it was accepted, '' if not known
        9 windows of then  10 detail  11 depleted below  12 tombstone time  13 slack  14 '1' if accepted  15 exposure cap or ''  16… evidence
  Reply { status, … }: charged, uncollected, epoch for 'settled' and 'exists' ]]
local birth, amount, depletedBelow = wholeNumber(ARGV[3]), amountOf(ARGV[4]), wholeNumber(ARGV[11])
local tombstoneMs, slackMs = wholeNumber(ARGV[12]), wholeNumber(ARGV[13])
local began = ARGV[8] ~= '' and wholeNumber(ARGV[8]) or nil
local accepted = ARGV[14] == '1'
local exposureCap = ARGV[15] ~= '' and wholeNumber(ARGV[15]) or nil
local quantities = quantitiesOf(ARGV[6])

local hold = call('HMGET', KEYS[2], 'state', 'charged', 'uncollected', 'epoch')
if hold[1] then
  local charged, uncollected = tonumber(hold[2] or '0'), tonumber(hold[3] or '0')
  if hold[1] == 'active' or hold[1] == 'settled' and charged + uncollected ~= amount then
    return { 'exists_with_different_amount', charged }
  end
  return { 'exists', charged, uncollected, tonumber(hold[4]) }
end
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local verdict, found = meetUnknown(account, KEYS[7], birth, now, tombstoneMs, slackMs, 16)
if verdict == 'ask' then return askJournal(account, now) end
if verdict == 'found' then
  if found.kind == 'settled' and found.charged + found.uncollected ~= amount then
    return { 'exists_with_different_amount', found.charged }
  end
  return { 'exists', found.charged, found.uncollected, found.epoch }
end

local calledIn = began or account.current.epoch
local book = bookOf(account, calledIn) or account.current
local windows = began and ARGV[9] or windowsOf(KEYS[4], ARGV[7], now, account.utcOffsetMs)
local list = readWindows(KEYS[4], windows)
local remainingBefore, rawBefore = remainingOf(account), rawOf(account)
if accepted then
  account.quarantine = account.quarantine - math.min(account.quarantine, amount)
elseif amount > 0 then
  if exposureCap and account.undrained >= exposureCap then return { 'backlogged' } end
  if remainingBefore < depletedBelow then return { 'credits_depleted' } end
  if roomOf(account, book) < amount then return { 'insufficient_credits', roomOf(account, book) } end
  local level, left = tightest(KEYS[4], list, { pause = true, stop = true })
  if level and left < amount then return { 'budget_exhausted', level, left } end
end
local room = roomOf(account, book)
local charged, uncollected = collect(amount, 0, room)
conserve(charged + uncollected == amount and (accepted or uncollected == 0), 'charge')
moveWindows(list, charged, 0)
spend(account, book, charged, room)
conserve(rawOf(account) >= math.min(0, rawBefore), 'a charge below zero')

writeBooking({ account = KEYS[1], rows = KEYS[3], dirty = KEYS[5], receipts = KEYS[6] }, account, book, {
  accountId = ARGV[1], id = ARGV[2], kind = 'settled', calledIn = calledIn, row = ARGV[5], quantities = quantities,
  charged = charged, uncollected = uncollected, windows = windows, detail = ARGV[10],
  before = { charged = 0, uncollected = 0, quantities = zeroQuantities },
}, remainingBefore, depletedBelow, now)
writeWindows(KEYS[4], list)
call('HSET', KEYS[2], 'state', 'settled', 'charged', digits(charged), 'uncollected', digits(uncollected),
  'epoch', digits(book.epoch), 'n', digits(account.n), 'birth', digits(birth))
return { 'settled', charged, uncollected, book.epoch }
