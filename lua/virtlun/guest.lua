--- What the guest will see of drives: their LUNs, and their names where those are certain.

local core = require "virtlun.core"

local guest = {}

-- Models of HBAs whose units are SCSI targets in the guest, from the schema.
local unit_is_target

local function takes_unit_for_target(model)
  if not unit_is_target then
    unit_is_target = {}
    for _, hba in ipairs(core.schema().hbas) do unit_is_target[hba.model] = hba.unit_is_target end
  end
  return unit_is_target[model]
end

--- Where the guest finds a drive: mostly at the target and unit that libvirt says.
local function place_of(address, hba)
  if hba and takes_unit_for_target(hba.model) then return { target = address.unit, unit = 0 } end
  return address
end

--- What the guest will see of a drive at an address: hctl, lun, and by_path below /dev/disk where the place of its HBA
-- is known; certain tells whether the guest's firmware cannot number that place otherwise.  hbas: HBAs by index.
function guest.foretell(address, hbas)
  if type(address) ~= "table" or not address.controller then return nil end
  local hba = hbas[address.controller]
  local place = place_of(address, hba)
  local seen = { hctl = core.lun.hctl(place), lun = core.lun.encode(place.unit or 0) }
  if hba and type(hba.address) == "table" then seen.by_path, seen.certain = core.lun.by_path(place, hba.address) end
  return seen
end

--- HBAs of a description by their index.
function guest.hbas(description)
  local hbas = {}
  for _, device in ipairs(description) do
    if device.kind == "controller" and device.index then hbas[device.index] = device end
  end
  return hbas
end

--- What the guest is foretold to see of every drive, by its number in the description.
function guest.foretell_all(description)
  local hbas, result = guest.hbas(description), {}
  for i, device in ipairs(description) do result[i] = guest.foretell(device.address, hbas) end
  return result
end

--- controller:bus:target:unit, as libvirt's own messages have it.
function guest.address_text(address)
  return ("%d:%d:%d:%d"):format(address.controller or 0, address.bus or 0, address.target or 0, address.unit or 0)
end

--- Whether two addresses are one place on an HBA.
function guest.same_place(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  return a.controller == b.controller and a.target == b.target and a.unit == b.unit
end

return guest
