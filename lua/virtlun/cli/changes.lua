--- Commands that change domains as their recipes or saved plans say: plan and apply, and what remove shares with them:
-- how they come to their domains and plans, and that somebody has said yes before anything is changed.

local virtlun = require "virtlun"
local cells = require "virtlun.view.cells"
local credentials = require "virtlun.cli.credentials"
local making = require "virtlun.cli.making"
local names = require "virtlun.view.names"
local outcome = require "virtlun.view.outcome"
local pictures = require "virtlun.cli.pictures"
local plans = require "virtlun.cli.plans"
local recipes = require "virtlun.cli.recipes"
local retry = require "virtlun.cli.retry"
local saved = require "virtlun.cli.saved"
local status = require "virtlun.cli.status"

local changes = {}

-- Domains --------------------------------------------------------------------------------------------------

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

--- Of the domains those that --limit and --retry-file leave; nil, with what is wrong in found.
local function selected(described, args, found)
  local domains = described
  if args.limit and args.limit[1] then
    local failure
    domains, failure = virtlun.limit(described, args.limit)
    found:append(failure or {})
  end
  if domains and args.retry_file then domains = retry.select(args.retry_file, domains, described, args, found) end
  return domains
end

--- The way by which plans come from recipes: load(args, found) gives described domains, or nil with the problems in
-- found; plan(dom, domain, limits) gives what dom:plan does, which it does where there is none.
local from_recipes = { load = recipes.load }

--- Loads domains by a way; run(domains, found) decides what follows and gives the exit status.
local function with_domains(args, out, way, run)
  local found = virtlun.problems()
  local domains = way.load(args, found)
  if domains then
    found = errors_of(found) -- the plan has its own notes, and knows more
    complain_of_uris(domains, args, found)
    domains = selected(domains, args, found)
  end
  if domains and not found:has_errors() then
    if #domains == 0 then out:progress("virtlun: no domain is left to look at") end
    return run(domains, found)
  end
  if out.is_json then out:json(plans.data({}, found, { domains = {}, done = 0 })) else out:problems(found) end
  return status.FAILED
end

--- How far it is with the domains, on an output.
local function progress_of(domains, args, out)
  local list = {}
  for i, domain in ipairs(domains) do
    list[i] = { domain = domain.name, uri = domain.uri or args.connect or "" }
  end
  return cells.new(out, list)
end

local HASTE = 0.5 -- seconds that a host may keep the others waiting where nobody is asked

--- What the library is told of all domains.
local function fleet_options(args, out, way, on_progress)
  local opts = plans.limits(args)
  opts.patience = args.yes and HASTE or nil
  opts.uri, opts.plan, opts.on_progress, opts.ask = args.connect, way.plan, on_progress, credentials.ask(out)
  opts.hosts, opts.batches, opts.max_fail, opts.transports = args.hosts, args.batches, args.max_fail, args.transports
  return opts
end

-- Planning -------------------------------------------------------------------------------------------------

local function print_plans(list, found, out, quiet)
  if not out.is_json then out:problems(found) end
  if list[1] and not out.is_json and not quiet and not pictures.takes_stdout(out) then
    plans.print_all(list, out)
  end
  pictures.plans(list, out, quiet)
end

--- The plans of a report, and all that was found by them and what kept others from being made.
local function planned_in(report, found)
  local list = {}
  for _, entry in ipairs(report.domains) do
    list[#list + 1] = entry.plan
    found:append(entry.found or {})
  end
  return list, found:append(report.problems)
end

function changes.plan(args, out)
  return with_domains(args, out, from_recipes, function(domains, found)
    local shown = progress_of(domains, args, out)
    local opts = fleet_options(args, out, from_recipes, function(event)
      -- Nothing ends by a plan: where nothing can be drawn, only who hangs is worth a line.
      if out.can_redraw or event.event == "host" and not out.is_json then shown:tell(event) end
    end)
    opts.readonly = true
    local report = virtlun.plans(domains, opts)
    shown:close()
    local list, all = planned_in(report, found)
    print_plans(list, all, out, out.quiet or args.out == "-")
    local data = plans.data(list, all, report)
    if args.out and report.failed then
      out:message("virtlun: the plan is not saved, because not all could be planned")
    elseif args.out then
      local good, failure = saved.write(args.out, data, domains, plans.limits(args), out)
      if not good then
        out:report(failure)
        return status.FAILED
      end
    end
    if args.json then out:json(data) end
    if report.failed then return status.FAILED end
    return args.detailed_exitcode and data.changes > 0 and status.CHANGES or status.OK
  end)
end

-- Making it so ---------------------------------------------------------------------------------------------

local function tell_of_round(round, out)
  for _, plan in ipairs(round.changed) do
    out:progress(("%s has changed since it was planned, and was planned again"):format(plan.domain))
  end
  for _, uri in ipairs(round.late) do
    out:progress(("%s has not answered yet; domains of it come later"):format(names.host(uri)))
  end
end

--- Those of the problems that were not told yet.
local function untold(found, told)
  local list = virtlun.problems()
  for _, problem in ipairs(found) do
    if not told[problem] then list:append { problem } end
    told[problem] = true
  end
  return list
end

--- Shows the plans of a round and asks; whether they may be made so, and the exit status if not.
local function may_make(round, told, args, out)
  local count = plans.count_changes(round.plans)
  local asks = count > 0 and not args.yes and out.can_ask
  tell_of_round(round, out)
  print_plans(round.plans, untold(round.problems, told), out, out.quiet and not asks) -- who is asked sees what for
  if count == 0 then return true end
  return out:may(args, args.command, plans.question(round.plans), told.rounds > 1 and "nothing more was changed")
end

--- Tells how it all ended, and gives the exit status.  told: the problems that were told before, and the number of
-- rounds that were asked about.
local function conclude(report, signal, found, told, args, out)
  local failed = report.failed or found:has_errors()
  local list, all = planned_in(report, found)
  if args.json then
    out:json(plans.data(list, all, report))
  else
    for _, line in ipairs(told.rounds > 0 and outcome.lines(report, out) or {}) do out:progress(line) end
    out:problems(untold(all, told))
    if told.rounds == 0 then out:progress("nothing was changed") end
    if report.changed then plans.tell_forgotten(list, out) end
  end
  return making.status(failed, report.changed, signal)
end

--- Plans by a way, shows it, asks, and makes it so.
function changes.make(args, out, way)
  return with_domains(args, out, way, function(domains, found)
    local shown, told, refused = progress_of(domains, args, out), { rounds = 0 }, nil
    if not out.is_json then out:problems(untold(found, told)) end
    local opts = fleet_options(args, out, way, function(event) shown:tell(event) end)
    function opts.confirm(round)
      shown:close()
      local may
      told.rounds = told.rounds + 1
      may, refused = may_make(round, told, args, out)
      return may
    end
    function opts.stop()
      local signal = virtlun.interrupted()
      if signal and not told.signal then
        out:progress("virtlun: interrupted; what is in flight comes to its end, once more gives it up")
      end
      told.signal = signal
      return signal ~= nil
    end
    local report, signal = making.interruptible(out, function() return virtlun.apply(domains, opts) end)
    shown:close()
    if refused and told.rounds == 1 then return signal and making.status(true, false, signal) or refused end
    if args.retry_file then found:append(select(2, retry.write(args.retry_file, report)) or {}) end
    return conclude(report, signal, found, told, args, out)
  end)
end

function changes.apply(args, out)
  return changes.make(args, out, args.saved and saved.way(args.saved) or from_recipes)
end

return changes
