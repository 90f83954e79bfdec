--- What every command shares that plans or changes something: how it is limited, how its plans are printed, as text and
-- as data, and what is to be said of them before they are made so.

local virtlun = require "virtlun"
local fold = require "virtlun.view.fold"
local json_view = require "virtlun.view.json"
local plan_view = require "virtlun.view.plan"
local xml_diff_view = require "virtlun.view.xml_diff"

local plans = {}

--- Both flags together mean both halves, whatever the recipe says.
local function scope_of(args)
  if args.live and args.config then return "both" end
  return args.live and "live" or args.config and "config" or nil
end

--- A list of the command line, nil if it is empty.
local function some(list)
  return list and list[1] and list or nil
end

--- The flags that limit a plan and its apply, as the library takes them.
function plans.limits(args)
  return { scope = scope_of(args), only = some(args.only), except = some(args.except), force = args.force,
    reattach = not args.no_reattach, timeout = args.timeout, undo = args.undo_all and "all" or nil }
end

local function print_diff(plan, out)
  if not out.xml_diff then return end
  for _, line in ipairs(xml_diff_view.lines(plan, { paint = out.paint })) do out:line(line) end
end

function plans.print(plan, out)
  for _, line in ipairs(plan_view.lines(plan, { paint = out.paint, verbose = out.verbose })) do out:line(line) end
  print_diff(plan, out)
end

--- Several plans, what is the same for many told once.
function plans.print_all(list, out)
  if #list == 1 then return plans.print(list[1], out) end
  local _, width = out:size()
  for _, line in ipairs(fold.lines(list, { paint = out.paint, verbose = out.verbose, width = width })) do
    out:line(line)
  end
  for _, plan in ipairs(list) do print_diff(plan, out) end
end

function plans.count_changes(list)
  local count = 0
  for _, plan in ipairs(list) do count = count + plan.changes end
  return count
end

--- How each domain of a report ended, as data.
local function ends_of(report)
  local ends = json_view.list {}
  for i, entry in ipairs(report.domains) do
    ends[i] = { domain = entry.domain, uri = entry.uri, result = entry.result, done = entry.made,
      changes = entry.plan and entry.plan.changes }
  end
  return ends
end

--- Plans and problems as data, and how they ended if there is a report.
function plans.data(list, found, report)
  for _, plan in ipairs(list) do
    json_view.list(plan.steps)
    json_view.list(plan.pending)
    json_view.list(plan.unchanged)
    plan.counts, plan.notes = plan_view.counts(plan), nil
  end
  return { plans = json_view.list(list), changes = plans.count_changes(list), counts = plan_view.total(list),
    problems = json_view.list(found or virtlun.problems()), domains = report and ends_of(report),
    done = report and report.done }
end

plans.question = fold.question

local FORGOTTEN = "virtlun: test:/// lives in this process only; nothing outlives it"

--- Tells where what was changed is gone with the command.
function plans.tell_forgotten(list, out)
  for _, plan in ipairs(list) do
    if (plan.uri or ""):match("^test:///") then return out:progress(FORGOTTEN) end
  end
end

return plans
