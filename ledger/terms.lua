--[[ Reads the terms that start at ARGV[at]: version, epoch, granted, used, offset from UTC in ms, alert thresholds 'a,b', card,
  earlier epochs 'epoch,free,counted;…', budgets one a line 'level|limit,window,atLimit'. Shared by put-terms and hydrate. ]]

local termsLength = 9

local function readTerms(at)
  local terms = {
    version = wholeNumber(ARGV[at]), epoch = wholeNumber(ARGV[at + 1]), granted = wholeNumber(ARGV[at + 2]), used = wholeNumber(ARGV[at + 3]),
    utcOffsetMs = signedNumber(ARGV[at + 4]), alertsAt = {}, card = ARGV[at + 6], earlier = {}, limits = {},
  }
  for threshold in string.gmatch(ARGV[at + 5], '[^,]+') do terms.alertsAt[#terms.alertsAt + 1] = wholeNumber(threshold) end
  for text in string.gmatch(ARGV[at + 7], '[^;]+') do
    local epoch, free, counted = string.match(text, '^([^,]*),([^,]*),([^,]*)$')
    terms.earlier[#terms.earlier + 1] = { epoch = wholeNumber(epoch), free = wholeNumber(free), counted = wholeNumber(counted) }
  end
  for line in string.gmatch(ARGV[at + 8], '[^\n]+') do
    local level, limit, window, atLimit = string.match(line, '^([^|]+)|(%d+),(%a+),(%a+)$')
    if not level or not windowLetters[window] or not (atLimit == 'notify' or atLimit == 'pause' or atLimit == 'stop') then
      fail('not a budget: ' .. line)
    end
    wholeNumber(limit)
    terms.limits['limit|' .. level] = limit .. ',' .. window .. ',' .. atLimit
  end
  return terms
end

--[[ Puts them into the account, whose books are its own. ]]
local function setTerms(account, terms)
  account.termsVersion, account.granted, account.used = terms.version, terms.granted, terms.used
  account.utcOffsetMs = terms.utcOffsetMs
end

local function termsText(terms)
  return packNumbers({ terms.version, terms.epoch, terms.granted, terms.used, terms.utcOffsetMs, unpack(terms.alertsAt) })
end

--[[ The limits as a whole: those that the terms no longer name are gone. ]]
local function writeLimits(accountKey, limits)
  for _, field in ipairs(redis.call('HKEYS', accountKey)) do
    if string.sub(field, 1, 6) == 'limit|' and not limits[field] then redis.call('HDEL', accountKey, field) end
  end
  for field, limit in pairs(limits) do redis.call('HSET', accountKey, field, limit) end
end
