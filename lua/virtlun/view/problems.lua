--- Problems in few lines: what one line of a recipe does wrong for many domains is told once, with all their names.

local names = require "virtlun.view.names"

local view = {}

local FEWEST = 3 -- that are folded; two lines are read as fast as one
local MOST_NAMES = 8

--- The domain that a path begins with, and the rest of the path.
local function parts_of(path)
  return path:match("^([^.]*)(.*)$")
end

--- What all problems have in common that are the same but for their domain; nil for one that stands by itself, as one
-- does whose path begins with a host.
local function key_of(problem)
  if not problem.line or not problem.path or problem.path == "" or problem.path:find("://", 1, true) then
    return nil
  end
  local _, rest = parts_of(problem.path)
  return table.concat({ problem.file or "", problem.line, rest, problem.severity, problem.message, problem.hint or "" },
    "\0")
end

--- The problems in groups, in the order in which those come first.
local function groups_of(problems)
  local groups, by_key = {}, {}
  for _, problem in ipairs(problems) do
    local key = key_of(problem)
    local group = key and by_key[key]
    if not group then
      group = {}
      groups[#groups + 1] = group
      if key then by_key[key] = group end
    end
    group[#group + 1] = problem
  end
  return groups
end

--- Whether the problems of a group are of a domain each.
local function are_different(group)
  local seen = {}
  for _, problem in ipairs(group) do
    local domain = parts_of(problem.path)
    if seen[domain] then return false end
    seen[domain] = true
  end
  return true
end

--- One problem that stands for all of a group: its path has the names of their domains.
local function folded(group)
  local entries, _, rest = {}, parts_of(group[1].path)
  for i, problem in ipairs(group) do entries[i] = { domain = parts_of(problem.path) } end
  return setmetatable({ path = names.text(entries, MOST_NAMES) .. rest }, { __index = group[1] })
end

--- The problems as they are told to somebody: a list that is not longer.
function view.folded(problems)
  local list = {}
  for _, group in ipairs(groups_of(problems)) do
    if #group >= FEWEST and are_different(group) then
      list[#list + 1] = folded(group)
    else
      table.move(group, 1, #group, #list + 1, list)
    end
  end
  return list
end

return view
