--- Plans of many domains as text for people: what is the same for several of them is told once.
--
-- Folded are plans of which view/plan.lua says the same, of domains in the same state.  Nothing is left out by that
-- but names, where they are very many; verbose tells all of them.  Reads plan data only.

local feelings = require "virtlun.view.feelings"
local names = require "virtlun.view.names"
local plan_view = require "virtlun.view.plan"
local style = require "virtlun.view.style"
local text = require "virtlun.view.text"

local fold = {}

local WIDTH = 100     -- where nobody says one
local MOST_NAMES = 50 -- names and ranges of a block
local INDENT = "    "

-- What is the same -----------------------------------------------------------------------------------------

--- Whether there is nothing to tell of a plan.
local function is_idle(plan)
  return plan.changes == 0 and #plan.pending == 0
end

--- Lists of plans that say the same, in the order in which they come first.  What has nothing to do is one list in
-- whatever state, and the last one; verbose tells more of it.
local function groups_of(plans, verbose)
  local groups, idle = {}, {}
  local by_key = { idle = idle }
  for _, plan in ipairs(plans) do
    local key = not verbose and is_idle(plan) and "idle" or plan_view.key(plan, { verbose = verbose })
    if not by_key[key] then
      by_key[key] = {}
      groups[#groups + 1] = by_key[key]
    end
    table.insert(by_key[key], plan)
  end
  return groups, idle
end

-- Blocks ---------------------------------------------------------------------------------------------------

--- Adds to lines what stands before the first of the words, and the words, in lines of that width; behind the last of
-- them so many columns stay free.
local function wrap(lines, lead, words, width, free)
  local line = lead .. words[1] .. (#words > 1 and "," or "")
  for i = 2, #words do
    local word = words[i] .. (i < #words and "," or "")
    if text.width(line) + 1 + text.width(word) + (i == #words and free or 0) > width then
      lines[#lines + 1] = line
      line = INDENT .. word
    else
      line = line .. " " .. word
    end
  end
  lines[#lines + 1] = line
end

--- The heading of a block: its names, and behind those of each host what is otherwise behind the name of a domain.
local function add_heading(lines, group, opts)
  local hosts, left = names.by_host(group, not opts.verbose and MOST_NAMES or nil)
  local lead = style.plural(#group, "domain") .. ": "
  for _, host in ipairs(hosts) do
    local wrapped = {}
    local behind = style.heading(style.painter(false), "", group[1].state, host.uri)
    wrap(wrapped, lead, host, opts.width or WIDTH, text.width(behind))
    local last = table.remove(wrapped)
    for _, line in ipairs(wrapped) do lines[#lines + 1] = opts.paint("strong", line) end
    lines[#lines + 1] = style.heading(opts.paint, last, group[1].state, host.uri)
    lead = INDENT
  end
  if left then lines[#lines + 1] = opts.paint("strong", INDENT .. left) end
end

local function append(lines, more)
  table.move(more, 1, #more, #lines + 1, lines)
end

local function add_group(lines, group, opts)
  if #group == 1 then return append(lines, plan_view.lines(group[1], opts)) end
  add_heading(lines, group, opts)
  append(lines, plan_view.body(group[1], { paint = opts.paint, verbose = opts.verbose, is_shared = true }))
end

-- The whole ------------------------------------------------------------------------------------------------

--- "17 of 20 domains", "20 domains".
local function some_of(count, total)
  return count == total and style.plural(total, "domain") or ("%d of %s"):format(count, style.plural(total, "domain"))
end

--- What is interrupted now, as the end of a sentence; those of a group feel the same.
local function interruption(groups)
  local count, runs = 0, false
  for _, group in ipairs(groups) do
    local _, is_now = feelings.lines(group[1])
    if is_now then count = count + #group end
    runs = runs or group[1].changes > 0 and group[1].state ~= "shut off"
  end
  if count > 0 then return ("; %s interrupted now"):format(count == 1 and "1 domain is" or count .. " domains are") end
  return runs and "; nothing is interrupted now" or ""
end

--- How many of the plans change something.
local function count_changed(plans)
  local count = 0
  for _, plan in ipairs(plans) do count = count + (plan.changes > 0 and 1 or 0) end
  return count
end

local function summary(plans, groups)
  local hosts, changed = names.hosts(plans), count_changed(plans)
  local where = hosts > 1 and (" on %d hosts"):format(hosts) or ""
  if changed == 0 then return ("nothing to do for %s%s"):format(some_of(#plans, #plans), where) end
  where = (" to %s%s"):format(some_of(changed, #plans), where)
  return plan_view.counted(plan_view.total(plans), where) .. interruption(groups)
end

--- Lines of plans, none where there are none; those of a single one are view/plan.lua's.  opts: paint; verbose; width
-- in columns, 100 if unsaid.
function fold.lines(plans, opts)
  if #plans == 0 then return {} end
  if #plans == 1 then return plan_view.lines(plans[1], opts) end
  local lines, groups, idle = {}, groups_of(plans, opts.verbose)
  for _, group in ipairs(groups) do add_group(lines, group, opts) end
  if #idle == 1 then add_group(lines, idle, opts) end
  if #idle > 1 then lines[#lines + 1] = ("%d domains: nothing to do"):format(#idle) end
  lines[#lines + 1] = opts.paint("strong", summary(plans, groups))
  return lines
end

-- The question ---------------------------------------------------------------------------------------------

--- Plans whose domains lose devices of the same names: lists with devices, and losses as far as all lose the same.
local function losers(plans)
  local groups, by_devices = {}, {}
  for _, plan in ipairs(plans) do
    local losses, devices = feelings.losses(plan)
    local key, said = table.concat(devices, ", "), table.concat(losses, ", ")
    if devices[1] then
      if not by_devices[key] then
        by_devices[key] = { what = said }
        groups[#groups + 1] = by_devices[key]
      end
      local group = by_devices[key]
      group[#group + 1] = plan
      if group.what ~= said then group.what = key end
    end
  end
  return groups
end

--- What is asked before plans are made so: running domains lose no data unless somebody has read so, of each by its
-- name, however many they are.
function fold.question(plans)
  local parts, is_placed = {}, names.hosts(plans) > 1
  for _, group in ipairs(losers(plans)) do
    local who = names.text(group, nil, is_placed)
    local sentence = #group == 1 and ("%s, which runs, loses %s. "):format(who, group.what)
      or ("%d running domains lose %s: %s. "):format(#group, group.what, who)
    parts[#parts + 1] = sentence
  end
  local changes, changed = 0, count_changed(plans)
  for _, plan in ipairs(plans) do changes = changes + plan.changes end
  local where = #plans > 1 and " to " .. style.plural(changed, "domain") or ""
  parts[#parts + 1] = ("Make %s%s?"):format(style.plural(changes, "change"), where)
  return table.concat(parts)
end

return fold
