--[[ reserve: set credits aside before work starts. Accrued starts at 0: a price accrued here would bill calls that never ran when this reply is lost.
  KEYS  1 account  2 hold  3 budgets  4 deadlines  5 clock
  ARGV  1 deadline member  2 birth  3 amount  4 minimum  5 time to live, ms  6 row  7 levels, one a line  8 depleted below
        9 exposure cap or ''  10 tombstone time  11 slack  12… evidence
  Reply { status, … }: held, epoch, windows for 'created' and 'exists' ]]
local birth, amount, minimum, ttlMs = wholeNumber(ARGV[2]), amountOf(ARGV[3]), amountOf(ARGV[4]), wholeNumber(ARGV[5])
local depletedBelow, tombstoneMs, slackMs = wholeNumber(ARGV[8]), wholeNumber(ARGV[10]), wholeNumber(ARGV[11])
local exposureCap = ARGV[9] ~= '' and wholeNumber(ARGV[9]) or nil
if minimum > amount then fail('minimum above amount') end

local hold = call('HMGET', KEYS[2], 'state', 'asked', 'amount', 'epoch', 'windows', 'charged')
if hold[1] == 'active' then
  local held = tonumber(hold[3])
  if tonumber(hold[2]) ~= amount then return { 'exists_with_different_amount', held } end
  return { 'exists', held, tonumber(hold[4]), hold[5] }
end
if hold[1] then return { 'already_charged', tonumber(hold[6]) } end

local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local verdict, found = meetUnknown(account, KEYS[5], birth, now, tombstoneMs, slackMs, 12)
if verdict == 'ask' then return askJournal(account, now) end
if verdict == 'found' then return { 'already_charged', found.charged } end

local windows = windowsOf(KEYS[3], ARGV[7], now, account.utcOffsetMs)
local list = readWindows(KEYS[3], windows)
local give = amount
-- Free work holds nothing and runs at zero too
if amount > 0 then
  if exposureCap and account.undrained >= exposureCap then return { 'backlogged' } end
  if remainingOf(account) < depletedBelow then return { 'credits_depleted' } end
  local available = availableOf(account)
  if available < minimum or available == 0 then return { 'insufficient_credits', available } end
  give = math.min(amount, available)
  local level, left = tightest(KEYS[3], list, { pause = true, stop = true })
  if level then
    if left < minimum or left == 0 then return { 'budget_exhausted', level, left } end
    give = math.min(give, left)
  end
end

local rawBefore = rawOf(account)
account.current.held = account.current.held + give
moveWindows(list, 0, give)
conserve(rawOf(account) == rawBefore - give and (give == 0 or rawOf(account) >= 0), 'reserve')

call('HSET', KEYS[2], 'state', 'active', 'asked', digits(amount), 'amount', digits(give), 'accrued', '0',
  'epoch', digits(account.current.epoch), 'row', ARGV[6], 'windows', windows, 'birth', digits(birth))
call('HSET', KEYS[1], 'held', digits(account.current.held), 'version', digits(account.version + 1))
writeWindows(KEYS[3], list)
-- A deadline, not a TTL on the hold: an expired key would take the credits with it.
call('ZADD', KEYS[4], digits(now + ttlMs), ARGV[1])
return { 'created', give, account.current.epoch, windows }
