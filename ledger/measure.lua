--[[ measure: for how long a meter has run: the union of its leases, whoever holds them. It knows no money: what the time costs is held and settled
  under the id of its segment. A segment ends when it has become long, when nothing has run for a while, or when it is closed; it is told to every
  caller until one of them says that its settlement is safe.
  KEYS  1 meter
  ARGV  1 'run', 'stop', 'drop' (a lease under which nothing ran) or 'close'  2 lease  3 length of a lease, ms  4 longest segment, ms  5 how long an idle meter is kept, ms
        6 for how long the work has been under way that this tells of, ms; no more than a lease counts  7 how long ago it was stopped, ms
        8… '<number>-<born>' of segments whose settlement is safe
  Reply { now, leases, number, born, ms, … }: of the open segment, 0s when none is, then of each that has ended ]]
local act, lease = ARGV[1], ARGV[2]
local leaseMs, longestMs, keptMs = wholeNumber(ARGV[3]), wholeNumber(ARGV[4]), wholeNumber(ARGV[5])
local now = nowMs()
local text = redis.call('GET', KEYS[1])
-- Times have 13 digits, and cjson keeps 14
local meter = text and cjson.decode(text) or { number = 0, born = 0, ms = 0, countedTo = 0, leases = {}, ended = {} }
-- As if it had been told at once, unless something was counted since
if act == 'stop' then
  local stopped = now - wholeNumber(ARGV[7])
  if stopped < meter.countedTo then stopped = meter.countedTo end
  if stopped < now then now = stopped end
end

for i = 8, #ARGV do
  for at, segment in ipairs(meter.ended) do
    if digits(segment.number) .. '-' .. digits(segment.born) == ARGV[i] then
      table.remove(meter.ended, at)
      break
    end
  end
end

-- A lease of a clock that has been set back ends no later than one that begins now
local latest, lapsed = 0, false
if act == 'drop' then
  local ours = meter.leases[lease]
  meter.leases[lease] = nil
  if ours and next(meter.leases) == nil then meter.countedTo = now end
end
for name, expiry in pairs(meter.leases) do
  if expiry > now + leaseMs then expiry = now + leaseMs end
  if expiry > latest then latest = expiry end
  meter.leases[name] = expiry
end
local upTo = latest < now and latest or now
if upTo > meter.countedTo then meter.ms = meter.ms + upTo - meter.countedTo end
-- What stood still since is none of it
local idleSince = latest > 0 and upTo or meter.countedTo
for name, expiry in pairs(meter.leases) do
  if expiry <= now then
    meter.leases[name] = nil
    lapsed = true
  end
end
if act == 'stop' then meter.leases[lease] = nil end
local runs = next(meter.leases) ~= nil
-- Work that was begun before it was told of: since its begin, or since other leases have counted
local begun = now - math.min(wholeNumber(ARGV[6]), leaseMs)
local untold = now - (begun > idleSince and begun or idleSince)
if untold < 0 or act == 'drop' or act == 'close' then untold = 0 end
-- Between two pieces of work the time of the last one is remembered, while one runs that of the last look
meter.countedTo = (runs or act == 'stop') and now or idleSince

local isOpen = meter.born > 0
if act == 'drop' and not runs and meter.ms == 0 then
  meter.born, isOpen = 0, false
end
if isOpen and (now - meter.born >= longestMs
  or not runs and (act == 'close' or lapsed or now - meter.countedTo > leaseMs)) then
  meter.ended[#meter.ended + 1] = { number = meter.number, born = meter.born, ms = meter.ms }
  meter.born, meter.ms, isOpen = 0, 0, false
end
if act == 'run' then
  meter.leases[lease] = now + leaseMs
  meter.countedTo, runs = now, true
end
if isOpen then
  meter.ms = meter.ms + untold
elseif runs or untold > 0 then
  meter.number, meter.born, meter.ms = meter.number + 1, now, untold
end

redis.call('SET', KEYS[1], cjson.encode(meter), 'PX', digits(keptMs))
local count = 0
for _ in pairs(meter.leases) do count = count + 1 end
local reply = { now, count, meter.born > 0 and meter.number or 0, meter.born, meter.ms }
for _, segment in ipairs(meter.ended) do
  for _, number in ipairs({ segment.number, segment.born, segment.ms }) do reply[#reply + 1] = number end
end
return reply
