--- Single operations on a domain's drives: insert, eject, attach, detach.  Each is a description of one device, planned
-- and applied as a recipe is, with the same guarantees.

local apply = require "virtlun.apply"
local core = require "virtlun.core"
local guest = require "virtlun.guest"
local hosts = require "virtlun.host"
local images = require "virtlun.images"
local problems = require "virtlun.problems"

local drives = {}

local is_drive = { cdrom = true, disk = true, lun = true, hostdev = true }

-- Finding a drive by what people call it -------------------------------------------------------------------

--- Every name that a drive answers to.
local function names_of(device)
  local names = {}
  names[#names + 1] = device.dev
  names[#names + 1] = device.alias
  names[#names + 1] = images.path_of(device.source)
  if type(device.address) == "table" and device.address.controller then
    names[#names + 1] = guest.address_text(device.address)
  end
  return names
end

--- The drives of a description that answer to a name.
local function matching(description, name)
  local found = {}
  for _, device in ipairs(description or {}) do
    for _, own in ipairs(is_drive[device.kind] and names_of(device) or {}) do
      if own == name then
        found[#found + 1] = device
        break
      end
    end
  end
  return found
end

local function all_names(description)
  local names = {}
  for _, half in pairs { description.live or {}, description.config or {} } do
    for _, device in ipairs(half) do
      if is_drive[device.kind] then table.move(names_of(device), 1, 9, #names + 1, names) end
    end
  end
  return names
end

--- drives.find(dom, seen, name) -> description of the one drive that a name means, in the running domain before its
-- configuration; nil and problems.  seen: what host.look has just seen.
local function find(dom, seen, name)
  local description = {}
  for half, xml in pairs(seen.documents) do description[half] = core.read(xml) end
  local found = matching(description.live, name)
  if #found == 0 then found = matching(description.config, name) end
  if #found == 1 then return found[1] end
  local path = ("%s.%s"):format(dom.name, name)
  if #found == 0 then
    return problems.fail { code = "not_there", path = path, near = core.suggest(name, all_names(description)) }
  end
  local names = {}
  for i, device in ipairs(found) do names[i] = device.dev or device.alias or device.kind end
  return problems.fail { code = "ambiguous", path = path, value = name, a = table.concat(names, " or ") }
end

drives.find = find

--- What identifies a drive that was found, as a description.
local function identity(device)
  return { kind = device.kind, dev = device.dev, source = device.kind == "hostdev" and device.source or nil,
    alias = device.alias }
end

drives.identity = identity

-- Making it so ---------------------------------------------------------------------------------------------

--- Finds a drive, and makes the description so that wanted(drive) gives.
local function change(dom, name, opts, wanted)
  local seen, failure = hosts.look(dom)
  if not seen then return nil, failure end
  local device
  device, failure = find(dom, seen, name)
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
    local wanted = identity(device)
    wanted.source, wanted.format = source, source and opts and opts.format or nil
    return wanted
  end)
end

--- dom:insert(drive, source, opts) -> { done = number of changes, notes =, plan = }, or nil, problems, whether the host
-- was written to.  drive: dev, alias, path of its medium, or controller:bus:target:unit.  source: as in a recipe.
-- opts: scope ("live" or "config"), format, force, reattach = false, timeout, on_progress.
function drives.insert(dom, name, source, opts)
  return change_medium(dom, name, source, opts)
end

--- dom:eject(drive, opts): the same with nothing in the drive.
function drives.eject(dom, name, opts)
  return change_medium(dom, name, false, opts)
end

--- dom:attach(device, opts): a device that the domain does not have; one that it has is never changed by this.
function drives.attach(dom, device, opts)
  local function only_new(plan)
    local there, new = problems.list(), false
    for _, step in ipairs(plan.steps) do
      local own = step.kind == device.kind
      new = new or own and step.action == "add"
      if step.action ~= "add" then
        there:append { problems.new { code = "already_there", path = ("%s.%s"):format(dom.name, step.device) } }
      end
    end
    if not new and #there == 0 then
      local path = ("%s.%s"):format(dom.name, device.dev or device.kind)
      there:append { problems.new { code = "already_there", path = path } }
    end
    return there
  end
  return apply.now(dom, { kind = "domain", name = dom.name, device }, opts, nil, only_new)
end

--- dom:detach(drive, opts): the drive leaves, its medium stays as it is on the host.
function drives.detach(dom, name, opts)
  return change(dom, name, opts, function(device)
    local wanted = identity(device)
    wanted.absent = true
    return wanted
  end)
end

return drives
