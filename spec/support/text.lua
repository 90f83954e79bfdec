-- Values as text, the same text for the same value: keys in order, so that specs can compare and print them.
local text = {}

local function in_order(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

-- A value as Lua would write it, in one line.
function text.of(value)
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, in_order)
  for i, key in ipairs(keys) do
    local name = type(key) == "string" and key .. " = " or ""
    parts[i] = name .. text.of(value[key])
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

return text
