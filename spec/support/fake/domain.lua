-- A domain as libvirt has it in memory: what its device calls make of the two definitions, of what is really in the
-- drives, and of the guest's will.  What libvirt is bad at are the manners of its host, each of which can be left out.
local Definition = require("support.fake.definition")
local devices = require("support.fake.devices")
local xml = require("support.fake.xml")

local Domain = {}
Domain.__index = Domain

local refuse = Definition.refuse

local TRAY_SECONDS, UNPLUG_SECONDS = 5, 5 -- libvirt's own patience

-- Running and not -----------------------------------------------------------------------------------------------------

local function run_device(self, element)
  self.counter = self.counter + 1
  local running = devices.run(element, self.counter)
  if element.name == "disk" then
    self.drives[devices.dev_of(element)] = { medium = devices.location_of(element) or false }
  end
  return running
end

-- The running definition of one at rest.
local function started(self, definition)
  local live = definition:copy()
  self.drives, self.leaving = {}, {}
  for i, element in ipairs(live.devices) do live.devices[i] = run_device(self, element) end
  return live
end

function Domain:emit(event, fields)
  fields = fields or {}
  fields.event, fields.domain, fields.uuid = event, self.name, self.uuid
  self.host:emit(fields)
end

function Domain:start()
  if self.live then refuse(55, "Requested operation is not valid: domain is already running") end
  self.live, self.saved = started(self, self.saved or self.config), nil
  self.id, self.state = self.host:next_id(), "running"
  self:emit("lifecycle", { change = "started" })
end

function Domain:stop()
  self:must_run()
  self.live, self.id, self.state, self.drives = nil, nil, "shut off", {}
  self:emit("lifecycle", { change = "stopped" })
  if not self.config then self.host:forget(self) end
end

-- Stops it with its state, which the next start brings back: devices and all.
function Domain:save()
  local saved = self.live:copy()
  for i, element in ipairs(saved.devices) do saved.devices[i] = devices.rest(element) end
  self:stop()
  self.saved = saved
end

function Domain:reboot()
  self:must_run()
  self:emit("reboot")
end

function Domain:must_run()
  if not self.live then refuse(55, "Requested operation is not valid: domain is not running") end
end

function Domain:facts()
  return { state = self.state, active = self.live ~= nil, persistent = self.config ~= nil,
    managed_save = self.saved ~= nil }
end

-- flags: inactive and secure, as libvirt's.
function Domain:text(flags)
  local definition = flags and flags.inactive and self.config or self.live or self.config
  return definition:text { id = definition == self.live and self.id or nil, secure = flags and flags.secure }
end

-- Media ---------------------------------------------------------------------------------------------------------------

local function set_tray(self, at, tray)
  local disk = self.live.devices[at]
  self.live.devices[at] = xml.put(disk, "target", xml.set(xml.child(disk, "target"), "tray", tray))
  self:emit("tray", { alias = devices.alias_of(disk), change = tray == "open" and "opened" or "closed" })
end

local function is_open(disk) return xml.get(disk, "target", "tray") == "open" end

local function must_exist(self, element)
  if self.host.images[devices.path_of(element) or ""] == "missing" then
    refuse(38, "Cannot access storage file '%s': No such file or directory", devices.path_of(element))
  end
end

local function is_unreadable(self, element) return self.host.images[devices.path_of(element) or ""] == "broken" end

local function refuse_qemu(command, message, ...)
  refuse(1, "internal error: unable to execute QEMU command '%s': " .. message, command, ...)
end

local function refuse_image() refuse_qemu("blockdev-add", "Image is not in qcow2 format") end

-- Opens the tray of a drive for another medium.
local function open_tray(self, at, force)
  local disk = self.live.devices[at]
  local drive = self.drives[devices.dev_of(disk)]
  if is_open(disk) then return end
  if drive.hot and self.host.manners.tray_unknown then
    refuse_qemu("blockdev-remove-medium", "Tray of device '%s' is not open", devices.alias_of(disk))
  end
  if self.locked[devices.dev_of(disk)] and not force then
    self.host:advance(TRAY_SECONDS)
    refuse(9, "operation failed: timed out waiting to open tray of '%s'", devices.dev_of(disk))
  end
  set_tray(self, at, "open")
end

-- The disk with the medium of another element.
local function with_medium(self, disk, element)
  local source = xml.child(element, "source")
  self.counter = self.counter + 1
  disk = xml.set(disk, "type", element.attributes.type)
  disk = xml.put(disk, "backingStore", nil)
  disk = xml.put(disk, "source", source)
  local driver = xml.child(element, "driver")
  if driver and driver.attributes.type then
    disk = xml.put(disk, "driver", xml.set(xml.child(disk, "driver"), "type", driver.attributes.type))
  end
  return devices.run(disk, self.counter)
end

local function change_medium(self, at, element, force)
  must_exist(self, element)
  if is_unreadable(self, element) and not self.host.manners.half_done then refuse_image() end
  open_tray(self, at, force)
  local drive = self.drives[devices.dev_of(element)]
  drive.medium = false
  if is_unreadable(self, element) then refuse_image() end
  drive.medium = devices.location_of(element) or false
  self.live.devices[at] = with_medium(self, self.live.devices[at], element)
  set_tray(self, at, nil)
end

-- Attaching -----------------------------------------------------------------------------------------------------------

local function attach_to_config(self, config, element)
  if config:find(element) then
    refuse(55, "Requested operation is not valid: target %s already exists", devices.name_of(element))
  end
  config:check_place(element)
  config:insert(element)
  config:complete(self.host.manners.default_model == false)
end

local function plug_hba(self, element)
  local live = self.live
  if not element.attributes.model then element = xml.set(element, "model", live:default_model()) end
  if live:find(element) then
    refuse(9, "operation failed: target scsi:%s already exists", element.attributes.index)
  end
  live:insert(run_device(self, live:placed(element)))
end

-- The HBA that a drive is to be on, and all below it, as libvirt makes them; their numbers.
local function plug_missing_hbas(self, element)
  local place, live = devices.place_of(element), self.live
  if not place or live:hba_at(place.controller) then return {} end
  if not self.host.manners.makes_hbas then
    refuse(9, "operation failed: there is no HBA %d", place.controller)
  end
  local made = live:make_hbas(place.controller, live:last_model())
  live:place_hbas(false)
  for _, index in ipairs(made) do
    local at = live:hba_at(index)
    live.devices[at] = run_device(self, live.devices[at])
  end
  return made
end

local function unplug_hbas(self, indexes)
  for _, index in ipairs(indexes) do table.remove(self.live.devices, self.live:hba_at(index)) end
end

local function check_plug(self, element)
  local source = xml.child(element, "source")
  self.live:check_place(element)
  must_exist(self, element)
  if is_unreadable(self, element) then refuse_image() end
  if not source and devices.is_cdrom(element) and self.host.manners.empty_refused then
    refuse(1, "internal error: argument key 'filename' must not have null value")
  end
end

local function plug_drive(self, element)
  if xml.child(element, "boot") and self.live:boots_by_os() then
    refuse(67, "unsupported configuration: per-device boot elements cannot be used together with os/boot elements")
  end
  local made = plug_missing_hbas(self, element)
  local good, failure = pcall(check_plug, self, element)
  if not good then
    if not self.host.manners.leaves_hbas then unplug_hbas(self, made) end
    error(failure, 0)
  end
  self.live:insert(run_device(self, element))
  if element.name == "disk" then self.drives[devices.dev_of(element)].hot = true end
end

local function attach_live(self, element)
  local at = self.live:find(element)
  if element.name == "controller" then
    plug_hba(self, element)
  elseif at and devices.is_cdrom(element) and self.host.manners.attach_changes_medium then
    return change_medium(self, at, element)
  elseif at then
    refuse(55, "Requested operation is not valid: target %s already exists", devices.name_of(element))
  else
    plug_drive(self, element)
  end
  self:emit("added", { alias = devices.alias_of(self.live.devices[self.live:find(element)]) })
end

-- Detaching -----------------------------------------------------------------------------------------------------------

-- The number of the device that is to go: a disk's by its name alone (facts 8).
local function find_leaving(self, definition, element)
  local at = definition:find(element)
  local found = definition.devices[at or 0]
  local is_other = found and found.name == "disk" and not self.host.manners.name_alone
    and xml.get(found, "target", "bus") ~= xml.get(element, "target", "bus")
  if not found or is_other then
    refuse(99, "device not found: no target device %s", devices.name_of(element))
  end
  return at
end

local function refuse_busy() refuse(9, "operation failed: device cannot be detached: device is busy") end

local function detach_from_config(self, config, element)
  local at = find_leaving(self, config, element)
  local hba = devices.is_hba(element)
  if hba and not self.host.manners.recreates_hba and config:is_used(devices.index_of(element)) then refuse_busy() end
  table.remove(config.devices, at)
  config:complete(self.host.manners.default_model == false)
end

-- The device of that alias leaves the running domain.
function Domain:release(alias)
  self.leaving[alias] = nil
  local at = self.live and self.live:where(function(element) return devices.alias_of(element) == alias end)
  if not at then return end
  local gone = table.remove(self.live.devices, at)
  if gone.name == "disk" then self.drives[devices.dev_of(gone)] = nil end
  self:emit("removed", { alias = alias })
end

-- What the guest makes of the request: self.answers[alias] or for all of them self.answers["*"] is "refuses", "never",
-- the seconds that it takes, or nil for at once.
local function ask_guest(self, alias)
  local answer = self.answers[alias] or self.answers["*"] or 0
  if answer == "refuses" then
    self:emit("removal_failed", { alias = alias })
    refuse(9, "operation failed: unplug of device was rejected by the guest")
  end
  self.leaving[alias] = answer == "never" and math.huge or self.host:now() + answer
  self.host:advance(answer == "never" and UNPLUG_SECONDS or math.min(answer, UNPLUG_SECONDS))
end

local function detach_live(self, element)
  local leaving = self.live.devices[find_leaving(self, self.live, element)]
  local alias = devices.alias_of(leaving)
  if devices.is_hba(leaving) and self.live:is_used(devices.index_of(leaving)) then refuse_busy() end
  if self.leaving[alias] then
    self.asked_twice = alias -- which a client that waits never does
    refuse_qemu("device_del", "Device %s is already in the process of unplug", alias)
  end
  ask_guest(self, alias)
end

-- Updating ------------------------------------------------------------------------------------------------------------

local changeable = { source = true, backingStore = true, driver = true, alias = true }
local flags = { "readonly", "shareable", "transient" } -- leaving these out means no

local function refuse_field(name)
  refuse(84, "Operation not supported: cannot modify field '%s' of the disk", name)
end

-- Fields that a running disk keeps; what is left out is as it was.
local function check_fields(disk, wanted)
  if wanted.attributes.device ~= disk.attributes.device then refuse_field("device") end
  for _, child in ipairs(wanted) do
    local old = xml.child(disk, child.name)
    if not changeable[child.name] and (not old or xml.text(old) ~= xml.text(child)) then refuse_field(child.name) end
  end
  for _, name in ipairs(flags) do
    if xml.child(disk, name) and not xml.child(wanted, name) then refuse_field(name) end
  end
  local driver, old = xml.child(wanted, "driver"), xml.child(disk, "driver")
  for _, name in ipairs(driver.attributes) do
    if name ~= "type" and driver.attributes[name] ~= old.attributes[name] then refuse_field(name) end
  end
  if devices.alias_of(wanted) and devices.alias_of(wanted) ~= devices.alias_of(disk) then
    refuse(29, "operation denied: cannot modify field 'alias' of the disk")
  end
end

-- What may change without another medium.
local function change_policy(self, at, wanted)
  local disk = xml.set(self.live.devices[at], "snapshot", wanted.attributes.snapshot)
  local source, other = xml.child(disk, "source"), xml.child(wanted, "source")
  if source then
    disk = xml.put(disk, "source", xml.set(source, "startupPolicy", other.attributes.startupPolicy))
  end
  self.live.devices[at] = disk
end

local function update_live(self, element, force)
  if element.name ~= "disk" then
    refuse(67, "unsupported configuration: live update of device '%s' is not supported", element.name)
  end
  local at = self.live:find(element)
  if not at then refuse(1, "internal error: disk '%s' not found", devices.dev_of(element)) end
  local disk = self.live.devices[at]
  check_fields(disk, element)
  local same = devices.location_of(disk) == devices.location_of(element)
  if same and self.host.manners.same_is_nothing then return change_policy(self, at, element) end
  if not devices.is_cdrom(disk) then
    if same then return change_policy(self, at, element) end
    refuse(84, "Operation not supported: the source of a disk cannot be changed")
  end
  change_medium(self, at, element, force)
end

-- The configuration takes the element as it is said, whatever it was before (facts 7).
local function update_config(self, config, element)
  if element.name ~= "disk" then
    refuse(84, "Operation not supported: persistent update of device '%s' is not supported", element.name)
  end
  local at = config:find(element)
  if not at then refuse(8, "invalid argument: target %s doesn't exist.", devices.dev_of(element)) end
  config.devices[at] = element
  config:complete(self.host.manners.default_model == false)
end

-- Calls ---------------------------------------------------------------------------------------------------------------

-- A call that changes the configuration, the running domain, or both: the configuration is tried first and kept last.
local function change(self, text, scope, on_config, on_live)
  if self.host:is_test() then refuse(3, "this function is not supported by the connection driver") end
  local config = scope.config and self.config and self.config:copy()
  if scope.config and not config then
    refuse(55, "Requested operation is not valid: transient domains do not have any persistent config")
  end
  if scope.live then self:must_run() end
  local element = xml.parse(text)
  if not element then refuse(27, "XML error: not well-formed") end
  -- Of a running drive the element says more than a configuration takes.
  local taken = devices.take(element)
  if config then on_config(self, config, devices.rest(taken)) end
  if scope.live then on_live(self, taken, scope.force) end
  if config then self.config = config end
end

local function updated_live(self, element, force) update_live(self, element, force) end

function Domain:attach_device(text, scope) change(self, text, scope, attach_to_config, attach_live) end

function Domain:detach_device(text, scope) change(self, text, scope, detach_from_config, detach_live) end

function Domain:update_device(text, scope) change(self, text, scope, update_config, updated_live) end

-- Gives a definition the password of the one before it.
local function keep_password(before, definition)
  local function is_graphics(element) return element.name == "graphics" end
  local old, new = before:where(is_graphics), definition:where(is_graphics)
  local password = old and before.devices[old].attributes.passwd
  if not new or definition.devices[new].attributes.passwd then return end
  definition.devices[new] = xml.set(definition.devices[new], "passwd", password)
end

-- Takes over another configuration.
function Domain:define(definition)
  definition:complete(self.host.manners.default_model == false)
  definition:validate()
  if not self.host.manners.loses_password and self.config then keep_password(self.config, definition) end
  self.config = definition
end

-- What happens by itself, or by others --------------------------------------------------------------------------------

-- The guest opens the tray of a drive; libvirt goes on showing the medium.
function Domain:guest_eject(dev)
  self.drives[dev].medium = false
  set_tray(self, self.live:disk_at(dev), "open")
end

-- What is really in a running drive: its location, false if it is empty.
function Domain:medium(dev) return self.drives[dev].medium end

-- The daemon comes back, and asks QEMU again.
function Domain:refresh()
  for _, drive in pairs(self.drives) do drive.hot = nil end
end

-- All that the guest was asked for goes.
function Domain:let_go()
  local aliases = {}
  for alias in pairs(self.leaving) do aliases[#aliases + 1] = alias end
  table.sort(aliases)
  self.answers = {}
  for _, alias in ipairs(aliases) do self:release(alias) end
end

-- fields: name, config, live (definitions at rest; live of a domain that runs), state.
function Domain.new(host, fields)
  local self = setmetatable({ host = host, name = fields.name, uuid = fields.uuid, config = fields.config, counter = 0,
    drives = {}, leaving = {}, locked = {}, answers = {}, state = "shut off" }, Domain)
  if fields.live then
    self.live, self.id, self.state = started(self, fields.live), host:next_id(), fields.state or "running"
  end
  return self
end

return Domain
