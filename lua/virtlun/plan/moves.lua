--- Moves: the changes of both halves to one device, taken together, in the order of their making.  Pure.
--
-- A move is { desired = number of the described device, live = change or nil, config = change or nil, define = whether
-- its configuration is written by a define, medium = what images.lua found in the disc that comes }.

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local guest = require "virtlun.guest"
local halves = require "virtlun.plan.halves"
local kinds = require "virtlun.kinds"

local moves = {}

local MANY_CHANGES = 32 -- from here on one define is cheaper than a call for each change (design 3.3)

--- The keys that a change is about.  A medium takes its tray and format along, which only one of the halves may lack.
local function keys_of(change)
  local keys, along = {}, { tray = true, format = changes.field(change, "source") ~= nil }
  for _, field in ipairs(change.fields or {}) do
    if not along[field.key] then keys[#keys + 1] = field.key end
  end
  return table.concat(keys, " ")
end

--- Whether the changes of both halves to one device are one move.
local function is_one(a, b)
  return a.action == b.action and (a.action ~= "change" or keys_of(a) == keys_of(b))
end

-- HBAs before the drives that need them, drives away before drives that take their place, and before the HBA is
-- replaced that they were on; HBAs away last.
local RANKS = { controller = { add = 1, change = 1, replace = 4, remove = 6 },
  drive = { remove = 2, change = 3, replace = 3, add = 5 } }

local function is_before(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.number < b.number
end

--- Sorts moves of one rank, which mostly are in their order: asking costs less than sorting.
local function sort(list)
  for i = 2, #list do
    if is_before(list[i], list[i - 1]) then return table.sort(list, is_before) end
  end
end

local function in_order(list)
  local ranks, ordered = { {}, {}, {}, {}, {}, {} }, {}
  for number, move in ipairs(list) do
    local first = move.live or move.config
    local is_hba = first.kind == "controller"
    move.number = number
    move.at = is_hba and (first.before or first.after).index or first.desired
    local rank = ranks[RANKS[is_hba and "controller" or "drive"][first.replace and "replace" or first.action]]
    rank[#rank + 1] = move
  end
  for _, rank in ipairs(ranks) do
    sort(rank)
    table.move(rank, 1, #rank, #ordered + 1, ordered)
  end
  return ordered
end

local function join(work)
  local list, by_device = {}, {}
  for _, half in ipairs(work.halves) do
    for _, change in ipairs(half.changes) do
      local move = by_device[change.desired] -- each half has one change to a device, and config is the first half
      if not move or not is_one(move.config, change) then
        move = { desired = change.desired }
        by_device[change.desired] = move
        list[#list + 1] = move
      end
      move[half.name] = change
    end
  end
  return in_order(list)
end

-- How a configuration is changed ---------------------------------------------------------------------------

-- Two drives may trade these, which one call after the other cannot.
local is_traded = { address = true, dev = true, boot = true, loadparm = true }

--- Whether one of libvirt's device calls can make a change of the configuration.
local function has_device_call(change)
  if change.action ~= "change" then return true end
  if not kinds.IS_DISK[change.kind] then return false end
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

--- The text of a drive's place; nil if it has none on an HBA.
local function place_text(address)
  return type(address) == "table" and address.controller and guest.address_text(address) or nil
end

--- The places that drives leave by the configuration's changes, in texts.
local function places_left(work)
  local left = {}
  for _, change in ipairs(work.config.changes) do
    local field = changes.field(change, "address")
    local place = field and place_text(field.before)
    if place then left[place] = true end
  end
  return left
end

--- Whether a change adds to the configuration what can come only with a define: what is nowhere yet, or is to come to
-- one of the places that the define frees.
local function comes_later(work, move, left)
  local change, running = move.config, work.documents.live
  if change.action ~= "add" then return false end
  if not move.live then return not running or not core.find(work.model, running, move.desired) end
  local place = change.kind ~= "controller" and place_text(change.after.address)
  return place and left[place] or false
end

--- A domain that is shut off is changed by one define where a single change needs it, or many would each cost a call.
local function choose_calls(work, list, facts)
  local count, define = count_config(list)
  local whole = halves.has_no_hotplug(facts) or work.boot
    or not work.running and (define or count > MANY_CHANGES)
  local left = define and not whole and places_left(work)
  for _, move in ipairs(list) do
    move.define = move.config ~= nil
      and (whole or not has_device_call(move.config) or define and comes_later(work, move, left))
  end
end

--- The moves of a work whose halves are compared.
function moves.of(work, facts)
  local list = join(work)
  choose_calls(work, list, facts)
  return list
end

return moves
