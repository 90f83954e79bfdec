--- How a domain boots: by <os><boot>, or by the boot order of its devices, of which libvirt takes only one.  Pure.
--
-- A work (see plan.lua) has boot = true where its configuration is to boot by devices from now on, and first = number
-- of the described device that is to boot before all others, or nil.

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local problems = require "virtlun.problems"

local boot = {}

local MOST_WORDS = 4 -- libvirt takes so many <os><boot>

--- The document with what <os><boot> means as a boot order of devices.
local function by_devices(xml, document)
  if not document:facts().os_boot then return document end
  local converted, found = core.boot(xml, document)
  if converted then return core.document(converted) end
  return nil, found
end

--- What boots, in its order, as model:boots() gives it, also where <os><boot> says so; and the document that says it.
-- Nil and problems.
function boot.seats(xml, document)
  local converted, found = by_devices(xml, document)
  if not converted then return nil, problems.list(found) end
  return converted:boots(), converted
end

--- Names of what boots, in its order, and whether the only device of the description comes first.  Nil and problems.
function boot.order(xml, document, description)
  local seats, converted = boot.seats(xml, document)
  if not seats then return nil, converted end
  local names = {}
  for i, seat in ipairs(seats) do names[i] = seat.name end
  local number = description and core.find(description, converted, 1)
  return names, number ~= nil and seats[1] ~= nil and seats[1].device == number
end

--- For each half the places in its boot order by the numbers of its devices; nil and problems.
function boot.places(work, documents)
  local places = {}
  for which, document in pairs(work.documents) do
    local seats, failure = boot.seats(documents[which], document)
    if not seats then return nil, failure end
    places[document] = {}
    for place, seat in ipairs(seats) do places[document][seat.device] = place end
  end
  return places
end

--- Whether either half boots from the device of a half's change.  Of CD drives only the first in the order counts: one
-- behind the disk is where its installer was.
function boot.is_from(work, half, change, places)
  for document, by_number in pairs(places) do
    local number = document == half.document and change.current or core.find(work.model, document, change.desired)
    local place = number and by_number[number]
    if place and (change.kind ~= "cdrom" or place == 1) then return true end
  end
  return false
end

-- Planning -------------------------------------------------------------------------------------------------

local function is_first(document, model, number)
  local list = document:boots()
  return list[1] ~= nil and list[1].device == core.find(model, document, number)
end

--- Whether a configuration is still to be made to boot so.
function boot.is_due(work, document)
  if not work.boot then return false end
  return document:facts().os_boot or work.first ~= nil and not is_first(document, work.model, work.first)
end

--- Whether a change to the configuration gives a device a place in the boot order.
local function orders(half)
  for _, change in ipairs(half.changes) do
    if changes.after(change, "boot") then return true end
  end
  return false
end

--- Says of a work, whose halves are compared, whether its domain is to boot in another way: not where only devices were
-- selected to which that makes no difference.  opts.first: see above.
function boot.decide(work, desired)
  local half = work.halves[1]
  work.first = work.opts.first
  work.boot = desired.boot == "devices" and half.name == "config" and (not work.opts.only or orders(half))
  work.boot = boot.is_due(work, half.document)
end

--- A running domain that boots by <os><boot> takes no boot order, and without its configuration there is no next boot.
function boot.forbid(found, desired, work, facts)
  local half = work.live
  if not half or work.config or not half.document:facts().os_boot then return end
  if desired.boot and facts.persistent == false then
    found:complain(desired, { code = "needs_power_off", a = "boot" })
  end
  for _, change in ipairs(half.changes) do
    if change.action == "add" and change.after.boot then
      found:append { problems.of_change(desired, change, { code = "boot_live", key = "boot" }) }
    end
  end
end

--- What will boot when all is made: work.boot_names.  Where nothing would, libvirt goes back to <os><boot>.
function boot.foresee(found, desired, work, documents)
  if not work.boot or found:has_errors() then return end
  local half = work.config
  local xml, more = core.patch(documents.config or documents.live, work.model, half.document, half.changes)
  local document = xml and core.document(xml)
  if document then xml, more = boot.convert(work, xml, document) end
  document = xml and core.document(xml)
  if not document then return found:append(more or {}) end
  work.boot_names = boot.order(xml, document)
  if not work.boot_names[1] then found:complain(desired, { code = "boot_none" }) end
end

--- The step of a plan.
function boot.step(work, desired)
  local document = work.config.document
  local by_os = document:facts().os_boot
  local before = {}
  for i, seat in ipairs(document:boots()) do before[i] = seat.name end
  return {
    action = "change", kind = "domain", device = work.model:facts().name or desired.name,
    fields = { { key = "boot", before = by_os and "os" or table.concat(before, ", "),
      after = by_os and "devices" or table.concat(work.boot_names, ", ") } },
    why = "boots from " .. table.concat(work.boot_names, ", then "),
    effect = work.running and "needs power-off" or "next boot", scope = "config",
    calls = { { call = "define", scope = "config" } },
    file = desired.file, line = desired.line,
  }
end

--- What waits for the power-off of a running domain whose configuration boots by devices already; nil if nothing.
function boot.pending(work, desired, running)
  local waits = desired.boot == "devices" and not work.boot and running:facts().os_boot
  if not waits or not work.config or work.config.document:facts().os_boot then return nil end
  return {
    action = "change", kind = "domain", device = work.model:facts().name or desired.name,
    fields = { { key = "boot", before = "os", after = "devices" } }, effect = "needs power-off",
  }
end

-- Making it so ---------------------------------------------------------------------------------------------

--- Whether the boot order is the old one, with the first device before it and what <os><boot> meant behind it.
local function continues(before, after, first)
  local shift = first and 1 or 0
  if first and (not after[1] or after[1].name ~= first) then return false end
  local count = shift
  for _, seat in ipairs(before) do
    if seat.name ~= first then
      count = count + 1
      local now = after[count]
      if not now or now.name ~= seat.name or not first and now.order ~= seat.order then return false end
    end
  end
  return #after - count <= MOST_WORDS
end

local function name_of_first(document)
  local list = document:boots()
  return list[1] and list[1].name
end

--- The configuration as it boots by devices; whatever else it says must be as before.  Nil and problems.
function boot.convert(work, xml, document)
  local number = work.first and core.find(work.model, document, work.first)
  local converted, found = core.boot(xml, document, work.model, number)
  local after
  if converted then after, found = core.document(converted) end
  if not after then return nil, problems.list(found) end
  local first = number and name_of_first(after)
  local same = document:fingerprint(nil, true) == after:fingerprint(nil, true)
  if same and continues(document:boots(), after:boots(), first) and not after:facts().os_boot then return converted end
  return problems.fail { code = "bad_patch", path = work.plan and work.plan.domain, a = "the boot order" }
end

--- A device's element without its boot order, for a running domain that boots by <os><boot>: libvirt would refuse it.
function boot.strip(xml)
  local document, found = core.document(xml)
  local device = document and document:tables()[1]
  if not device then return nil, problems.list(found) end
  if not device.boot then return xml end
  local bare = { kind = device.kind, dev = device.dev, boot = false }
  if device.kind == "hostdev" then bare.source = device.source end
  if device.loadparm then bare.loadparm = false end
  local wanted = core.model { kind = "domain", name = "-", bare }
  xml, found = core.patch(xml, wanted, document, core.diff(wanted, document))
  if not xml then return nil, problems.list(found) end
  return xml
end

return boot
