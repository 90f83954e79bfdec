--- Plans made so, one domain after the other: with progress, with Ctrl-C between two steps, and with a new plan where a
-- domain has changed since.
--
-- The first Ctrl-C (or SIGTERM, SIGHUP) lets the step in flight come to its end, the second gives it up.

local virtlun = require "virtlun"
local status = require "virtlun.cli.status"
local style = require "virtlun.view.style"

local making = {}

local ATTEMPTS = 3 -- to find a domain as it was planned

-- Interrupts -----------------------------------------------------------------------------------------------

--- Notes in the plan which step was given up.
local function give_up(plan, begun)
  local path = begun and ("%s.%s"):format(plan.domain, begun.device) or plan.domain
  for _, step in ipairs(plan.steps) do
    if step == begun then step.result = "unknown" else step.result = step.result or "left" end
  end
  return nil, virtlun.problems { virtlun.problem { code = "abandoned", path = path } }, { written = begun ~= nil }
end

local function ended(told, good, result, ...)
  if good then return result, ... end
  if not tostring(result):find("interrupted!", 1, true) then error(result, 0) end
  return give_up(told.plan or { steps = {} }, told.step)
end

--- What call(opts) returns, a function of the library that applies a plan.  Signals end it only between two steps, and
-- what a second one gives up is told as a problem.  told: a table in which plan is the plan and step, from here on, the
-- step in flight.
local function interruptible(call, opts, told)
  local tell = opts.on_progress
  opts.stop = virtlun.interrupted
  function opts.on_progress(event)
    told.step = event.state == "begin" and event.step or told.step
    if tell then tell(event) end
  end
  return ended(told, pcall(call, opts))
end

-- One plan -------------------------------------------------------------------------------------------------

--- Notes in the plan how it ended: "done", "partly", "failed", or "left" where somebody stopped it before it began;
-- whether the host was changed.
function making.conclude(plan, result, failure, ending)
  local written = ending ~= nil and ending.written
  local stopped = failure and failure[1] and failure[1].code == "stopped"
  plan.result = result and "done" or written and "partly" or stopped and "left" or "failed"
  return result and result.done > 0 or written
end

local function is_outdated(failure, ending)
  return ending == nil and failure[1] ~= nil and failure[1].code == "host_changed"
end

--- Makes an entry's plan so, and a new one where the domain has changed since.  entry: { plan =, again = function that
-- plans anew and asks, which gives a plan, or nil and problems; nil where no other plan is wanted }.
local function make(entry, opts)
  for attempt = 1, ATTEMPTS do
    local told = { plan = entry.plan }
    local function call(how) return entry.plan:apply(how) end
    local result, failure, ending = interruptible(call, opts(entry.plan), told)
    local outdated = not result and is_outdated(failure, ending)
    if not outdated or not entry.again or attempt == ATTEMPTS then return result, failure, ending end
    local plan, more = entry.again()
    if not plan then return nil, more end
    entry.plan = plan
  end
end

-- All of them ----------------------------------------------------------------------------------------------

--- How many steps of a plan ended in which way, as the end of a sentence.
local ENDINGS = { { "done", "done" }, { "undone", "undone again" }, { "failed", "failed" }, { "unknown", "given up" },
  { "left", "left" } }

local function ending_text(plan)
  local counts, parts = {}, {}
  for _, step in ipairs(plan.steps) do counts[step.result] = (counts[step.result] or 0) + 1 end
  for _, ending in ipairs(ENDINGS) do
    local count = counts[ending[1]]
    if count then parts[#parts + 1] = ("%d %s"):format(count, ending[2]) end
  end
  return ("%s: of %s %s"):format(plan.domain, style.plural(#plan.steps, "change"), table.concat(parts, ", "))
end

local function leave(plan)
  plan.result = "left"
  for _, step in ipairs(plan.steps) do step.result = "left" end
end

local function run(entries, opts, out)
  local report = { problems = virtlun.problems(), failed = false, changed = false }
  for _, entry in ipairs(entries) do
    if virtlun.interrupted() then
      leave(entry.plan)
    else
      local result, failure, ending = make(entry, opts)
      report.problems:append(result and result.notes or failure)
      report.failed = report.failed or not result
      report.changed = making.conclude(entry.plan, result, failure, ending) or report.changed
    end
    if entry.plan.result ~= "done" and entry.plan.changes > 0 then out:progress(ending_text(entry.plan)) end
  end
  report.signal = virtlun.interrupted()
  return report
end

--- Makes all entries so: { problems =, failed = whether one was not made, changed = whether a host was, signal = the
-- signal by which it was ended, or nil }.  opts(plan) gives the options of its apply.
function making.all(entries, opts, out)
  return virtlun.interruptible(run, entries, opts, out)
end

--- What call(opts) returns, for a single operation, and the signal by which it was ended.  told.plan is the plan that
-- it makes, set when it is known.
function making.one(call, opts, told)
  local signal
  local results = table.pack(virtlun.interruptible(function()
    local results = table.pack(interruptible(call, opts, told))
    signal = virtlun.interrupted()
    return table.unpack(results, 1, results.n)
  end))
  return signal, table.unpack(results, 1, results.n)
end

--- The exit status of what was made.
function making.status(failed, changed, signal)
  if not failed then return status.OK end
  if signal then return status.SIGNAL + signal end
  return changed and status.PARTLY or status.FAILED
end

return making
