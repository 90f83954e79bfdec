--- The halves of a domain, live and config: which of them are to be changed, and what in each of them.  Pure.
--
-- Each half has its document and is compared for itself.  A running device takes some changes only when it boots, or
-- when it is taken out and put back, which a recipe has to allow (replace = true).

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local selection = require "virtlun.plan.selection"

local halves = {}

halves.NAMES = { "config", "live" }

--- Whether the domain runs, as far as it is known.
function halves.is_running(facts)
  return facts.active or facts.state == "running" or facts.state == "paused" or false
end

--- The driver test:/// has no hotplug (facts 9): what is planned for a running domain there is for its next boot.
function halves.has_no_hotplug(facts)
  return facts.driver ~= nil and facts.driver:lower() == "test"
end

--- Both documents as models, by name; nil if one of them cannot be read, which found then tells.
function halves.read(documents, found)
  local read, good = {}, documents.config ~= nil or documents.live ~= nil
  for _, name in ipairs(halves.NAMES) do
    local raw
    if documents[name] then
      read[name], raw = core.document(documents[name])
      found:append(raw or {})
      good = good and read[name] ~= nil
    end
  end
  return good and read or nil
end

--- The halves that are to be changed, config first, as { name =, document = model }: both that the domain has, unless
-- the scope says one.
function halves.wanted(read, facts, scope, running)
  local wanted = {
    config = scope ~= "live" and facts.persistent ~= false,
    live = scope ~= "config" and running and not halves.has_no_hotplug(facts),
  }
  local list = {}
  for _, name in ipairs(halves.NAMES) do
    if wanted[name] and read[name] then list[#list + 1] = { name = name, document = read[name] } end
  end
  return list
end

--- The documents in the order of their weight: those that are written, then the other one.
function halves.in_order(list, read)
  local order, listed = {}, {}
  for i, half in ipairs(list) do
    order[i] = half.document
    listed[half.document] = true
  end
  for _, name in ipairs(halves.NAMES) do
    if read[name] and not listed[read[name]] then order[#order + 1] = read[name] end
  end
  return order
end

-- What is to be done to a half -----------------------------------------------------------------------------

--- The highest HBA of a half on which a drive stays that has none of its changes made yet, or all of these; -1 if none.
local function highest_in_use(half, drive_changes)
  local drives, highest = half.document:drives(), -1
  for _, change in ipairs(drive_changes) do
    local address = change.action == "change" and changes.after(change, "address")
    if change.action == "remove" then drives[change.current] = nil end
    if address and drives[change.current] then drives[change.current].controller = address.controller end
  end
  for _, drive in pairs(drives) do highest = math.max(highest, drive.controller) end
  return highest
end

--- Whether a running device may be taken out and put back.  An HBA may not while a drive is on it or above it, when
-- those have left that leave.
local function may_replace(work, half, change, drive_changes)
  if not work.model:says(change.desired, "replace") then return false end
  return change.kind ~= "controller" or highest_in_use(half, drive_changes) < change.before.index
end

-- Not even a new device has these while its domain boots by <os><boot>.
local is_of_boot = { boot = true, loadparm = true }

--- What of a running device's change is to be made now: the fields that libvirt changes at once, and with them the
-- others where the device may be replaced.  The rest waits for the next boot.
local function part_now(work, half, change, drive_changes)
  local part = { fields = {}, rows = 0, replace = false }
  local replaces, by_os = may_replace(work, half, change, drive_changes), half.document:facts().os_boot
  local left = change.rows
  for _, field in ipairs(change.fields) do
    local row = left & -left -- fields come in the order of their rows
    left = left ~ row
    if field.live or replaces and not (by_os and is_of_boot[field.key]) then
      part.fields[#part.fields + 1] = field
      part.rows = part.rows | row
      part.replace = part.replace or not field.live
    end
  end
  return part.rows ~= 0 and setmetatable(part, { __index = change }) or nil
end

--- What of a difference is to be done to a half now, nil if nothing is.  drive_changes: what is done to its drives
-- before HBAs are replaced.
local function now(work, half, change, drive_changes)
  if half.name ~= "live" or change.action ~= "change" then return change end
  return part_now(work, half, change, drive_changes)
end

--- What of a half's differences is to be done now.
local function all_now(work, half)
  local drive_changes, by_difference, list = {}, {}, {}
  for _, change in ipairs(half.differences) do
    if change.kind ~= "controller" then
      by_difference[change] = now(work, half, change)
      drive_changes[#drive_changes + 1] = by_difference[change]
    end
  end
  for _, change in ipairs(half.differences) do
    if change.kind == "controller" then list[#list + 1] = now(work, half, change, drive_changes)
    else list[#list + 1] = by_difference[change]
    end
  end
  return list
end

--- How a document differs from the description, in what is selected.
function halves.differences(work, document)
  return selection.of(work, core.diff(work.model, document))
end

--- Finds what differs in each half (all_differences), what of that is selected (differences), and what of it is to be
-- done now (changes).
function halves.compare(work)
  for _, half in ipairs(work.halves) do
    half.all_differences = core.diff(work.model, half.document)
    half.differences = selection.of(work, half.all_differences)
    half.changes = all_now(work, half)
    work[half.name] = half
  end
end

--- What is still to be done to a half, by the numbers of the described devices.
function halves.changes_of(work, half)
  local by_number = {}
  for _, change in ipairs(halves.differences(work, half.document)) do
    by_number[change.desired] = now(work, half, change, {})
  end
  return by_number
end

--- What of one described device is still to be done to a half; nil if nothing is.
function halves.change_of(work, half, number)
  local change = core.diff(work.model, half.document, number)[1]
  return change and now(work, half, change, {})
end

return halves
