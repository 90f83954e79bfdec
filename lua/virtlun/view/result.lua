--- What was done, a line for each step of a plan that was made.

local virtlun = require "virtlun"
local text = require "virtlun.view.text"
local value = require "virtlun.view.value"

local view = {}

local function added(step)
  local device = step.after
  if step.kind == "controller" then return ("%s added, HBA %s"):format(step.device, device.model) end
  local address = device.address
  local place = address and address.controller and " at " .. virtlun.address_text(address) or ""
  local medium = value.medium(device.source, step.medium)
  return ("%s %s added%s, %s"):format(step.kind, step.device, place, device.source and "with " .. medium or medium)
end

local function changed(step)
  local fields = step.fields
  if #fields == 1 and fields[1].key == "source" then
    local source = fields[1].after
    if not source then return step.device .. " is now empty" end
    return ("%s now holds %s"):format(step.device, value.medium(source, step.medium))
  end
  local name = step.kind == "domain" and "domain" or step.device
  return ("%s changed: %s"):format(name, value.changes(fields, step.medium))
end

local function removed(step)
  return ("%s %s removed"):format(step.kind == "controller" and "HBA" or step.kind, step.device)
end

local WORDS = { add = added, change = changed, remove = removed }

--- Which halves have it; a running domain that has it in none but its configuration gets it when it boots.
local function scope(step, plan)
  if step.scope == "config" and plan.state ~= "shut off" then return "config, for the next boot" end
  return step.scope
end

--- Lines of a plan that was made.
function view.lines(plan)
  local lines = {}
  for i, step in ipairs(plan.steps) do
    local seen = step.guest and "; " .. value.guest(step.guest) or ""
    lines[i] = text.shown(("%s: %s, %s%s"):format(plan.domain, WORDS[step.action](step), scope(step, plan), seen))
  end
  return lines
end

return view
