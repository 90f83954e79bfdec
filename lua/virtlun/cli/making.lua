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

--- Steps that came to no end, because nobody began them, are left.
local function leave(plan)
  for _, step in ipairs(plan.steps) do step.result = step.result or "left" end
end

-- Interrupts -----------------------------------------------------------------------------------------------

--- What is said of a plan that nobody began, because it was stopped before.
local function not_begun(plan)
  return nil, virtlun.problems { virtlun.problem { code = "stopped", path = plan.domain, value = "0",
    expected = tostring(plan.changes) } }
end

--- Notes in the plan, if there was one already, which steps were given up.  begun: the steps that were begun and have
-- not ended, in their order; was_begun: whether there ever was one.
local function give_up(plan, begun, was_begun)
  if plan and not was_begun then return not_begun(plan) end
  plan = plan or { steps = {} }
  local path = begun[1] and ("%s.%s"):format(plan.domain, begun[#begun].device) or plan.domain
  for _, step in ipairs(begun) do step.result = "unknown" end
  leave(plan)
  return nil, virtlun.problems { virtlun.problem { code = "abandoned", path = path } }, { written = was_begun }
end

local function remove(list, wanted)
  for i, entry in ipairs(list) do
    if entry == wanted then return table.remove(list, i) end
  end
end

--- What call(opts) returns, a function of the library that applies a plan.  Signals end it only between two steps, and
-- what a second one gives up is told as a problem.  told: a table in which plan is the plan; shown: a progress.
local function interruptible(call, opts, told, shown)
  local begun, was_begun = {}, false
  opts.stop = virtlun.interrupted
  function opts.on_progress(event)
    if event.state ~= "waiting" then remove(begun, event.step) end
    if event.state == "begin" then
      begun[#begun + 1], was_begun = event.step, true
    end
    shown:tell(event)
  end
  local results = table.pack(pcall(call, opts))
  shown:close()
  if results[1] then return table.unpack(results, 2, results.n) end
  if not tostring(results[2]):find("interrupted!", 1, true) then error(results[2], 0) end
  return give_up(told.plan, begun, was_begun)
end

-- One plan -------------------------------------------------------------------------------------------------

--- Notes in the plan how it ended: "done", "partly", "failed", or "left" where somebody stopped it before it began;
-- whether the host was changed.
function making.conclude(plan, result, failure, ending)
  local written = ending ~= nil and ending.written
  local stopped = failure and failure[1] and failure[1].code == "stopped"
  plan.result = result and "done" or written and "partly" or stopped and "left" or "failed"
  if not result then leave(plan) end
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
  if plan.result == "done" then return ("%s: %s made"):format(plan.domain, style.plural(plan.changes, "change")) end
  local counts, parts = {}, {}
  for _, step in ipairs(plan.steps) do counts[step.result] = (counts[step.result] or 0) + 1 end
  for _, ending in ipairs(ENDINGS) do
    local count = counts[ending[1]]
    if count then parts[#parts + 1] = ("%d %s"):format(count, ending[2]) end
  end
  return ("%s: of %s %s"):format(plan.domain, style.plural(#plan.steps, "change"), table.concat(parts, ", "))
end

local function run(entries, opts, out)
  local report = { problems = virtlun.problems(), failed = false, changed = false }
  for _, entry in ipairs(entries) do
    local is_left = virtlun.interrupted() and entry.plan.changes > 0
    local result, failure, ending
    if is_left then result, failure = not_begun(entry.plan) else result, failure, ending = make(entry, opts, out) end
    report.problems:append(result and result.notes or failure)
    report.failed = report.failed or not result
    report.changed = making.conclude(entry.plan, result, failure, ending) or report.changed
    -- Where each step had a line of its own, another one says nothing new of a plan that was made.
    local tells = entry.plan.result ~= "done" or out.can_redraw
    if tells and entry.plan.changes > 0 then out:progress(ending_text(entry.plan)) end
  end
  report.signal = virtlun.interrupted()
  return report
end

--- Makes all entries so: { problems =, failed = whether one was not made, changed = whether a host was, signal = the
-- signal by which it was ended, or nil }.  opts() gives the options of an apply.
function making.all(entries, opts, out)
  out.has_begun = true
  return virtlun.interruptible(run, entries, opts, out)
end

local SILENT = { tell = function() end, close = function() end }

--- Makes a single operation: { result =, failure =, ending = what call(opts) returned, signal = the signal by which it
-- was ended, or nil }.  told.plan is the plan that it makes, set when it is known.
function making.one(call, opts, told, out)
  out.has_begun = true
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
