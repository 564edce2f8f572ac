--[[ putTerms: what the account workflow grants, absolute and versioned. An older version or epoch changes nothing, so repeats and reorders are harmless.
  KEYS  1 account  2 budgets  3 dirty
  ARGV  1 account id  2… terms
  Reply { status } ]]
local terms = readTerms(2)
local known = call('HMGET', KEYS[1], 'termsVersion', 'epoch')
if not known[1] then return { 'account_not_loaded' } end
if terms.version <= tonumber(known[1]) or terms.epoch < tonumber(known[2]) then return { 'older' } end
local now = nowMs()
local account = readAccount(KEYS[1], now)

local named = {}
for _, one in ipairs(terms.earlier) do named[one.epoch] = one end
local changes = {}
local function set(field, value)
  changes[#changes + 1] = field
  changes[#changes + 1] = value
end

local earlier = account.earlier
local rollsOver = terms.epoch > account.current.epoch
if rollsOver then
  local old = account.current
  earlier[#earlier + 1] = { epoch = old.epoch, spent = old.spent, held = old.held, free = 0, counted = math.max(0, old.spent) }
  set('spent:' .. digits(old.epoch), digits(old.spent))
  set('held:' .. digits(old.epoch), digits(old.held))
  set('spent', '0')
  set('held', '0')
end
local epochs = {}
for i, book in ipairs(earlier) do
  -- One that the terms do not name keeps what it had; a period just ended and not named had no money of its own, and is in `used`
  local one = named[book.epoch] or book
  epochs[i] = digits(book.epoch)
  set('free:' .. epochs[i], digits(one.free))
  set('counted:' .. epochs[i], digits(one.counted))
end
set('epochs', table.concat(epochs, ','))
set('termsVersion', digits(terms.version))
set('epoch', digits(terms.epoch))
set('granted', digits(terms.granted))
set('used', digits(terms.used))
set('utcOffsetMs', digits(terms.utcOffsetMs))
set('alertsAt', terms.alertsAt)
set('card', terms.card)
set('version', digits(account.version + 1))

call('HSET', KEYS[1], unpack(changes))
writeLimits(KEYS[2], terms.limits)
if rollsOver then
  -- The old period leaves Redis by reconciliation, which must come by even if nobody works any more
  call('ZADD', KEYS[3], 'NX', digits(now), ARGV[1])
  -- Windows that are over and hold nothing would pile up
  local open = {}
  for _, window in ipairs({ 'day', 'week', 'month', 'total' }) do open[windowName(window, now, terms.utcOffsetMs)] = true end
  for _, field in ipairs(call('HKEYS', KEYS[2])) do
    local name, window = string.match(field, '^(.*|([^|]*))|h$')
    if name and not open[window] and call('HGET', KEYS[2], field) == '0' then call('HDEL', KEYS[2], field, name .. '|s') end
  end
end
return { 'put' }
