--[[ Budgets lie in the account's hash: `limit|<level>` -> 'limit,window,atLimit'; `window|<level>|<window>` -> spent and held of that window. ]]

local windowLetters = { day = 'd', week = 'w', month = 'm', total = 'a' }

local function windowName(window, now, utcOffsetMs)
  if window == 'total' then return 'all' end
  local localNow = now + utcOffsetMs
  local day = (localNow - localNow % 86400000) / 86400000
  if window == 'day' then return string.format('d%d', day) end
  -- 1970-01-01 was a Thursday: weeks begin on Monday
  if window == 'week' then return string.format('w%d', (day + 3 - (day + 3) % 7) / 7) end
  -- Civil month from the day number: years begin in March, so that the leap day comes last
  local floor = math.floor
  local shifted = day + 719468
  local era = floor(shifted / 146097)
  local dayOfEra = shifted - era * 146097
  local yearOfEra = floor((dayOfEra - floor(dayOfEra / 1460) + floor(dayOfEra / 36524) - floor(dayOfEra / 146096)) / 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + floor(yearOfEra / 4) - floor(yearOfEra / 100))
  local march = floor((5 * dayOfYear + 2) / 153)
  local month = march < 10 and march + 3 or march - 9
  local year = yearOfEra + era * 400 + (month <= 2 and 1 or 0)
  return string.format('m%d', year * 100 + month)
end

--[[ The names of the windows that are open now, as a set. ]]
local function openWindows(now, utcOffsetMs)
  local open = {}
  for window in pairs(windowLetters) do open[windowName(window, now, utcOffsetMs)] = true end
  return open
end

--[[ Of each kind of window, by its letter, the number of the one that is open now: those with a lower one are over. ]]
local function openNumbers(now, utcOffsetMs)
  local numbers = {}
  for window, letter in pairs(windowLetters) do
    numbers[letter] = tonumber(string.sub(windowName(window, now, utcOffsetMs), 2))
  end
  return numbers
end

local function prefixed(prefix, names)
  local fields = {}
  for i = 1, #names do fields[i] = prefix .. names[i] end
  return fields
end

--[[ The field of each level's limit, to be read along with the account. ]]
local function limitFields(levels)
  return prefixed('limit|', levels)
end

--[[ The same of windows, `level|window`. ]]
local function windowFields(names)
  return prefixed('window|', names)
end

--[[ `level|window` of each level as it counts now. `limits[at + i]` is the limit of level i: one without a limit counts by the month, so that
  a limit set later finds what was spent. ]]
local function windowsNow(levels, limits, at, now, utcOffsetMs)
  local names, known = {}, {}
  for i = 1, #levels do
    local limit = limits[at + i]
    local window = limit and string.match(limit, '^%d+,(%a+),') or 'month'
    known[window] = known[window] or windowName(window, now, utcOffsetMs)
    names[i] = levels[i] .. '|' .. known[window]
  end
  return names
end

--[[ The same when the limits were not read along with the account. ]]
local function windowsOpen(accountKey, levels, now, utcOffsetMs)
  if #levels == 0 then return {} end
  return windowsNow(levels, redis.call('HMGET', accountKey, unpack(limitFields(levels))), 0, now, utcOffsetMs)
end

--[[ Spent and held of each `level|window`, as read: `found[at + i]` is that of window i. One that is not there is not `known` and reads 0. ]]
local function parseWindows(names, found, at)
  local list = {}
  for i = 1, #names do
    local packed = found[at + i]
    local spent, held = 0, 0
    if packed then spent, held = struct.unpack('<dd', packed) end
    list[i] = { name = names[i], spent = spent, held = held, known = packed ~= false }
  end
  return list
end

local function readWindows(accountKey, names)
  if #names == 0 then return {} end
  return parseWindows(names, redis.call('HMGET', accountKey, unpack(windowFields(names))), 0)
end

local function levelsOf(names)
  local levels = {}
  for i = 1, #names do levels[i] = string.match(names[i], '^(.*)|[^|]*$') end
  return levels
end

--[[ The level with the least left among those whose limit refuses now: the level and what is left; nil if none does. `limits[at + i]` is the limit
  of window i. A limit whose window has changed since the hold began does not bind the hold. ]]
local function tightest(list, limits, at, refuses)
  local name, left
  for i = 1, #list do
    local one, found = list[i], limits[at + i]
    if found then
      local limit, window, atLimit = string.match(found, '^(%d+),(%a+),(%a+)$')
      if refuses[atLimit] and string.match(one.name, '|(%a)[^|]*$') == windowLetters[window] then
        local here = math.max(0, tonumber(limit) - one.spent - one.held)
        if not left or here < left then name, left = one.name, here end
      end
    end
  end
  return name and string.match(name, '^(.*)|[^|]*$'), left
end

--[[ Moves what each window has spent and holds. A window that Redis has dropped may owe a refund: it reads 0. ]]
local function moveWindows(list, spent, held)
  for i = 1, #list do
    local one = list[i]
    local total = one.spent + spent
    one.spent = total > 0 and total or 0
    one.held = one.held + held
    if one.held < 0 then fail('does not add up: held of ' .. one.name) end
  end
end

--[[ Adds the windows to what one HSET of the account writes. ]]
local function addWindows(changes, list)
  local at = #changes
  for i = 1, #list do
    local one = list[i]
    changes[at + 2 * i - 1] = 'window|' .. one.name
    changes[at + 2 * i] = struct.pack('<dd', one.spent, one.held)
  end
end
