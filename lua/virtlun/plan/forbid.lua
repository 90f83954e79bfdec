--- What a plan must not do: the first law, as problems.  Pure, like plan.lua, which asks.
--
-- A work (see plan.lua) has the described model, its tables, and the halves of the domain that are to be changed, each
-- with its document and its changes.

local boot = require "virtlun.plan.boot"
local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local guest = require "virtlun.guest"
local kinds = require "virtlun.kinds"
local problems = require "virtlun.problems"

local forbid = {}

--- Adds those of `more` that are not there yet: both halves of a domain may have the same problem.
function forbid.merge(found, more)
  for _, problem in ipairs(more) do found:add_once(problem) end
end

-- The domain and its state ---------------------------------------------------------------------------------

--- A scope for which the domain has no half.
function forbid.nothing_to_change(found, desired, facts, no_hotplug)
  if facts.persistent == false then
    found:complain(desired, { code = "no_config" })
  elseif no_hotplug then
    found:complain(desired, { code = "no_hotplug", value = facts.driver })
  else
    found:complain(desired, { code = "not_running", value = facts.state or "shut off" })
  end
end

-- States of an active domain in which QEMU does not take orders, or loses what they did.
local is_unsteady = { ["in shutdown"] = true, crashed = true, pmsuspended = true }

--- States that forbid a change; they forbid nothing where nothing is to be changed.
function forbid.state(found, desired, facts, work)
  if work.live and is_unsteady[facts.state] then
    found:complain(desired, { code = "bad_state", value = facts.state })
  elseif work.config and facts.managed_save and not work.running then
    found:complain(desired, { code = "managed_save", value = desired.name })
  end
end

-- Devices --------------------------------------------------------------------------------------------------

local function version_text(number)
  return ("%d.%d.%d"):format(number // 1000000, number // 1000 % 1000, number % 1000)
end

-- Fields that came with a later libvirt, by shape and key.
local newer_fields

local function fields_since(kind)
  if not newer_fields then
    newer_fields = {}
    for name, shape in pairs(core.schema().shapes) do
      newer_fields[name] = {}
      for _, field in ipairs(shape.fields) do newer_fields[name][field.key] = field.since end
    end
  end
  return newer_fields[kind] or newer_fields.disk
end

--- Of devices that are right in themselves: what the host's libvirt is too old for.
function forbid.devices(found, desired, facts)
  for _, device in ipairs(facts.libvirt and desired or {}) do
    for key, since in pairs(fields_since(device.kind)) do
      if device[key] and since > facts.libvirt then
        found:append { problems.new { code = "needs_libvirt", value = version_text(facts.libvirt),
          expected = version_text(since), path = ("%s.%s.%s"):format(desired.name, devices.label(device), key),
          file = device.file, line = device.line } }
      end
    end
  end
end

-- Changes --------------------------------------------------------------------------------------------------

local function complain_of_change(found, desired, change, fields)
  found:add_once(problems.of_change(desired, change, fields))
end

--- protect = true: nothing removes, replaces or empties the device.
local function complain_of_protection(found, desired, change, model)
  local verb = change.action == "remove" and "remove" or change.replace and "replace" or nil
  for _, field in ipairs(change.fields or {}) do
    if field.key == "source" then verb = field.after == false and "empty" or "replace what is in" end
    if field.key == "address" then verb = "move" end
    if field.key == "model" then verb = "replace" end
  end
  if verb and model:says(change.desired, "protect") then
    complain_of_change(found, desired, change, { code = "protected", a = verb })
  end
end

--- Where a new drive will be: as it is described, or as the other half has it.
local function new_drive(work, half, change)
  for _, document in pairs(change.after.address and {} or work.documents) do
    local number = document ~= half.document and core.find(work.model, document, change.desired)
    if number then return document:drives()[number] end
  end
  return work.model:drives()[change.desired]
end

--- The drives of a half as they will be: those of the host without those that go, and those that come.
local function final_drives(work, half)
  local drives = half.document:drives()
  for _, change in ipairs(half.changes) do
    if change.action == "remove" then
      drives[change.current] = nil
    elseif change.action == "add" then
      drives[-change.desired] = new_drive(work, half, change)
    else
      for _, field in ipairs(change.fields) do
        if field.key == "address" and drives[change.current] then
          drives[change.current].controller = field.after.controller or drives[change.current].controller
        end
      end
    end
  end
  return drives
end

--- Why an HBA must stay, as the code of a problem and the name of the nearest drive that is on it or on one above it,
-- where libvirt would fill the hole (facts 3); nil if it may go.  drives: as model:drives() gives them.
function forbid.removal_of_hba(drives, index)
  local user
  for _, drive in pairs(drives) do
    local nearer = not user or drive.controller < user.controller
      or drive.controller == user.controller and drive.name < user.name
    if drive.controller >= index and nearer then user = drive end
  end
  if user then return user.controller == index and "still_used" or "below_used", user.name end
end

local function complain_of_use(found, desired, work, half)
  local drives
  for _, change in ipairs(half.changes) do
    if change.action == "remove" and change.kind == "controller" then
      drives = drives or final_drives(work, half)
      local code, user = forbid.removal_of_hba(drives, change.before.index)
      if code then complain_of_change(found, desired, change, { code = code, a = user }) end
    end
  end
end

--- What the document says twice, or what belongs to the present source, if that is what changes now.
local function complain_of_obstacle(found, desired, change)
  local obstacle = change.obstacle
  if not obstacle or obstacle.code == "bound" and not changes.field(change, "source") then return end
  complain_of_change(found, desired, change, { code = obstacle.code, a = obstacle.a })
end

--- The first key of a difference that the change made of it leaves out, nil if there is none.
local function key_left(difference, made)
  for _, field in ipairs(difference.fields) do
    if not changes.field(made, field.key) then return field.key end
  end
end

--- A running domain takes some changes only at its next boot, by its configuration: it may have none, or is to keep it.
local function complain_of_power(found, desired, work, half, facts)
  if half.name ~= "live" or work.config then return end
  local made, code = {}, facts.persistent == false and "needs_power_off" or "needs_config"
  for _, change in ipairs(half.changes) do made[change.desired] = change end
  for _, difference in ipairs(half.differences) do
    local key = difference.action == "change" and key_left(difference, made[difference.desired] or {})
    if key then complain_of_change(found, desired, difference, { code = code, a = key }) end
  end
end

--- Where a drive comes to by a change, nil if it stays where it is.
local function place_of(change)
  local address = change.kind ~= "controller" and changes.after(change, "address")
  return type(address) == "table" and address.controller and guest.address_text(address) or nil
end

--- The numbers of a document's drives by the text of their place.
local function drives_by_place(document)
  local by_place = {}
  for number in pairs(document:drives()) do
    local address = document:device(number).address
    if type(address) == "table" and address.controller then by_place[guest.address_text(address)] = number end
  end
  return by_place
end

--- What changes of a half make of drives that are there, by their numbers.
local function changes_by_current(half)
  local by_current = {}
  for _, change in ipairs(half.changes) do
    if change.current then by_current[change.current] = change end
  end
  return by_current
end

--- Whether a drive has left its place when the change is made.  Of running drives those that are removed go first, and
-- then those that are replaced; drives of a configuration may trade places by its define.
local function leaves_before(half, other, change)
  if other.action == "remove" then return true end
  local moves = changes.field(other, "address") ~= nil
  return moves and (half.name == "config" or change.action == "add" and other.replace)
end

--- Nothing comes to a place whose drive is still there: one that runs keeps it until the next boot, and one that is not
-- selected stays.
local function complain_of_places(found, desired, half)
  local drives, by_current
  for _, change in ipairs(half.changes) do
    local text = place_of(change)
    if text then
      drives, by_current = drives or drives_by_place(half.document), by_current or changes_by_current(half)
      local number = drives[text]
      local other = by_current[number]
      if number and number ~= change.current and not (other and leaves_before(half, other, change)) then
        complain_of_change(found, desired, change, { code = "address_host_taken", value = text,
          a = devices.label(half.document:device(number)) })
      end
    end
  end
end

--- Changes that the first law forbids, each told once although both halves may want it.
function forbid.changes(found, desired, work, facts)
  for _, half in ipairs(work.halves) do
    for _, change in ipairs(half.changes) do
      complain_of_obstacle(found, desired, change)
      complain_of_protection(found, desired, change, work.model)
    end
    complain_of_use(found, desired, work, half)
    complain_of_places(found, desired, half)
    complain_of_power(found, desired, work, half, facts)
  end
end

-- What holds data -------------------------------------------------------------------------------------------

local function complain_of_loss(found, desired, change, work, half, places)
  local pruned = work.pruned[change.desired]
  local loses = kinds.HOLDS_DATA[change.kind] and half.name == "live" and (pruned or change.replace)
  if pruned and boot.is_from(work, half, change, places) then
    complain_of_change(found, desired, change, { code = "prune_boot" })
  elseif loses and not work.opts.force then
    local verb = change.action == "remove" and "prune" or "replace"
    complain_of_change(found, desired, change, { code = "needs_force", value = change.kind, a = verb })
  end
end

--- What no single word of a recipe takes from a guest: what it boots from, and without force what holds data, unless
-- the recipe says of the very device that it is to be absent.
function forbid.losses(found, desired, work, documents)
  local places, failure = {}, nil
  if next(work.pruned) then places, failure = boot.places(work, documents) end
  if not places then return found:append(failure) end
  for _, half in ipairs(work.halves) do
    for _, change in ipairs(half.changes) do complain_of_loss(found, desired, change, work, half, places) end
  end
end

-- Room in the running machine ------------------------------------------------------------------------------

local function is_hotplug_of_hba(change)
  return change.kind == "controller" and change.action ~= "change"
end

--- HBAs come to and leave a running PC by PCI hotplug: ACPI does it on pc, a free PCIe port takes it on q35 (facts 2).
function forbid.slots(found, desired, work)
  local half = work.live
  local facts = half and half.document:facts()
  if not half or facts.arch ~= "x86_64" and facts.arch ~= "i686" then return end
  local q35 = (facts.machine or ""):find("q35", 1, true)
  local free, wanted = facts.free_ports, 0
  for _, change in ipairs(half.changes) do
    if is_hotplug_of_hba(change) and not q35 and not facts.acpi then
      complain_of_change(found, desired, change, { code = "no_acpi", value = facts.machine or "(unsaid)" })
    elseif q35 and change.action == "add" and is_hotplug_of_hba(change) and not change.after.address then
      wanted = wanted + 1
      if wanted > free then
        complain_of_change(found, desired, change, { code = "no_port", value = free })
      end
    end
  end
end

return forbid
