--- Devices that come to a domain and leave it while it runs, each half by its own call.
--
-- libvirt finds a disk by its name alone, whatever else is said of it (facts 8), and turns an attach where the name is
-- taken into a change of the medium (facts 7).  So what is sent away is the host's own element, of a drive that was
-- just seen to be the described one, and what is added was just seen to be missing.

local boot = require "virtlun.boot"
local core = require "virtlun.core"
local guest = require "virtlun.guest"
local problems = require "virtlun.problems"
local quirks = require "virtlun.quirks"

local hotplug = {}

local UNPLUG_SECONDS = 30 -- the guest may take its time; libvirt itself waits for five (facts 8)
local LOOK_SECONDS = 0.5 -- between looks where no event comes
local DEVICE_MISSING = 99

local other_half = { live = "config", config = "live" }

-- Leaving --------------------------------------------------------------------------------------------------

--- Waits until the device has left, the guest has refused, or the time is up: "removed", "refused" or "pending".
local function await_removal(host, change, watcher, alias, seconds)
  while true do
    local seen, failure = host:refresh("live")
    if not seen then return nil, failure end
    if not host:find("live", change.desired) then return "removed" end
    if seconds <= 0 then return "pending" end
    local event = watcher:next(math.min(seconds, LOOK_SECONDS))
    if not event then seconds = seconds - LOOK_SECONDS end
    if event and event.event == "removal_failed" and event.alias == alias then return "refused" end
  end
end

--- Asks the guest for the device, unless it was asked before, and waits for the answer.
local function unplug(host, change, element, opts)
  local alias = host.live.document:alias(change.current)
  local watcher, failure = host.dom:watch()
  if not watcher then return nil, failure end
  local asked = host.dom:is_unplugging(alias)
  local good, refusal = true, nil
  if not asked then good, refusal = host:write("detach_device", element, { live = true }) end
  if not good and (refusal[1].cause or {}).code ~= DEVICE_MISSING then
    watcher:close()
    return nil, refusal
  end
  host.dom:note_unplug(alias, true)
  local outcome
  outcome, failure = await_removal(host, change, watcher, alias, opts.timeout or UNPLUG_SECONDS)
  watcher:close()
  if outcome ~= "pending" then host.dom:note_unplug(alias, false) end
  return outcome, failure
end

--- Takes a device out of a half.  What libvirt gets is the element that was just read.
function hotplug.take_out(host, name, change, opts)
  local element, found = host:element(name, change.current)
  if not element then return nil, found end
  if name == "config" then
    local good, failure = host:write("detach_device", element, { config = true })
    if not good then return nil, failure end
    return host:refresh("config")
  end
  local outcome, failure = unplug(host, change, element, opts)
  if outcome == "removed" then return true end
  if not outcome then
    local cause = failure[1].cause
    if not cause then return nil, failure end
    return host:fail(change, { code = "unplug_refused", a = cause.message, cause = cause })
  end
  return host:fail(change, { code = outcome == "pending" and "unplug_pending" or "unplug_refused", a = "it said no" })
end

-- Coming ---------------------------------------------------------------------------------------------------

--- The element of a new device: as the other half has it, with all that is described, whether or not it could change
-- there; else as it is described.  The chain of images of a running disk, and a transient one's overlay, are not for
-- the configuration.
local function new_element(host, name, number)
  local other = other_half[name]
  local half = host[other]
  if not half then return host.model:xml(number) end
  local current = host:find(other, number)
  if not current or half.document:has_chain(current) then return host.model:xml(number) end
  -- All that differs, also what a running device could not be changed to: this one is only to come.
  return host:element(other, core.diff(host.model, half.document, number)[1] or current)
end

--- HBAs of the running domain by index.
local function hbas_of(host)
  return host.live and host.live.document:hbas() or {}
end

--- HBAs that libvirt made for a drive which it then did not attach (facts 3).
local function remove_left_behind(host, change, before)
  local notes = problems.list()
  for index, number in pairs(hbas_of(host)) do
    if not before[index] then
      local element = host:element("live", number)
      local good = element and host:write("detach_device", element, { live = true })
      if good then notes:append { host:problem(change, { code = "left_behind", value = tostring(index) }) } end
    end
  end
  return notes
end

local function is_taken(host, name, address)
  for _, device in ipairs(host[name].document:tables()) do
    local at = device.address
    if type(at) == "table" and at.controller == address.controller and at.target == address.target
      and at.unit == address.unit then
      return true
    end
  end
  return false
end

--- Words for an attach that failed, by what is seen afterwards.
local function explain(host, name, change, failure)
  local cause = failure[1].cause
  if not cause or change.kind == "controller" then return failure end
  local device = change.after
  local seen = {
    code = cause.code, there = host:find(name, change.desired) ~= nil,
    empty = change.kind == "cdrom" and not device.source,
    taken = device.address and is_taken(host, name, device.address),
  }
  local code = quirks.name_of("attach", seen)
  if not code then return failure end
  local value = device.address and guest.address_text(device.address)
  return problems.list { host:problem(change, { code = code, a = cause.message, value = value, cause = cause }) }
end

local function send(host, change, element, scope)
  local before = hbas_of(host)
  local good, failure = host:write("attach_device", element, scope)
  local seen, lost = host:refresh()
  if not seen then return nil, failure or lost end
  if good then return true end
  failure = explain(host, scope.live and "live" or "config", change, failure)
  if scope.live then failure:append(remove_left_behind(host, change, before)) end
  return nil, failure
end

--- A running HBA's configuration gets the place that it has now, unless something else is there.
local function add_hba_to_config(host, change)
  local current = host:find("live", change.desired)
  local element = current and host:element("live", current)
  local good = element and host:write("attach_device", element, { config = true })
  if good then return host:refresh("config") end
  return send(host, change, host.model:xml(change.desired), { config = true })
end

--- Whether the running domain takes the device only without its boot order, which then waits for a power-off.
local function boots_later(host, change)
  return change ~= nil and change.after.boot ~= nil and host.live.document:facts().os_boot
end

--- Adds a device to one half.
local function add_to(host, name, change, later)
  local element, found
  if later and name == "config" then element, found = host.model:xml(change.desired), nil
  else element, found = new_element(host, name, change.desired)
  end
  if element and later and name == "live" then element, found = boot.strip(element) end
  if not element then return nil, found end
  return send(host, change, element, { [name] = true })
end

--- Adds a described device to the halves that lack it.  halves: { live = change, config = change }.
function hotplug.add(host, halves)
  local live, config = halves.live, halves.config
  local later = boots_later(host, live)
  if live and config and live.kind ~= "controller" and not later then
    return send(host, live, host.model:xml(live.desired), { live = true, config = true })
  end
  for _, name in ipairs { "live", "config" } do
    local change = halves[name]
    if change then
      local good, failure
      if name == "config" and live and change.kind == "controller" then
        good, failure = add_hba_to_config(host, change)
      else
        good, failure = add_to(host, name, change, later)
      end
      if not good then return nil, failure end
    end
  end
  return true
end

return hotplug
