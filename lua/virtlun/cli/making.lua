--- Plans made so, one domain after the other: with progress, with Ctrl-C between two steps, and with a new plan where a
-- domain has changed since.
--
-- The first Ctrl-C (or SIGTERM, SIGHUP) lets the step in flight come to its end, the second gives it up.

local virtlun = require "virtlun"
local progress = require "virtlun.view.progress"
local status = require "virtlun.cli.status"
local style = require "virtlun.view.style"

local making = {}

local ATTEMPTS = 3 -- to find a domain as it was planned

-- Interrupts -----------------------------------------------------------------------------------------------

--- Notes in the plan, if there was one already, which step was given up.
local function give_up(plan, in_flight)
  plan = plan or { steps = {} }
  local path = in_flight and ("%s.%s"):format(plan.domain, in_flight.device) or plan.domain
  for _, step in ipairs(plan.steps) do
    if step == in_flight then step.result = "unknown" else step.result = step.result or "left" end
  end
  return nil, virtlun.problems { virtlun.problem { code = "abandoned", path = path } }, { written = in_flight ~= nil }
end

local function ended(plan, in_flight, good, result, ...)
  if good then return result, ... end
  if not tostring(result):find("interrupted!", 1, true) then error(result, 0) end
  return give_up(plan, in_flight)
end

--- What call(opts) returns, a function of the library that applies a plan.  Signals end it only between two steps, and
-- what a second one gives up is told as a problem.  told: a table in which plan is the plan; shown: a progress.
local function interruptible(call, opts, told, shown)
  local in_flight
  opts.stop = virtlun.interrupted
  function opts.on_progress(event)
    in_flight = event.state == "begin" and event.step or in_flight
    shown:tell(event)
  end
  local results = table.pack(pcall(call, opts))
  shown:close()
  return ended(told.plan, in_flight, table.unpack(results, 1, results.n))
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
local function make(entry, opts, out)
  for attempt = 1, ATTEMPTS do
    local function call(how) return entry.plan:apply(how) end
    local result, failure, ending = interruptible(call, opts(), entry, progress.new(out))
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
      local result, failure, ending = make(entry, opts, out)
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
-- signal by which it was ended, or nil }.  opts() gives the options of an apply.
function making.all(entries, opts, out)
  return virtlun.interruptible(run, entries, opts, out)
end

local SILENT = { tell = function() end, close = function() end }

--- Makes a single operation: { result =, failure =, ending = what call(opts) returned, signal = the signal by which it
-- was ended, or nil }.  told.plan is the plan that it makes, set when it is known.
function making.one(call, opts, told, out)
  return virtlun.interruptible(function()
    local shown = out.can_redraw and progress.new(out) or SILENT
    local result, failure, ending = interruptible(call, opts, told, shown)
    return { result = result, failure = failure, ending = ending, signal = virtlun.interrupted() }
  end)
end

--- The exit status of what was made.
function making.status(failed, changed, signal)
  if not failed then return status.OK end
  if signal then return status.SIGNAL + signal end
  return changed and status.PARTLY or status.FAILED
end

return making
