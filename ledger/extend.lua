--[[ extend: the next slice of a lease. Progress is recorded and the deadline renewed even when more is refused.
  KEYS  1 account  2 hold  3 budgets  4 deadlines
  ARGV  1 deadline member  2 accrued, cumulative  3 more  4 time to live, ms  5 depleted below
  Reply { status, held, … } ]]
local accrued, more, ttlMs, depletedBelow = amountOf(ARGV[2]), amountOf(ARGV[3]), wholeNumber(ARGV[4]), wholeNumber(ARGV[5])

local hold = call('HMGET', KEYS[2], 'state', 'amount', 'accrued', 'epoch', 'windows')
if hold[1] ~= 'active' then return { 'hold_not_found' } end
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local held = tonumber(hold[2])
local book = bookOfHold(account, tonumber(hold[4]), held)

local list, level, left = {}, nil, nil
local give = 0
local refusal
if more > 0 then
  local room = roomOf(account, book)
  list = readWindows(KEYS[3], hold[5])
  level, left = tightest(KEYS[3], list, { stop = true })
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
local roomBefore = roomOf(account, book)
book.held = book.held + give
moveWindows(list, 0, give)
conserve(give <= roomBefore, 'extend')

-- Reordered progress must not take anything back: accrued only grows
call('HSET', KEYS[2], 'accrued', digits(math.max(accrued, tonumber(hold[3]))), 'amount', digits(held + give), 'epoch', digits(book.epoch))
call('ZADD', KEYS[4], digits(now + ttlMs), ARGV[1])
if give > 0 then
  call('HSET', KEYS[1], book.heldField, digits(book.held), 'version', digits(account.version + 1))
  writeWindows(KEYS[3], list)
end
return refusal or { 'extended', held + give }
