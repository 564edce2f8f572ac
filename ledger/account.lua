--[[ An account is one hash. Beside its limits and windows (budgets.lua) it has these fields, each whole numbers packed as doubles, one behind another:
  most of what an operation costs Redis is reading and writing numbers, and nothing else is as fast. `readable` turns them into JSON lists for
  everybody outside.
  figures  seq, n, drained, acked, version, spent, held, quarantine, undrained
  life     lineage, bornIn, knownSince, quarantineUntil, corrections
  terms    version, epoch, granted, used, utcOffsetMs, alertsAt, …
  earlier  epoch, spent, held, free, counted of each earlier epoch; '' when there is none
  row|<epoch>|<row>  charged, uncollected, seq, units, input, cached, output, reasoning ]]

--[[ How many fields `readAccount` reads before those that its caller adds. ]]
local accountFields = 4

--[[ The account as a table, nil if it is not loaded, and all that was read: what `more` asked for begins behind `accountFields`.
  A book is one epoch's spent and held; an earlier one has money of its own, `free`. ]]
local function readAccount(key, now, more)
  local found = redis.call('HMGET', key, 'figures', 'life', 'terms', 'earlier', unpack(more or {}))
  if not found[1] then return nil end
  local seq, n, drained, acked, version, spent, held, quarantine, undrained = struct.unpack('<ddddddddd', found[1])
  local lineage, bornIn, knownSince, quarantineUntil, corrections = struct.unpack('<ddddd', found[2])
  local termsVersion, epoch, granted, used, utcOffsetMs = struct.unpack('<ddddd', found[3])
  local earlier = {}
  if found[4] ~= '' then
    local list = numbersOf(found[4])
    for i = 1, #list, 5 do
      earlier[#earlier + 1] = { epoch = list[i], spent = list[i + 1], held = list[i + 2], free = list[i + 3], counted = list[i + 4] }
    end
  end
  return {
    seq = seq, n = n, drained = drained, acked = acked, version = version,
    quarantine = now < quarantineUntil and quarantine or 0, undrained = undrained,
    lineage = lineage, bornIn = bornIn, knownSince = knownSince, quarantineUntil = quarantineUntil, corrections = corrections,
    termsVersion = termsVersion, granted = granted, used = used, utcOffsetMs = utcOffsetMs, terms = found[3],
    current = { epoch = epoch, spent = spent, held = held }, earlier = earlier,
  }, found
end

local function figuresOf(account)
  local current = account.current
  return struct.pack('<ddddddddd', account.seq, account.n, account.drained, account.acked, account.version, current.spent, current.held,
    account.quarantine, account.undrained)
end

local function lifeOf(account)
  return struct.pack('<ddddd', account.lineage, account.bornIn, account.knownSince, account.quarantineUntil, account.corrections)
end

local function earlierOf(account)
  local list = {}
  for _, book in ipairs(account.earlier) do
    for _, number in ipairs({ book.epoch, book.spent, book.held, book.free, book.counted }) do list[#list + 1] = number end
  end
  return packNumbers(list)
end

--[[ Fields and values for one HSET: what an operation has changed in an account and in the book that it moved. ]]
local function changesOf(account, book)
  account.version = account.version + 1
  if book == account.current then return { 'figures', figuresOf(account) } end
  return { 'figures', figuresOf(account), 'earlier', earlierOf(account) }
end

--[[ A flat list of fields and values with numbers as JSON lists, as account-hash.ts and rows.ts read them. ]]
local function readable(flat)
  for i = 1, #flat, 2 do
    local kind = string.match(flat[i], '^%a+')
    if kind == 'figures' or kind == 'life' or kind == 'terms' or kind == 'earlier' or kind == 'row' or kind == 'window' then
      local list = numbersOf(flat[i + 1])
      for at, number in ipairs(list) do list[at] = digits(number) end
      flat[i + 1] = '[' .. table.concat(list, ',') .. ']'
    end
  end
  return flat
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
  local current = account.current
  local raw = account.granted - account.used - current.spent - current.held - account.quarantine
  local earlier = account.earlier
  for i = 1, #earlier do
    local book = earlier[i]
    raw = raw - over(book.spent + book.held, book.free) + over(book.counted, book.free)
  end
  return raw
end

local function availableOf(account)
  local raw = rawOf(account)
  return raw > 0 and raw or 0
end

local function remainingOf(account)
  local remaining = account.granted - account.used - account.current.spent
  local earlier = account.earlier
  for i = 1, #earlier do
    local book = earlier[i]
    remaining = remaining - over(book.spent, book.free) + over(book.counted, book.free)
  end
  return remaining > 0 and remaining or 0
end

--[[ What a charge in this book may take, once the call's own hold is out of it. ]]
local function roomOf(account, book)
  local available = availableOf(account)
  if book.free then return available + math.max(0, book.free - book.spent - book.held) end
  return available
end
