--- How a run ended, in few lines: a single domain by how its steps ended, many by what came of them.
--
-- The problems themselves are told by whoever shows this.

local names = require "virtlun.view.names"
local style = require "virtlun.view.style"

local outcome = {}

local MOST_NAMES = 50 -- names and ranges in a line

-- How many steps of a plan ended in which way, as the end of a sentence.
local ENDINGS = { { "done", "done" }, { "undone", "undone again" }, { "failed", "failed" }, { "unknown", "given up" },
  { "left", "left" } }

--- "web01: of 3 changes 1 done, 1 failed, 1 left".
local function line_of(plan, who)
  if plan.result == "done" then return ("%s: %s made"):format(who, style.plural(plan.changes, "change")) end
  local counts, parts = {}, {}
  for _, step in ipairs(plan.steps) do counts[step.result] = (counts[step.result] or 0) + 1 end
  for _, ending in ipairs(ENDINGS) do
    local count = counts[ending[1]]
    if count then parts[#parts + 1] = ("%d %s"):format(count, ending[2]) end
  end
  return ("%s: of %s %s"):format(who, style.plural(#plan.steps, "change"), table.concat(parts, ", "))
end

--- Where each step had a line of its own, another one says nothing new of a plan that was made.
local function of_one(plan, out)
  local is_told = plan and plan.changes > 0 and (plan.result ~= "done" or out.can_redraw)
  return is_told and { line_of(plan, plan.domain) } or {}
end

-- Many domains ---------------------------------------------------------------------------------------------

--- The problem that a domain has because its host has it; nil if it is its own.
local function host_problem(entry)
  local first = entry.result == "failed" and entry.problems[1]
  return first and (first.path or "") == "" and first or nil
end

--- Which line a domain belongs to, as a key.
local function key_of(entry)
  if entry.result == "done" then return entry.made > 0 and "done" or "unchanged" end
  local problem = host_problem(entry)
  return problem and ("host\0%s\0%s"):format(entry.uri, problem.message) or entry.result
end

--- The domains by their lines: lists of them by keys, and the keys of hosts that failed, in their order.
local function groups_of(entries)
  local groups, hosts = {}, {}
  for _, entry in ipairs(entries) do
    local key = key_of(entry)
    if not groups[key] then
      groups[key] = {}
      if host_problem(entry) then hosts[#hosts + 1] = key end
    end
    table.insert(groups[key], entry)
  end
  return groups, hosts
end

local function count_made(group)
  local count = 0
  for _, entry in ipairs(group) do count = count + entry.made end
  return count
end

local function named(group, count, who)
  local plan = #group == 1 and group[1].plan
  if plan and plan.changes > 0 then return line_of(plan, who) end
  return ("%s %s: %s"):format(count, group[1].result, who)
end

--- What is said of the domains of a line, by its key; count: "3 domains", who: their names.
local WORDS = {
  done = function(group, count)
    return ("%s: done, %s made"):format(count, style.plural(count_made(group), "change"))
  end,
  unchanged = function(_, count) return count .. ": nothing to do" end,
  partly = named, failed = named, left = named,
}

--- Why they were not is a problem, and told as such.
local function host_words(group, count, who)
  return ("%s not reached: %s on %s"):format(count, who, group[1].uri)
end

--- Lines of a report of virtlun.apply, for an output (see cli/output.lua).
function outcome.lines(report, out)
  local entries, lines = report.domains, {}
  if #entries == 1 then return of_one(entries[1].plan, out) end
  local groups, hosts = groups_of(entries)
  local is_placed, most = names.hosts(entries) > 1, not out.verbose and MOST_NAMES or nil
  local function add(key)
    local group, words = groups[key], WORDS[key] or host_words
    if not group then return end
    local who = names.text(group, most, is_placed and words ~= host_words)
    lines[#lines + 1] = words(group, style.plural(#group, "domain"), who)
  end
  for _, key in ipairs { "done", "unchanged", "partly", "failed" } do add(key) end
  for _, key in ipairs(hosts) do add(key) end
  add "left"
  return lines
end

return outcome
