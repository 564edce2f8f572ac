-- Redis decides the time. Tests register the scripts with a clock of their own in this place.
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
