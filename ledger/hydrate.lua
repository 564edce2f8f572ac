--[[ hydrate: a new life of an account, from the terms and the journal's totals. Only if it is absent and the lock is still the caller's:
  a hydrate that comes late would write old totals.
  KEYS  1 account  2 dirty  3 lock  4 clock  5 loaded
  ARGV  1 account id  2 token  3 lineage  4 held in the life that was lost  5 quarantine, ms  6 latest birth that the journal has  7 the journal's clock  8–16 terms
        17 number of rows  18… rows '<epoch>|<row>' and their packed totals, then budgets '<level>|<window>' and what they spent
  Reply { status } ]]
local lineage, lostHeld, quarantineMs = wholeNumber(ARGV[3]), wholeNumber(ARGV[4]), wholeNumber(ARGV[5])
local newestBirth, journalNow = wholeNumber(ARGV[6]), wholeNumber(ARGV[7])
local terms = readTerms(8)
local rowCount = wholeNumber(ARGV[8 + termsLength])
local firstRow = 9 + termsLength
local firstBudget = firstRow + 2 * rowCount

if redis.call('EXISTS', KEYS[1]) == 1 then return { 'present' } end
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return { 'lock_lost' } end

local rows, spent = {}, { [terms.epoch] = 0 }
for _, one in ipairs(terms.earlier) do spent[one.epoch] = 0 end
for i = firstRow, firstBudget - 1, 2 do
  local epoch, row = wholeNumber(string.match(ARGV[i], '^(%d+)|')), cjson.decode(ARGV[i + 1])
  if not spent[epoch] then fail('a row of an epoch that is not open: ' .. ARGV[i]) end
  conserve(#row == 8, 'row ' .. ARGV[i])
  rows['row|' .. ARGV[i]] = packNumbers(row)
  spent[epoch] = spent[epoch] + row[1]
end
for i = firstBudget, #ARGV, 2 do wholeNumber(ARGV[i + 1]) end

local now = nowMs()
-- The tombstones of the life before are gone, those of ids born ahead of this clock too: by the slack, and by as much as the clock of the Redis
-- that was lost was ahead of this one. No further than a tombstone stands from whichever clock is ahead, this one or the journal's: one absurd
-- birth must not make the account ask for ever.
local knownSince = math.max(now, math.min(newestBirth, math.max(now, journalNow) + tombstoneMs))
local account = {
  -- `version` starts at the time, so that two lives of an account do not show a feed the same one
  seq = 1, n = 0, drained = 0, acked = 0, version = now, quarantine = 0, undrained = 0,
  lineage = lineage, bornIn = lineage, knownSince = knownSince, quarantineUntil = now + quarantineMs, corrections = 0,
  current = { epoch = terms.epoch, spent = spent[terms.epoch], held = 0 }, earlier = {},
}
setTerms(account, terms)
for i, one in ipairs(terms.earlier) do
  account.earlier[i] = { epoch = one.epoch, spent = spent[one.epoch], held = 0, free = one.free, counted = one.counted }
end
account.quarantine = math.min(lostHeld, availableOf(account))

noteTime(KEYS[4], now)
redis.call('HSET', KEYS[1], 'figures', figuresOf(account), 'life', lifeOf(account), 'terms', termsText(terms), 'earlier', earlierOf(account), 'card', terms.card)
for field, row in pairs(rows) do redis.call('HSET', KEYS[1], field, row) end
for i = firstBudget, #ARGV, 2 do redis.call('HSET', KEYS[1], 'window|' .. ARGV[i], struct.pack('<dd', wholeNumber(ARGV[i + 1]), 0)) end
writeLimits(KEYS[1], terms.limits)
redis.call('ZADD', KEYS[2], 'NX', digits(now), ARGV[1])
redis.call('ZADD', KEYS[5], '0', ARGV[1])
redis.call('DEL', KEYS[3])
return { 'hydrated' }
