--[[ unchecked: the accounts of one shard that were not checked for a while, longest ago first. No writes.
  KEYS  1 loaded     ARGV  1 not checked for so many ms  2 most accounts
  Reply flat list of accounts and when they were checked, ms; 0 for never ]]
local olderThanMs, limit = wholeNumber(ARGV[1]), wholeNumber(ARGV[2])
local now = nowMs()
local answer = {}
-- A mark from the future is of a clock that was ahead, perhaps another machine's: it says nothing of this ledger
for _, account in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. digits(now), '+inf', 'LIMIT', '0', digits(limit))) do
  answer[#answer + 1] = account
  answer[#answer + 1] = '0'
end
local before = digits(math.max(0, now - olderThanMs))
for _, text in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before, 'WITHSCORES', 'LIMIT', '0', digits(limit))) do
  answer[#answer + 1] = text
end
return answer
