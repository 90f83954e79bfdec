--- What is undone when a step of an apply fails.
--
-- By itself only what the guest cannot have begun to use.  Everything that was made, on request (undo = "all"): then
-- the domain as it was when the apply began is described, planned and made so, as any other description is.

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local guest = require "virtlun.guest"
local hosts = require "virtlun.apply.host"
local hotplug = require "virtlun.apply.hotplug"
local problems = require "virtlun.problems"
local tray = require "virtlun.apply.tray"

local undo = {}

-- Which steps are undone by themselves, and of what only those.  What a failed step has begun is its own business:
-- media.lua puts the medium back, replace.lua the device.
local BY_ITSELF = {
  add = { controller = function(change) return change.assigned end }, -- made for the drives that did not come
}

local function may_go(change)
  local of = BY_ITSELF[change.action] and BY_ITSELF[change.action][change.kind]
  return of ~= nil and of(change)
end

--- The halves that a move has written to: in one that it has not, what is there is somebody else's.
local function written(move)
  local names = {}
  for _, name in ipairs { "live", "config" } do
    if move[name] and move.wrote[name] then names[#names + 1] = name end
  end
  return names
end

--- HBAs that were made for a drive which then did not come are nobody's, unless another drive is on them by now.  Notes
-- of what came of them; tell(move) is called for each that is gone.
function undo.needless(host, made, opts, tell)
  local notes = problems.list()
  for i = #made, 1, -1 do
    local move = made[i]
    local change, names = move.live or move.config, written(move)
    if may_go(change) and names[1] then
      local note = hotplug.clear(host, change, change.after.index, names, opts)
      notes:append { note }
      if note and note.code == "left_behind" then tell(move) end
    end
  end
  return notes
end

-- Everything ------------------------------------------------------------------------------------------------

--- Whether a device has in a field what the change gave it.
local function is_as_made(document, device, field)
  local wanted = devices.identity(device)
  wanted[field.key] = field.after
  local model = core.model { kind = "domain", name = "any", wanted }
  return field.key == "tray" or core.diff(model, document)[1] == nil
end

--- A device that was changed, as it was, where it still is as it was made; of the rest a note goes into notes.
local function unchanged(host, name, move, notes)
  local change, document = move[name], host[name].document
  local was, now = devices.identity(change.before), document:device(host:find(name, move.desired))
  for _, field in ipairs(change.fields) do
    if not is_as_made(document, now, field) then
      move.stays = true
      notes:append { host:problem(change, { code = "kept_theirs", a = field.key }) }
    else
      was[field.key] = field.before ~= nil and field.before -- what was not there is to be taken away
    end
  end
  was.replace = change.replace
  return was
end

--- The device of a change as it was, as a description.
local function former(host, name, move, began, notes)
  local change = move[name]
  if change.action == "remove" then return began.documents[name]:device(change.current) end
  if change.action == "change" then return unchanged(host, name, move, notes) end
  local was = devices.identity(change.after)
  was.absent = true
  return was
end

--- The host's own element of a device that was removed, as it can be put in again.
local function original(host, name, change, began)
  local element, found = core.element(began.xml[name], began.documents[name], change.current)
  local is = name == "live" and change.kind == "cdrom" and change.before.tray or nil
  return tray.set(host, change, is, "closed", element, found)
end

--- Whether a drive is where a change found it or put it; yes where nobody knows.
local function is_in_place(change, address)
  local before, after = change.before and change.before.address, changes.after(change, "address")
  return not before and not after or guest.same_place(address, before) or guest.same_place(address, after)
end

--- Whether there is nothing of ours to undo: what left has not left, or has come again from somebody else; what came or
-- was changed has gone, or is another one by now, at another place.
local function is_anothers(host, name, move)
  local change, number = move[name], host:find(name, move.desired)
  if change.action == "remove" or not number then return (change.action == "remove") == (number ~= nil) end
  return change.kind ~= "controller" and not is_in_place(change, host[name].document:device(number).address)
end

--- Whether a drive that has left the running domain has taken its image with it.
local function is_gone_for_good(name, change)
  return name == "live" and change.action == "remove" and change.before.transient
end

--- A half as it was before the moves, as far as they have written to it: the description, and by number the elements of
-- what is to come back.
local function former_half(host, name, moves, began, notes)
  local desired, originals = { kind = "domain", name = host.desired.name }, {}
  for _, move in ipairs(moves) do
    local change = move.wrote[name] and move[name]
    if change and is_gone_for_good(name, change) then
      move.stays = true
      notes:append { host:problem(change, { code = "overlaid" }) }
    elseif change and not is_anothers(host, name, move) then
      desired[#desired + 1] = former(host, name, move, began, notes)
      if change.action == "remove" then originals[#desired] = original(host, name, change, began) end
    end
  end
  return desired, originals
end

--- Whether a move has taken a boot order out of the configuration.
local function took_order(move)
  local change = move.wrote.config and move.config
  return change and change.before and change.before.boot ~= nil
end

--- Whether libvirt has written <os><boot> because the last device with a boot order has left by one of the moves.
local function has_lost_order(host, moves, began)
  if not host.config.document:facts().os_boot or began.documents.config:facts().os_boot then return false end
  for _, move in ipairs(moves) do
    if took_order(move) then return true end
  end
  return false
end

--- Makes a half as it was; true, or nil and problems.
local function restore(host, name, moves, began, notes, execute)
  local good, failure = host:refresh(name)
  if not good then return nil, failure end
  local desired, originals = former_half(host, name, moves, began, notes)
  if #desired == 0 then return true end
  if name == "config" and has_lost_order(host, moves, began) then desired.boot = "devices" end
  local work, found = hosts.read(host.dom, desired, { scope = name, force = true, xml = false })
  if not work then return nil, found end
  work.originals = originals
  return execute(work)
end

--- Makes both halves as they were before the moves: true, or nil and problems.  began: { xml =, documents = } as they
-- were then; notes: a list that gets what stays, because another client has been at it; execute(work) makes a plan's
-- work so.
function undo.all(host, moves, began, notes, execute)
  for _, half in ipairs { "live", "config" } do
    if host[half] then
      local good, failure = restore(host, half, moves, began, notes, execute)
      if not good then return nil, failure end
    end
  end
  return true
end

return undo
