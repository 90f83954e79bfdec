--- Data as JSON, with keys in a stable order.

local dkjson = require "dkjson"

local view = {}

view.FORMAT_VERSION = 1

-- What people look for comes first; the rest follows by its name.
local FIRST = {
  "format_version", "domain", "name", "uri", "state", "code", "severity", "path", "message", "action", "kind", "device",
  "unit", "lun",
}

--- A list, also when it is empty.
function view.list(t)
  return setmetatable(t, { __jsontype = "array" })
end

local function collect_keys(value, keys, seen)
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  for key, inner in pairs(value) do
    if type(key) == "string" then keys[key] = true end
    collect_keys(inner, keys, seen)
  end
end

--- The text of data, which gets its format_version here.
function view.text(data)
  data.format_version = view.FORMAT_VERSION
  local keys, order = {}, {}
  collect_keys(data, keys, {})
  for _, key in ipairs(FIRST) do
    order[#order + 1] = key
    keys[key] = nil
  end
  local rest = {}
  for key in pairs(keys) do rest[#rest + 1] = key end
  table.sort(rest)
  for _, key in ipairs(rest) do order[#order + 1] = key end
  return dkjson.encode(data, { indent = true, keyorder = order })
end

return view
