--- Recipes of the command line, and the commands that need nothing else: check and render.

local virtlun = require "virtlun"
local json_view = require "virtlun.view.json"
local status = require "virtlun.cli.status"
local style = require "virtlun.view.style"

local recipes = {}

--- The values of -p by name; nil and what is wrong with one.
function recipes.parameters(list)
  local params = {}
  for _, text in ipairs(list) do
    local name, value = text:match("^([^=]+)=(.*)$")
    if not name then return nil, ("-p %s: write it as name=value"):format(text) end
    params[name] = value
  end
  return params
end

--- Whether a file begins as JSON does, and no recipe.
local function is_json(path)
  local file = io.open(path)
  if not file then return false end
  local first = file:read(1)
  file:close()
  return first == "{"
end

--- A saved plan, which is JSON, goes the way of a recipe only by mistake.
local function hint_at_plan(path, found)
  if not is_json(path) then return end
  for _, problem in ipairs(found) do
    if problem.code == "syntax" then problem.hint = ("a saved plan is made so by apply --plan %s"):format(path) end
  end
end

local function load_file(path, params)
  if path == "-" then return virtlun.loadstring(io.read("a"), "stdin", params) end
  local domains, found = virtlun.load(path, params)
  if not domains then hint_at_plan(path, found) end
  return domains, found
end

--- All recipes of the command line as one list of domains; nil, with what is wrong in found.
function recipes.load(args, found)
  local domains, good = {}, true
  for _, path in ipairs(args.recipe) do
    local some, more = load_file(path, args.params)
    found:append(more)
    good = good and some ~= nil
    for _, domain in ipairs(some or {}) do domains[#domains + 1] = domain end
  end
  if not good then return nil end
  local checked, more = virtlun.check(domains)
  found:append(more)
  return checked and domains or nil
end

local function count_devices(domains)
  local count = 0
  for _, domain in ipairs(domains) do count = count + #domain end
  return count
end

function recipes.check(args, out)
  local found = virtlun.problems()
  local domains = recipes.load(args, found)
  out:report(found)
  if not domains then return status.FAILED end
  if not args.json and not args.quiet then
    out:line(("%s, %s: good"):format(style.plural(#domains, "domain"), style.plural(count_devices(domains), "device")))
  end
  return status.OK
end

function recipes.render(args, out)
  local found = virtlun.problems()
  local domains = recipes.load(args, found)
  if not domains then
    out:report(found)
    return status.FAILED
  end
  local rendered = {}
  for i, domain in ipairs(domains) do
    local xml, more = virtlun.xml(domain)
    if not xml then
      out:report(more)
      return status.FAILED
    end
    for _, problem in ipairs(more) do
      -- The others were found by check already.
      if problem.code == "provisional" then found:append { problem } end
    end
    rendered[i] = { domain = domain.name, xml = xml }
    if not args.json then
      if #domains > 1 then out:line(("<!-- %s -->"):format(domain.name:gsub("%-%-", "- -"))) end
      out:write(rendered[i].xml)
    end
  end
  if args.json then out:json({ domains = json_view.list(rendered), problems = json_view.list(found) }, true)
  else out:problems(found) end
  return status.OK
end

return recipes
