--- Plans as text for people.

local virtlun = require "virtlun"
local style = require "virtlun.view.style"
local value = require "virtlun.view.value"

local view = {}

local SIGNS = { add = "+", change = "~", remove = "-" }
local ENDINGS = { add = "to add", change = "to change", remove = "to remove" }

local function added(step)
  local device = step.after
  if step.kind == "controller" then return "HBA " .. device.model end
  local address = device.address
  local place = address and address.controller and "at " .. virtlun.address_text(address) .. "  " or ""
  return ("%s %s%s"):format(step.kind, place, value.medium(device.source, step.medium))
end

local function what(step)
  if step.action == "add" then return added(step) end
  if step.action == "change" then return value.changes(step.fields, step.medium) end
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
      for _, call in ipairs(steps[i].calls or {}) do
        for xml in (call.xml or ""):gmatch("[^\n]+") do lines[#lines + 1] = paint("faint", "      " .. xml) end
      end
    end
  end
end

-- What the running domain feels ----------------------------------------------------------------------------

local function is_live(step)
  return step.scope ~= "config"
end

--- Whether a drive had a medium that the change takes from the guest.
local function loses_medium(step)
  for _, field in ipairs(step.fields or {}) do
    if field.key == "source" and field.before then return true end
  end
  return false
end

-- Each with the sentence about all steps that it is true of; a step is told once, by the first.
local FEELINGS = {
  { "the guest loses %s", function(step) return is_live(step) and step.action == "remove" end },
  { "may replace %s: the guest sees it go and come back", function(step)
    return step.effect:find("may replace", 1, true)
  end },
  { "the guest loses the medium that is now in %s", function(step)
    return is_live(step) and step.action == "change" and loses_medium(step)
  end },
  { "%s needs power-off", function(step) return step.effect:find("needs power-off", 1, true) end },
}

local function name_of(step)
  return step.kind == "domain" and "the boot order" or step.device
end

--- What interrupts the guest of a running domain, as the end of a sentence.
local function interruption(plan)
  local parts, told = {}, {}
  for _, feeling in ipairs(FEELINGS) do
    local names = {}
    for _, step in ipairs(plan.steps) do
      if not told[step] and feeling[2](step) then
        told[step] = true
        names[#names + 1] = name_of(step)
      end
    end
    if #names > 0 then parts[#parts + 1] = feeling[1]:format(table.concat(names, ", ")) end
  end
  return #parts > 0 and table.concat(parts, "; ") or "none of it interrupts the running domain"
end

--- How many steps of each action, as a sentence that also says what the guest feels of them.
function view.summary(plan)
  if plan.changes == 0 then return "nothing to do" end
  local counts, parts = { add = 0, change = 0, remove = 0 }, {}
  for _, step in ipairs(plan.steps) do counts[step.action] = counts[step.action] + 1 end
  for _, action in ipairs { "add", "change", "remove" } do
    if counts[action] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[action], ENDINGS[action]) end
  end
  local counted = table.concat(parts, ", ")
  local effect = plan.state == "shut off" and "" or "; " .. interruption(plan)
  return ("%s: %s%s"):format(style.plural(plan.changes, "change"), counted, effect)
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
