--- Which of the described devices a plan is to change: opts.only and opts.except, lists of what devices are called.
-- Pure.
--
-- What is not selected stays as it is, and is still part of the description: what comes brings the described HBAs along
-- that it needs.

local changes = require "virtlun.changes"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local problems = require "virtlun.problems"

local selection = {}

--- Lua's pattern for a name in which * stands for any text.
local function pattern_of(name)
  return "^" .. name:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
end

--- Whether a device answers to one of the names.
local function answers(device, names)
  for _, name in ipairs(names) do
    for _, own in ipairs(devices.names(device)) do
      if own:find(pattern_of(name)) then return true end
    end
  end
  return false
end

--- Names that no described device answers to: misspelt in except, they would let through what was to stay.
function selection.complain(found, desired, model, opts)
  if not opts.only and not opts.except then return end
  local described, known = model:tables(), {}
  for _, device in ipairs(described) do table.move(devices.names(device), 1, 9, #known + 1, known) end
  for _, key in ipairs { "only", "except" } do
    for _, name in ipairs(opts[key] or {}) do
      local one = { name }
      local used = false
      for _, device in ipairs(described) do used = used or answers(device, one) end
      if not used then
        found:append { problems.new { code = "not_described", path = desired.name, value = name,
          near = core.suggest(name, known), file = desired.file, line = desired.line } }
      end
    end
  end
end

--- Whether a change adds an HBA that nobody described, where the description wants none.
local function is_unwanted(work, change)
  if not change.assigned or change.action ~= "add" then return false end
  for _, device in ipairs(work.desired) do
    if device.absent and device.index == change.after.index then return true end
  end
  return false
end

local function is_selected(work, change)
  if is_unwanted(work, change) then return false end
  local device, opts = work.model:device(change.desired), work.opts
  return (not opts.only or answers(device, opts.only)) and not (opts.except and answers(device, opts.except))
end

--- The HBA that a change needs, and with it those below: a hole would be filled by libvirt (facts 3).  -1 if none.
local function needed_by(change)
  if change.kind == "controller" then return change.action == "add" and change.after.index or -1 end
  local address = changes.after(change, "address")
  return type(address) == "table" and address.controller or -1
end

--- Whether the change only adds an HBA at or below one that is needed.
local function is_needed(change, highest)
  return change.kind == "controller" and change.action == "add" and change.after.index <= highest
end

--- Those of a half's changes that are selected, in their order.
function selection.of(work, all)
  if not work.opts.only and not work.opts.except then return all end
  local selected, highest = {}, -1
  for _, change in ipairs(all) do
    selected[change] = is_selected(work, change)
    if selected[change] then highest = math.max(highest, needed_by(change)) end
  end
  local kept = {}
  for _, change in ipairs(all) do
    if selected[change] or is_needed(change, highest) then kept[#kept + 1] = change end
  end
  return kept
end

return selection
