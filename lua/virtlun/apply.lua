--- Plans of a host's domain, and their making: only on the domain that they were made for.

local hosts = require "virtlun.apply.host"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local runs = require "virtlun.apply.run"

local apply = {}

--- What is said of a plan that nobody has begun, because it was stopped before.
local function not_begun(dom, plan)
  return problems.fail { code = "stopped", path = dom.name, value = "0", expected = tostring(plan.changes) }
end

---@class virtlun.Done
---@field domain string
---@field done integer number of steps
---@field notes virtlun.Problems
---@field plan? virtlun.Plan of single operations

---@class virtlun.Ended
---@field written boolean whether the host is changed
---@field done integer numbers of steps
---@field failed integer
---@field unknown integer
---@field undone integer
---@field left integer

--- Makes what was just read so: done; or nil, problems and how it ended.
local function run(host, plan, opts)
  local dom = host.dom
  if plan.changes > 0 and dom.connection.readonly then
    return problems.fail { code = "read_only", path = dom.name }
  end
  local good, failure, ended = runs.make(host, plan.steps, opts)
  if not good then return nil, failure, ended end
  return { domain = dom.name, done = plan.changes, notes = host.notes }
end

--- What fn(...) gives.  The plan is told how it ended: its result is "done", "partly", "failed", or "left" where it was
-- stopped before anything was made, and its steps have theirs.
local function conclude(plan, dom, fn, ...)
  local called, result, failure, ended = pcall(fn, ...)
  if not called then
    if not dom.is_given_up(result) then error(result, 0) end
    result, failure = not_begun(dom, plan)
  end
  local is_stopped = not result and (failure[1] == nil or failure[1].code == "stopped")
  plan.result = result and "done" or ended and ended.written and "partly" or is_stopped and "left" or "failed"
  for _, step in ipairs(not result and plan.steps or {}) do step.result = step.result or "left" end
  return result, failure, ended
end

--- Makes a plan so, if the domain is still as it was planned.  planned: what that was read as, if it was not used yet.
local function run_plan(dom, desired, plan, opts, planned)
  if plan.changes == 0 then return { domain = dom.name, done = 0, notes = problems.list() } end
  local seen, failure = hosts.look(dom)
  if not seen then return nil, failure end
  local host
  if planned and planned:is_as_read(seen, opts) then host, failure = planned:look_at_images(seen)
  else host, failure = hosts.read(dom, desired, hosts.without_xml(opts), seen)
  end
  if not host then return nil, failure end
  if host.plan.fingerprint ~= plan.fingerprint then
    return problems.fail { code = "host_changed", path = dom.name }
  end
  return run(host, plan, opts)
end

--- apply.plan(dom, desired, opts) -> plan with a method apply(opts), or nil and problems.
-- opts: scope ("live", "config", or "both" where the recipe says one), only and except (lists of what devices are
-- called, * for any text), force (a running domain may lose what holds data).
-- plan:apply(opts) takes what the plan was made with, and force (also a tray that the guest has locked), reattach =
-- false (never replace a drive to change its medium), timeout (seconds for a step: 30 until an unplug counts as
-- pending, 120 for a domain that another client keeps busy), undo = "all" (on failure everything that was made), stop
-- (a function, asked before each step, whose true ends the run there), on_progress (a function of events: { state =
-- "begin", "waiting", "done", "failed" or "undone", number =, total =, step =, what = "guest" or "busy" that is waited
-- for, domain = }).
-- It returns { domain =, done = number of steps, notes = }; or nil, problems, and how it ended: { written = whether the
-- host is changed, done =, failed =, undone =, unknown =, left = numbers of steps }.  Each step then has its result:
-- "done", "failed", "undone", "unknown" or "left", and the plan has one: see conclude.
function apply.plan(dom, desired, opts)
  local host, found = hosts.read(dom, desired, opts)
  if not host then return nil, found end
  local plan = host.plan
  plan.uri = plan.uri or dom.connection.uri
  setmetatable(plan, { __index = { apply = function(self, how)
    options.check(how, "change", 2)
    local all = {}
    for _, some in ipairs { opts or {}, how or {} } do
      for key, value in pairs(some) do all[key] = value end
    end
    local planned = host
    host = nil -- what an apply has used is no longer what was planned
    return conclude(self, dom, run_plan, dom, desired, self, all, planned)
  end } })
  return plan, found
end

--- Makes what was just read so; with opts.confirm only if that says yes to the plan, and if the domain is then still
-- as it was: whoever is asked may take their time.  A no is nil and no problem.
local function run_confirmed(host, opts)
  if not opts.confirm or host.plan.changes == 0 then return run(host, host.plan, opts) end
  if not opts.confirm(host.plan) then return nil, problems.list() end
  return run_plan(host.dom, host.desired, host.plan, opts, host)
end

--- apply.now(dom, desired, opts, seen) plans on what host.look has just seen, and makes it so at once.  allow(plan) may
-- give problems that forbid it.  Returns what plan:apply does, with the plan.
function apply.now(dom, desired, opts, seen, allow)
  local host, found = hosts.read(dom, desired, opts, seen)
  if not host then return nil, found end
  host.plan.uri = host.plan.uri or dom.connection.uri
  local refused = allow and allow(host.plan)
  if refused and refused:has_errors() then return nil, refused end
  local result, failure, ended = conclude(host.plan, dom, run_confirmed, host, opts or {})
  if not result then return nil, failure, ended end
  result.plan, result.notes = host.plan, found:append(result.notes)
  return result
end

return apply
