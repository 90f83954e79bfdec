--- Data as JSON, with keys in a stable order, and without the passwords in it.

local dkjson = require "dkjson"
local text = require "virtlun.view.text"

local view = {}

view.FORMAT_VERSION = 1

-- What people look for comes first; the rest follows by its name.
local FIRST = {
  "format_version", "event", "domain", "name", "uri", "state", "code", "severity", "path", "message", "action", "kind",
  "device", "unit", "lun",
}

--- A list, also when it is empty.
function view.list(t)
  return setmetatable(t, { __jsontype = "array" })
end

--- A copy of data whose texts tell no passwords.
function view.masked(data)
  if type(data) == "string" then return text.masked(data) end
  if type(data) ~= "table" then return data end
  local copy = {}
  for key, inner in pairs(data) do copy[key] = view.masked(inner) end
  return setmetatable(copy, getmetatable(data))
end

local function collect_keys(value, keys, seen)
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  for key, inner in pairs(value) do
    if type(key) == "string" then keys[key] = true end
    collect_keys(inner, keys, seen)
  end
end

local function order_of(data)
  local keys, order = {}, {}
  collect_keys(data, keys, {})
  for _, key in ipairs(FIRST) do
    order[#order + 1] = key
    keys[key] = nil
  end
  local rest = {}
  for key in pairs(keys) do rest[#rest + 1] = key end
  table.sort(rest)
  return table.move(rest, 1, #rest, #order + 1, order)
end

--- The text of data, which gets its format_version here.  compact: in one line.
function view.text(data, compact)
  data.format_version = view.FORMAT_VERSION
  return dkjson.encode(data, { indent = not compact, keyorder = order_of(data) })
end

return view
