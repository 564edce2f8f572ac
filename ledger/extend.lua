--[[ extend: the next slice of a lease. Progress is recorded and the deadline renewed even when more is refused.
  KEYS  1 account  2 hold  3 deadlines
  ARGV  1 account id  2 id  3 accrued, cumulative  4 more  5 time to live, ms
  Reply { status, held, … } ]]
local accrued, more, ttlMs = amountOf(ARGV[3]), amountOf(ARGV[4]), wholeNumber(ARGV[5])

local hold = parseHold(redis.call('GET', KEYS[2]))
if not hold or hold.state ~= 'active' then return { 'hold_not_found' } end
local names = decodeList(hold.windows)
local now, held, levels = nowMs(), hold.amount, levelsOf(names)
local account, found = readAccount(KEYS[1], now, limitFields(levels))
if not account then return { 'account_not_loaded' } end
local book = bookOfHold(account, hold.epoch, held)

local list, give, refusal = {}, 0, nil
local room = roomOf(account, book)
if more > 0 then
  list = readWindows(KEYS[1], names)
  local level, left = tightest(list, found, accountFields, { stop = true })
  give = math.min(more, room, left or room)
  if room == 0 then
    -- What this call holds it will use up: only the holds of others would make it 'insufficient'
    local spent = book.spent
    book.spent = spent + held
    local depleted = remainingOf(account) < depletedBelow
    book.spent = spent
    refusal = depleted and { 'credits_depleted', held } or { 'insufficient_credits', held, availableOf(account) }
  elseif give == 0 then
    refusal = { 'budget_exhausted', held, level, left }
  end
end
book.held = book.held + give
moveWindows(list, 0, give)
conserve(give <= room, 'extend')

-- Reordered progress must not take anything back: accrued only grows
redis.call('SET', KEYS[2], holdText('active', hold.asked, held + give, math.max(accrued, hold.accrued), book.epoch, hold.windows, hold.row))
redis.call('ZADD', KEYS[3], digits(now + ttlMs), deadlineMember(ARGV[2], ARGV[1]))
if give > 0 then
  local changes = changesOf(account, book)
  addWindows(changes, list)
  redis.call('HSET', KEYS[1], unpack(changes))
end
return refusal or { 'extended', held + give }
