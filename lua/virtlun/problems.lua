--- Lists of problems: what is wrong with a recipe, a document or a change.
--
-- Codes and messages are rows of the core (csrc/schema/problems.def and rules.def); here they only become lists that
-- print themselves.

local core = require "virtlun.core"

local problems = {}

---@class virtlun.Problem
---@field code virtlun.Code
---@field severity "error"|"warning"|"note"
---@field path? string what it is about: web01.sda.address.unit
---@field message string
---@field hint? string
---@field value? string what was found
---@field expected? string what is allowed
---@field file? string the recipe, or the XML
---@field line? integer
---@field cause? { code: integer, name: string, domain: integer, message: string, begun: boolean? } of libvirt

--- One line: file:line: path: message (hint).  Severities other than error are named.
---@param problem virtlun.Problem
---@return string
function problems.line(problem)
  local place = ""
  if problem.file then
    place = problem.line and ("%s:%d: "):format(problem.file, problem.line) or problem.file .. ": "
  elseif problem.line then
    place = ("line %d: "):format(problem.line)
  end
  local path = problem.path and problem.path ~= "" and problem.path .. ": " or ""
  local severity = problem.severity ~= "error" and problem.severity .. ": " or ""
  local hint = problem.hint and (" (%s)"):format(problem.hint) or ""
  return place .. path .. severity .. problem.message .. hint
end

---@class virtlun.Problems
---@field [integer] virtlun.Problem
local List = {}
List.__index = List

function List:__tostring()
  local lines = {}
  for i, problem in ipairs(self) do lines[i] = problems.line(problem) end
  return table.concat(lines, "\n")
end

--- Whether the list has an error; notes and warnings do not stop anything.
---@return boolean
function List:has_errors()
  for _, problem in ipairs(self) do
    if problem.severity == "error" then return true end
  end
  return false
end

--- Adds what another list has.
---@param other virtlun.Problem[]
---@return virtlun.Problems
function List:append(other)
  for _, problem in ipairs(other) do self[#self + 1] = problem end
  return self
end

-- By list the lines that add_once has seen in it, and of how many problems: 1,000 missing images are 1,000 problems.
local seen = setmetatable({}, { __mode = "k" })

--- Adds a problem unless the list tells the same already.
function List:add_once(problem)
  local known = seen[self] or { count = 0, lines = {} }
  for i = known.count + 1, #self do known.lines[problems.line(self[i])] = true end
  seen[self], known.count = known, #self
  return known.lines[problems.line(problem)] and self or self:append { problem }
end

--- Adds a problem of a described domain, or of { name =, file =, line = }; fields as for problems.new, but its place.
function List:complain(domain, fields)
  fields.path, fields.file, fields.line = domain.name, domain.file, domain.line
  return self:append { problems.new(fields) }
end

--- A list made of the given problems, which prints itself.
---@param raw? virtlun.Problem[]
---@return virtlun.Problems
function problems.list(raw)
  return setmetatable(raw or {}, List)
end

--- A problem by its code, with its text: fields is { code =, path =, value =, expected =, a =, b =, near =, file =,
-- line =, cause = }.
---@param fields table
---@return virtlun.Problem
function problems.new(fields)
  local problem = core.problem(fields)
  problem.cause = fields.cause
  return problem
end

--- A problem of a change to a described domain; fields as for problems.new, but its place.  fields.key: the field that
-- it is about, nil for the whole device.
function problems.of_change(domain, change, fields)
  local key = fields.key and "." .. fields.key or ""
  fields.path = ("%s.%s%s"):format(domain.name, change.device, key)
  fields.file, fields.line = change.file, change.line
  return problems.new(fields)
end

--- nil and a list of one problem: what a function that cannot do its work returns.
function problems.fail(fields)
  return nil, problems.list { problems.new(fields) }
end

return problems
