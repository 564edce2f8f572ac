--[[ What Redis keeps of an id, as one JSON list. Windows are those in which the call began.
  a hold      ["active", asked, amount, accrued, epoch, [windows], row]
  tombstones  ["settled", charged, uncollected, epoch, n]   ["released", 0, 0, epoch, 0]
              ["expired", charged, uncollected, epoch, n, [windows], row]: a late settle adjusts it; n is 0 when it left no receipt ]]

--[[ nil for an id that Redis does not know. ]]
local function parseHold(text)
  if not text then return nil end
  local list = decode(text)
  local state = list[1]
  if state == 'active' then
    return { state = state, asked = list[2], amount = list[3], accrued = list[4], epoch = list[5], windows = list[6], row = list[7] }
  end
  return { state = state, charged = list[2], uncollected = list[3], epoch = list[4], n = list[5], windows = list[6], row = list[7] }
end

local function activeText(asked, amount, accrued, epoch, windows, row)
  return format('["active",%d,%d,%d,%d,%s,%s]', asked, amount, accrued, epoch, windows, encode(row))
end

local function tombstoneText(state, charged, uncollected, epoch, n)
  return format('["%s",%d,%d,%d,%d]', state, charged, uncollected, epoch, n)
end

local function expiredText(charged, uncollected, epoch, n, windows, row)
  return format('["expired",%d,%d,%d,%d,%s,%s]', charged, uncollected, epoch, n, windows, encode(row))
end

local function deadlineMember(id, accountId)
  return id .. '|' .. accountId
end
