--- The command remove: takes away what recipes name.

local virtlun = require "virtlun"
local changes = require "virtlun.cli.changes"
local recipes = require "virtlun.cli.recipes"

local remove = {}

--- Plans that all is absent that a recipe names of a domain.
local function plan(dom, domain, limits)
  local description, failure = dom:describe()
  if not description then return nil, failure end
  local absent, notes = virtlun.removal(domain, description, limits)
  if not absent then return nil, notes end
  local made, found = dom:plan(absent, limits)
  return made, notes:append(found)
end

function remove.remove(args, out)
  return changes.make(args, out, { load = recipes.load, plan = plan })
end

return remove
