--[[ release: the work never ran. An unknown id gets a tombstone, so that a reserve which arrives after we gave up is dead.
  KEYS  1 account  2 hold  3 deadlines  4 clock     ARGV  1 account id  2 id  3… evidence
  Reply { status } ]]
local known = redis.call('MGET', KEYS[2], KEYS[4])
local hold = parseHold(known[1])
if hold and hold.state ~= 'active' then return { 'exists' } end
local now = nowMs()
local names = hold and decodeList(hold.windows)
local account, found = readAccount(KEYS[1], now, names and windowFields(names))
if not account then return { 'account_not_loaded' } end
local epoch = account.current.epoch
if hold then
  epoch = hold.epoch
  local book, list = bookOfHold(account, epoch, hold.amount), parseWindows(names, found, accountFields)
  book.held = book.held - hold.amount
  conserve(book.held >= 0, 'held')
  moveWindows(list, 0, 0 - hold.amount)
  local changes = changesOf(account, book)
  addWindows(changes, list)
  redis.call('HSET', KEYS[1], unpack(changes))
  redis.call('ZREM', KEYS[3], deadlineMember(ARGV[2], ARGV[1]))
else
  local verdict = meetUnknown(account, ARGV[2], KEYS[4], known[2], now, 3)
  if verdict == 'ask' then return askJournal(account, now) end
  if verdict == 'found' then return { 'exists' } end
end
-- No receipt keeps it: it lives as long as the gate can need it
redis.call('SET', KEYS[2], holdText('released', 0, 0, epoch, 0), 'PXAT', forgetAt(now, ARGV[2]))
return { 'released' }
