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

--- Why a step is, and by which calls of libvirt: lines.
local function reasons(step)
  local lines = { step.why or "" }
  for _, call in ipairs(step.calls or {}) do
    lines[#lines + 1] = ("%s, %s"):format(call.call, call.scope)
    -- An element that is only taken away is told as it stands.
    for _, line in ipairs(text.of_xml(call.xml or call.before)) do lines[#lines + 1] = "  " .. line end
  end
  return lines
end

local function rows_of(steps, verbose)
  local rows = {}
  for i, step in ipairs(steps) do
    rows[i] = { style.SIGNS[step.action], step.device, what(step), effect(step), value.guest(step.guest),
      look = step.action, below = verbose and reasons(step) or {} }
  end
  return rows
end

--- Devices that are as they are described.
local function rows_of_unchanged(devices)
  local rows = {}
  for i, device in ipairs(devices) do
    local described = device.described and whole(device.kind, device.described) or device.kind
    rows[i] = { style.SIGNS.unchanged, device.device, described, "as described", look = "faint", below = {} }
  end
  return rows
end

local function add_rows(lines, rows, paint)
  for i, line in ipairs(style.columns(rows, "  ")) do
    lines[#lines + 1] = paint(rows[i].look, line)
    for _, below in ipairs(rows[i].below) do lines[#lines + 1] = paint("faint", "      " .. text.shown(below)) end
  end
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

--- How many changes there are, where, and of which kind: "2 changes in each: 1 to add, 1 to remove".
function view.counted(counts, where)
  local parts, changes = {}, 0
  for _, action in ipairs { "add", "change", "remove" } do
    if counts[action] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[action], ENDINGS[action]) end
    changes = changes + counts[action]
  end
  return ("%s%s: %s"):format(style.plural(changes, "change"), where, table.concat(parts, ", "))
end

--- How much a plan changes, and what the guest feels of it, and when: lines.  is_shared: other plans say the same.
function view.summary(plan, is_shared)
  local felt, is_now = feelings.lines(plan)
  local first = plan.changes == 0 and "nothing to do" or view.counted(view.counts(plan), is_shared and " in each" or "")
  if plan.changes > 0 and plan.state ~= "shut off" and not is_now then
    local domain = ("the %s domain%s"):format(plan.state == "paused" and "paused" or "running", is_shared and "s" or "")
    first = first .. (#felt > 0 and "; nothing is interrupted now" or "; none of it interrupts " .. domain)
  end
  return { first, table.unpack(felt) }
end

--- What is told of a plan, before it becomes lines.
local function contents(plan, opts)
  return { steps = rows_of(plan.steps, opts.verbose), pending = rows_of(plan.pending),
    unchanged = opts.verbose and rows_of_unchanged(plan.unchanged or {}) or {},
    summary = view.summary(plan, opts.is_shared) }
end

--- A text that is the same for plans of which the same is told below their headings, by domains in the same state.
function view.key(plan, opts)
  local told, parts = contents(plan, opts), { plan.state or "" }
  local function add(list)
    for _, part in ipairs(list) do parts[#parts + 1] = part end
  end
  for _, rows in ipairs { told.steps, told.unchanged, told.pending } do
    for _, row in ipairs(rows) do
      add(row)
      add(row.below)
    end
    parts[#parts + 1] = ""
  end
  add(told.summary)
  return table.concat(parts, "\0")
end

--- Lines of a plan below its heading.  opts: paint, verbose, is_shared (other plans say the same).
function view.body(plan, opts)
  local told, lines = contents(plan, opts), {}
  add_rows(lines, told.steps, opts.paint)
  add_rows(lines, told.unchanged, opts.paint)
  if #told.pending > 0 then
    lines[#lines + 1] = "  already in the configuration, waiting for the next boot:"
    add_rows(lines, told.pending, opts.paint)
  end
  for _, line in ipairs(told.summary) do lines[#lines + 1] = "  " .. text.shown(line) end
  return lines
end

--- Lines of a plan.  opts: paint, verbose.
function view.lines(plan, opts)
  local lines = view.body(plan, opts)
  table.insert(lines, 1, style.heading(opts.paint, plan.domain, plan.state, plan.uri))
  return lines
end

return view
