--[[ correct: adds what the journal has and the ledger has not, or takes back what it has too much. No receipt: the journal has it already.
  Nothing changes unless the account is in the life, and has had the corrections, in which the difference was read, and has not gone back since.
  KEYS  1 account  2 dirty
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
if account.lineage ~= lineage or account.corrections ~= corrections or account.seq < seq then return { 'changed' } end

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
      row = { 0, 0, 0, 0, 0, 0, 0, 0 }
      local packed = redis.call('HGET', KEYS[1], 'row|' .. one.field)
      if packed then row = numbersOf(packed) end
      conserve(#row == 8, 'row ' .. one.field)
      rows[one.field] = row
    end
    for i, add in ipairs(one.add) do
      -- The third figure of a row is its seq
      local at = i <= 2 and i or i + 1
      row[at] = sum(row[at], add, 'row ' .. one.field)
    end
    book.spent = sum(book.spent, one.add[1], 'spent')
  end
end

local open = openWindows(now, account.utcOffsetMs)
local windows = {}
for _, one in ipairs(windowDifferences) do
  local window = windows[one.name] or readWindows(KEYS[1], { one.name })[1]
  -- One that is over and not here limits nothing any more: it would only stay
  if window.known or open[one.window] then
    window.spent = math.max(0, sum(window.spent, one.add, one.name))
    windows[one.name] = window
  end
end

account.corrections, account.version = corrections + 1, account.version + 1
local changes = { 'figures', figuresOf(account), 'life', lifeOf(account), 'earlier', earlierOf(account) }
for field, row in pairs(rows) do
  row[3] = account.seq
  changes[#changes + 1] = 'row|' .. field
  changes[#changes + 1] = packNumbers(row)
end
for _, window in pairs(windows) do addWindows(changes, { window }) end
for i = 1, #changes, 2 do redis.call('HSET', KEYS[1], changes[i], changes[i + 1]) end
-- Alerts, and all who look at the balance, hear of it at once
redis.call('ZADD', KEYS[2], '0', ARGV[1])
return { 'corrected' }
