--- Loads recipes: runs them in a Lua state of their own and returns what they describe.

local core = require "virtlun.core"
local dsl = require "virtlun.recipe.dsl"
local library = require "virtlun.recipe.library"
local problems = require "virtlun.problems"

local recipe = {}

-- The language goes into the other state as dumped functions, so that nothing has to be found on disk again; without
-- debug information, so that only the recipe's own lines can be told.
local code = {}
for i, fn in ipairs { dsl.run, dsl.constructors, library } do code[i] = string.dump(fn, true) end

-- Where a recipe went too far, what it has described until then tells nothing.
local ended = { too_long = true, too_large = true }

local function texts(params)
  local result = {}
  for name, value in pairs(params or {}) do result[name] = tostring(value) end
  return result
end

local function run(name, text, params)
  if type(name) ~= "string" or not (text == nil or type(text) == "string") then
    error("a recipe is loaded from a path, or from a text and a name", 3)
  end
  local run_well, domains, found = pcall(core.recipe, code, name, text, texts(params))
  if not run_well then return problems.fail { code = "recipe_failed", a = domains, file = name } end
  found = problems.list(found)
  if found:has_errors() then
    -- What could be read is checked all the same, so that every mistake is told at once.
    if ended[found[#found].code] then return nil, found end
    local _, more = core.check(domains)
    return nil, found:append(more)
  end
  return domains, found
end

--- Loads a recipe from text.  name stands in problems and is what include is relative to.
-- Returns the list of described domains, or nil and problems.
function recipe.loadstring(text, name, params)
  if type(text) ~= "string" then error("the text of a recipe expected", 2) end
  return run(name or "recipe", text, params)
end

--- Loads a recipe from a file.
function recipe.load(path, params)
  return run(path, nil, params)
end

return recipe
