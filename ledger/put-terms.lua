--[[ putTerms: what the account workflow grants, absolute and versioned. An older version or epoch changes nothing, so repeats and reorders are harmless.
  KEYS  1 account  2 dirty  3 waiters  4 wakeable
  ARGV  1 account id  2… terms
  Reply { status } ]]
local terms = readTerms(2)
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
if terms.version <= account.termsVersion or terms.epoch < account.current.epoch then return { 'older' } end

local named = {}
for _, one in ipairs(terms.earlier) do named[one.epoch] = one end
local rollsOver = terms.epoch > account.current.epoch
if rollsOver then
  local old = account.current
  old.free, old.counted = 0, math.max(0, old.spent)
  account.earlier[#account.earlier + 1] = old
  account.current = { epoch = terms.epoch, spent = 0, held = 0 }
end
for _, book in ipairs(account.earlier) do
  local one = named[book.epoch]
  if one then
    book.free, book.counted = one.free, one.counted
  else
    -- The workflow has closed it, with all that the journal had of it in `used`; Redis holds it because it went back in time, or was ahead of
    -- a period that nobody named. What it counted then is old, and would never again be what it spent. What it spends from here on counts
    -- beyond that, as in any earlier period. A charge that neither journal nor archive has yet is not counted for a moment: closing the
    -- period waits for its receipt, and brings it into the archive.
    book.counted = math.max(0, book.spent)
  end
end
setTerms(account, terms)
account.version = account.version + 1
redis.call('HSET', KEYS[1], 'figures', figuresOf(account), 'terms', termsText(terms), 'earlier', earlierOf(account), 'card', terms.card)
writeLimits(KEYS[1], terms.limits)
-- Somebody is parked, and there may be more to spend now, or another limit
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('ZADD', KEYS[4], digits(now), ARGV[1]) end
if rollsOver then
  -- The old period leaves Redis by reconciliation, which must come by even if nobody works any more
  redis.call('ZADD', KEYS[2], 'NX', digits(now), ARGV[1])
  -- Windows that are over and hold nothing would pile up. One that a clock ahead of this one has opened is yet to come: what was spent stays in it
  local open = openNumbers(now, account.utcOffsetMs)
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local letter, number = string.match(field, '^window|.*|(%a)(%d+)$')
    if letter and tonumber(number) < open[letter] then
      local _, held = struct.unpack('<dd', redis.call('HGET', KEYS[1], field))
      if held == 0 then redis.call('HDEL', KEYS[1], field) end
    end
  end
end
return { 'put' }
