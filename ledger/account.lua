--[[ An account is one hash. Beside its limits and windows (budgets.lua) it has these fields, each a JSON list: one list is read and written faster
  than its numbers one by one. account-hash.ts and rows.ts read the same.
  figures  [seq, n, drained, acked, version, spent, held, quarantine, undrained]
  life     [lineage, bornIn, knownSince, quarantineUntil, corrections]
  terms    [version, epoch, granted, used, utcOffsetMs, alertsAt, …]
  earlier  [[epoch, spent, held, free, counted], …]
  row|<epoch>|<row>  [charged, uncollected, seq, units, input, cached, output, reasoning] ]]

--[[ How many fields `readAccount` reads before those that its caller adds. ]]
local accountFields = 4

--[[ The account as a table, nil if it is not loaded, and all that was read: what `more` asked for begins behind `accountFields`.
  A book is one epoch's spent and held; an earlier one has money of its own, `free`. ]]
local function readAccount(key, now, more)
  local found = call('HMGET', key, 'figures', 'life', 'terms', 'earlier', unpack(more or {}))
  if not found[1] then return nil end
  local figures, life, terms = decode(found[1]), decode(found[2]), decode(found[3])
  local earlier = found[4] == '[]' and {} or decode(found[4])
  for i = 1, #earlier do
    local one = earlier[i]
    earlier[i] = { epoch = one[1], spent = one[2], held = one[3], free = one[4], counted = one[5] }
  end
  return {
    seq = figures[1], n = figures[2], drained = figures[3], acked = figures[4], version = figures[5],
    quarantine = now < life[4] and figures[8] or 0, undrained = figures[9],
    lineage = life[1], bornIn = life[2], knownSince = life[3], quarantineUntil = life[4], corrections = life[5],
    termsVersion = terms[1], granted = terms[3], used = terms[4], utcOffsetMs = terms[5], alertsAt = { unpack(terms, 6) },
    current = { epoch = terms[2], spent = figures[6], held = figures[7] }, earlier = earlier,
  }, found
end

local function figuresOf(account)
  return format('[%d,%d,%d,%d,%d,%d,%d,%d,%d]', account.seq, account.n, account.drained, account.acked, account.version,
    account.current.spent, account.current.held, account.quarantine, account.undrained)
end

local function lifeOf(account)
  return format('[%d,%d,%d,%d,%d]', account.lineage, account.bornIn, account.knownSince, account.quarantineUntil, account.corrections)
end

local function termsOf(account)
  local alerts = ''
  for _, threshold in ipairs(account.alertsAt) do alerts = alerts .. ',' .. digits(threshold) end
  return format('[%d,%d,%d,%d,%d%s]', account.termsVersion, account.current.epoch, account.granted, account.used, account.utcOffsetMs, alerts)
end

local function earlierOf(account)
  local list = {}
  for i, book in ipairs(account.earlier) do
    list[i] = format('[%d,%d,%d,%d,%d]', book.epoch, book.spent, book.held, book.free, book.counted)
  end
  return '[' .. table.concat(list, ',') .. ']'
end

local noRow = '[0,0,0,0,0,0,0,0]'

local function rowText(row)
  return format('[%d,%d,%d,%d,%d,%d,%d,%d]', unpack(row))
end

--[[ Fields and values for one HSET: what an operation has changed in an account and in the book that it moved. ]]
local function changesOf(account, book)
  account.version = account.version + 1
  if book == account.current then return { 'figures', figuresOf(account) } end
  return { 'figures', figuresOf(account), 'earlier', earlierOf(account) }
end

--[[ nil for an epoch that Redis does not hold. ]]
local function bookOf(account, epoch)
  if epoch == account.current.epoch then return account.current end
  for _, book in ipairs(account.earlier) do
    if book.epoch == epoch then return book end
  end
  return nil
end

--[[ The book of a live hold. Free work holds nothing, so its epoch may leave Redis under it: then it is the current one's. ]]
local function bookOfHold(account, epoch, amount)
  local book = bookOf(account, epoch) or amount == 0 and account.current
  conserve(book, 'a hold of an epoch that is gone')
  return book
end

-- Balances: credits/balance.ts says the same in TypeScript.

local function over(amount, free)
  if amount > free then return amount - free end
  return 0
end

local function rawOf(account)
  local raw = account.granted - account.used - account.current.spent - account.current.held - account.quarantine
  local earlier = account.earlier
  for i = 1, #earlier do
    local book = earlier[i]
    raw = raw - over(book.spent + book.held, book.free) + over(book.counted, book.free)
  end
  return raw
end

local function availableOf(account)
  return max(0, rawOf(account))
end

local function remainingOf(account)
  local remaining = account.granted - account.used - account.current.spent
  local earlier = account.earlier
  for i = 1, #earlier do
    local book = earlier[i]
    remaining = remaining - over(book.spent, book.free) + over(book.counted, book.free)
  end
  return max(0, remaining)
end

--[[ What a charge in this book may take, once the call's own hold is out of it. ]]
local function roomOf(account, book)
  local own = 0
  if book.free then own = max(0, book.free - book.spent - book.held) end
  return availableOf(account) + own
end
