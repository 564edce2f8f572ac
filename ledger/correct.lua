--[[ correct: adds what the journal has and the ledger has not, or takes back what it has too much. No receipt: the journal has it already.
  Nothing changes unless the account is in the life, and has had the corrections, in which the difference was read, and has not gone back since.
  KEYS  1 account  2 rows  3 budgets  4 dirty
  ARGV  1 account id  2 lineage  3 corrections  4 seq  5 number of rows
        6… rows '<epoch>|<row>' and what to add, 'charged,uncollected,units,input,cached,output,reasoning', each may be negative;
        then windows '<level>|<window>' and what to add
  Reply { status } ]]
local lineage, corrections, seq, rowCount = wholeNumber(ARGV[2]), wholeNumber(ARGV[3]), wholeNumber(ARGV[4]), wholeNumber(ARGV[5])
local firstWindow = 6 + 2 * rowCount
if #ARGV < firstWindow - 1 or (#ARGV - firstWindow + 1) % 2 ~= 0 then fail('not pairs of names and differences') end

--[[ Seven whole numbers below 10^15, each with its sign. One match for all: a long account has a thousand of these. ]]
local function differenceOf(text)
  local figures = { string.match(text, '^(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+)$') }
  if #figures ~= 7 then fail('not a difference of seven figures: ' .. text) end
  for i = 1, 7 do
    figures[i] = tonumber(figures[i])
    if math.abs(figures[i]) >= 1000000000000000 then fail('a figure of more than 15 digits: ' .. text) end
  end
  return figures
end

local rowDifferences, windowDifferences = {}, {}
for i = 6, firstWindow - 1, 2 do
  local epoch = wholeNumber(string.match(ARGV[i], '^(%d+)|'))
  rowDifferences[#rowDifferences + 1] = { field = ARGV[i], epoch = epoch, add = differenceOf(ARGV[i + 1]) }
end
for i = firstWindow, #ARGV, 2 do
  local window = string.match(ARGV[i], '^[^|]+|([^|]+)$')
  if not window then fail('not a level and its window: ' .. ARGV[i]) end
  windowDifferences[#windowDifferences + 1] = { name = ARGV[i], window = window, add = signedNumber(ARGV[i + 1]) }
end

local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local hadCorrections = tonumber(call('HGET', KEYS[1], 'corrections'))
if account.lineage ~= lineage or hadCorrections ~= corrections or account.seq < seq then return { 'changed' } end

--[[ A total that left the exact range would be wrong for ever. ]]
local function sum(one, other, what)
  local total = one + other
  conserve(total >= -9007199254740991 and total <= 9007199254740991, what)
  return total
end

account.seq = account.seq + 1
local rows = {}
for _, one in ipairs(rowDifferences) do
  -- An epoch that has left Redis is the archive's
  local book = bookOf(account, one.epoch)
  if book then
    local row = rows[one.field]
    if not row then
      row = { 0, 0, 0, 0, 0, 0, 0 }
      local packed = call('HGET', KEYS[2], one.field)
      if packed then
        local text = { string.match(packed, '^(%-?%d+),(%-?%d+),%d+,(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+),(%-?%d+)$') }
        conserve(#text == 7, 'row ' .. one.field)
        for i = 1, 7 do row[i] = tonumber(text[i]) end
      end
      rows[one.field] = row
    end
    for i = 1, 7 do row[i] = sum(row[i], one.add[i], 'row ' .. one.field) end
    book.spent = sum(book.spent, one.add[1], 'spent')
    book.corrected = true
  end
end

local open = {}
for _, window in ipairs({ 'day', 'week', 'month', 'total' }) do open[windowName(window, now, account.utcOffsetMs)] = true end
local windows = {}
for _, one in ipairs(windowDifferences) do
  local spent = windows[one.name] or tonumber(call('HGET', KEYS[3], one.name .. '|s'))
  -- One that is over and not here limits nothing any more: it would only stay
  if spent or open[one.window] then windows[one.name] = math.max(0, sum(spent or 0, one.add, one.name)) end
end

local changes = { 'seq', digits(account.seq), 'corrections', digits(corrections + 1), 'version', digits(account.version + 1) }
for _, book in ipairs({ account.current, unpack(account.earlier) }) do
  if book.corrected then
    changes[#changes + 1] = book.spentField
    changes[#changes + 1] = digits(book.spent)
  end
end
call('HSET', KEYS[1], unpack(changes))
for field, row in pairs(rows) do
  call('HSET', KEYS[2], field, string.format('%d,%d,%d,%d,%d,%d,%d,%d', row[1], row[2], account.seq, row[3], row[4], row[5], row[6], row[7]))
end
for name, spent in pairs(windows) do
  call('HSET', KEYS[3], name .. '|s', digits(spent))
  call('HSETNX', KEYS[3], name .. '|h', '0')
end
-- Alerts, and all who look at the balance, hear of it at once
call('ZADD', KEYS[4], '0', ARGV[1])
return { 'corrected' }
