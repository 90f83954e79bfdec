--- Plans as text for people.

local virtlun = require "virtlun"
local feelings = require "virtlun.view.feelings"
local style = require "virtlun.view.style"
local text = require "virtlun.view.text"
local value = require "virtlun.view.value"

local view = {}

local ENDINGS = { add = "to add", change = "to change", remove = "to remove" }

-- Steps ----------------------------------------------------------------------------------------------------

--- A device as it is or will be.
local function whole(kind, device, medium)
  if kind == "controller" then return "HBA " .. value.hba_model(device) end
  local address = device.address
  local place = address and address.controller and "at " .. virtlun.address_text(address) .. "  " or ""
  return ("%s %s%s"):format(kind, place, value.medium(device.source, medium))
end

local function what(step)
  if step.action == "add" then return whole(step.kind, step.after, step.medium) end
  if step.action == "change" then return value.changes(step.fields, step.medium) end
  return step.kind == "controller" and "HBA" or whole(step.kind, step.before, step.medium)
end

--- With what effect; what only the running domain gets is gone with its next boot.
local function effect(step)
  return step.scope == "live" and step.effect:gsub("^live", "live only") or step.effect
end

--- Why a step is, and by which calls of libvirt.
local function add_calls(lines, step, paint)
  local function add(line) lines[#lines + 1] = paint("faint", "      " .. text.shown(line)) end
  add(step.why or "")
  for _, call in ipairs(step.calls or {}) do
    add(("%s, %s"):format(call.call, call.scope))
    -- An element that is only taken away is told as it stands.
    for _, line in ipairs(text.of_xml(call.xml or call.before)) do add("  " .. line) end
  end
end

local function add_steps(lines, steps, paint, verbose)
  local rows = {}
  for i, step in ipairs(steps) do
    rows[i] = { style.SIGNS[step.action], step.device, what(step), effect(step), value.guest(step.guest) }
  end
  for i, line in ipairs(style.columns(rows, "  ")) do
    lines[#lines + 1] = paint(steps[i].action, line)
    if verbose then add_calls(lines, steps[i], paint) end
  end
end

--- Devices that are as they are described.
local function add_unchanged(lines, devices, paint)
  local rows = {}
  for i, device in ipairs(devices) do
    local described = device.described and whole(device.kind, device.described) or device.kind
    rows[i] = { style.SIGNS.unchanged, device.device, described, "as described" }
  end
  for _, line in ipairs(style.columns(rows, "  ")) do lines[#lines + 1] = paint("faint", line) end
end

-- The whole ------------------------------------------------------------------------------------------------

--- How many steps of each action a plan has, and how many changes wait for the next boot.
function view.counts(plan)
  local counts = { add = 0, change = 0, remove = 0, pending = #plan.pending }
  for _, step in ipairs(plan.steps) do counts[step.action] = counts[step.action] + 1 end
  return counts
end

--- The same of several plans together.
function view.total(plans)
  local total = { add = 0, change = 0, remove = 0, pending = 0 }
  for _, plan in ipairs(plans) do
    for key, count in pairs(view.counts(plan)) do total[key] = total[key] + count end
  end
  return total
end

local function counted(plan)
  local counts, parts = view.counts(plan), {}
  for _, action in ipairs { "add", "change", "remove" } do
    if counts[action] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[action], ENDINGS[action]) end
  end
  return ("%s: %s"):format(style.plural(plan.changes, "change"), table.concat(parts, ", "))
end

--- How much a plan changes, and what the guest feels of it, and when: lines.
function view.summary(plan)
  local felt, is_now = feelings.lines(plan)
  local first = plan.changes == 0 and "nothing to do" or counted(plan)
  if plan.changes > 0 and plan.state ~= "shut off" and not is_now then
    local domain = plan.state == "paused" and "the paused domain" or "the running domain"
    first = first .. (#felt > 0 and "; nothing is interrupted now" or "; none of it interrupts " .. domain)
  end
  return { first, table.unpack(felt) }
end

--- Lines of a plan.  opts: paint, verbose.
function view.lines(plan, opts)
  local paint = opts.paint
  local lines = { style.heading(paint, plan.domain, plan.state, plan.uri) }
  add_steps(lines, plan.steps, paint, opts.verbose)
  if opts.verbose then add_unchanged(lines, plan.unchanged or {}, paint) end
  if #plan.pending > 0 then
    lines[#lines + 1] = "  already in the configuration, waiting for the next boot:"
    add_steps(lines, plan.pending, paint, false)
  end
  for _, line in ipairs(view.summary(plan)) do lines[#lines + 1] = "  " .. text.shown(line) end
  return lines
end

return view
