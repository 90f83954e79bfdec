-- Plans of recipes against documents that are texts: no host is asked.
local host = require("support.host_xml")
local virtlun = require("virtlun")

local planning = {
  RUNNING = { driver = "QEMU", state = "running", active = true, persistent = true },
  SHUT_OFF = { driver = "QEMU", state = "shut off", persistent = true },
}

--- A description from the body of a domain, through a recipe's text, so that its problems have lines.
function planning.desired(body)
  local domains, problems = virtlun.loadstring(("domain 'web01' {\n%s\n}"):format(body), "r.lua")
  return assert(domains, tostring(problems))[1]
end

--- A plan, or nil and problems.  devices: of the configuration; opts: live (devices of the running half), plan (what
-- virtlun.plan takes as options), and what host_xml.domain takes.
function planning.plan(body, devices, facts, opts)
  opts = opts or {}
  local documents = { config = host.domain(devices, opts) }
  if opts.live then documents.live = host.domain(opts.live, opts) end
  facts = facts or { state = "shut off", persistent = true }
  return virtlun.plan(planning.desired(body), documents, facts, opts.plan)
end

function planning.made(...)
  local plan, problems = planning.plan(...)
  return assert(plan, tostring(problems))
end

function planning.refused(...)
  local plan, problems = planning.plan(...)
  assert(plan == nil, "planned")
  return tostring(problems)
end

--- The calls of a step as text.
function planning.calls(step)
  local list = {}
  for i, call in ipairs(step.calls or {}) do list[i] = call.call .. " " .. call.scope end
  return table.concat(list, ", ")
end

--- An element with the quotes that the patcher writes.
function planning.as_written(xml)
  return (xml:gsub("'", '"'))
end

--- Each step as one line, with why and its calls.
function planning.lines(steps)
  local list = {}
  for i, step in ipairs(steps) do
    list[i] = ("%s %s (%s): %s; %s"):format(step.action, step.device, step.why, step.effect, planning.calls(step))
  end
  return list
end

return planning
