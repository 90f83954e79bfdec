--- The configuration of a domain changed by one define: where libvirt's device calls cannot serve (a change of an HBA,
-- drives that trade places and what comes to such a place, the boot order), or where a single call is cheaper than
-- many.
--
-- A define replaces the whole configuration, so what is written is the host's own text with the changes, read again and
-- compared before anybody writes it.

local boot = require "virtlun.plan.boot"
local core = require "virtlun.core"
local problems = require "virtlun.problems"

local define = {}

--- Whether every device that is not to be changed is in the new document as it was, and the domain is the same.
-- Changed devices keep their order, removed ones are gone, new ones come last.
local function keeps_others(half, changes, document)
  local action, before, after, number = {}, {}, {}, 0
  for _, change in ipairs(changes) do
    if change.current then action[change.current] = change.action end
  end
  for i = 1, half.document:count() do
    if action[i] ~= "remove" then number = number + 1 end
    before[i] = action[i] and true
    if action[i] == "change" then after[number] = true end
  end
  for i = number + 1, document:count() do after[i] = true end
  return half.document:fingerprint(before) == document:fingerprint(after)
end

--- One of the changes that the new document does not have, nil if it has them all.
local function first_missed(model, document, changes)
  local made = {}
  for _, change in ipairs(changes) do made[change.desired] = true end
  for _, rest in ipairs(core.diff(model, document)) do
    if made[rest.desired] then return rest end
  end
end

--- The host's own document with the changes, read again before anybody writes it.
local function patched(host, changes)
  local half = host.config
  local xml, found = core.patch(host.xml.config, host.model, half.document, changes)
  local document
  if xml then document, found = core.document(xml) end
  if not document then return nil, problems.list(found) end
  local missed = first_missed(host.model, document, changes)
  if missed then return problems.fail { code = "bad_patch", path = host.dom.name, a = missed.device } end
  if not keeps_others(half, changes, document) then
    return problems.fail { code = "bad_patch", path = host.dom.name, a = "a device that is not described" }
  end
  if boot.is_due(host, document) then return boot.convert(host, xml, document) end
  return xml
end

--- What is still to be done to the configuration by a define; nil and problems.
local function changes_to_define(host)
  local rest, changes = host:changes("config"), {}
  for _, move in ipairs(host.moves) do
    local change = move.define and move.begun and rest[move.desired]
    if change then
      local good, failure = host:check_planned(move, { config = change })
      if not good then return nil, failure end
      changes[#changes + 1] = change
    end
  end
  return changes
end

--- Whether any of the moves needs a define, or the domain itself does.
local function is_wanted(host)
  for _, move in ipairs(host.moves) do
    if move.define and move.begun then return true end
  end
  return host.boot
end

--- One define for all moves that need it; true, or nil and problems.  It is read directly before, passwords included: a
-- define without them would erase them (facts 13).
function define.make(host)
  if not is_wanted(host) then return true end
  local good, failure = host:refresh("config", { secure = true })
  if not good then return nil, failure end
  local changes
  changes, failure = changes_to_define(host)
  if not changes then return nil, failure end
  if #changes == 0 and not boot.is_due(host, host.config.document) then return true end
  local xml
  xml, failure = patched(host, changes)
  if not xml then return nil, failure end
  good, failure = host:write("define", xml)
  if not good then return nil, failure end
  return host:refresh("config")
end

return define
