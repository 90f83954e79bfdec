--- What has become of all domains of a fleet.

local problems = require "virtlun.problems"

local report = {}

--- What is wrong with the domains that have failed.  A host's failure is that of all its domains, and is told once.
function report.problems(entries)
  local found, told = problems.list(), {}
  for _, entry in ipairs(entries) do
    local first = entry.problems[1]
    if first and not told[first] then found:append(entry.problems) end
    if first then told[first] = true end
  end
  return found
end

--- Why domains were left that could have been made.
local function why_left(fleet, left)
  if fleet:has_failed() then
    return { problems.new { code = "max_fail", value = tostring(fleet.failures), expected = tostring(fleet.may_fail) } }
  elseif left > 0 and fleet:is_stopped() then
    return { problems.new { code = "stopped_run", value = tostring(left), expected = tostring(#fleet.entries) } }
  end
  return {}
end

---@class virtlun.Report
---@field domains virtlun.ReportOfDomain[]
---@field problems virtlun.Problems all of them
---@field done integer number of steps made
---@field changed boolean whether a host was changed
---@field failed boolean whether a domain is not as described

---@class virtlun.ReportOfDomain
---@field domain string
---@field uri? string
---@field result? "done"|"partly"|"failed"|"left" nil if only planned
---@field plan? virtlun.Plan
---@field made integer number of steps
---@field problems virtlun.Problems
---@field found? virtlun.Problems

--- The report of a run, as fleet.apply gives it.
function report.of(fleet)
  local whole = { domains = {}, problems = report.problems(fleet.entries), done = 0, failed = false, changed = false }
  local left = 0
  for i, entry in ipairs(fleet.entries) do
    whole.domains[i] = { domain = entry.domain.name, uri = entry.host.uri, result = entry.result, plan = entry.plan,
      made = entry.made, problems = entry.problems, found = entry.found }
    whole.done = whole.done + entry.made
    whole.failed = whole.failed or entry.state ~= "planned" and entry.result ~= "done"
    whole.changed = whole.changed or entry.has_written or false
    if entry.result == "left" then left = left + 1 end
  end
  whole.problems:append(why_left(fleet, left))
  return whole
end

return report
