--- The description that takes away what another description names.  Pure: it knows no host, only what was described of
-- one.
--
-- What a recipe leaves unsaid stays, so its prune, boot and fill_gaps have no part in this, and an HBA that others need
-- stays too.

local core = require "virtlun.core"
local devices = require "virtlun.device"
local forbid = require "virtlun.plan.forbid"
local problems = require "virtlun.problems"

local removal = {}

--- What identifies a device and forbids its removal, and that it is to go.
local function gone(device)
  local result = devices.identity(device)
  result.protect, result.file, result.line, result.absent = device.protect, device.file, device.line, true
  return result
end

--- The domain with those of its devices absent that are not among kept, by their numbers.
local function without(desired, kept)
  local result = {
    kind = "domain", name = desired.name, uri = desired.uri, scope = desired.scope, file = desired.file,
    line = desired.line,
  }
  for number, device in ipairs(desired) do
    if not kept[number] then result[#result + 1] = gone(device) end
  end
  return result
end

-- How a drive needs an HBA, by the code of the problem that its removal would be.
local NEEDS = { still_used = "on it", below_used = "above it" }

--- Notes in kept, by their numbers, the described HBAs that a drive of a half needs which nobody described.
local function keep_needed(kept, model, domain, half)
  local host = core.model(half)
  local drives, changes = host:drives(), core.diff(model, host)
  for _, change in ipairs(changes) do drives[change.current] = nil end
  for _, change in ipairs(changes) do
    local code, user
    if change.kind == "controller" then code, user = forbid.removal_of_hba(drives, change.before.index) end
    if code then
      kept[change.desired] = problems.new { code = "kept", path = ("%s.%s"):format(domain, change.device), a = user,
        b = NEEDS[code], file = change.file, line = change.line }
    end
  end
end

--- removal.of(desired, description, opts) -> the domain with every described device absent, and notes; nil and
-- problems.  description: what dom:describe() gave.  An HBA on which or above which a drive remains, in a half that is
-- to be changed, is left out, and a note says who needs it.  opts.scope as for a plan.
function removal.of(desired, description, opts)
  local model, raw = core.model(without(desired, {}))
  local found = problems.list(raw)
  if found:has_errors() then return nil, found end
  local scope, kept = opts and opts.scope or desired.scope, {}
  for _, half in ipairs { "config", "live" } do
    local is_meant = scope == nil or scope == "both" or scope == half
    if description[half] and is_meant then keep_needed(kept, model, desired.name, description[half]) end
  end
  for number in ipairs(desired) do found:append { kept[number] } end
  return without(desired, kept), found
end

return removal
