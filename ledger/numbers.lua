--[[ Numbers, and what every script shares. In a script: read, decide, assert, then write, for a runtime error does not take earlier writes back.
  Amounts are whole micro-credits; doubles keep them exact to 2^53. They leave as integer replies or by '%d': `..` prints 14 digits. ]]
local call, find, format, match, sub = redis.call, string.find, string.format, string.match, string.sub
local decode, encode = cjson.decode, cjson.encode
local max, min = math.max, math.min

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

--[[ The text of a list of texts: cjson writes an empty list as an object. ]]
local function encodeList(list)
  if #list == 0 then return '[]' end
  return encode(list)
end

local function conserve(holds, what)
  if not holds then fail('does not add up: ' .. what) end
end
