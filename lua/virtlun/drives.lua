--- Single operations on a domain's drives and HBAs: insert, eject, attach, detach.  Each is a description of one
-- device, planned and applied as a recipe is, with the same guarantees.

local apply = require "virtlun.apply"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local hosts = require "virtlun.apply.host"
local kinds = require "virtlun.kinds"
local problems = require "virtlun.problems"

local drives = {}

-- Finding a drive by what people call it -------------------------------------------------------------------

--- The devices of a description that answer to a name.
local function matching(description, name)
  local found = {}
  for _, device in ipairs(description) do
    for _, own in ipairs(devices.names(device)) do
      if own == name then
        found[#found + 1] = device
        break
      end
    end
  end
  return found
end

local function all_names(list)
  local names = {}
  for _, description in ipairs(list) do
    for _, device in ipairs(description) do table.move(devices.names(device), 1, 9, #names + 1, names) end
  end
  return names
end

--- What was seen of the halves as descriptions, those first in which a name is looked for first; nil and problems.
local function descriptions_of(seen, scope)
  local list = {}
  for _, half in ipairs(scope == "config" and { "config", "live" } or { "live", "config" }) do
    if seen.documents[half] then
      local description, found = core.read(seen.documents[half])
      if not description then return nil, problems.list(found) end
      list[#list + 1] = description
    end
  end
  return list
end

--- The devices that a name means: those of the first half that has any.  A path or an address that means another drive
-- in the other half is as unclear as one that two drives have, unless only one half is to be changed.
local function candidates(list, name, scope)
  local found = {}
  for _, description in ipairs(list) do
    local more = matching(description, name)
    local another = found[1] and more[1] and not devices.same(found[1], more[1])
    if not found[1] then found = more
    elseif another and scope ~= "live" and scope ~= "config" then found[#found + 1] = more[1]
    end
  end
  return found
end

--- drives.find(dom, seen, name, scope) -> description of the one device that a name means, in the running domain before
-- its configuration, or the other way round where scope is "config"; nil and problems.  seen: what host.look has just
-- seen.
function drives.find(dom, seen, name, scope)
  local list, failure = descriptions_of(seen, scope)
  if not list then return nil, failure end
  local found = candidates(list, name, scope)
  if #found == 1 then return found[1] end
  local path = ("%s.%s"):format(dom.name, name)
  if #found == 0 then
    return problems.fail { code = "not_there", path = path, near = core.suggest(name, all_names(list)) }
  end
  local names = {}
  for i, device in ipairs(found) do names[i] = devices.label(device) end
  return problems.fail { code = "ambiguous", path = path, value = name, a = table.concat(names, " or ") }
end

-- Naming a new drive ---------------------------------------------------------------------------------------

--- What was seen of both halves as models; nil and problems.
local function documents_of(seen)
  local list = {}
  for _, xml in pairs(seen.documents) do
    local document, found = core.document(xml)
    if not document then return nil, problems.list(found) end
    list[#list + 1] = document
  end
  return list
end

--- Whether a disk that is not on SCSI has that name: only the rules know of those.
local function is_foreign(documents, kind, dev)
  local model = core.model { kind = "domain", name = "any", { kind = kind, dev = dev } }
  for _, document in ipairs(documents) do
    for _, problem in ipairs(model:check(document)) do
      if problem.code == "dev_host_taken" then return true end
    end
  end
  return false
end

--- The first name that no disk has in either half.
local function free_dev(documents, kind)
  local used, number = {}, 0
  for _, document in ipairs(documents) do
    for _, other in ipairs(document:tables()) do used[other.dev or ""] = true end
  end
  while true do
    local dev = core.dev_name(number)
    if not dev or not used[dev] and not is_foreign(documents, kind, dev) then return dev end
    number = number + 1
  end
end

--- The number after that of the last HBA of both halves: holes between HBAs are not ours to fill.
local function free_index(documents)
  local last = -1
  for _, document in ipairs(documents) do
    for _, other in ipairs(document:tables()) do
      if other.kind == "controller" then last = math.max(last, other.index) end
    end
  end
  return last + 1
end

--- The device under the name that it will have: its own, or the next free one.
local function named(seen, device)
  local key = kinds.IS_DISK[device.kind] and "dev" or device.kind == "controller" and "index"
  if not key or device[key] then return device end
  local documents, failure = documents_of(seen)
  if not documents then return nil, failure end
  local copy = {}
  for name, value in pairs(device) do copy[name] = value end
  copy[key] = key == "dev" and free_dev(documents, device.kind) or key == "index" and free_index(documents) or nil
  return copy
end

-- Making it so ---------------------------------------------------------------------------------------------

--- Finds a drive, and makes the description so that wanted(drive) gives.
local function change(dom, name, opts, wanted)
  local seen, failure = hosts.look(dom)
  if not seen then return nil, failure end
  local device
  device, failure = drives.find(dom, seen, name, opts and opts.scope)
  if not device then return nil, failure end
  local description
  description, failure = wanted(device)
  if not description then return nil, failure end
  return apply.now(dom, { kind = "domain", name = dom.name, description }, opts, seen)
end

local function change_medium(dom, name, source, opts)
  return change(dom, name, opts, function(device)
    if device.kind ~= "cdrom" then
      return problems.fail { code = "no_medium", path = ("%s.%s"):format(dom.name, name), a = device.kind }
    end
    local wanted = devices.identity(device)
    wanted.source, wanted.format = source, source and opts and opts.format or nil
    return wanted
  end)
end

--- dom:insert(drive, source, opts) -> { done = number of changes, notes =, plan = }, or nil, problems, and how it ended
-- (see plan:apply).  drive: dev, alias, path of its medium, or controller:bus:target:unit.  source: as in a recipe.
-- opts: scope ("live" or "config"), format, force, reattach = false, timeout, on_progress, confirm (a function that
-- gets the plan, and whose false means that nothing is changed).
function drives.insert(dom, name, source, opts)
  return change_medium(dom, name, source, opts)
end

--- dom:eject(drive, opts): the same with nothing in the drive.
function drives.eject(dom, name, opts)
  return change_medium(dom, name, false, opts)
end

--- Nothing but new devices may be in the plan of an attach.
local function only_new(dom, device)
  return function(plan)
    local there, new = problems.list(), false
    for _, step in ipairs(plan.steps) do
      local own = step.kind == device.kind
      new = new or own and step.action == "add"
      if step.action ~= "add" then
        there:append { problems.new { code = "already_there", path = ("%s.%s"):format(dom.name, step.device) } }
      end
    end
    if not new and #there == 0 then
      local path = ("%s.%s"):format(dom.name, device.dev or device.kind .. (device.index or ""))
      there:append { problems.new { code = "already_there", path = path } }
    end
    return there
  end
end

--- dom:attach(device, opts): a device that the domain does not have; one that it has is never changed by this.  A
-- cdrom, disk or lun without dev gets the first free name, a controller without index the next number.
function drives.attach(dom, device, opts)
  local seen, failure = hosts.look(dom)
  if not seen then return nil, failure end
  local new
  new, failure = named(seen, device)
  if not new then return nil, failure end
  return apply.now(dom, { kind = "domain", name = dom.name, new }, opts, seen, only_new(dom, new))
end

--- dom:detach(drive, opts): the drive leaves, its medium stays as it is on the host.  An HBA goes by controller0.
function drives.detach(dom, name, opts)
  return change(dom, name, opts, function(device)
    local wanted = devices.identity(device)
    wanted.absent = true
    return wanted
  end)
end

return drives
