--[[ Numbers, and what every script shares. In a script: read, decide, assert, then write, for a runtime error does not take earlier writes back.
  Amounts are whole micro-credits; doubles keep them exact to 2^53. They leave as integer replies, by '%d' or packed as doubles: `..` prints 14 digits.
  A name of this file that a function uses costs every run of a script more than the global behind it: `redis.call` is short for nothing. ]]

local function fail(what)
  error({ err = 'LEDGER ' .. what })
end

--[[ Bare tonumber lets 'nan', '-1', '0x10' and '1e3' through, and `available < nan` is false: it would pass every balance check. ]]
local function wholeNumber(text)
  if type(text) ~= 'string' or #text > 15 or not string.find(text, '^%d+$') then
    fail('not a whole number of at most 15 digits: ' .. tostring(text))
  end
  return tonumber(text)
end

local function signedNumber(text)
  if type(text) ~= 'string' or #text > 16 or not string.find(text, '^%-?%d+$') or #text == 16 and string.find(text, '^%d') then
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
  return string.format('%d', number)
end

--[[ Any number of packed numbers: what knows how many there are says so in the format. ]]
local function numbersOf(packed)
  local list = { struct.unpack('<' .. string.rep('d', #packed / 8), packed) }
  -- Behind the values comes where the next one would begin
  list[#list] = nil
  return list
end

local function packNumbers(list)
  return struct.pack('<' .. string.rep('d', #list), unpack(list))
end

--[[ Lists of texts as JSON: cjson writes an empty list as an object. ]]
local function encodeList(list)
  if #list == 0 then return '[]' end
  return cjson.encode(list)
end

local function decodeList(text)
  if text == '[]' then return {} end
  return cjson.decode(text)
end

local function conserve(holds, what)
  if not holds then fail('does not add up: ' .. what) end
end
