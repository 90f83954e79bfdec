--- Values of a description as short text: sources, addresses, switches.

local value = {}

local function in_order(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function braces(t)
  local parts = {}
  for _, key in ipairs(in_order(t)) do
    local name = type(key) == "number" and "" or key .. " = "
    parts[#parts + 1] = name .. value.text(t[key])
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- controller:bus:target:unit, as libvirt's own messages have it.
function value.address(address)
  return ("%d:%d:%d:%d"):format(address.controller or 0, address.bus or 0, address.target or 0, address.unit or 0)
end

--- What is in a drive, in few words.
function value.source(source)
  if not source then return "empty" end
  if type(source) ~= "table" then return source end
  if source.pool then return ("volume %s of pool %s"):format(source.volume, source.pool) end
  if source.adapter then return ("%s %d:%d:%d"):format(source.adapter, source.bus, source.target, source.unit) end
  if source.protocol then return ("%s %s"):format(source.protocol, source.name or source.wwpn or "") end
  return source.file or source.dev
end

--- Any value; key tells which field it is of.
function value.text(v, key)
  if key == "source" then return value.source(v) end
  if v == nil then return "nothing" end
  if type(v) ~= "table" then return tostring(v) end
  if key == "address" and v.controller then return value.address(v) end
  return braces(v)
end

return value
