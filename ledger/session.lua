--[[ session: the signs of life of a call or a meeting. It knows no money: what its minutes cost is held and settled under ids of their own. The time is Redis', so no clock of a
  worker or gateway comes into a bill.
  KEYS  1 session  2 open sessions of its account
  ARGV  1 act  2 session id  3 how long it is kept after its last change, ms  and of
        'begin'  4 facts  5 when it began, 6 its last sign of life, both '' for now: what a supervisor knows of one that was lost  7 as of 'note'. The first begin counts
        'note'   4 facts, in place of those that there are  5 '1' if it waits to be let in, unless it was let in before
        'alive'  a sign of life; none after the end
        'admit'  4 when it began, '' for now: a sign of life from inside, with which one that waits begins. One that ends before has lasted nothing
        'end'    4 reason  5 when at the latest, '' for now  6 not if there was a sign of life after this, '' for whatever there was. The first end counts
        'warn'   4 seconds left, '' to take the warning back
        'forget' it came to nothing
        'read'
  Reply { now } if there is none, else { now, began, last sign of life, end or 0, reason, seconds left or -1, facts, 1 if it waits to be let in } ]]
local act, id, keptMs = ARGV[1], ARGV[2], wholeNumber(ARGV[3])
local now = nowMs()
local known = redis.call('HMGET', KEYS[1], 'began', 'alive', 'ended', 'reason', 'left', 'facts', 'waits')
local began, alive, ended = tonumber(known[1] or '0'), tonumber(known[2] or '0'), tonumber(known[3] or '0')
local reason, left, facts, waits = known[4] or '', known[5] or '-1', known[6], known[7]
local changes = {}
local function change(field, value)
  changes[#changes + 1], changes[#changes + 2] = field, value
end

local function beginAt(ms)
  began, waits = ms, '0'
  change('began', digits(began))
  change('waits', waits)
end

local function wait(asked)
  if asked ~= '1' or waits then return end
  waits = '1'
  change('waits', waits)
end

if act == 'begin' and not facts then
  -- A clock that has been set back since must not put its begin ahead
  began = math.min(now, ARGV[5] == '' and now or wholeNumber(ARGV[5]))
  alive = math.max(began, math.min(now, ARGV[6] == '' and now or wholeNumber(ARGV[6])))
  facts = ARGV[4]
  change('began', digits(began))
  change('alive', digits(alive))
  change('facts', facts)
  wait(ARGV[7])
end
if not facts then return { now } end
if act == 'forget' then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], id)
  return { now }
end
if ended == 0 then
  if act == 'note' then
    facts = ARGV[4]
    change('facts', facts)
    wait(ARGV[5])
  elseif act == 'admit' and waits ~= '0' then
    -- Seen inside before it is noted that it has to wait: it did not
    beginAt(waits == '1' and math.min(now, ARGV[4] == '' and now or wholeNumber(ARGV[4])) or began)
    alive = now
    change('alive', digits(alive))
  elseif (act == 'alive' or act == 'admit') and now > alive then
    alive = now
    change('alive', digits(alive))
  elseif act == 'warn' then
    left = ARGV[4] == '' and '-1' or digits(wholeNumber(ARGV[4]))
    change('left', left)
  elseif act == 'end' and (ARGV[6] == '' or alive <= wholeNumber(ARGV[6])) then
    ended = math.max(began, math.min(now, ARGV[5] == '' and now or wholeNumber(ARGV[5])))
    reason = ARGV[4]
    change('ended', digits(ended))
    change('reason', reason)
    if waits == '1' then beginAt(ended) end
  end
end
if #changes > 0 then
  redis.call('HSET', KEYS[1], unpack(changes))
  redis.call(ended == 0 and 'SADD' or 'SREM', KEYS[2], id)
  redis.call('PEXPIRE', KEYS[1], digits(keptMs))
  redis.call('PEXPIRE', KEYS[2], digits(keptMs))
end
return { now, began, alive, ended, reason, tonumber(left), facts, waits == '1' and 1 or 0 }
