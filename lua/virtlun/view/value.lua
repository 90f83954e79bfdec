--- Values of a description as short text: sources, addresses, switches.

local virtlun = require "virtlun"

local value = {}

local UNSET = "unset" -- what a field without a value has

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

--- What is in a drive, in few words.
function value.source(source)
  if not source then return "empty" end
  if type(source) ~= "table" then return source end
  if source.pool then return ("volume %s of pool %s"):format(source.volume, source.pool) end
  if source.adapter then return ("%s %d:%d:%d"):format(source.adapter, source.bus, source.target, source.unit) end
  if source.protocol then return ("%s %s"):format(source.protocol, source.name or source.wwpn or "") end
  return source.file or source.dev
end

--- The same with the label of the medium, where that is known.
function value.medium(source, medium)
  local label = source and medium and medium.label
  return label and ("%s (%s)"):format(label, value.source(source)) or value.source(source)
end

--- What the guest is foretold to see of a drive; "" if nothing is.
function value.guest(guest)
  if not guest then return "" end
  local by_path = guest.by_path and " " .. guest.by_path .. (guest.certain and "" or " (uncertain)") or ""
  return "guest " .. guest.hctl .. by_path
end

--- What an HBA is, where that is said.
function value.hba_model(device)
  return device.model or "model of the host's choice"
end

--- Where an HBA sits in its machine; "" if that is unknown.
function value.hba_address(address)
  if not address then return "" end
  if address.type == "ccw" then return ("ccw %x.%x.%04x"):format(address.cssid, address.ssid, address.devno) end
  if address.type ~= "pci" then return address.type end
  return ("pci %04x:%02x:%02x.%x"):format(address.domain or 0, address.bus or 0, address.slot, address["function"] or 0)
end

--- A field's value before or after a change.  false takes away what was set, unless it is a switch.
local function side(field, v, other)
  local is_switch = other == nil or type(other) == "boolean"
  return v == false and not is_switch and UNSET or value.text(v, field.key)
end

--- What a change does to its fields; medium is what comes into the drive.
function value.changes(fields, medium)
  local parts = {}
  for i, field in ipairs(fields) do
    local key = field.key
    local after = key == "source" and value.medium(field.after, medium) or side(field, field.after, field.before)
    local words = value.is_move(field) and "moves from %s to %s" or key .. " %s -> %s"
    parts[i] = words:format(side(field, field.before, field.after), after)
  end
  return table.concat(parts, ", ")
end

--- What a step changes of a key, as { key =, before =, after = }; nil if nothing.
function value.field(step, key)
  for _, field in ipairs(step.fields or {}) do
    if field.key == key then return field end
  end
end

--- Whether a change of a field takes a drive to another place on its HBAs.
function value.is_move(field)
  local from, to = field.before, field.after
  return field.key == "address" and type(from) == "table" and type(to) == "table" and from.controller ~= nil
    and to.controller ~= nil
end

--- Any value; key tells which field it is of.
function value.text(v, key)
  if key == "source" then return value.source(v) end
  if v == nil then return UNSET end
  if type(v) ~= "table" then return tostring(v) end
  if key == "address" and v.controller then return virtlun.address_text(v) end
  if key == "address" and v.type then return value.hba_address(v) end
  return braces(v)
end

return value
