-- The definition of a domain, of which one that runs has two: its devices in libvirt's order, the HBAs and addresses
-- that libvirt adds by itself, and what it refuses to have (facts 3, 4 and 5).
local devices = require("support.fake.devices")
local xml = require("support.fake.xml")

local Definition = {}
Definition.__index = Definition

local MANY_HBAS = 100 -- nobody wants libvirt's thousands in memory

-- Whatever is refused is raised as such a table, and caught where the call began.
local function refuse(code, message, ...)
  error({ refused = true, code = code, message = message:format(...) }, 0)
end

-- Documents -----------------------------------------------------------------------------------------------------------

-- The definition of a document.
function Definition.parse(text)
  local root = xml.parse(text)
  if not root or root.name ~= "domain" then refuse(27, "XML error: this is no domain") end
  local self = setmetatable({ type = root.attributes.type, head = {}, devices = {} }, Definition)
  for _, child in ipairs(root) do
    if child.name ~= "devices" then self.head[#self.head + 1] = child end
  end
  for _, element in ipairs(xml.child(root, "devices") or {}) do
    self:insert(devices.rest(devices.take(element)))
  end
  local os = xml.get(self:part("os"), "type", "arch")
  self.arch, self.machine = os, xml.get(self:part("os"), "type", "machine") or ""
  return self
end

function Definition:part(name) return xml.child(self.head, name) end

-- What a document says first of a domain.
function Definition:says(name)
  local part = self:part(name)
  return part and part.text
end

function Definition:copy()
  local other = {}
  for key, value in pairs(self) do other[key] = value end
  for _, list in ipairs { "devices", "head" } do other[list] = table.move(self[list], 1, #self[list], 1, {}) end
  return setmetatable(other, Definition)
end

-- What libvirt tells of a device to who asks for no secrets: no password of a screen, no cookies of a source.
local function without_secrets(element)
  if element.attributes.passwd then element = xml.set(element, "passwd", nil) end
  local source = element.name == "disk" and xml.child(element, "source")
  local plain = source and xml.child(source, "cookies") and xml.put(source, "cookies", nil)
  return plain and xml.put(element, "source", plain) or element
end

-- opts: id of the running domain; secure: with passwords and cookies.
function Definition:text(opts)
  local parts = { ("<domain type='%s'%s>\n"):format(self.type, opts.id and (" id='%d'"):format(opts.id) or "") }
  for _, part in ipairs(self.head) do parts[#parts + 1] = xml.text(part) end
  parts[#parts + 1] = "  <devices>\n"
  for _, element in ipairs(self.devices) do
    if not opts.secure then element = without_secrets(element) end
    parts[#parts + 1] = xml.text(element)
  end
  parts[#parts + 1] = "  </devices>\n</domain>\n"
  return table.concat(parts)
end

-- Devices in their order ----------------------------------------------------------------------------------------------

local ranks = { emulator = 0, disk = 1, controller = 2, hostdev = 4 }

local function rank(element) return ranks[element.name] or 3 end

-- Whether an element comes before another one of its rank.
local function is_before(a, b)
  if a.name == "disk" then
    local bus = xml.get(a, "target", "bus")
    local first, second = devices.number_of(devices.dev_of(a)), devices.number_of(devices.dev_of(b))
    return bus == xml.get(b, "target", "bus") and (first or 0) < (second or 0)
  end
  return a.name == "controller" and a.attributes.type == b.attributes.type and devices.index_of(a) ~= nil
    and devices.index_of(a) < (devices.index_of(b) or math.huge)
end

function Definition:insert(element)
  local at = #self.devices + 1
  for i, other in ipairs(self.devices) do
    if rank(other) > rank(element) or rank(other) == rank(element) and is_before(element, other) then
      at = i
      break
    end
  end
  table.insert(self.devices, at, element)
end

-- The number of the first device for which fn is true.
function Definition:where(fn)
  for i, element in ipairs(self.devices) do
    if fn(element) then return i end
  end
end

-- A disk by its name alone, whatever bus it is on.
function Definition:disk_at(dev)
  return self:where(function(element) return element.name == "disk" and devices.dev_of(element) == dev end)
end

function Definition:hba_at(index)
  return self:where(function(element) return devices.is_hba(element) and devices.index_of(element) == index end)
end

-- The number of the device that an element means to libvirt.
function Definition:find(element)
  if element.name == "disk" then return self:disk_at(devices.dev_of(element)) end
  if devices.is_hba(element) then return self:hba_at(devices.index_of(element)) end
  local location = devices.location_of(element)
  return self:where(function(other) return other.name == element.name and devices.location_of(other) == location end)
end

-- HBAs ----------------------------------------------------------------------------------------------------------------

function Definition:default_model() return self.arch == "s390x" and "virtio-scsi" or "lsilogic" end

function Definition:last_model()
  local model
  for _, element in ipairs(self.devices) do
    if devices.is_hba(element) then model = element.attributes.model end
  end
  return model or self:default_model()
end

-- Makes all HBAs up to one that are not there, without a place.  Returns the numbers of those that it has made.
function Definition:make_hbas(highest, model)
  local made = {}
  if highest > MANY_HBAS then refuse(1, "internal error: more than %d HBAs would be made", MANY_HBAS) end
  for index = 0, highest do
    if not self:hba_at(index) then
      self:insert(xml.element("controller", { "type", "scsi", "index", index, "model", model }))
      made[#made + 1] = index
    end
  end
  return made
end

-- Whether any drive is on an HBA.
function Definition:is_used(index)
  return self:where(function(element)
    local place = devices.place_of(element)
    return place ~= nil and place.controller == index
  end) ~= nil
end

-- Places of HBAs ------------------------------------------------------------------------------------------------------

local function place_text(address)
  local at = address.attributes
  return at.type == "ccw" and "ccw " .. tonumber(at.devno) or ("pci %d %d"):format(tonumber(at.bus), tonumber(at.slot))
end

local function used_places(self)
  local used = {}
  for _, element in ipairs(self.devices) do
    local address = xml.child(element, "address")
    if address and (address.attributes.type == "pci" or address.attributes.type == "ccw") then
      used[place_text(address)] = true
    end
  end
  return used
end

-- Every place that the machine has for an HBA.
local function each_place(self)
  local list = {}
  if self.arch == "s390x" then
    for number = 0, 199 do
      list[#list + 1] = xml.element("address",
        { "type", "ccw", "cssid", "0xfe", "ssid", "0x0", "devno", ("0x%04x"):format(number) })
    end
    return list
  end
  local function pci(bus, slot)
    list[#list + 1] = xml.element("address", { "type", "pci", "domain", "0x0000", "bus", ("0x%02x"):format(bus), "slot",
      ("0x%02x"):format(slot), "function", "0x0" })
  end
  if not self.machine:find("q35", 1, true) then
    for slot = 3, 31 do pci(0, slot) end
  end
  for _, element in ipairs(self.devices) do
    if element.attributes.model == "pcie-root-port" then pci(devices.index_of(element), 0) end
  end
  return list
end

-- An HBA with its place in the machine.
function Definition:placed(hba)
  if xml.child(hba, "address") then return hba end
  local used = used_places(self)
  for _, address in ipairs(each_place(self)) do
    if not used[place_text(address)] then return xml.put(hba, "address", address) end
  end
  refuse(1, "internal error: No more available PCI slots")
end

-- The next port of a q35, which the configuration gets by itself and the running domain does not.
local function add_port(self)
  local highest = 0
  for _, element in ipairs(self.devices) do
    if element.attributes.type == "pci" then highest = math.max(highest, devices.index_of(element)) end
  end
  self:insert(xml.element("controller", { "type", "pci", "index", highest + 1, "model", "pcie-root-port" }))
end

-- What libvirt adds to a configuration --------------------------------------------------------------------------------

local function add_missing_hbas(self, keeps_model)
  local highest, highest_hostdev = -1, -1
  for _, element in ipairs(self.devices) do
    local place = devices.place_of(element)
    if place and element.name == "disk" then highest = math.max(highest, place.controller) end
    if place and element.name == "hostdev" then highest_hostdev = math.max(highest_hostdev, place.controller) end
  end
  self:make_hbas(highest, keeps_model and self:last_model() or self:default_model())
  self:make_hbas(highest_hostdev, self:last_model())
end

local function add_models(self)
  for i, element in ipairs(self.devices) do
    if devices.is_hba(element) and (element.attributes.model or "auto") == "auto" then
      self.devices[i] = xml.set(element, "model", self:default_model())
    end
  end
end

-- Gives every HBA its place; grows: a q35 gets a port for one that has none.
function Definition:place_hbas(grows)
  for _, element in ipairs(table.move(self.devices, 1, #self.devices, 1, {})) do
    if devices.is_hba(element) and not xml.child(element, "address") then
      local good, placed = pcall(self.placed, self, element)
      if not good and grows then
        add_port(self)
        good, placed = pcall(self.placed, self, element)
      end
      if not good then error(placed, 0) end
      self.devices[self:find(element)] = placed
    end
  end
end

function Definition:boots_by_os() return xml.child(self:part("os"), "boot") ~= nil end

local function check_boot(self)
  local orders = {}
  for _, element in ipairs(self.devices) do
    local order = xml.get(element, "boot", "order")
    if order and orders[order] then
      refuse(67, "unsupported configuration: boot order '%s' used for more than one device", order)
    end
    if order then orders[order] = true end
  end
  if next(orders) and self:boots_by_os() then
    refuse(67, "unsupported configuration: per-device boot elements cannot be used together with os/boot elements")
  end
  if next(orders) or self:boots_by_os() then return end
  for i, part in ipairs(self.head) do
    if part.name == "os" then
      self.head[i] = xml.put(part, "boot", xml.element("boot", { "dev", "hd" }))
    end
  end
end

-- Completes a configuration, as after its parsing.  keeps_model: a host with better manners than libvirt's, which makes
-- missing HBAs like those that are there.
function Definition:complete(keeps_model)
  add_models(self)
  add_missing_hbas(self, keeps_model)
  self:place_hbas(true)
  check_boot(self)
end

-- What libvirt refuses ------------------------------------------------------------------------------------------------

local function add_once(set, key, code, message)
  if key == nil then return end
  if set[key] then refuse(code, message, key) end
  set[key] = true
end

-- What only a define looks at.
function Definition:validate()
  local devs, places, indexes = {}, {}, {}
  for _, element in ipairs(self.devices) do
    local place = devices.place_of(element)
    add_once(devs, element.name == "disk" and devices.dev_of(element) or nil, 27,
      "XML error: target '%s' duplicated for disk sources")
    add_once(places, place and place.text, 67, "XML error: Found duplicate drive address for disk at %s")
    add_once(indexes, devices.is_hba(element) and devices.index_of(element) or nil, 67,
      "unsupported configuration: Multiple 'scsi' controllers with index '%d'")
  end
end

local max_unit = { lsilogic = 7, lsisas1068 = 1, lsisas1078 = 255, ["virtio-scsi"] = 16383 }
local reserved = { lsilogic = 7 }

-- A place on the virtual SCSI must be free.  That is also what is said of a unit that the HBA does not have.
function Definition:check_place(element)
  local place = devices.place_of(element)
  if not place then return end
  local hba = self.devices[self:hba_at(place.controller) or 0]
  local model = hba and hba.attributes.model or self:default_model()
  local taken = self:where(function(other)
    local its = devices.place_of(other)
    return its ~= nil and its.text == place.text
  end)
  if taken or place.unit > (max_unit[model] or 16383) or place.unit == reserved[model] then
    refuse(55, "Requested operation is not valid: Domain already contains a disk with that address")
  end
end

Definition.refuse = refuse

return Definition
