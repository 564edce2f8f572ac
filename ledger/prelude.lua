--[[ What every script of the ledger shares. In a script: read, decide, assert, then write, for a runtime error does not take earlier writes back.
  Amounts are whole micro-credits; doubles keep them exact to 2^53. They leave as integer replies or by '%d': `..` prints 14 digits. ]]
local call, find, format = redis.call, string.find, string.format

local function fail(what)
  error({ err = 'LEDGER ' .. what })
end

--[[ Bare tonumber lets 'nan', '-1', '0x10' and '1e3' through, and `available < nan` is false: it would pass every balance check. ]]
local function wholeNumber(text)
  if type(text) ~= 'string' or #text > 15 or not find(text, '^%d+$') then
    fail('not a whole number of at most 15 digits: ' .. tostring(text))
  end
  return tonumber(text)
end

local function signedNumber(text)
  if type(text) ~= 'string' or #text > 16 or not find(text, '^%-?%d+$') or #text == 16 and find(text, '^%d') then
    fail('not a whole number of at most 15 digits: ' .. tostring(text))
  end
  return tonumber(text)
end

--[[ One operation moves at most a million credits, so that no total can leave the exact range. ]]
local function amountOf(text)
  local amount = wholeNumber(text)
  if amount > 1000000000000 then fail('more than one operation may move: ' .. text) end
  return amount
end

local function digits(number)
  return format('%d', number)
end

local function conserve(holds, what)
  if not holds then fail('does not add up: ' .. what) end
end

-- Balances: credits/balance.ts says the same in TypeScript.

local function over(amount, free)
  if amount > free then return amount - free end
  return 0
end

--[[ The figures of an account, nil if it is not loaded. A book is one epoch's spent and held; an earlier one has money of its own, `free`. ]]
local function readAccount(key, now)
  local f = call('HMGET', key, 'lineage', 'seq', 'n', 'version', 'epoch', 'granted', 'used', 'spent', 'held', 'epochs',
    'quarantine', 'quarantineUntil', 'knownSince', 'undrained', 'utcOffsetMs', 'alertsAt')
  if not f[1] then return nil end
  local current = { epoch = tonumber(f[5]), spent = tonumber(f[8]), held = tonumber(f[9]), spentField = 'spent', heldField = 'held' }
  local account = {
    lineage = tonumber(f[1]), seq = tonumber(f[2]), n = tonumber(f[3]), version = tonumber(f[4]),
    granted = tonumber(f[6]), used = tonumber(f[7]), current = current, earlier = {},
    quarantine = tonumber(f[11]), knownSince = tonumber(f[13]), undrained = tonumber(f[14]),
    utcOffsetMs = tonumber(f[15]), alertsAt = f[16],
  }
  if now >= tonumber(f[12]) then account.quarantine = 0 end
  for epoch in string.gmatch(f[10], '%d+') do
    local g = call('HMGET', key, 'spent:' .. epoch, 'held:' .. epoch, 'free:' .. epoch, 'counted:' .. epoch)
    account.earlier[#account.earlier + 1] = {
      epoch = tonumber(epoch), spent = tonumber(g[1]), held = tonumber(g[2]), free = tonumber(g[3]), counted = tonumber(g[4]),
      spentField = 'spent:' .. epoch, heldField = 'held:' .. epoch,
    }
  end
  return account
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

local function rawOf(account)
  local raw = account.granted - account.used - account.current.spent - account.current.held - account.quarantine
  for _, book in ipairs(account.earlier) do
    raw = raw - over(book.spent + book.held, book.free) + over(book.counted, book.free)
  end
  return raw
end

local function availableOf(account)
  return math.max(0, rawOf(account))
end

local function remainingOf(account)
  local remaining = account.granted - account.used - account.current.spent
  for _, book in ipairs(account.earlier) do
    remaining = remaining - over(book.spent, book.free) + over(book.counted, book.free)
  end
  return math.max(0, remaining)
end

--[[ What a charge in this book may take, once the call's own hold is out of it. ]]
local function roomOf(account, book)
  local own = 0
  if book.free then own = math.max(0, book.free - book.spent - book.held) end
  return availableOf(account) + own
end

-- Ids

--[[ The latest time that this shard has seen: a clock that jumped ahead forgot tombstones, and must not admit their ids once it is set back.
  Noted once per `slackMs / 6`, since every write goes to disk, on an idle ledger too; the slack of the gate covers it. ]]
local function latestSeen(clockKey, now, slackMs)
  local seen = tonumber(call('GET', clockKey) or '0')
  if now > seen + slackMs / 6 then call('SET', clockKey, digits(now)) end
  return math.max(now, seen)
end

--[[ What Redis may believe of an id that it does not know: 'new', or 'ask' the journal, or 'found' with what the journal has.
  Evidence starts at ARGV[at]: lineage, time, kind ('' when not found), charged, uncollected, quantities, epoch, row, windows. ]]
local function meetUnknown(account, clockKey, birth, now, tombstoneMs, slackMs, at)
  local seen = latestSeen(clockKey, now, slackMs)
  if ARGV[at] and wholeNumber(ARGV[at]) == account.lineage then
    local asked = wholeNumber(ARGV[at + 1])
    if asked <= now and now - asked < tombstoneMs / 2 then
      if ARGV[at + 2] == '' then return 'new' end
      return 'found', {
        kind = ARGV[at + 2], charged = wholeNumber(ARGV[at + 3]), uncollected = wholeNumber(ARGV[at + 4]),
        quantities = ARGV[at + 5], epoch = wholeNumber(ARGV[at + 6]), row = ARGV[at + 7], windows = ARGV[at + 8],
      }
    end
  end
  if birth >= math.max(seen - tombstoneMs, account.knownSince) + slackMs and birth <= now + slackMs then return 'new' end
  return 'ask'
end

local function askJournal(account, now)
  return { 'ask_journal', account.lineage, now }
end

--[[ When a tombstone may go: an id as young as this one must still be asked about by then. ]]
local function forgetAt(now, birth, tombstoneMs)
  return digits(math.max(now, birth) + tombstoneMs)
end

-- Budgets: `<level>|limit` -> 'limit,window,atLimit'; `<level>|<window>|s` and `|h` -> spent and held of that window

local function windowName(window, now, utcOffsetMs)
  if window == 'total' then return 'all' end
  local day = math.floor((now + utcOffsetMs) / 86400000)
  if window == 'day' then return 'd' .. digits(day) end
  -- 1970-01-01 was a Thursday: weeks begin on Monday
  if window == 'week' then return 'w' .. digits(math.floor((day + 3) / 7)) end
  -- Civil month from the day number: years begin in March, so that the leap day comes last
  local shifted = day + 719468
  local era = math.floor(shifted / 146097)
  local dayOfEra = shifted - era * 146097
  local yearOfEra = math.floor((dayOfEra - math.floor(dayOfEra / 1460) + math.floor(dayOfEra / 36524) - math.floor(dayOfEra / 146096)) / 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + math.floor(yearOfEra / 4) - math.floor(yearOfEra / 100))
  local march = math.floor((5 * dayOfYear + 2) / 153)
  local month = march < 10 and march + 3 or march - 9
  local year = yearOfEra + era * 400 + (month <= 2 and 1 or 0)
  return 'm' .. digits(year * 100 + month)
end

--[[ The window in which each level counts now. One without a limit counts by the month, so that a limit set later finds what was spent. ]]
local function windowsOf(budgetsKey, levels, now, utcOffsetMs)
  local names, fields = {}, {}
  for level in string.gmatch(levels, '[^\n]+') do
    names[#names + 1] = level
    fields[#fields + 1] = level .. '|limit'
  end
  if #names == 0 then return '' end
  local limits = call('HMGET', budgetsKey, unpack(fields))
  for i, level in ipairs(names) do
    local window = limits[i] and string.match(limits[i], '^%d+,(%a+),') or 'month'
    names[i] = level .. '|' .. windowName(window, now, utcOffsetMs)
  end
  return table.concat(names, '\n')
end

--[[ Spent and held of each `level|window`. ]]
local function readWindows(budgetsKey, windows)
  local list, fields = {}, {}
  for name in string.gmatch(windows, '[^\n]+') do
    list[#list + 1] = { name = name }
    fields[#fields + 1] = name .. '|s'
    fields[#fields + 1] = name .. '|h'
  end
  if #list == 0 then return list end
  local figures = call('HMGET', budgetsKey, unpack(fields))
  for i, one in ipairs(list) do
    one.spent = tonumber(figures[2 * i - 1] or '0')
    one.held = tonumber(figures[2 * i] or '0')
  end
  return list
end

local windowLetters = { day = 'd', week = 'w', month = 'm', total = 'a' }

--[[ The level with the least left among those whose limit refuses now: the level and what is left; nil if none does.
  A limit whose window has changed since the hold began does not bind the hold. ]]
local function tightest(budgetsKey, list, refuses)
  if #list == 0 then return nil end
  local fields = {}
  for i, one in ipairs(list) do fields[i] = string.match(one.name, '^(.*)|[^|]*$') .. '|limit' end
  local limits = call('HMGET', budgetsKey, unpack(fields))
  local level, left
  for i, one in ipairs(list) do
    local limit, window, atLimit = string.match(limits[i] or '', '^(%d+),(%a+),(%a+)$')
    if limit and refuses[atLimit] and string.match(one.name, '|(%a)[^|]*$') == windowLetters[window] then
      local here = math.max(0, tonumber(limit) - one.spent - one.held)
      if not left or here < left then
        level, left = string.match(one.name, '^(.*)|[^|]*$'), here
      end
    end
  end
  return level, left
end

--[[ Moves what each window has spent and holds. A window that Redis has dropped may owe a refund: it reads 0. ]]
local function moveWindows(list, spent, held)
  for _, one in ipairs(list) do
    one.spent = math.max(0, one.spent + spent)
    one.held = one.held + held
    conserve(one.held >= 0, 'held of ' .. one.name)
  end
end

local function writeWindows(budgetsKey, list)
  if #list == 0 then return end
  local changes = {}
  for _, one in ipairs(list) do
    changes[#changes + 1] = one.name .. '|s'
    changes[#changes + 1] = digits(one.spent)
    changes[#changes + 1] = one.name .. '|h'
    changes[#changes + 1] = digits(one.held)
  end
  call('HSET', budgetsKey, unpack(changes))
end
