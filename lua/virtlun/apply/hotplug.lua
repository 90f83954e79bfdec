--- Devices that come to a domain and leave it while it runs, each half by its own call.
--
-- libvirt finds a disk by its name alone, whatever else is said of it (facts 8), and turns an attach where the name is
-- taken into a change of the medium (facts 7).  So what is sent away is the host's own element, of a drive that was
-- just seen to be the described one, and what is added was just seen to be missing.

local boot = require "virtlun.plan.boot"
local core = require "virtlun.core"
local forbid = require "virtlun.plan.forbid"
local guest = require "virtlun.guest"
local problems = require "virtlun.problems"
local quirks = require "virtlun.plan.quirks"

local hotplug = {}

local UNPLUG_SECONDS = 30 -- the guest may take its time; libvirt itself waits for five (facts 8)
local LOOK_SECONDS = 0.5 -- between looks where no event comes
local ATTEMPTS = 10 -- as many images as dead daemons may have left open
local OPERATION_FAILED, DEVICE_MISSING = 9, 99

local other_half = { live = "config", config = "live" }

--- The number of an HBA in a half, nil if it is not there.
local function hba_at(host, name, index)
  return host[name].document:hbas()[index]
end

-- Leaving --------------------------------------------------------------------------------------------------

--- Whether the running domain still has the device that was asked for, and not another in its place.
local function is_there(host, change, alias)
  local number
  if change.index then number = hba_at(host, "live", change.index)
  else number = host:find("live", change.desired) end
  return number ~= nil and host.live.document:alias(number) == alias
end

--- Whether a look that failed is worth another one: what has been asked for may be leaving, and who replaces it must
-- know.
local function may_look_again(host, failure)
  return failure[1].cause ~= nil and not host:is_unanswered(failure)
end

--- Waits until the device has left, the guest has refused, or the time is up: "removed", "refused" or "pending".
local function await_removal(host, change, watcher, alias, seconds)
  local now = host.dom.now
  local deadline = now() + seconds
  while true do
    local seen, failure = host:refresh("live")
    if seen and not is_there(host, change, alias) then return "removed" end
    if not seen and not may_look_again(host, failure) then return nil, failure end
    local left = deadline - now()
    if left <= 0 then return seen and "pending" or nil, failure end
    if host.waiting then host.waiting("guest") end
    local event = watcher:next(math.min(left, LOOK_SECONDS))
    if event and event.event == "removal_failed" and event.alias == alias then return "refused" end
  end
end

--- Whether the guest has answered what it was asked before.
local function is_answered(watcher, alias)
  while true do
    local event = watcher:next(0)
    if not event then return false end
    local ended = event.event == "removed" or event.event == "removal_failed"
    if ended and event.alias == alias then return true end
  end
end

--- What still listens for the guest's answer about a device; nil if the guest is to be asked now.  A domain that was
-- started since then was not asked.
local function unanswered(host, alias)
  local watcher = host.dom:unplugging(alias)
  if not watcher then return nil end
  if watcher.run == host.live.document:facts().run and not is_answered(watcher, alias) then return watcher end
  watcher:close()
  host.dom:note_unplug(alias, nil)
end

--- Whether a device has left all the same when the call has failed: it is not believed, but looked for.
local function has_left(host, change, alias, refusal)
  if (refusal[1].cause or {}).code == DEVICE_MISSING then return true end
  return not host:is_unanswered(refusal) and host:refresh("live") and not is_there(host, change, alias)
end

--- Asks the guest for a device: what will hear the answer, or nil and problems.
local function ask(host, change, alias, element)
  local watcher, failure = host.dom:watch()
  if not watcher then return nil, failure end
  watcher.run = host.live.document:facts().run
  local good, refusal = host:write("detach_device", element, { live = true })
  if good or has_left(host, change, alias, refusal) then return watcher end
  watcher:close()
  return nil, refusal
end

--- Asks the guest for the device, unless it was asked before, and waits for the answer.  As long as there is none, the
-- watcher is kept: a later call learns from it whether the guest has answered meanwhile.
local function unplug(host, change, element, opts)
  local alias = host.live.document:alias(change.current)
  local watcher, refusal = unanswered(host, alias), nil
  if not watcher then watcher, refusal = ask(host, change, alias, element) end
  if not watcher then return nil, refusal end
  local outcome, failure = await_removal(host, change, watcher, alias, opts.timeout or UNPLUG_SECONDS)
  local pending = outcome == "pending" and watcher or nil
  if not pending then watcher:close() end
  host.dom:note_unplug(alias, pending)
  return outcome, failure
end

local function take_out_live(host, change, element, opts)
  local outcome, failure = unplug(host, change, element, opts)
  if outcome == "removed" then return true end
  if outcome == "pending" then return host:fail(change, { code = "unplug_pending" }) end
  if outcome == "refused" then return host:fail(change, { code = "unplug_refused", a = "it said no" }) end
  -- Only this code is a refusal; a host that is not reached has refused nothing.
  local cause = failure[1].cause
  if not cause or cause.code ~= OPERATION_FAILED then return nil, failure end
  return host:fail(change, { code = "unplug_refused", a = cause.message, cause = cause })
end

--- Takes a device out of a half.  What libvirt gets is the element that was just read.  change: current, and desired or
-- the index of an HBA that is not described.
function hotplug.take_out(host, name, change, opts)
  local element, found = host:shown_element(name, change.current)
  if not element then return nil, found end
  if name == "live" then return take_out_live(host, change, element, opts) end
  local good, failure = host:write("detach_device", element, { config = true })
  if not good then return nil, failure end
  return host:refresh("config")
end

-- HBAs that nobody needs -------------------------------------------------------------------------------------

--- Whether a drive of either half is on an HBA or above it.
local function is_needed(host, index)
  for _, document in pairs(host.documents) do
    if forbid.removal_of_hba(document:drives(), index) then return true end
  end
  return false
end

--- Takes an HBA that was made for a failed attach out of the given halves, unless a drive has come to need it: a note
-- of what came of it, nil where there was nothing to do.  A configuration that lost an HBA in use, or below such a one,
-- would get another one of libvirt's choice (facts 3), so it is looked at directly before, and left alone when the
-- running HBA stays.
function hotplug.clear(host, change, index, names, opts)
  if not host:refresh() or is_needed(host, index) then return nil end
  local note
  for _, name in ipairs(names) do
    local number = host[name] and hba_at(host, name, index)
    if number then
      local gone = { device = change.device, current = number, index = index, file = change.file, line = change.line }
      local good, failure = hotplug.take_out(host, name, gone, opts)
      if not good then
        return host:problem(change, { code = "not_cleared", value = tostring(index), a = failure[1].message })
      end
      note = host:problem(change, { code = "left_behind", value = tostring(index) })
    end
  end
  return note
end

-- Coming ---------------------------------------------------------------------------------------------------

--- The description of a device for the other half: there its tray is closed, however the guest has left it here.
local function wanted_elsewhere(host, number)
  local wanted = {}
  for key, value in pairs(host.model:device(number)) do wanted[key] = value end
  if wanted.kind == "cdrom" then wanted.tray = wanted.tray or "closed" end
  return core.model { kind = "domain", name = host.dom.name, wanted }
end

--- An element with all that is described.  It is compared where it stands alone: of an empty drive that runs, no format
-- counts.
local function as_described(wanted, xml)
  local document, found = core.document(xml)
  local change = document and core.diff(wanted, document)[1]
  if change then xml, found = core.patch(xml, wanted, document, { change }) end
  if not document or not xml then return nil, problems.list(found) end
  return xml
end

--- The element of a new device: as the other half has it, with all that is described; else as it is described.  The
-- chain of images of a running disk, and a transient one's overlay, are not for the configuration.
local function new_element(host, name, number)
  if host.originals and host.originals[number] then return host.originals[number] end
  local other = other_half[name]
  local document = host.documents[other]
  local current = document and core.find(host.model, document, number)
  if not current or document:has_chain(current) then return host.model:xml(number) end
  local text, whole = host:whole(other)
  if not text then return nil, whole end
  local xml, found = core.element(text, whole, current)
  if not xml then return nil, problems.list(found) end
  return as_described(wanted_elsewhere(host, number), xml)
end

local function hbas_of(host)
  return host.live and host.live.document:hbas() or {}
end

--- Removes the HBAs that libvirt made for a drive which it then did not attach (facts 3).  It makes none above the one
-- that the drive was to be on, so that others come from somebody else.
local function remove_left_behind(host, change, before, opts)
  local notes = problems.list()
  local highest = type(change.after.address) == "table" and change.after.address.controller or -1
  for index in pairs(hbas_of(host)) do
    if not before[index] and index <= highest then
      notes:append { hotplug.clear(host, change, index, { "live" }, opts) }
    end
  end
  return notes
end

local function has_place(device, address)
  return type(device.address) == "table" and guest.same_place(device.address, address)
end

local function is_taken(host, name, address)
  for _, device in ipairs(host[name].document:tables()) do
    if has_place(device, address) then return true end
  end
  return false
end

--- Whether a CD drive is to come without a medium.
local function is_empty(change)
  return change.kind == "cdrom" and not change.after.source
end

--- Words for an attach that failed, by what is seen afterwards.
local function explain(host, name, change, failure)
  local cause = failure[1].cause
  if not cause then return failure end
  local device = change.after
  local place = change.kind ~= "controller" and device.address or nil
  local seen = {
    code = cause.code, text = cause.message, there = host:find(name, change.desired) ~= nil,
    empty = is_empty(change), taken = not place or is_taken(host, name, place),
  }
  local problem = { code = quirks.name_of("attach", seen) or "host_refused", a = cause.message, cause = cause }
  if problem.code ~= "host_refused" then problem.value = place and guest.address_text(place) end
  return problems.list { host:problem(change, problem) }
end

--- Whether what stands there under the name of a new CD drive is another client's: then libvirt has only put the medium
-- into it (facts 7), and it is not where the new drive was to be.
local function is_another(host, change, sent)
  local current = change.kind == "cdrom" and host:find("live", change.desired)
  if not current then return false end
  local device, wanted = core.read(host:shown_element("live", current)), core.read(sent)
  return type(wanted.address) == "table" and not has_place(device, wanted.address)
end

--- An attach that has only put its medium into another client's drive is no success, and the configuration does not
-- keep what the running domain did not get.
local function check_taken(host, change, element, scope, opts)
  if not scope.live or not is_another(host, change, element) then return true end
  local found = problems.list { host:problem(change, { code = "already_there" }) }
  local there = scope.config and host:find("config", change.desired)
  if there then
    local ours = { device = change.device, current = there, file = change.file, line = change.line }
    local good, failure = hotplug.take_out(host, "config", ours, opts)
    if not good then found:append(failure) end
  end
  return nil, found
end

--- The call, again where QEMU may still have an image of the name that libvirt gives to this one.
local function attach(host, change, element, scope)
  local good, failure
  for _ = 1, scope.live and change.kind ~= "controller" and ATTEMPTS or 1 do
    good, failure = host:write("attach_device", element, scope)
    local cause = not good and failure[1].cause
    if not cause or not quirks.name_of("open", { code = cause.code, empty = is_empty(change) }) then break end
  end
  return good, failure
end

local function send(host, change, element, scope, opts)
  local before = hbas_of(host)
  local good, failure = attach(host, change, element, scope)
  local seen, lost = host:refresh()
  if not seen then return nil, failure or lost end
  if good then return check_taken(host, change, element, scope, opts) end
  failure = explain(host, scope.live and "live" or "config", change, failure)
  if scope.live and change.kind ~= "controller" then
    failure:append(remove_left_behind(host, change, before, opts))
  end
  return nil, failure
end

--- Gives a half the HBA that the other one has, at the same place unless something else is there.
local function add_hba_as_there(host, name, change, opts)
  local element, found = new_element(host, name, change.desired)
  if not element then return nil, found end
  local fresh = host.model:xml(change.desired)
  local good, failure = send(host, change, element, { [name] = true }, opts)
  if good or element == fresh or not failure[1].cause then return good, failure end
  good = send(host, change, fresh, { [name] = true }, opts)
  if not good then return nil, failure end
  host.notes:append { host:problem(change, { code = "other_place", value = tostring(change.after.index) }) }
  return true
end

--- Whether the running domain takes the device only without its boot order, which then waits for a power-off.
local function boots_later(host, change)
  return change ~= nil and change.after.boot ~= nil and host.live.document:facts().os_boot
end

local function add_to_half(host, name, change, later, opts)
  if change.kind == "controller" then return add_hba_as_there(host, name, change, opts) end
  local element, found
  if later and name == "config" then element = host.model:xml(change.desired)
  else element, found = new_element(host, name, change.desired)
  end
  if element and later and name == "live" then element, found = boot.strip(element) end
  if not element then return nil, found end
  return send(host, change, element, { [name] = true }, opts)
end

--- Adds a described device to the halves that lack it.  halves: { live = change, config = change }.
function hotplug.add(host, halves, opts)
  local live, config = halves.live, halves.config
  local later = boots_later(host, live)
  if live and config and live.kind ~= "controller" and not later then
    return send(host, live, host.model:xml(live.desired), { live = true, config = true }, opts)
  end
  -- The running domain goes first: where an HBA is then, its configuration has it too.
  for _, name in ipairs { "live", "config" } do
    if halves[name] then
      local good, failure = add_to_half(host, name, halves[name], later, opts)
      if not good then return nil, failure end
    end
  end
  return true
end

return hotplug
