--- Commands that change domains as their recipes say: plan and apply; and what every command that changes something
-- shares: how it is limited, how its plans are printed, and how it ends.

local virtlun = require "virtlun"
local hosts = require "virtlun.cli.hosts"
local json_view = require "virtlun.view.json"
local plan_view = require "virtlun.view.plan"
local recipes = require "virtlun.cli.recipes"
local status = require "virtlun.cli.status"
local style = require "virtlun.view.style"

local changes = {}

-- What all changes share -----------------------------------------------------------------------------------

--- Both flags together mean both halves, whatever the recipe says.
local function scope_of(args)
  if args.live and args.config then return "both" end
  return args.live and "live" or args.config and "config" or nil
end

--- The flags that limit a change, as the library takes them.
function changes.limits(args)
  return { scope = scope_of(args), force = args.force, reattach = not args.no_reattach,
    timeout = args.timeout }
end

function changes.print(plan, out)
  for _, line in ipairs(plan_view.lines(plan, { paint = out.paint, verbose = out.verbose })) do out:line(line) end
end

local function count_changes(plans)
  local count = 0
  for _, plan in ipairs(plans) do count = count + plan.changes end
  return count
end

--- Plans and problems as data.
function changes.data(plans, found)
  for _, plan in ipairs(plans) do
    json_view.list(plan.steps)
    json_view.list(plan.pending)
    plan.notes = nil
  end
  return { plans = json_view.list(plans), changes = count_changes(plans), problems = json_view.list(found) }
end

--- Notes in the plan which of its steps the event says to be done; the event's own step may be of a later reading.
function changes.note_done(plan, event)
  if event.state ~= "done" then return end
  for _, step in ipairs(plan.steps) do
    local same = step.action == event.step.action and step.kind == event.step.kind and step.device == event.step.device
    if same and not step.done then
      step.done = true
      return
    end
  end
end

--- HBAs that were made for a drive which then did not come are gone again.
local function undone(plan, failure)
  local gone = {}
  for _, problem in ipairs(failure or {}) do gone[problem.path] = problem.code == "left_behind" or nil end
  for _, step in ipairs(plan.steps) do
    if gone[plan.domain .. "." .. step.device] then step.done = false end
  end
end

--- Notes in the plan how its apply ended; whether something was changed.  What was written and could not be verified is
-- neither done nor undone.
function changes.conclude(plan, result, failure, written)
  for _, step in ipairs(plan.steps) do step.done = step.done or result ~= nil end
  undone(plan, failure)
  plan.result = result and "done" or written and "partly" or "failed"
  return result and result.done > 0 or written or false
end

--- The exit status when some failed and some were changed.
function changes.status(failed, changed)
  if not failed then return status.OK end
  return changed and status.PARTLY or status.FAILED
end

--- Whether what a command changes at that URI is gone with the command.
function changes.is_forgotten(uri)
  return uri ~= nil and uri:match("^test:///") ~= nil
end

--- Tells who watches what the command waits for: a guest may take its time to let go of a device.
function changes.tell_waiting(event, out)
  local step = event.step
  if event.state == "begin" and step.action == "remove" and step.scope ~= "config" and out.is_watched then
    out:progress(("%s: waiting for the guest to let go of %s"):format(event.domain, step.device))
  end
end

changes.FORGOTTEN = "virtlun: test:/// lives in this process only; nothing outlives it"

-- Planning -------------------------------------------------------------------------------------------------

--- Of found only what stops everything.
local function errors_of(found)
  local errors = virtlun.problems()
  for _, problem in ipairs(found) do
    if problem.severity == "error" then errors:append { problem } end
  end
  return errors
end

--- A connection that no recipe can use was meant for something.
local function complain_of_uris(domains, args, found)
  local other
  for _, domain in ipairs(domains) do
    if not domain.uri or domain.uri == args.connect then return end
    other = other or domain
  end
  if args.connect and other then
    found:append { virtlun.problem {
      code = "two_uris", path = other.name, value = other.uri, expected = args.connect, file = other.file,
      line = other.line,
    } }
  end
end

--- A domain that two names of a recipe mean, its UUID say, would be changed to and fro.
local function complain_of_twins(dom, domain, seen, found)
  local key = dom.connection.uri .. "\n" .. dom.uuid
  if seen[key] then
    local problem = { code = "same_domain", path = domain.name, file = domain.file, line = domain.line }
    found:append { virtlun.problem(problem) }
  end
  seen[key] = true
end

--- One plan for each domain; nil if any of them has a problem.
local function plan_all(domains, open, args, found)
  local plans, good, seen = {}, true, {}
  for i, domain in ipairs(domains) do
    local dom, failure = open:domain(domain.name, domain.uri)
    local plan, more
    if dom then
      complain_of_twins(dom, domain, seen, found)
      plan, more = dom:plan(domain, changes.limits(args))
      found:append(more)
    else
      found:append(failure)
    end
    good = good and plan ~= nil
    plans[i] = plan
  end
  return good and not found:has_errors() and plans or nil
end

--- Loads, connects and plans; run(plans, found) decides what follows and gives the exit status.
local function with_plans(args, out, readonly, run)
  local found = virtlun.problems()
  local domains = recipes.load(args, found)
  if domains then found = errors_of(found) end -- the plan has its own notes, and knows more
  local open = hosts.new { connect = args.connect, readonly = readonly, timeout = args.timeout }
  if domains then complain_of_uris(domains, args, found) end
  local plans = domains and not found:has_errors() and plan_all(domains, open, args, found)
  local ended = status.FAILED
  if plans then ended = run(plans, found)
  elseif out.is_json then out:json(changes.data({}, found))
  else out:problems(found)
  end
  open:close()
  return ended
end

local function print_plans(plans, found, out, quiet)
  if out.is_json then return end
  out:problems(found)
  if quiet then return end
  for _, plan in ipairs(plans) do changes.print(plan, out) end
end

function changes.plan(args, out)
  return with_plans(args, out, true, function(plans, found)
    print_plans(plans, found, out, out.quiet)
    if args.json then out:json(changes.data(plans, found)) end
    return args.detailed_exitcode and count_changes(plans) > 0 and status.CHANGES or status.OK
  end)
end

-- Applying -------------------------------------------------------------------------------------------------

--- Applies all plans; whether one failed, and whether something was changed.
local function apply_all(plans, found, args, out)
  local failed, changed = false, false
  for _, plan in ipairs(plans) do
    local how = changes.limits(args)
    function how.on_progress(event)
      changes.tell_waiting(event, out)
      changes.note_done(plan, event)
      if event.state == "done" then
        out:progress(("%s: %s %s: done"):format(event.domain, event.step.action, event.step.device))
      end
    end
    local result, failure, ended = plan:apply(how)
    found:append(result and result.notes or failure)
    failed = failed or not result
    changed = changes.conclude(plan, result, failure, ended and ended.written) or changed
  end
  return failed, changed
end

local function is_any_forgotten(plans)
  for _, plan in ipairs(plans) do
    if changes.is_forgotten(plan.uri) then return true end
  end
  return false
end

function changes.apply(args, out)
  return with_plans(args, out, false, function(plans, found)
    local count = count_changes(plans)
    local asks = count > 0 and not args.yes and out.can_ask
    print_plans(plans, found, out, out.quiet and not asks) -- who is asked sees what for
    if count > 0 then
      local may, refused = out:may(args, "apply", ("Make %s?"):format(style.plural(count, "change")))
      if not may then return refused end
    end
    local more = virtlun.problems()
    local failed, changed = apply_all(plans, more, args, out)
    if args.json then
      out:json(changes.data(plans, found:append(more)))
    else
      out:problems(more)
      if changed and is_any_forgotten(plans) then out:progress(changes.FORGOTTEN) end
    end
    return changes.status(failed, changed)
  end)
end

return changes
