--- The command import: recipes of domains that are there.

local virtlun = require "virtlun"
local hosts = require "virtlun.cli.hosts"
local json_view = require "virtlun.view.json"
local status = require "virtlun.cli.status"

local import = {}

--- The recipe of one domain: { domain =, uri =, recipe = text }; nil and problems.
local function recipe_of(open, name, live)
  local dom, failure = open:domain(name)
  if not dom then return nil, failure end
  local facts, documents = dom:look()
  if not facts then return nil, documents end
  local uri = dom.connection.uri
  local text, wrong = virtlun.import(documents, { uri = uri, live = live })
  if not text then return nil, wrong end
  return { domain = dom.name, uri = uri, recipe = text }
end

function import.import(args, out)
  local open = hosts.new { connect = args.connect, readonly = true, timeout = args.timeout, out = out }
  local recipes, found = {}, virtlun.problems()
  for _, name in ipairs(args.domain) do
    local recipe, failure = recipe_of(open, name, args.live)
    recipes[#recipes + 1] = recipe
    found:append(failure or {})
  end
  open:close()
  if args.json then
    out:json { domains = json_view.list(recipes), problems = json_view.list(found) }
  else
    out:problems(found)
    for i, recipe in ipairs(recipes) do out:write((i > 1 and "\n" or "") .. recipe.recipe) end
  end
  return #recipes < #args.domain and status.FAILED or status.OK
end

return import
