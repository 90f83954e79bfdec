--- Which of the described devices a plan is to change: opts.only and opts.except, lists of what devices are called.
-- Pure.
--
-- A device answers to the names that it has and to those that it is to have: whoever names the medium that is in a
-- drive means the drive.  What is not selected stays as it is, and is still part of the description: what comes brings
-- the described HBAs along that it needs.

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local problems = require "virtlun.problems"

local selection = {}

--- Lua's pattern for a name in which * stands for any text.
local function pattern_of(name)
  return "^" .. name:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
end

--- Whether one of a device's names, alone or behind its domain's (web01.sda), fits one of those that were given.
local function answers(own_names, domain, given)
  for _, name in ipairs(given) do
    local pattern = pattern_of(name)
    for _, own in ipairs(own_names) do
      if own:find(pattern) or (domain .. "." .. own):find(pattern) then return true end
    end
  end
  return false
end

--- What a described device is called: by its description, and by what it is now in either half.
local function names_of(work, number)
  local names = devices.names(work.model:device(number))
  for _, document in pairs(work.documents) do
    local there = core.find(work.model, document, number)
    for _, name in ipairs(there and devices.names(document:device(there)) or {}) do names[#names + 1] = name end
  end
  return names
end

--- Those of the names in only and except that a device of one of the described domains has.
function selection.known(domains, opts)
  local known = {}
  for _, key in ipairs { "only", "except" } do
    for _, name in ipairs(opts[key] or {}) do
      local used = false
      for _, domain in ipairs(domains) do
        for _, device in ipairs(domain) do used = used or answers(devices.names(device), domain.name, { name }) end
      end
      if used then known[#known + 1] = name end
    end
  end
  return known
end

--- The domains whose name or uri fits one of the patterns; nil and problems where a pattern fits none.
function selection.domains(domains, patterns)
  local kept, used, names = {}, {}, {}
  for i, domain in ipairs(domains) do
    local fits
    for _, pattern in ipairs(patterns) do
      local one = pattern_of(pattern)
      if domain.name:find(one) or domain.uri and domain.uri:find(one) then fits, used[pattern] = true, true end
    end
    if fits then kept[#kept + 1] = domain end
    names[i] = domain.name
  end
  local found = problems.list()
  for _, pattern in ipairs(patterns) do
    if not used[pattern] then
      found:append { problems.new { code = "no_such_target", value = pattern, near = core.suggest(pattern, names) } }
    end
  end
  if #found > 0 then return nil, found end
  return kept
end

local function is_listed(list, name)
  for _, one in ipairs(list or {}) do
    if one == name then return true end
  end
  return false
end

--- Names that no described device answers to: misspelt in except, they would let through what was to stay.  opts.known:
-- those that belong to other domains.
function selection.complain(found, desired, work)
  local opts = work.opts
  if not opts.only and not opts.except then return end
  local described, all = {}, {}
  for number in ipairs(work.model:tables()) do
    described[number] = names_of(work, number)
    table.move(described[number], 1, #described[number], #all + 1, all)
  end
  for _, key in ipairs { "only", "except" } do
    for _, name in ipairs(opts[key] or {}) do
      local used, one = is_listed(opts.known, name), { name }
      for _, names in ipairs(described) do used = used or answers(names, desired.name, one) end
      if not used then
        found:complain(desired, { code = "not_described", value = name, near = core.suggest(name, all) })
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
  local names, domain, opts = names_of(work, change.desired), work.desired.name, work.opts
  if opts.only and not answers(names, domain, opts.only) then return false end
  return not (opts.except and answers(names, domain, opts.except))
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
