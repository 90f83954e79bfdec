--- Plans: what must change so that a domain is what its description says.  Pure: documents and facts in, data out.
--
-- A running domain has two halves, live and config: each has its document, is compared for itself, and is changed by
-- the calls that make both end equal.  A plan is plain data: steps (list), changes (their number), pending (already in
-- the configuration, waiting for the next boot), domain, format_version.  Nothing that the description leaves unsaid is
-- compared, and no step touches a device that it does not name.

local boot = require "virtlun.boot"
local changes = require "virtlun.changes"
local core = require "virtlun.core"
local forbid = require "virtlun.forbid"
local guest = require "virtlun.guest"
local images = require "virtlun.images"
local problems = require "virtlun.problems"
local quirks = require "virtlun.quirks"

local plan = {}

local FORMAT_VERSION = 1
local MANY_CHANGES = 32 -- from here on one define is cheaper than a call for each change (design 3.3)

-- Halves ---------------------------------------------------------------------------------------------------

local function is_running(facts)
  return facts.active or facts.state == "running" or facts.state == "paused" or false
end

--- The driver test:/// has no hotplug (facts 9): what is planned for a running domain there is for its next boot.
local function is_test(facts)
  return facts.driver ~= nil and facts.driver:lower() == "test"
end

--- Which halves are to be changed: both that the domain has, unless the scope says one.
local function wanted_halves(facts, scope, read, running)
  return {
    config = scope ~= "live" and facts.persistent ~= false and read.config ~= nil,
    live = scope ~= "config" and running and not is_test(facts) and read.live ~= nil,
  }
end

--- Fields of a running device that may change at once; the others wait for the next boot.
local function live_part(change)
  if change.action ~= "change" then return change end
  local fields, rows, left = {}, 0, change.rows
  for _, field in ipairs(change.fields) do
    local row = left & -left -- fields come in the order of their rows
    left = left ~ row
    if field.live then
      fields[#fields + 1] = field
      rows = rows | row
    end
  end
  if #fields == 0 then return nil end
  local part = {}
  for key, value in pairs(change) do part[key] = value end
  part.fields, part.rows = fields, rows
  return part
end

--- What of the differences is to be done to a half now.
local function changes_now(half, differences)
  if half.name ~= "live" then return differences end
  local now = {}
  for _, change in ipairs(differences) do now[#now + 1] = live_part(change) end
  return now
end

--- What of one described device is still to be done to a half; nil if nothing is.
function plan.change_of(work, half, number)
  return changes_now(half, core.diff(work.model, half.document, number))[1]
end

-- Moves: the changes of both halves to one device, taken together ------------------------------------------

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

local function sort_moves(moves)
  for number, move in ipairs(moves) do
    local first = move.live or move.config
    move.rank, move.number = rank(first), number
    move.at = first.kind == "controller" and (first.before or first.after).index or first.desired
  end
  table.sort(moves, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    if a.at ~= b.at then return a.at < b.at end
    return a.number < b.number
  end)
end

--- Moves in the order of their making: { desired = number, live = change or nil, config = change or nil }.
local function make_moves(work)
  local moves, by_key = {}, {}
  for _, half in ipairs(work.halves) do
    for _, change in ipairs(half.changes) do
      local key = key_of(change)
      local move = by_key[key]
      if not move then
        move = { desired = change.desired }
        by_key[key] = move
        moves[#moves + 1] = move
      end
      move[half.name] = change
    end
  end
  sort_moves(moves)
  return moves
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

local function count_config(moves)
  local count, define = 0, false
  for _, move in ipairs(moves) do
    if move.config then
      count = count + 1
      define = define or not has_device_call(move.config)
    end
  end
  return count, define
end

--- Whether a change only adds to the configuration what is nowhere yet: at the place, maybe, of a drive that a define
-- moves away.
local function comes_later(work, move)
  if move.live or move.config.action ~= "add" then return false end
  local running = work.documents.live
  return not running or not core.find(work.model, running, move.desired)
end

--- A domain that is shut off is changed by one define where a single change needs it, or many would each cost a call.
local function choose_calls(work, facts)
  local count, define = count_config(work.moves)
  local whole = is_test(facts) or work.boot or not work.running and (define or count > MANY_CHANGES)
  for _, move in ipairs(work.moves) do
    move.define = move.config ~= nil
      and (whole or not has_device_call(move.config) or define and comes_later(work, move))
  end
end

-- Steps ----------------------------------------------------------------------------------------------------

local CALLS = { add = "attach", change = "update", remove = "detach" }

local function moves_address(field)
  local from, to = field.before, field.after
  return field.key == "address" and type(from) == "table" and type(to) == "table" and from.controller ~= nil
end

local function why(change)
  if change.action == "add" then
    return change.assigned and "needed by the HBAs and drives described" or "not there"
  elseif change.action == "remove" then
    return "absent = true"
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

local function effect(move, work, facts)
  local change = move.live or move.config
  if move.live and change.action == "add" and change.after.boot and work.live.document:facts().os_boot then
    return "live, its boot order after a power-off"
  end
  if not move.live then
    local replaces = change.kind == "controller" and changes.field(change, "model")
    return replaces and "next boot, replaces the HBA" or "next boot"
  end
  if change.action == "change" then return quirks.foresee_media(change, facts) end
  return change.action == "add" and quirks.foresee_attach(change.after, facts) or "live"
end

local function scope_of(move)
  return move.live and move.config and "live and config" or move.live and "live" or "config"
end

local function call_of(move)
  local change = move.live or move.config
  if not move.live then return move.define and "define" or CALLS[change.action] end
  return CALLS[change.action] .. (move.define and ", define" or "")
end

--- The address that the drive will have.
local function address_after(change)
  return changes.after(change, "address") or change.before and change.before.address
end

local function step_of(move, work, hbas, facts)
  local change = move.live or move.config
  local step = {
    action = change.action, kind = change.kind, device = change.device, fields = change.fields, before = change.before,
    after = change.after, why = why(change), effect = effect(move, work, facts), scope = scope_of(move),
    call = call_of(move), file = change.file, line = change.line,
  }
  if change.action == "add" then step.xml = work.model:xml(change.desired) end
  if change.action ~= "remove" and change.kind ~= "controller" then
    step.guest = guest.foretell(address_after(change), hbas)
  end
  step.medium = images.medium_of(change, facts)
  return step
end

--- HBAs as they will be: those of the host, and over them what is described.
local function final_hbas(work)
  local hbas = guest.hbas((work.live or work.config).document:tables())
  for index, hba in pairs(guest.hbas(work.model:tables())) do
    local known = hbas[index] or {}
    hbas[index] = { model = hba.model or known.model, address = hba.address or known.address }
  end
  return hbas
end

local function make_steps(work, desired, facts)
  local hbas, steps = final_hbas(work), {}
  if work.boot then steps[1] = boot.step(work, desired) end
  for _, move in ipairs(work.moves) do
    move.step = step_of(move, work, hbas, facts)
    steps[#steps + 1] = move.step
  end
  return steps
end

-- What waits for the next boot -----------------------------------------------------------------------------

--- What the running domain will be only after its next boot, because its configuration says so already.
local function make_pending(work, desired, running)
  local pending, planned = {}, {}
  if not running or not work.config then return pending end
  pending[1] = boot.pending(work, desired, running)
  for _, move in ipairs(work.moves) do planned[move.desired] = true end
  for _, change in ipairs(core.diff(work.model, running)) do
    if not planned[change.desired] then
      pending[#pending + 1] = {
        action = change.action, kind = change.kind, device = change.device, fields = change.fields,
        before = change.before, after = change.after, effect = "next boot",
      }
    end
  end
  return pending
end

-- Fingerprint ----------------------------------------------------------------------------------------------

--- What would be done, whoever asks: the same changes to the same devices with the same values.
local function changes_text(work)
  local parts = { work.model:fingerprint() }
  for _, half in ipairs(work.halves) do
    for _, change in ipairs(half.changes) do
      parts[#parts + 1] = ("%s %s %s %s %d"):format(half.name, change.action, change.kind, change.device, change.rows)
    end
  end
  return table.concat(parts, "\n")
end

local function fingerprint(work, read, facts)
  return table.concat({
    core.hash(changes_text(work)),
    read.config and read.config:fingerprint() or "-", read.live and read.live:fingerprint() or "-",
    tostring(facts.state), tostring(facts.persistent), tostring(facts.managed_save),
  }, " ")
end

-- The whole ------------------------------------------------------------------------------------------------

--- Both documents as models; nil if one of them cannot be read.
local function read_documents(documents, found)
  local read, good = {}, documents.config ~= nil or documents.live ~= nil
  for _, name in ipairs { "config", "live" } do
    local raw
    if documents[name] then
      read[name], raw = core.document(documents[name])
      found:append(raw or {})
      good = good and read[name] ~= nil
    end
  end
  return good and read or nil
end

--- The halves that are to be changed, config first, as { name =, document = model }.
local function make_halves(wanted, read)
  local halves = {}
  for _, name in ipairs { "config", "live" } do
    if wanted[name] then halves[#halves + 1] = { name = name, document = read[name] } end
  end
  return halves
end

--- The documents in the order of their weight: those that are written, then the other one.
local function in_order(halves, read)
  local list, listed = {}, {}
  for i, half in ipairs(halves) do
    list[i] = half.document
    listed[half.document] = true
  end
  for _, name in ipairs { "config", "live" } do
    if read[name] and not listed[read[name]] then list[#list + 1] = read[name] end
  end
  return list
end

--- Rules against the host hold for every half that is written.
local function check(work, order, found)
  forbid.merge(found, work.model:check(table.unpack(order)))
  if #work.halves == 2 then forbid.merge(found, work.model:check(order[2], order[1])) end
end

local function compare(work, facts)
  for _, half in ipairs(work.halves) do
    half.differences = core.diff(work.model, half.document)
    half.changes = changes_now(half, half.differences)
    work[half.name] = half
  end
  work.moves = make_moves(work)
  choose_calls(work, facts)
end

local function forbid_changes(found, desired, work, facts)
  forbid.changes(found, desired, work)
  forbid.slots(found, desired, work)
  boot.forbid(found, desired, work, facts)
  if #work.moves > 0 or work.boot then forbid.state(found, desired, facts, work) end
end

--- The work behind a plan: halves with their changes, and the moves that make them, for apply.lua; nil and problems if
-- the description cannot be planned.  opts.scope as in a recipe, before which it goes.
function plan.work(desired, documents, facts, opts)
  facts = facts or {}
  local scope = opts and opts.scope or desired.scope
  local model, raw = core.model(desired)
  local found = problems.list(raw)
  local read = read_documents(documents, found)
  if not read then return nil, found end
  local running = is_running(facts) or not read.config
  forbid.other_domain(found, desired, read.config or read.live)
  local halves = make_halves(wanted_halves(facts, scope, read, running), read)
  if #halves == 0 then forbid.nothing_to_change(found, desired, facts, running and is_test(facts)) end
  local work = { model = model, halves = halves, running = running, documents = read }
  local order = in_order(halves, read)
  check(work, order, found)
  local wrong = found:has_errors()
  forbid.unbuilt(found, desired)
  if not wrong then forbid.devices(found, desired, facts) end
  if found:has_errors() then return nil, found end

  model:complete(#halves, table.unpack(order))
  work.described = model:tables()
  boot.decide(work, desired, opts)
  compare(work, facts)
  forbid_changes(found, desired, work, facts)
  images.look(found, desired, work, facts)
  boot.foresee(found, desired, work, documents)
  if found:has_errors() then return nil, found end

  work.plan = {
    format_version = FORMAT_VERSION, domain = desired.name, uri = desired.uri, state = facts.state, notes = found,
    steps = make_steps(work, desired, facts), pending = make_pending(work, desired, read.live),
    fingerprint = fingerprint(work, read, facts),
  }
  work.plan.changes = #work.plan.steps
  return work, found
end

--- plan.make(desired, { config = xml, live = xml }, facts, opts) -> plan, or nil and problems.
-- facts: driver, state, active, persistent, managed_save, libvirt (version number), image (function: path -> what
-- core.iso says); all may be missing.
function plan.make(...)
  local work, found = plan.work(...)
  if not work then return nil, found end
  return work.plan, found
end

return plan
