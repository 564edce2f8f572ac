--[[ release: the work never ran. An unknown id gets a tombstone, so that a reserve which arrives after we gave up is dead.
  KEYS  1 account  2 hold  3 budgets  4 deadlines  5 clock
  ARGV  1 deadline member  2 birth  3 tombstone time  4 slack  5… evidence
  Reply { status } ]]
local birth, tombstoneMs, slackMs = wholeNumber(ARGV[2]), wholeNumber(ARGV[3]), wholeNumber(ARGV[4])

local hold = call('HMGET', KEYS[2], 'state', 'amount', 'epoch', 'windows')
if hold[1] and hold[1] ~= 'active' then return { 'exists' } end
local now = nowMs()
local account = readAccount(KEYS[1], now)
if not account then return { 'account_not_loaded' } end
local epoch = account.current.epoch
if hold[1] then
  epoch = tonumber(hold[3])
  local amount, list = tonumber(hold[2]), readWindows(KEYS[3], hold[4])
  local book = bookOfHold(account, epoch, amount)
  book.held = book.held - amount
  conserve(book.held >= 0, 'held')
  moveWindows(list, 0, 0 - amount)
  call('HSET', KEYS[1], book.heldField, digits(book.held), 'version', digits(account.version + 1))
  writeWindows(KEYS[3], list)
  call('ZREM', KEYS[4], ARGV[1])
else
  local verdict = meetUnknown(account, KEYS[5], birth, now, tombstoneMs, slackMs, 5)
  if verdict == 'ask' then return askJournal(account, now) end
  if verdict == 'found' then return { 'exists' } end
end
call('HSET', KEYS[2], 'state', 'released', 'amount', '0', 'charged', '0', 'uncollected', '0', 'epoch', digits(epoch),
  'n', '0', 'birth', digits(birth), 'row', '', 'windows', '')
-- No receipt keeps it: it lives as long as the gate can need it
call('PEXPIREAT', KEYS[2], forgetAt(now, birth, tombstoneMs))
return { 'released' }
