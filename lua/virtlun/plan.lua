--- Plans: what must change so that a domain is what its description says.  Pure: documents and facts in, data out.
--
-- A running domain has two halves, live and config (halves.lua); their changes to one device are one move (moves.lua),
-- of which a plan says one step (steps.lua).  A plan is plain data: steps (list), changes (their number), pending
-- (already in the configuration, waiting for the next boot), unchanged (list, see steps.unchanged), domain,
-- format_version.  Nothing that the description leaves unsaid is compared, and no step touches a device that it does
-- not name or prune.

local boot = require "virtlun.plan.boot"
local core = require "virtlun.core"
local forbid = require "virtlun.plan.forbid"
local halves = require "virtlun.plan.halves"
local images = require "virtlun.plan.images"
local moves = require "virtlun.plan.moves"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local prune = require "virtlun.plan.prune"
local selection = require "virtlun.plan.selection"
local steps = require "virtlun.plan.steps"

local plan = {}

local FORMAT_VERSION = 1

-- Fingerprint ----------------------------------------------------------------------------------------------

--- What would be done, whoever asks: the same changes to the same devices with the same values.
local function changes_text(work)
  local parts, count = { work.model:fingerprint() }, 1
  for _, half in ipairs(work.halves) do
    parts[count + 1] = half.name
    count = count + 1
    for _, change in ipairs(half.changes) do
      parts[count + 1], parts[count + 2], parts[count + 3] = change.action, change.desired, change.rows
      count = count + 3
    end
  end
  return table.concat(parts, " ")
end

local function fingerprint(work, facts)
  local read = work.documents
  return table.concat({
    core.hash(changes_text(work)),
    read.config and read.config:fingerprint() or "-", read.live and read.live:fingerprint() or "-",
    tostring(facts.state), tostring(facts.persistent), tostring(facts.managed_save),
  }, " ")
end

-- The whole ------------------------------------------------------------------------------------------------

--- What is known before anything is compared; nil and problems.
local function begin(desired, documents, facts, opts)
  local model, raw = core.model(desired)
  local found = problems.list(raw)
  local read = halves.read(documents, found)
  if not read then return nil, found end
  local running = halves.is_running(facts) or not read.config
  local list = halves.wanted(read, facts, opts.scope or desired.scope, running)
  local work = { halves = list, running = running, documents = read, opts = opts }
  work.desired, work.model, work.pruned = desired, model, {}
  -- What is wrong with a description could be anything, also the names of what would be pruned.
  if not found:has_errors() then work.desired, work.model, work.pruned = prune.extend(desired, model, list) end
  return work, found
end

--- Rules against the host hold for every half that is written.
local function check(work, order, found)
  forbid.merge(found, work.model:check(table.unpack(order)))
  if #work.halves == 2 then forbid.merge(found, work.model:check(order[2], order[1])) end
end

--- Everything that forbids to plan at all.
local function check_all(work, order, facts, found)
  local desired = work.desired
  if #work.halves == 0 then
    forbid.nothing_to_change(found, desired, facts, work.running and halves.has_no_hotplug(facts))
  end
  check(work, order, found)
  if not found:has_errors() then forbid.devices(found, desired, facts) end
  return not found:has_errors()
end

local function forbid_changes(found, work, documents, facts)
  local desired = work.desired
  forbid.changes(found, desired, work, facts)
  forbid.losses(found, desired, work, documents)
  forbid.slots(found, desired, work)
  boot.forbid(found, desired, work, facts)
  if #work.moves > 0 or work.boot then forbid.state(found, desired, facts, work) end
  images.look(found, desired, work, facts)
  boot.foresee(found, desired, work, documents)
  return not found:has_errors()
end

---@class virtlun.Plan
---@field format_version integer
---@field domain string
---@field uri? string
---@field state? string of the domain
---@field notes virtlun.Problems
---@field steps virtlun.Step[]
---@field changes integer their number
---@field pending table[] what the configuration has already, for the next boot
---@field unchanged? table[] what is as described
---@field fingerprint string
---@field result? "done"|"partly"|"failed"|"left" unless only planned
---@field apply fun(self: virtlun.Plan, opts: virtlun.ChangeOptions?): virtlun.Done?, virtlun.Problems?, virtlun.Ended?

local function plan_of(work, list, found, facts)
  local desired = work.desired
  return {
    format_version = FORMAT_VERSION, domain = desired.name, uri = desired.uri, state = facts.state, notes = found,
    steps = list, changes = #list, pending = steps.pending(work, desired, work.documents.live),
    unchanged = work.opts.xml ~= false and steps.unchanged(work) or nil, fingerprint = fingerprint(work, facts),
  }
end

--- The work behind a plan: halves with their changes, and the moves that make them, for apply.lua; nil and problems if
-- the description cannot be planned.  opts as for plan.make; xml = false leaves the XML out of the steps, and
-- unchanged out of the plan: who makes it so needs neither.
function plan.work(desired, documents, facts, opts)
  facts, opts = facts or {}, opts or {}
  local work, found = begin(desired, documents, facts, opts)
  if not work then return nil, found end
  local order = halves.in_order(work.halves, work.documents)
  if not check_all(work, order, facts, found) then return nil, found end

  work.model:complete(#work.halves, table.unpack(order))
  selection.complain(found, work.desired, work)
  halves.compare(work)
  boot.decide(work, work.desired)
  work.moves = moves.of(work, facts)
  if not forbid_changes(found, work, documents, facts) then return nil, found end

  local list, more = steps.of(work, work.desired, facts, opts.xml ~= false and documents)
  if not list then return nil, more end
  work.plan = plan_of(work, list, found, facts)
  return work, found
end

--- plan.make(desired, { config = xml, live = xml }, facts, opts) -> plan, or nil and problems.
-- facts: driver, state, active, persistent, managed_save, libvirt (version number), image (function: path -> what
-- core.iso says); all may be missing.
-- opts: scope, as in a recipe, before which it goes ("both" for both halves); only and except, lists of what devices
-- are called, in which * stands for any text; known, those of these names that may be other domains'; force, where a
-- running domain is to lose what holds data.
function plan.make(desired, documents, facts, opts)
  options.check(opts, "change", 2)
  local work, found = plan.work(desired, documents, facts, opts)
  if not work then return nil, found end
  return work.plan, found
end

return plan
