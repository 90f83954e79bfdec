--- What every command shares that plans or changes something: how it is limited, how its plans are printed, as text and
-- as data, and what is to be said of them before they are made so.

local virtlun = require "virtlun"
local json_view = require "virtlun.view.json"
local plan_view = require "virtlun.view.plan"
local style = require "virtlun.view.style"
local value = require "virtlun.view.value"
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

function plans.print(plan, out)
  for _, line in ipairs(plan_view.lines(plan, { paint = out.paint, verbose = out.verbose })) do out:line(line) end
  if not out.xml_diff then return end
  for _, line in ipairs(xml_diff_view.lines(plan, { paint = out.paint })) do out:line(line) end
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

local holds_data = { disk = true, lun = true, hostdev = true }

--- Whether a step takes from a running domain what holds data, for good or for a while.
local function takes_data(step)
  local takes = step.action == "remove" or step.effect:find("replaces the drive", 1, true)
  return takes and holds_data[step.kind] and step.scope ~= "config"
end

local function loss_of(step)
  local source = step.before and step.before.source
  return ("%s %s%s"):format(step.kind, step.device, source and (" (%s)"):format(value.source(source)) or "")
end

--- The devices with data that a running domain loses, as "disk sdb (/data.raw)".
function plans.losses(plan)
  local losses = {}
  for _, step in ipairs(plan.steps) do
    if takes_data(step) then losses[#losses + 1] = loss_of(step) end
  end
  return losses
end

--- What is asked before anything is changed: running domains lose no data unless somebody has read so.
function plans.question(list)
  local parts = {}
  for _, plan in ipairs(list) do
    local losses = plans.losses(plan)
    if #losses > 0 then
      parts[#parts + 1] = ("%s, which runs, loses %s. "):format(plan.domain, table.concat(losses, ", "))
    end
  end
  parts[#parts + 1] = ("Make %s?"):format(style.plural(plans.count_changes(list), "change"))
  return table.concat(parts)
end

local FORGOTTEN = "virtlun: test:/// lives in this process only; nothing outlives it"

--- Tells where what was changed is gone with the command.
function plans.tell_forgotten(list, out)
  for _, plan in ipairs(list) do
    if (plan.uri or ""):match("^test:///") then return out:progress(FORGOTTEN) end
  end
end

return plans
