--- Steps: what a plan says of each move, as plain data.  Pure.
--
-- A step says what is done to which device (action, kind, device, fields, before, after), why, with what effect for the
-- guest, by which calls of libvirt, and what the guest will see of it.  Making it so is for apply.lua, on what the host
-- then says.

local boot = require "virtlun.plan.boot"
local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local guest = require "virtlun.guest"
local halves = require "virtlun.plan.halves"
local problems = require "virtlun.problems"
local quirks = require "virtlun.plan.quirks"

local steps = {}

-- Why ------------------------------------------------------------------------------------------------------

local function moves_address(field)
  local from, to = field.before, field.after
  return field.key == "address" and type(from) == "table" and type(to) == "table" and from.controller ~= nil
end

--- Whether a move takes away what the domain boots from.
local function unboots(move, work, places)
  local half = move.live and work.live or work.config
  return move[half.name].action == "remove" and boot.is_from(work, half, move[half.name], places)
end

local function why(move, work, places)
  local change, pruned = move.live or move.config, work.pruned[move.desired]
  if change.action == "add" then
    return change.assigned and "needed by the HBAs and drives described" or "not there"
  elseif change.action == "remove" then
    if pruned then return "prune: not in the recipe" end
    return unboots(move, work, places) and "absent = true; the domain boots from it" or "absent = true"
  end
  local keys = {}
  for i, field in ipairs(change.fields) do
    keys[i] = field.key
    if moves_address(field) then
      keys[i] = ("moves from %s to %s"):format(guest.address_text(field.before), guest.address_text(field.after))
    end
  end
  return "differs: " .. table.concat(keys, ", ")
end

-- With what effect -----------------------------------------------------------------------------------------

--- Whether the running domain does not have what its configuration is to lose.
local function is_not_there(change, work)
  local running = work.documents.live
  return change.action == "remove" and running ~= nil and not core.find(work.model, running, change.desired)
end

local function effect_later(change, work)
  if is_not_there(change, work) then return "next boot, not there now" end
  local replaces = change.kind == "controller" and changes.field(change, "model")
  return replaces and "next boot, replaces the HBA" or "next boot"
end

local function effect_live(change, work, facts)
  if change.replace then return "live, replaces the " .. (change.kind == "controller" and "HBA" or "drive") end
  if change.action == "change" then return quirks.foresee_media(change, facts) end
  if change.action == "remove" then return "live" end
  if change.after.boot and work.live.document:facts().os_boot then return "live, its boot order after a power-off" end
  return quirks.foresee_attach(change.after, facts)
end

local function effect(move, work, facts)
  if move.live then return effect_live(move.live, work, facts) end
  return effect_later(move.config, work)
end

-- By which calls -------------------------------------------------------------------------------------------

local CALLS = { add = "attach", change = "update", remove = "detach" }

--- The elements of both halves' changes as they are and as they will be: by half and change, { before =, xml = }.
local function elements_of(work, documents)
  local elements = {}
  for _, half in ipairs(work.halves) do
    local list, found = core.elements(documents[half.name], work.model, half.document, half.changes)
    if not list then return nil, problems.list(found) end
    elements[half.name] = {}
    for i, change in ipairs(half.changes) do elements[half.name][change] = list[i] end
  end
  return elements
end

--- Adds the calls that make a change of a half.
local function add_calls(calls, name, change, define, element)
  if define then
    calls[#calls + 1] = { call = "define", scope = name, before = element.before, xml = element.xml }
  elseif change.replace then
    calls[#calls + 1] = { call = "detach", scope = name, before = element.before }
    calls[#calls + 1] = { call = "attach", scope = name, xml = element.xml }
  else
    calls[#calls + 1] = { call = CALLS[change.action], scope = name, before = element.before, xml = element.xml }
  end
end

--- Whether one call adds a new drive to both halves.
local function is_joint(move, work)
  local live, config = move.live, move.config
  return live and config and not move.define and live.action == "add" and live.kind ~= "controller"
    and not (live.after.boot and work.live.document:facts().os_boot)
end

local NOTHING = {}

local function element_of(elements, name, change)
  return elements and elements[name][change] or NOTHING
end

--- The calls of a move in their order: { call = "attach", "detach", "update" or "define", scope =, before = the host's
-- element, xml = the element as it will be }.
local function calls_of(move, work, elements)
  local live, config = move.live, move.config
  if is_joint(move, work) then
    return { { call = "attach", scope = "live and config", xml = element_of(elements, "live", live).xml } }
  end
  local calls = {}
  if live then add_calls(calls, "live", live, false, element_of(elements, "live", live)) end
  if config then add_calls(calls, "config", config, move.define, element_of(elements, "config", config)) end
  return calls
end

-- The steps ------------------------------------------------------------------------------------------------

local function scope_of(move)
  return move.live and move.config and "live and config" or move.live and "live" or "config"
end

--- The address that the drive will have.
local function address_after(change)
  return changes.after(change, "address") or change.before and change.before.address
end

---@class virtlun.Step
---@field action "add"|"change"|"remove"
---@field kind string
---@field device string its name
---@field fields? { key: string, before: any, after: any, live: boolean? }[]
---@field before? table
---@field after? table
---@field why string
---@field effect string when, and what it takes
---@field scope "live and config"|"live"|"config"
---@field calls { call: string, scope: string, before: string?, xml: string? }[]
---@field file? string of the recipe
---@field line? integer
---@field guest? table what the guest will see of the drive
---@field medium? table what is known of its medium
---@field result? "done"|"failed"|"undone"|"unknown"|"left" unless only planned
local function step_of(move, work, hbas, places, facts, elements)
  local change = move.live or move.config
  local step = {
    action = change.action, kind = change.kind, device = change.device, fields = change.fields, before = change.before,
    after = change.after, why = why(move, work, places), effect = effect(move, work, facts),
    scope = scope_of(move), calls = calls_of(move, work, elements), file = change.file, line = change.line,
  }
  if change.action ~= "remove" and change.kind ~= "controller" then
    step.guest = guest.foretell(address_after(change), hbas)
  end
  step.medium = move.medium
  return step
end

--- The HBAs of a model by their index.
local function hbas_of(model)
  local hbas = {}
  for index, number in pairs(model:hbas()) do hbas[index] = model:device(number) end
  return hbas
end

--- HBAs as they will be: those of the host, and over them what is described.
local function final_hbas(work)
  local hbas = hbas_of((work.live or work.config).document)
  for index, hba in pairs(hbas_of(work.model)) do
    local known = hbas[index] or {}
    hbas[index] = { model = hba.model or known.model, address = hba.address or known.address }
  end
  return hbas
end

--- What boots, as boot.places gives it, where something is to go; where it cannot be told, no step says it.
local function places_of(work, documents)
  for _, move in ipairs(documents and work.moves or {}) do
    if (move.live or move.config).action == "remove" then return boot.places(work, documents) or {} end
  end
  return {}
end

--- The steps of a work, each also as the step of its move; nil and problems.  documents: their texts, without which the
-- steps say no XML.
function steps.of(work, desired, facts, documents)
  local elements, found
  if documents then elements, found = elements_of(work, documents) end
  if found then return nil, found end
  local hbas, places, list = final_hbas(work), places_of(work, documents), {}
  if work.boot then list[1] = boot.step(work, desired) end
  for _, move in ipairs(work.moves) do
    move.step = step_of(move, work, hbas, places, facts, elements)
    list[#list + 1] = move.step
  end
  return list
end

-- What is no step ------------------------------------------------------------------------------------------

--- What the steps do to each described device: by its number true for all of it, or a table of fields.
local function planned_of(work)
  local planned = {}
  for _, move in ipairs(work.moves) do
    local number, change = move.desired, move.live or move.config
    if change.action ~= "change" then planned[number] = true end
    local keys = planned[number] or {}
    planned[number] = keys
    for _, field in ipairs(keys ~= true and change.fields or {}) do keys[field.key] = true end
  end
  return planned
end

--- Those fields of a difference that no step is about, nil if there are none.
local function waiting_fields(change, planned)
  if not change.fields then return not planned or nil end
  local fields = {}
  for _, field in ipairs(change.fields) do
    if not planned or planned ~= true and not planned[field.key] then fields[#fields + 1] = field end
  end
  return fields[1] and fields
end

--- What the running domain will be only after its next boot, because its configuration says so already.
function steps.pending(work, desired, running)
  local pending = {}
  if not running or not work.config then return pending end
  local planned = planned_of(work)
  pending[1] = boot.pending(work, desired, running)
  for _, change in ipairs(work.live and work.live.differences or halves.differences(work, running)) do
    local fields = waiting_fields(change, planned[change.desired])
    if fields then
      pending[#pending + 1] = {
        action = change.action, kind = change.kind, device = change.device, fields = change.fields and fields,
        before = change.before, after = change.after, effect = "next boot",
      }
    end
  end
  return pending
end

--- By their numbers the described devices about which there is something to do or to wait for, in either half, whether
-- it is selected or not.
local function concerned(work)
  local numbers = {}
  for name, document in pairs(work.documents) do
    local all = work[name] and work[name].all_differences or core.diff(work.model, document)
    for _, change in ipairs(all) do numbers[change.desired] = true end
  end
  return numbers
end

--- The described devices that are as they are described, in every half: { kind =, device =, described = the device as
-- the host has it, running before configured }.
function steps.unchanged(work)
  local document, list = work.documents.live or work.documents.config, {}
  local differs, there = concerned(work), core.matches(work.model, document)
  for number = 1, work.model:count() do
    if there[number] and not differs[number] then
      local device = document:device(there[number])
      list[#list + 1] = { kind = device.kind, device = devices.label(device), described = device }
    end
  end
  return list
end

return steps
