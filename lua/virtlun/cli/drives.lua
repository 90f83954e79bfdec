--- Commands that change one drive of one domain: insert, eject, attach, detach.
--
-- They differ in what they ask the domain for and in what they say when it was so already; the rest is `operate`.

local virtlun = require "virtlun"
local feelings = require "virtlun.view.feelings"
local hosts = require "virtlun.cli.hosts"
local making = require "virtlun.cli.making"
local plans = require "virtlun.cli.plans"
local result_view = require "virtlun.view.result"
local sources = require "virtlun.cli.sources"
local status = require "virtlun.cli.status"

local drives = {}

-- What all of them do --------------------------------------------------------------------------------------

--- What somebody has to say yes to: data that a running domain loses.
local function question_of(plan)
  local loss = feelings.losses(plan)[1]
  return loss and ("Take %s from the running domain %s?"):format(loss, plan.domain)
end

--- What the library is told: the limits of the command line, and whom to ask when the plan is made.
local function options_of(args, out, told)
  local opts = plans.limits(args)
  opts.format = args.format
  function opts.confirm(plan)
    told.plan = plan
    if out.verbose and not out.is_json then plans.print(plan, out) end
    local question, may = question_of(plan), true
    if question then may, told.refused = out:may(args, args.command .. " of a disk", question) end
    return may
  end
  return opts
end

--- Prints what was done, or that nothing was to do.
local function print_result(result, so_already, args, out)
  out:problems(result.notes)
  if out.quiet then return end
  for _, line in ipairs(result_view.lines(result.plan)) do out:line(line) end
  if result.plan.changes > 0 then return plans.tell_forgotten({ result.plan }, out) end
  out:line(("%s: %s; nothing to do"):format(args.domain, so_already))
end

--- What is left to say of an operation, and the exit status.  made: as making.one gives it.
local function conclude(made, signal, plan, so_already, args, out)
  local result, failure = made.result, made.failure
  if args.json then
    out:json(plans.data({ plan }, result and result.notes or failure))
  elseif result then
    print_result(result, so_already, args, out)
  else
    out:problems(failure)
  end
  return making.status(not result, made.ending and made.ending.written, signal)
end

--- Makes one operation: call(dom, opts) does it, so_already is what is said if nothing was to do.
local function operate(args, out, so_already, call)
  local told, signal = {}, nil
  local open = hosts.new { connect = args.connect, timeout = args.timeout, out = out }
  local dom, failure = open:domain(args.domain)
  local made = { failure = failure }
  if dom then
    made, signal = making.one(function(opts) return call(dom, opts) end, options_of(args, out, told), dom.name, out)
  end
  open:close()
  if told.refused then return signal and making.status(true, false, signal) or told.refused end
  return conclude(made, signal, made.result and made.result.plan or told.plan, so_already, args, out)
end

-- The commands ---------------------------------------------------------------------------------------------

function drives.insert(args, out)
  return operate(args, out, args.drive .. " holds it already", function(dom, opts)
    return dom:insert(sources.drive(dom, args.drive), sources.source(dom, args.source), opts)
  end)
end

function drives.eject(args, out)
  return operate(args, out, args.drive .. " is empty already", function(dom, opts)
    return dom:eject(sources.drive(dom, args.drive), opts)
  end)
end

function drives.detach(args, out)
  return operate(args, out, args.drive .. " is not there", function(dom, opts)
    return dom:detach(sources.drive(dom, args.drive), opts)
  end)
end

-- Values of --set in the words of recipes: which of them are numbers and switches is known by the schema. --------

local is_text = { text = true, word = true, xml = true }

local function find_field(shapes, names, key)
  for _, name in ipairs(names) do
    for _, field in ipairs(shapes[name] and shapes[name].fields or {}) do
      if field.key == key then return field end
    end
  end
end

local function value_of(field, text)
  if field and is_text[field.kind] then return text end
  if text == "true" or text == "false" then return text == "true" end
  return text:match("^%-?%d+$") and math.tointeger(tonumber(text)) or text
end

--- Sets what source.pool=default says; nil and what is wrong with it.
local function set(device, assignment)
  local path, text = assignment:match("^([%w_.]+)=(.*)$")
  if not path then return nil, ("--set %s: write it as key=value"):format(assignment) end
  local shapes, target = virtlun.schema().shapes, device
  local names = { shapes[device.kind] and device.kind or "disk" }
  for key, dot in path:gmatch("([^.]+)(%.?)") do
    local field = find_field(shapes, names, key)
    if dot == "" then
      if target[key] ~= nil then return nil, ("--set %s: %s is said twice"):format(assignment, path) end
      target[key] = value_of(field, text)
      return true
    end
    if target[key] == nil then target[key] = {} end
    if type(target[key]) ~= "table" then return nil, ("--set %s: %s is said twice"):format(assignment, key) end
    target, names = target[key], field and field.variants or {}
  end
end

--- The device that the command line describes; nil and what is wrong.
local function described(args)
  local device = {
    kind = args.kind, dev = args.dev, address = args.address, model = args.model, index = args.index,
    format = args.format,
  }
  for _, assignment in ipairs(args.set) do
    local good, message = set(device, assignment)
    if not good then return nil, message end
  end
  if args.source and device.source then return nil, "the source is said twice" end
  return device
end

function drives.attach(args, out)
  local device, message = described(args)
  if not device then return status.USAGE, message end
  return operate(args, out, "it is there already", function(dom, opts)
    if args.source then device.source = sources.source(dom, args.source) end
    return dom:attach(device, opts)
  end)
end

return drives
