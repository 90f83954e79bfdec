--- How many domains are made at a time, and how many may fail: plain arithmetic.

local limits = {}

--- A number of so many by a limit: a whole number, or "N%" of them, rounded down; nil if it is neither.
local function number_of(limit, total, lowest)
  if math.type(limit) == "integer" then return limit >= lowest and limit or nil end
  local percent = type(limit) == "string" and limit:match("^(%d+)%%$")
  if not percent or tonumber(percent) > 100 or tonumber(percent) < lowest then return nil end
  return total * math.tointeger(tonumber(percent)) // 100
end

--- Whether it is a limit of so many at least: a whole number, or a percentage as "10%".
function limits.is_limit(limit, lowest)
  return number_of(limit, 1, lowest) ~= nil
end

--- The list in pieces of the given sizes (numbers and percentages of the whole list, at least one each); the last size
-- goes on until all are taken.  Without sizes it is one piece.
function limits.batches(list, sizes)
  local batches, first = {}, 1
  while first <= #list do
    local size = sizes and sizes[math.min(#batches + 1, #sizes)] or "100%"
    local count = math.max(1, number_of(size, #list, 1))
    batches[#batches + 1] = table.move(list, first, math.min(first + count - 1, #list), 1, {})
    first = first + count
  end
  return batches
end

--- How many of so many domains may fail before no further one is begun.  Who makes a batch first wants to see it made:
-- with batches and without a limit none may fail; without either all may.
function limits.failures(max_fail, total, batches)
  if max_fail then return number_of(max_fail, total, 0) end
  return batches and 0 or math.huge
end

return limits
