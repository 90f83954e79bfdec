--- What a recipe with prune removes: drives of the named kinds that it does not name.  Pure.

local core = require "virtlun.core"
local devices = require "virtlun.device"

local prune = {}

local function kinds_of(desired)
  local kinds = {}
  for _, kind in ipairs(desired.prune == true and { "cdrom" } or desired.prune) do kinds[kind] = true end
  return kinds
end

--- The numbers of a document's devices that are described.
local function named(model, document)
  local numbers = {}
  for _, number in pairs(core.matches(model, document)) do numbers[number] = true end
  return numbers
end

--- Descriptions of the absence of every such drive of a document, in the order of their numbers there.
local function absences(desired, model, document)
  local kinds, known, list = kinds_of(desired), named(model, document), {}
  for number in pairs(document:drives()) do
    if not known[number] then list[#list + 1] = number end
  end
  table.sort(list)
  local found = {}
  for _, number in ipairs(list) do
    local device = document:device(number)
    local absent = devices.identity(device)
    absent.absent, absent.file, absent.line = true, desired.file, desired.line
    if kinds[device.kind] then found[#found + 1] = absent end
  end
  return found
end

--- prune.extend(desired, model, halves) -> the description with the absence of what it prunes behind its own devices,
-- its model, and by number which of the devices those are.  model: that of desired.
function prune.extend(desired, model, halves)
  local pruned = {}
  if not desired.prune then return desired, model, pruned end
  local extended = {}
  for key, value in pairs(desired) do extended[key] = value end
  for _, half in ipairs(halves) do -- what the first one has is described when the second one is looked at
    for _, absent in ipairs(absences(desired, model, half.document)) do
      extended[#extended + 1] = absent
      pruned[#extended] = true
    end
    model = core.model(extended)
  end
  return extended, model, pruned
end

return prune
