--- stub
local style = require "virtlun.view.style"
local outcome = {}
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

function outcome.lines(report, out)
  local lines = {}
  for _, entry in ipairs(report.domains) do
    local plan = entry.plan
    if plan and plan.changes > 0 and (plan.result ~= "done" or out.can_redraw) then lines[#lines + 1] = ending_text(plan) end
  end
  return lines
end
return outcome
