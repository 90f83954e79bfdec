--- The command show: what domains have, and what their guests see of it.

local virtlun = require "virtlun"
local domain_view = require "virtlun.view.domain"
local hosts = require "virtlun.cli.hosts"
local json_view = require "virtlun.view.json"
local pictures = require "virtlun.cli.pictures"
local status = require "virtlun.cli.status"
local tree_view = require "virtlun.view.tree"

local show = {}

local function wanted_domains(args, open)
  local connection, failure = open:connect()
  if not connection then return {}, failure end
  if #args.domain == 0 then
    local domains
    domains, failure = connection:domains()
    return domains or {}, failure or virtlun.problems()
  end
  local domains, found = {}, virtlun.problems()
  for _, name in ipairs(args.domain) do
    local dom, more = connection:domain(name)
    if dom then domains[#domains + 1] = dom else found:append(more) end
  end
  return domains, found
end

--- Domains as JSON has them: each half is a list of devices.
local function as_lists(domains)
  for _, domain in ipairs(domains) do
    for _, which in ipairs { "live", "config" } do
      if domain[which] then domain[which] = { devices = json_view.list(domain[which]) } end
    end
  end
  return json_view.list(domains)
end

local function print_trees(domains, out)
  if out.grid or pictures.takes_stdout(out) then return end
  for _, domain in ipairs(domains) do
    for _, line in ipairs(tree_view.lines(domain)) do out:line(line) end
  end
end

function show.show(args, out)
  local open = hosts.new { connect = args.connect, readonly = true, timeout = args.timeout, out = out }
  local doms, found = wanted_domains(args, open)
  local domains = {}
  for _, dom in ipairs(doms) do
    local description, failure = dom:describe()
    if description then domains[#domains + 1] = domain_view.data(description) else found:append(failure) end
  end
  open:close()
  pictures.domains(domains, out)
  if args.json then
    out:json { domains = as_lists(domains), problems = json_view.list(found) }
  else
    out:problems(found)
    print_trees(domains, out)
  end
  return #found > 0 and status.FAILED or status.OK
end

return show
