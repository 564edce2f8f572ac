--[[ reserve: set credits aside before work starts. Accrued starts at 0: a price accrued here would bill calls that never ran when this reply is lost.
  KEYS  1 account  2 hold  3 deadlines  4 clock
  ARGV  1 account id  2 id  3 amount  4 minimum  5 time to live, ms  6 row  7 levels  8 what must stay free beside it, here and under every limit  9… evidence
  Reply { status, … }: held, epoch, windows for 'created' and 'exists' ]]
local amount, minimum, ttlMs, beside = amountOf(ARGV[3]), amountOf(ARGV[4]), wholeNumber(ARGV[5]), amountOf(ARGV[8])
if minimum > amount then fail('minimum above amount') end

local known = redis.call('MGET', KEYS[2], KEYS[4])
if known[1] then
  local hold = parseHold(known[1])
  if hold.state ~= 'active' then return { 'already_charged', hold.charged } end
  if hold.asked ~= amount then return { 'exists_with_different_amount', hold.amount } end
  return { 'exists', hold.amount, hold.epoch, hold.windows }
end

local now, levels = nowMs(), decodeList(ARGV[7])
local account, found = readAccount(KEYS[1], now, limitFields(levels))
if not account then return { 'account_not_loaded' } end
local verdict, entry = meetUnknown(account, ARGV[2], KEYS[4], known[2], now, 9)
if verdict == 'ask' then return askJournal(account, now) end
if verdict == 'found' then return { 'already_charged', entry.charged } end

local names = windowsNow(levels, found, accountFields, now, account.utcOffsetMs)
local list = readWindows(KEYS[1], names)
local raw = rawOf(account)
local give = amount
-- Free work holds nothing and runs at zero too
if amount > 0 then
  if exposureCap and account.undrained >= exposureCap then return { 'backlogged' } end
  if remainingOf(account) < depletedBelow then return { 'credits_depleted' } end
  local available = math.max(0, raw)
  if available < minimum + beside or available == 0 then return { 'insufficient_credits', available } end
  give = math.min(amount, available - beside)
  local level, left = tightest(list, found, accountFields, { pause = true, stop = true })
  if level then
    if left < minimum + beside or left == 0 then return { 'budget_exhausted', level, left } end
    give = math.min(give, left - beside)
  end
end

account.current.held = account.current.held + give
moveWindows(list, 0, give)
local rawAfter = rawOf(account)
conserve(rawAfter == raw - give and (give == 0 or rawAfter >= 0), 'reserve')

local windows = encodeList(names)
local changes = changesOf(account, account.current)
addWindows(changes, list)
redis.call('HSET', KEYS[1], unpack(changes))
redis.call('SET', KEYS[2], holdText('active', amount, give, 0, account.current.epoch, windows, ARGV[6]))
-- A deadline, not a TTL on the hold: an expired key would take the credits with it.
redis.call('ZADD', KEYS[3], digits(now + ttlMs), deadlineMember(ARGV[2], ARGV[1]))
return { 'created', give, account.current.epoch, windows }
