-- What libvirt makes of one device's element when it takes it: what it adds, what it drops, and what it calls it (facts
-- 3, 4 and 5).
local xml = require("support.fake.xml")

local devices = {}

local is_disk_bus = { sd = "scsi", hd = "ide", vd = "virtio", fd = "fdc" }
local per_hba = { scsi = 7, sata = 6, ide = 2 } -- units that implied addresses give to one controller

-- What libvirt knows of a device, in the order in which it writes it.  Everything else it ignores.
local known = {
  disk = { "driver", "auth", "source", "backingStore", "geometry", "blockio", "target", "iotune", "readonly",
    "shareable", "transient", "serial", "wwn", "vendor", "product", "encryption", "boot", "alias", "address" },
  controller = { "driver", "model", "target", "alias", "address" },
  hostdev = { "source", "readonly", "shareable", "boot", "alias", "address" },
}

-- Asking --------------------------------------------------------------------------------------------------------------

-- sda 0, sdz 25, sdaa 26; nil for what is no name.
function devices.number_of(dev)
  local letters = dev and dev:match("^%l%ld?(%l+)$")
  if not letters then return nil end
  local number = 0
  for letter in letters:gmatch(".") do number = number * 26 + letter:byte() - 96 end
  return number - 1
end

function devices.dev_of(element) return xml.get(element, "target", "dev") end

function devices.is_hba(element)
  return element.name == "controller" and element.attributes.type == "scsi"
end

function devices.index_of(element) return math.tointeger(tonumber(element.attributes.index)) end

function devices.is_cdrom(element) return element.name == "disk" and element.attributes.device == "cdrom" end

local function is_on_scsi(element)
  if element.name == "disk" then return xml.get(element, "target", "bus") == "scsi" end
  return element.name == "hostdev" and element.attributes.type == "scsi"
end

-- Where a drive sits on the virtual SCSI: controller, target, unit, and text, which is all of that; nil if it does not.
function devices.place_of(element)
  local address = is_on_scsi(element) and xml.child(element, "address")
  if not address then return nil end
  local function number(name) return math.tointeger(tonumber(address.attributes[name] or 0)) end
  local place = { controller = number("controller"), target = number("target"), unit = number("unit") }
  place.text = ("%d:%d:%d"):format(place.controller, place.target, place.unit)
  return place
end

-- The name by which calls are told: that of a disk, the number of an HBA.
function devices.name_of(element)
  if element.name == "disk" then return devices.dev_of(element) end
  if devices.is_hba(element) then return "controller" .. (element.attributes.index or "") end
  local unit = element.name == "hostdev" and xml.child(element, "source", "address")
  return unit and "hostdev" .. unit.attributes.unit or "other" .. (element.attributes.index or "?")
end

-- What tells one source from another: not its format, nor what libvirt adds to it; nil where there is none.
function devices.location_of(element)
  local source = xml.child(element, "source")
  if not source then return nil end
  local parts = { element.attributes.type or "" }
  for _, name in ipairs(source.attributes) do
    if name ~= "index" and name ~= "startupPolicy" then
      parts[#parts + 1] = name .. "=" .. source.attributes[name]
    end
  end
  table.sort(parts)
  for _, child in ipairs(source) do
    if child.name == "host" or child.name == "address" or child.name == "adapter" then
      parts[#parts + 1] = xml.text(child)
    end
  end
  return table.concat(parts, "\n")
end

-- The path of the image in a source, nil if it has none.
function devices.path_of(element)
  return xml.get(element, "source", "file") or xml.get(element, "source", "dev")
end

-- Taking --------------------------------------------------------------------------------------------------------------

local function drive_address(controller, unit)
  return xml.element("address", { "type", "drive", "controller", controller, "bus", 0, "target", 0, "unit", unit })
end

-- The address that a disk without one has by its name.
local function with_implied_address(disk)
  local size, number = per_hba[xml.get(disk, "target", "bus")], devices.number_of(devices.dev_of(disk))
  if xml.child(disk, "address") or not size or not number then return disk end
  return xml.put(disk, "address", drive_address(number // size, number % size))
end

local function with_target(disk)
  local target = xml.child(disk, "target")
  if not target.attributes.bus then
    target = xml.set(target, "bus", is_disk_bus[target.attributes.dev:sub(1, 2)])
  end
  if target.attributes.tray ~= "open" then target = xml.set(target, "tray", nil) end
  return xml.put(disk, "target", target)
end

local takes = {}

function takes.disk(disk)
  disk = xml.set(disk, "device", disk.attributes.device or "disk")
  disk = with_implied_address(with_target(disk))
  if disk.attributes.device == "cdrom" then disk = xml.put(disk, "readonly", xml.element("readonly", {})) end
  local driver = xml.child(disk, "driver") or xml.element("driver", { "name", "qemu" })
  if not driver.attributes.type then driver = xml.set(driver, "type", "raw") end
  return xml.put(disk, "driver", driver)
end

function takes.hostdev(hostdev) return hostdev end

function takes.controller(controller) return controller end

-- An alias that is not the user's own is dropped.
local function without_alias(element)
  local alias = xml.get(element, "alias", "name")
  return alias and alias:match("^ua%-[%w_-]+$") and element or xml.put(element, "alias", nil)
end

-- The element as the configuration has it.
function devices.take(element)
  if not known[element.name] or not takes[element.name] then return element end
  return xml.sort(without_alias(takes[element.name](element)), known[element.name])
end

-- The element as the configuration has it, of one that a running domain has: without what counts only there.
function devices.rest(element)
  if element.name ~= "disk" then return without_alias(element) end
  local source = xml.child(element, "source")
  element = xml.put(element, "backingStore", nil)
  return without_alias(source and xml.put(element, "source", xml.set(source, "index", nil)) or element)
end

-- Running -------------------------------------------------------------------------------------------------------------

local function alias_of(element, number)
  if element.name == "controller" then return element.attributes.type .. element.attributes.index end
  if element.name == "hostdev" then return "hostdev" .. number end
  local address, bus = xml.child(element, "address"), xml.get(element, "target", "bus")
  local at = address and address.attributes or {}
  if not at.unit then return "virtio-disk" .. devices.number_of(devices.dev_of(element)) end
  return ("%s%s-%s-%s-%s"):format(bus, at.controller, at.bus or 0, at.target or 0, at.unit)
end

-- The element as a running domain has it.  number: of its source or its kind, which libvirt counts.
function devices.run(element, number)
  if not known[element.name] then return element end
  if not xml.child(element, "alias") then
    element = xml.put(element, "alias", xml.element("alias", { "name", alias_of(element, number) }))
  end
  local source = element.name == "disk" and xml.child(element, "source")
  if source then
    element = xml.put(element, "source", xml.set(source, "index", tostring(number)))
    element = xml.put(element, "backingStore", xml.element("backingStore", {}))
  end
  return xml.sort(element, known[element.name])
end

function devices.alias_of(element) return xml.get(element, "alias", "name") end

return devices
