--- Saved plans: what `plan --out FILE` writes and `apply --plan FILE` reads, as JSON.
--
-- A saved plan holds the domains as they were described, the options and connections that they were planned with, and
-- the plans.  What is applied are the domains, planned again; the fingerprint of each plan tells whether that still
-- comes to the same.  The digest tells whether somebody has changed the file: a plan is not the place to edit what is
-- wanted, and what stands in one is not checked a second time.

local dkjson = require "dkjson"
local virtlun = require "virtlun"
local files = require "virtlun.cli.files"
local json_view = require "virtlun.view.json"

local saved = {}

local function fail(path, fields)
  fields.file = path == "-" and "stdin" or path
  return nil, virtlun.problems { virtlun.problem(fields) }
end

-- JSON has lists and tables with names, but no domain, which is both ---------------------------------------

local function packed(domain)
  local result = { devices = json_view.list {} }
  for key, value in pairs(domain) do
    if math.type(key) then result.devices[key] = value else result[key] = value end
  end
  return result
end

local function unpacked(domain, uri)
  local result = table.move(domain.devices, 1, #domain.devices, 1, {})
  for key, value in pairs(domain) do
    if key ~= "devices" then result[key] = value end
  end
  result.uri = uri
  return result
end

--- The digest of all that the data has besides a digest; the order of its keys in a file does not matter.
local function digest_of(data)
  local digest = data.digest
  data.digest = nil
  local result = virtlun.hash(json_view.text(data))
  data.digest = digest
  return result
end

-- Writing --------------------------------------------------------------------------------------------------

--- Saves plans: true, or nil and problems.  data: as --json prints them; domains: what was planned; options: those of
-- dom:plan; path: of a file, or - for standard output.
function saved.write(path, data, domains, options, out)
  local all = { plans = json_view.masked(data.plans), changes = data.changes, problems = data.problems,
    options = options, virtlun = virtlun.VERSION, domains = json_view.list {} }
  for i, domain in ipairs(domains) do all.domains[i] = packed(domain) end
  all.digest = digest_of(all)
  local text = json_view.text(all) .. "\n"
  if path == "-" then
    out:write(text)
    return true
  end
  local good, message = files.replace(path, text)
  if not good then return fail(path, { code = "cannot_write", a = message }) end
  out:progress(("virtlun: the plan is in %s; virtlun apply --plan %s makes it so"):format(path, path))
  return true
end

-- Reading --------------------------------------------------------------------------------------------------

local function is_saved_plan(data)
  return type(data) == "table" and data.format_version ~= nil and type(data.plans) == "table"
    and type(data.domains) == "table"
end

--- What saved.write wrote; nil and problems.
local function read(path)
  local text, message = files.read(path)
  if not text then return fail(path, { code = "cannot_read", a = message }) end
  local data, _, wrong = dkjson.decode(text, 1, nil, nil)
  if not is_saved_plan(data) then
    return fail(path, { code = "no_saved_plan", a = wrong or "it has no plans and domains" })
  end
  local format = json_view.FORMAT_VERSION
  if data.format_version ~= format then
    return fail(path, { code = "plan_version", value = tostring(data.format_version), expected = format })
  end
  if data.digest ~= digest_of(data) then return fail(path, { code = "plan_edited" }) end
  return data
end

--- Both together: the options of a plan, over them those that apply was given.
local function merged(options, limits)
  local result = {}
  for key, value in pairs(options) do result[key] = value end
  for key, value in pairs(limits) do result[key] = value end
  return result
end

--- The way by which `apply --plan FILE` comes to its plans; see changes.with_domains.
function saved.way(path)
  local way, data, known, plan_of = {}, nil, nil, {}

  function way.load(_, found)
    local failure
    data, failure = read(path)
    if not data then
      found:append(failure)
      return nil
    end
    local domains = {}
    for i, domain in ipairs(data.domains) do
      domains[i] = unpacked(domain, data.plans[i].uri)
      plan_of[domains[i]] = data.plans[i]
    end
    known = virtlun.known(domains, data.options)
    return domains
  end

  function way.plan(dom, domain, limits)
    local options = merged(data.options, limits)
    options.known = known
    local plan, found = dom:plan(domain, options)
    if not plan or plan.fingerprint == plan_of[domain].fingerprint then return plan, found end
    return fail(nil, { code = "host_changed", path = domain.name })
  end

  return way
end

return saved
