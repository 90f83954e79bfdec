--- What the guest of a running domain feels of a plan, and when: now, at its next boot, or never.
--
-- A domain boots from its configuration only after a power-off: a guest that reboots by itself stays what it is.
-- Reads plan data only.

local value = require "virtlun.view.value"

local feelings = {}

local function is_live(step)
  return step.scope == "live" or step.scope == "live and config"
end

local function says(words)
  return function(step) return (step.effect or ""):find(words, 1, true) end
end

local function removes(step)
  return step.action == "remove"
end

--- Whether the guest has what is removed.
local function loses(step)
  return removes(step) and not says("not there now")(step)
end

--- Whether a drive had a medium that the change takes from the guest, for good or behind an open tray.
local function loses_medium(step)
  if step.action ~= "change" then return false end
  local source, tray = value.field(step, "source"), value.field(step, "tray")
  return source and source.before or tray and tray.after == "open"
end

--- The same medium is read in another way, for which it is taken out and put back.
local function reseats(step)
  return step.kind == "cdrom" and step.action == "change" and value.field(step, "format")
    and step.before and step.before.source
end

local function moves(step)
  local field = value.field(step, "address")
  return field and value.is_move(field)
end

local function now(test)
  return function(step) return is_live(step) and test(step) end
end

local function later(test)
  return function(step) return not is_live(step) and test(step) end
end

-- What is felt when, each with the sentence about all steps that it is true of; at each time a step is told once, by
-- the first.
local TIMES = {
  { "now",
    { "the guest loses %s", now(removes) },
    { "moves %s: the guest sees it go, and come at another place", now(moves) },
    { "replaces %s: the guest sees it go and come back", now(says "replaces the") },
    { "may replace %s: the guest sees it go and come back", now(says "may replace") },
    { "the guest loses the medium that is now in %s", now(loses_medium) },
    { "the medium in %s is taken out and put back", now(reseats) },
  },
  { "at its next boot, after a power-off",
    { "the guest loses %s", later(loses) },
    { "the guest finds another HBA at %s, with all that is on it", later(says "replaces the HBA") },
    { "the guest finds %s at another place, under other names", later(moves) },
    { "%s changes", says "needs power-off" },
    { "%s comes into the boot order", says "boot order after a power-off" },
  },
}

local function name_of(step)
  return step.kind == "domain" and "the boot order" or step.device
end

--- What is felt at a time, as the sentences of its row.
local function sentences(steps, row)
  local parts, told = {}, {}
  for _, feeling in ipairs { table.unpack(row, 2) } do
    local names = {}
    for _, step in ipairs(steps) do
      if not told[step] and feeling[2](step) then
        told[step] = true
        names[#names + 1] = name_of(step)
      end
    end
    if #names > 0 then parts[#parts + 1] = feeling[1]:format(table.concat(names, ", ")) end
  end
  return parts
end

--- What the guest feels of a plan's steps, and of what waits already: a list of sentences, "now: the guest loses sda",
-- and whether anything is felt now.  Of a domain that is shut off nobody feels anything.
function feelings.lines(plan)
  local lines, is_now = {}, false
  if plan.state == "shut off" then return lines, is_now end
  local steps = table.move(plan.steps, 1, #plan.steps, 1, {})
  table.move(plan.pending or {}, 1, #(plan.pending or {}), #steps + 1, steps)
  for i, row in ipairs(TIMES) do
    local parts = sentences(steps, row)
    if #parts > 0 then lines[#lines + 1] = ("%s: %s"):format(row[1], table.concat(parts, "; ")) end
    is_now = is_now or i == 1 and #parts > 0
  end
  return lines, is_now
end

-- Data -----------------------------------------------------------------------------------------------------

local holds_data = { disk = true, lun = true, hostdev = true }

--- Whether a step takes from a running domain what holds data, for good or for a while.
local function takes_data(step)
  local takes = step.action == "remove" or step.effect:find("replaces the drive", 1, true)
  return takes and holds_data[step.kind] and step.scope ~= "config"
end

--- The devices with data that a running domain loses: a list as "disk sdb (/data.raw)", and one as "disk sdb".
function feelings.losses(plan)
  local losses, devices = {}, {}
  for _, step in ipairs(plan.steps) do
    if takes_data(step) then
      local source = step.before and step.before.source
      devices[#devices + 1] = ("%s %s"):format(step.kind, step.device)
      losses[#losses + 1] = devices[#devices] .. (source and (" (%s)"):format(value.source(source)) or "")
    end
  end
  return losses, devices
end

return feelings
