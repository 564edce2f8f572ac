--[[ What Redis keeps of an id: its state, four packed numbers, and two texts that end with a zero byte: the JSON list of the windows in which the
  call began, and its row. Both are empty in a tombstone that nothing adjusts any more.
  active    asked, amount, accrued, epoch, windows, row
  settled   charged, uncollected, epoch, n
  released  0, 0, epoch, 0
  expired   charged, uncollected, epoch, n, windows, row: a late settle adjusts it; n is 0 when it left no receipt ]]

--[[ nil for an id that Redis does not know. ]]
local function parseHold(text)
  if not text then return nil end
  local state, first, second, third, fourth, windows, row = struct.unpack('<sddddss', text)
  if state == 'active' then
    return { state = state, asked = first, amount = second, accrued = third, epoch = fourth, windows = windows, row = row }
  end
  return { state = state, charged = first, uncollected = second, epoch = third, n = fourth, windows = windows, row = row }
end

local function holdText(state, first, second, third, fourth, windows, row)
  return struct.pack('<sddddss', state, first, second, third, fourth, windows or '', row or '')
end

local function deadlineMember(id, accountId)
  return id .. '|' .. accountId
end
