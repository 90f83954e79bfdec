--- What each command does.  A command gets the parsed arguments and an output, and returns the exit status.

local virtlun = require "virtlun"
local help_view = require "virtlun.view.help"
local json_view = require "virtlun.view.json"
local plan_view = require "virtlun.view.plan"
local tree_view = require "virtlun.view.tree"

local commands = {}

local OK, FAILED, CHANGES, PARTLY, USAGE = 0, 1, 2, 3, 64

-- Recipes --------------------------------------------------------------------------------------------------

local function parameters(list)
  local params = {}
  for _, text in ipairs(list) do
    local name, value = text:match("^([^=]+)=(.*)$")
    if not name then return nil, ("-p %s: write it as name=value"):format(text) end
    params[name] = value
  end
  return params
end

local function load_file(path, params)
  if path ~= "-" then return virtlun.load(path, params) end
  return virtlun.loadstring(io.read("a"), "stdin", params)
end

--- Of found only what stops everything.
local function errors_of(found)
  local errors = virtlun.problems()
  for _, problem in ipairs(found) do
    if problem.severity == "error" then errors:append { problem } end
  end
  return errors
end

--- All recipes of the command line as one list of domains; nil and problems.
local function load_all(args, found)
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

--- Problems go where people look for them: standard error, or the JSON.
local function report(found, args, out)
  if args.json then
    out:json { problems = json_view.list(found) }
  else
    out:problems(found, args.quiet)
  end
end

local function count_devices(domains)
  local count = 0
  for _, domain in ipairs(domains) do count = count + #domain end
  return count
end

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

function commands.check(args, out)
  local found = virtlun.problems()
  local domains = load_all(args, found)
  report(found, args, out)
  if not domains then return FAILED end
  if not args.json and not args.quiet then
    out:line(("%s, %s: good"):format(plural(#domains, "domain"), plural(count_devices(domains), "device")))
  end
  return OK
end

function commands.render(args, out)
  local found = virtlun.problems()
  local domains = load_all(args, found)
  if not domains then
    report(found, args, out)
    return FAILED
  end
  local rendered = {}
  for i, domain in ipairs(domains) do
    local xml, more = virtlun.xml(domain)
    if not xml then
      report(more, args, out)
      return FAILED
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
  if args.json then out:json { domains = json_view.list(rendered), problems = json_view.list(found) }
  else out:problems(found, args.quiet) end
  return OK
end

-- Hosts ----------------------------------------------------------------------------------------------------

--- A connection that no recipe can use was meant for something.
local function complain_of_uris(domains, args, found)
  local other
  for _, domain in ipairs(domains) do
    if not domain.uri or domain.uri == args.connect then return end
    other = other or domain
  end
  if args.connect and other then
    found:append { virtlun.problem {
      code = "two_uris", path = other.name, value = other.uri, expected = args.connect, file = other.file,
      line = other.line,
    } }
  end
end

--- Connections by URI, opened when first wanted, closed together.
local function new_hosts(args, readonly)
  local hosts = { open = {}, failed = {} }

  function hosts:connect(uri)
    local key = uri or args.connect or ""
    if self.open[key] then return self.open[key] end
    if self.failed[key] then return nil, virtlun.problems() end -- told already
    local connection, failure = virtlun.open(uri or args.connect, { readonly = readonly })
    self.open[key], self.failed[key] = connection, not connection
    return connection, failure
  end

  function hosts:close()
    for _, connection in pairs(self.open) do connection:close() end
  end

  return hosts
end

local function domain_of(hosts, name, uri)
  local connection, failure = hosts:connect(uri)
  if not connection then return nil, failure end
  return connection:domain(name)
end

--- A domain that two names of a recipe mean, its UUID say, would be changed to and fro.
local function complain_of_twins(dom, domain, seen, found)
  local key = dom.connection.uri .. "\n" .. dom.uuid
  if seen[key] then
    local problem = { code = "same_domain", path = domain.name, file = domain.file, line = domain.line }
    found:append { virtlun.problem(problem) }
  end
  seen[key] = true
end

--- One plan for each domain; nil if any of them has a problem.
local function plan_all(domains, hosts, found)
  local plans, good, seen = {}, true, {}
  for i, domain in ipairs(domains) do
    local dom, failure = domain_of(hosts, domain.name, domain.uri)
    local plan, more
    if dom then complain_of_twins(dom, domain, seen, found) end
    if dom then
      plan, more = dom:plan(domain)
      found:append(more)
    else
      found:append(failure)
    end
    good = good and plan ~= nil
    plans[i] = plan
  end
  return good and not found:has_errors() and plans or nil
end

local function count_changes(plans)
  local count = 0
  for _, plan in ipairs(plans) do count = count + plan.changes end
  return count
end

local function print_plans(plans, args, out)
  if args.quiet then return end
  for _, plan in ipairs(plans) do
    for _, line in ipairs(plan_view.lines(plan, { paint = out.paint, verbose = args.verbose })) do out:line(line) end
  end
end

local function plan_data(plans, found)
  for _, plan in ipairs(plans) do
    json_view.list(plan.steps)
    json_view.list(plan.pending)
    plan.notes = nil
  end
  return { plans = json_view.list(plans), changes = count_changes(plans), problems = json_view.list(found) }
end

--- Loads, connects and plans; run(plans, found) decides what follows and gives the exit status.
local function with_plans(args, out, readonly, run)
  local found = virtlun.problems()
  local domains = load_all(args, found)
  if domains then found = errors_of(found) end -- the plan has its own notes, and knows more
  local hosts = new_hosts(args, readonly)
  if domains then complain_of_uris(domains, args, found) end
  local plans = domains and not found:has_errors() and plan_all(domains, hosts, found)
  local status = FAILED
  if plans then status = run(plans, found) else report(found, args, out) end
  hosts:close()
  return status
end

function commands.plan(args, out)
  return with_plans(args, out, true, function(plans, found)
    if args.json then
      out:json(plan_data(plans, found))
    else
      out:problems(found, args.quiet)
      print_plans(plans, args, out)
    end
    return args.detailed_exitcode and count_changes(plans) > 0 and CHANGES or OK
  end)
end

-- What a failed apply has done is the host's truth: each domain is changed as a whole or not at all.
local function apply_all(plans, found, args, out)
  local done, failed = 0, 0
  for _, plan in ipairs(plans) do
    local result, failure, written = plan:apply {
      on_progress = function(event)
        if event.state == "done" and not args.quiet and not args.json then
          out:message(("%s: %s %s: done"):format(event.domain, event.step.action, event.step.device))
        end
      end,
    }
    if result then
      done = done + result.done
      plan.result = "done"
    else
      -- What was written and could not be verified is neither done nor undone.
      failed, done = failed + 1, done + (written and 1 or 0)
      plan.result = written and "partly" or "failed"
      found:append(failure)
    end
  end
  return done, failed
end

local function may_apply(plans, args, out)
  if count_changes(plans) == 0 or args.yes then return true end
  if not out.can_ask then
    out:message("virtlun: without a terminal, apply needs --yes")
    return false, USAGE
  end
  if out:ask(("Make %s? [y/N] "):format(plural(count_changes(plans), "change"))) then return true end
  out:message("nothing was changed")
  return false, FAILED
end

local function is_forgotten(plans)
  for _, plan in ipairs(plans) do
    if plan.uri and plan.uri:match("^test:///") then return true end
  end
  return false
end

function commands.apply(args, out)
  return with_plans(args, out, false, function(plans, found)
    if not args.json then
      out:problems(found, args.quiet)
      print_plans(plans, args, out)
    end
    local may, status = may_apply(plans, args, out)
    if not may then return status end
    local notes = virtlun.problems()
    local done, failed = apply_all(plans, notes, args, out)
    if args.json then
      out:json(plan_data(plans, found:append(notes)))
    else
      out:problems(notes, args.quiet)
      if done > 0 and not args.quiet and is_forgotten(plans) then
        out:message("virtlun: test:/// lives in this process only; nothing outlives it")
      end
    end
    if failed == 0 then return OK end
    return done > 0 and PARTLY or FAILED
  end)
end

-- Show -----------------------------------------------------------------------------------------------------

local function wanted_domains(args, hosts)
  local connection, failure = hosts:connect()
  if not connection then return nil, failure end
  if #args.domain == 0 then return connection:domains() end
  local domains, found = {}, virtlun.problems()
  for _, name in ipairs(args.domain) do
    local dom, more = connection:domain(name)
    if dom then domains[#domains + 1] = dom else found:append(more) end
  end
  return domains, found
end

--- A description as data: what is a list and what is a table of names must not mix there.
local function description_data(description)
  for _, which in ipairs { "live", "config" } do
    local document = description[which]
    if document then
      local devices = json_view.list {}
      local guests = virtlun.foretell(document)
      for i, device in ipairs(document) do
        device.guest = guests[i]
        devices[i] = device
      end
      description[which] = { devices = devices }
    end
  end
  return description
end

function commands.show(args, out)
  local hosts = new_hosts(args, true)
  local domains, found = wanted_domains(args, hosts)
  local descriptions = {}
  found = found or virtlun.problems()
  for _, dom in ipairs(domains or {}) do
    local description, failure = dom:describe()
    if description then descriptions[#descriptions + 1] = description else found:append(failure) end
  end
  hosts:close()
  if args.json then
    for i, description in ipairs(descriptions) do descriptions[i] = description_data(description) end
    out:json { domains = json_view.list(descriptions), problems = json_view.list(found) }
  else
    out:problems(found, args.quiet)
    for _, description in ipairs(descriptions) do
      for _, line in ipairs(tree_view.lines(description, virtlun.foretell)) do out:line(line) end
    end
  end
  return #found > 0 and FAILED or OK
end

-- LUNs -----------------------------------------------------------------------------------------------------

--- The number that text says in decimal digits; anything else stays text, for the LUN functions to refuse.
local function decimal(text)
  text = text:match("^%s*(.-)$")
  return text:match("^%-?%d+$") and math.tointeger(tonumber(text)) or text
end

--- A LUN as Linux shows it: the number alone, or the last of [H:C:T:L], with letters where only the guest knows.
local function guest_lun(text)
  return text:match("^%[?[%dH]+:0:[%dT]+:(%d+)%]?$") or text
end

local function lun_data(args)
  local unit, failure
  if args.from_guest then
    local text = guest_lun(args.from_guest)
    if text:find(":", 1, true) then
      local problem = virtlun.problem { code = "bad_form", value = text, expected = "a LUN or H:0:T:LUN" }
      return nil, virtlun.problems { problem }
    end
    unit, failure = virtlun.lun.decode(decimal(text))
  else
    unit = decimal(args.unit)
  end
  if not unit then return nil, failure end
  local lun
  lun, failure = virtlun.lun.encode(unit)
  if not lun then return nil, failure end
  return { unit = unit, lun = lun, wire = virtlun.lun.wire(unit) }
end

function commands.lun(args, out)
  if (args.unit == nil) == (args.from_guest == nil) then
    out:message("virtlun: lun wants either a unit or --from-guest")
    return USAGE
  end
  local data, failure = lun_data(args)
  if not data then
    report(failure, args, out)
    return FAILED
  end
  if args.json then
    out:json(data)
  else
    out:line(("unit %d  LUN 0x%04x  guest [H:0:T:%d]  wire %s"):format(data.unit, data.lun, data.lun, data.wire))
  end
  return OK
end

-- Help -----------------------------------------------------------------------------------------------------

function commands.help(args, out)
  local schema = virtlun.schema()
  local lines = args.topic and help_view.lines(schema, args.topic) or not args.topic and help_view.index(schema)
  if not lines and args.command_help then lines = { args.command_help } end
  if not lines then
    local near = help_view.near(schema, args.topic, virtlun.suggest)
    local hint = near and (" (did you mean '%s'?)"):format(near) or ""
    out:message(("virtlun: no help on '%s'%s; 'virtlun help' lists the topics"):format(args.topic, hint))
    return USAGE
  end
  if args.json then
    out:json { topic = args.topic, text = json_view.list(lines) }
  else
    for _, line in ipairs(lines) do out:line(line) end
  end
  return OK
end

--- Arguments that argparse cannot check; the text says what is wrong.
function commands.prepare(args)
  if not args.param then return true end
  local message
  args.params, message = parameters(args.param)
  return args.params ~= nil, message
end

commands.USAGE = USAGE

return commands
