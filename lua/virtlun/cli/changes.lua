--- Commands that change domains as their recipes or saved plans say: plan and apply, and what remove shares with them:
-- how they come to their plans, and that somebody has said yes before anything is changed.

local virtlun = require "virtlun"
local hosts = require "virtlun.cli.hosts"
local making = require "virtlun.cli.making"
local pictures = require "virtlun.cli.pictures"
local plans = require "virtlun.cli.plans"
local recipes = require "virtlun.cli.recipes"
local saved = require "virtlun.cli.saved"
local status = require "virtlun.cli.status"

local changes = {}

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

--- One entry for each domain: { plan =, again = function: plans anew }; nil if any of them has a problem.
local function plan_all(domains, open, args, found, way)
  local entries, good, seen = {}, true, {}
  for i, domain in ipairs(domains) do
    local dom, failure = open:domain(domain.name, domain.uri)
    local entry = {}
    if dom then
      complain_of_twins(dom, domain, seen, found)
      function entry.again() return way.plan(dom, domain, plans.limits(args)) end
      entry.plan, failure = entry.again()
    end
    found:append(failure)
    good = good and entry.plan ~= nil
    entries[i] = entry
  end
  return good and not found:has_errors() and entries or nil
end

local function plans_of(entries)
  local list = {}
  for i, entry in ipairs(entries) do list[i] = entry.plan end
  return list
end

--- The way by which plans come from recipes: load(args, found) gives described domains, or nil with the problems in
-- found; plan(dom, domain, limits) gives what dom:plan does.
local from_recipes = { load = recipes.load }

function from_recipes.plan(dom, domain, limits)
  return dom:plan(domain, limits)
end

--- Loads, connects and plans by a way; run(entries, found, domains) decides what follows and gives the exit status.
local function with_plans(args, out, way, readonly, run)
  local found = virtlun.problems()
  local domains = way.load(args, found)
  if domains then found = errors_of(found) end -- the plan has its own notes, and knows more
  local open = hosts.new { connect = args.connect, readonly = readonly, timeout = args.timeout }
  if domains then
    complain_of_uris(domains, args, found)
    plans.note_known(args, domains)
  end
  local entries = domains and not found:has_errors() and plan_all(domains, open, args, found, way)
  local ended = status.FAILED
  if entries then ended = run(entries, found, domains)
  elseif out.is_json then out:json(plans.data({}, found))
  else out:problems(found)
  end
  open:close()
  return ended
end

local function print_plans(list, found, out, quiet)
  if not out.is_json then out:problems(found) end
  if not out.is_json and not quiet and not pictures.takes_stdout(out) then
    for _, plan in ipairs(list) do plans.print(plan, out) end
  end
  pictures.plans(list, out, quiet)
end

function changes.plan(args, out)
  return with_plans(args, out, from_recipes, true, function(entries, found, domains)
    local list = plans_of(entries)
    print_plans(list, found, out, out.quiet or args.out == "-")
    local data = plans.data(list, found)
    if args.out then
      local good, failure = saved.write(args.out, data, domains, plans.limits(args), out)
      if not good then
        out:report(failure)
        return status.FAILED
      end
    end
    if args.json then out:json(data) end
    return args.detailed_exitcode and data.changes > 0 and status.CHANGES or status.OK
  end)
end

-- Making it so ---------------------------------------------------------------------------------------------

--- Shows plans and asks; whether they may be made so, and the exit status if not.
local function may_make(list, found, args, out)
  local count = plans.count_changes(list)
  local asks = count > 0 and not args.yes and out.can_ask
  print_plans(list, found, out, out.quiet and not asks) -- who is asked sees what for
  if count == 0 then return true end
  return out:may(args, args.command, plans.question(list))
end

--- Plans again for a domain that has changed since, and asks again: a plan, or nil and problems.
local function with_consent(entry, args, out)
  local again = entry.again
  return function()
    local plan, found = again()
    if not plan then return nil, found end
    out:progress(("%s has changed since it was planned, and was planned again"):format(plan.domain))
    if not may_make({ plan }, found, args, out) then return nil, found end
    return plan
  end
end

--- Plans by a way, shows it, asks, and makes it so.
function changes.make(args, out, way)
  return with_plans(args, out, way, false, function(entries, found)
    local may, refused = may_make(plans_of(entries), found, args, out)
    if not may then return refused end
    for _, entry in ipairs(entries) do entry.again = with_consent(entry, args, out) end
    local made = making.all(entries, function() return plans.limits(args) end, out)
    if args.json then
      out:json(plans.data(plans_of(entries), found:append(made.problems)))
    else
      out:problems(made.problems)
      if made.changed then plans.tell_forgotten(plans_of(entries), out) end
    end
    return making.status(made.failed, made.changed, made.signal)
  end)
end

function changes.apply(args, out)
  return changes.make(args, out, args.saved and saved.way(args.saved) or from_recipes)
end

return changes
