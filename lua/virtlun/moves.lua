--- Moves: the changes of both halves to one device, taken together, in the order of their making.  Pure.
--
-- A move is { desired = number of the described device, live = change or nil, config = change or nil, define = whether
-- its configuration is written by a define }.

local changes = require "virtlun.changes"
local core = require "virtlun.core"
local guest = require "virtlun.guest"
local halves = require "virtlun.halves"

local moves = {}

local MANY_CHANGES = 32 -- from here on one define is cheaper than a call for each change (design 3.3)

--- What makes two changes one.  A medium takes its tray and format along, which only one of the halves may lack.
local function key_of(change)
  local parts, medium = { change.action, change.desired }, false
  for _, field in ipairs(change.fields or {}) do medium = medium or field.key == "source" end
  for _, field in ipairs(change.fields or {}) do
    local along = field.key == "tray" or medium and field.key == "format"
    if not along then parts[#parts + 1] = field.key end
  end
  return table.concat(parts, " ")
end

--- HBAs before the drives that need them, drives away before drives that take their place, HBAs away last.
local function rank(change)
  local controller = change.kind == "controller"
  if change.action == "remove" then return controller and 5 or 2 end
  return controller and 1 or change.action == "change" and 3 or 4
end

local function sort(list)
  for number, move in ipairs(list) do
    local first = move.live or move.config
    move.rank, move.number = rank(first), number
    move.at = first.kind == "controller" and (first.before or first.after).index or first.desired
  end
  table.sort(list, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    if a.at ~= b.at then return a.at < b.at end
    return a.number < b.number
  end)
end

local function join(work)
  local list, by_key = {}, {}
  for _, half in ipairs(work.halves) do
    for _, change in ipairs(half.changes) do
      local key = key_of(change)
      local move = by_key[key]
      if not move then
        move = { desired = change.desired }
        by_key[key] = move
        list[#list + 1] = move
      end
      move[half.name] = change
    end
  end
  sort(list)
  return list
end

-- How a configuration is changed ---------------------------------------------------------------------------

local is_drive = { cdrom = true, disk = true, lun = true }
-- Two drives may trade these, which one call after the other cannot.
local is_traded = { address = true, dev = true, boot = true, loadparm = true }

--- Whether one of libvirt's device calls can make a change of the configuration.
local function has_device_call(change)
  if change.action ~= "change" then return true end
  if not is_drive[change.kind] then return false end
  for _, field in ipairs(change.fields) do
    if is_traded[field.key] then return false end
  end
  return true
end

local function count_config(list)
  local count, define = 0, false
  for _, move in ipairs(list) do
    if move.config then
      count = count + 1
      define = define or not has_device_call(move.config)
    end
  end
  return count, define
end

--- Whether a change adds to the configuration what can come only with a define: what is nowhere yet, or is to come to
-- the place of a drive that the define moves away.
local function comes_later(work, move)
  if move.config.action ~= "add" then return false end
  local address, running = move.config.after.address, work.documents.live
  if not move.live then return not running or not core.find(work.model, running, move.desired) end
  for _, other in ipairs(move.config.kind ~= "controller" and work.config.changes or {}) do
    local leaves = changes.field(other, "address")
    if leaves and guest.same_place(leaves.before, address) then return true end
  end
  return false
end

--- A domain that is shut off is changed by one define where a single change needs it, or many would each cost a call.
local function choose_calls(work, list, facts)
  local count, define = count_config(list)
  local whole = halves.has_no_hotplug(facts) or work.boot
    or not work.running and (define or count > MANY_CHANGES)
  for _, move in ipairs(list) do
    move.define = move.config ~= nil
      and (whole or not has_device_call(move.config) or define and comes_later(work, move))
  end
end

--- The moves of a work whose halves are compared.
function moves.of(work, facts)
  local list = join(work)
  choose_calls(work, list, facts)
  return list
end

return moves
