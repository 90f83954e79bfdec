--- Plans as text for people.

local virtlun = require "virtlun"
local style = require "virtlun.view.style"
local value = require "virtlun.view.value"

local view = {}

local SIGNS = { add = "+", change = "~", remove = "-" }
local ENDINGS = { add = "to add", change = "to change", remove = "to remove" }

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

local function added(step)
  local device = step.after
  if step.kind == "controller" then return "HBA " .. device.model end
  local address = device.address
  local place = address and address.controller and "at " .. virtlun.address_text(address) .. "  " or ""
  return ("%s %s%s"):format(step.kind, place, value.source(device.source))
end

local function changed(step)
  local parts = {}
  for i, field in ipairs(step.fields) do
    local key = field.key
    parts[i] = ("%s %s -> %s"):format(key, value.text(field.before, key), value.text(field.after, key))
  end
  return table.concat(parts, ", ")
end

local function what(step)
  if step.action == "add" then return added(step) end
  if step.action == "change" then return changed(step) end
  return step.kind == "controller" and "HBA" or step.kind
end

local function add_steps(lines, steps, paint, verbose)
  local rows = {}
  for i, step in ipairs(steps) do
    rows[i] = { SIGNS[step.action], step.device, what(step), step.effect, value.guest(step.guest) }
  end
  for i, line in ipairs(style.columns(rows, "  ")) do
    lines[#lines + 1] = paint(steps[i].action, line)
    if verbose then
      lines[#lines + 1] = paint("faint", "      " .. (steps[i].why or ""))
      for xml in (steps[i].xml or ""):gmatch("[^\n]+") do lines[#lines + 1] = paint("faint", "      " .. xml) end
    end
  end
end

--- How many steps of each action, as a sentence.
function view.summary(plan)
  if plan.changes == 0 then return "nothing to do" end
  local counts, parts = { add = 0, change = 0, remove = 0 }, {}
  for _, step in ipairs(plan.steps) do counts[step.action] = counts[step.action] + 1 end
  for _, action in ipairs { "add", "change", "remove" } do
    if counts[action] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[action], ENDINGS[action]) end
  end
  local counted = table.concat(parts, ", ")
  local effect = plan.state == "shut off" and "" or "; none of it interrupts the running domain"
  return ("%s: %s%s"):format(plural(plan.changes, "change"), counted, effect)
end

--- Lines of a plan.  opts: paint, verbose.
function view.lines(plan, opts)
  local paint = opts.paint
  local lines = { paint("strong", plan.domain) .. ("  %s  %s"):format(plan.state or "", plan.uri or "") }
  add_steps(lines, plan.steps, paint, opts.verbose)
  if #plan.pending > 0 then
    lines[#lines + 1] = "  already in the configuration, waiting for the next boot:"
    add_steps(lines, plan.pending, paint, false)
  end
  lines[#lines + 1] = "  " .. view.summary(plan)
  return lines
end

return view
