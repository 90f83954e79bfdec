-- A host that lives in memory: libvirt with each of its bad manners, guests that do as they are told, and whatever can
-- go wrong with a call, all switched one by one.  Nothing waits: the clock is moved by whoever would.
--
--   local host = fake.host { manners = { half_done = false } }
--   host:add { devices = { host_xml.hba(0) } }      -- a domain web01 that runs, with both halves alike
--   local dom = host:open("web01")                  -- a domain of virtlun.backend, on a connection of its own
--   host.fault = fake.faults.at(2, { lose = "after" })
--
-- The backend itself is the real one: what is false is libvirt behind it, so that everything that takes a domain, the
-- library and the command included (see host.within), can be run against it.
local Definition = require("support.fake.definition")
local Domain = require("support.fake.domain")
local devices = require("support.fake.devices")
local faults = require("support.fake.faults")
local host_xml = require("support.host_xml")
local xml = require("support.fake.xml")

local fake = { faults = faults }

-- Libvirt's bad manners.  Without one, the host is as one would wish.
fake.manners = {
  makes_hbas = true, -- facts 3: a plugged drive gets the HBAs that it needs, copies of the last one
  default_model = true, -- facts 3: HBAs that the configuration needs are of the default model, not like the others
  leaves_hbas = true, -- facts 3: HBAs that were made for a drive stay although the drive did not come
  recreates_hba = true, -- facts 3: the configuration loses an HBA in use, and gets another one
  attach_changes_medium = true, -- facts 7: a CD drive that is plugged where its name is taken changes the medium there
  half_done = true, -- facts 7: a medium that cannot be read leaves the drive empty and open, showing the old one
  same_is_nothing = true, -- facts 7: the same medium again is success, and nothing is done
  tray_unknown = 9003000, -- facts 7: a hot-plugged drive changes no medium, before this version
  empty_refused = 9010000, -- facts 7: an empty CD drive cannot be plugged, before this version
  name_alone = true, -- facts 8, 13: a disk is detached by its name, whatever bus it is said to be on
  loses_password = true, -- facts 13: a define without the passwords takes them away
}

local UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f" -- as host_xml writes it

-- Errors --------------------------------------------------------------------------------------------------------------

local names = { [1] = "INTERNAL_ERROR", [3] = "NO_SUPPORT", [8] = "INVALID_ARG", [9] = "OPERATION_FAILED",
  [27] = "XML_ERROR", [29] = "OPERATION_DENIED", [38] = "SYSTEM_ERROR", [42] = "NO_DOMAIN", [49] = "NO_STORAGE_POOL",
  [55] = "OPERATION_INVALID", [67] = "CONFIG_UNSUPPORTED", [68] = "OPERATION_TIMEOUT", [84] = "OPERATION_UNSUPPORTED",
  [99] = "DEVICE_MISSING" }

local function failure_of(code, message, domain)
  return { code = code, name = "VIR_ERR_" .. (names[code] or "OPERATION_FAILED"), domain = domain or "VIR_FROM_QEMU",
    message = message or "operation failed: no" }
end

local function lost() return failure_of(1, "internal error: client socket is closed", "VIR_FROM_RPC") end

-- fn(...), with what was refused in it as nil and a failure.
local function refusing(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local problem = results[2]
  if type(problem) ~= "table" or not problem.refused then error(problem, 0) end
  return nil, failure_of(problem.code, problem.message)
end

-- The host ------------------------------------------------------------------------------------------------------------

local Host = {}
Host.__index = Host

function Host:is_test() return self.driver:lower() == "test" end

function Host:next_id()
  self.id = (self.id or 0) + 1
  return self.id
end

-- The clock -----------------------------------------------------------------------------------------------------------

function Host:now() return self.clock end

-- What leaves by itself next: when, its domain and its alias.
local function next_leaving(self)
  local first, whose, which = math.huge, nil, nil
  for _, domain in ipairs(self.list) do
    for alias, time in pairs(domain.leaving) do
      if time < first or time == first and which and alias < which then first, whose, which = time, domain, alias end
    end
  end
  return first, whose, which
end

-- Time goes by, and what was to happen meanwhile does.
function Host:advance(seconds)
  local till = self.clock + seconds
  while true do
    local time, domain, alias = next_leaving(self)
    if not domain or time > till then break end
    self.clock = math.max(self.clock, time)
    domain:release(alias)
  end
  self.clock = math.max(self.clock, till)
end

-- Events --------------------------------------------------------------------------------------------------------------

function Host:emit(event)
  for _, subscription in ipairs(self.subscriptions) do
    local about_it = not subscription.uuid or subscription.uuid == event.uuid or not event.uuid
    if about_it and subscription.about[event.event] then subscription[#subscription + 1] = event end
  end
end

-- Life of the daemon --------------------------------------------------------------------------------------------------

-- The daemon is gone: no connection lives on, and nobody can open one.
function Host:die()
  self.down = true
  for _, connection in ipairs(self.connections) do connection.lost = true end
  self:emit { event = "closed", reason = "eof" }
  self.subscriptions = {}
end

-- It comes back, and looks at the guests anew.
function Host:restart()
  self.down = false
  for _, domain in ipairs(self.list) do domain:refresh() end
end

-- Domains -------------------------------------------------------------------------------------------------------------

function Host:find(name)
  for _, domain in ipairs(self.list) do
    if domain.name == name or domain.uuid == name:lower() then return domain end
  end
end

function Host:forget(domain)
  for i, other in ipairs(self.list) do
    if other == domain then table.remove(self.list, i) end
  end
end

-- A domain.  fields: name (web01), devices (a list of texts), or live and config, each such a list or false for a half
-- that is not there; state ("running", "paused", "shut off"); and those of host_xml.domain.
function Host:add(fields)
  local function definition(list)
    if not list then return nil end
    local text = host_xml.domain(list, fields)
    local own = UUID:sub(1, -3) .. ("%02x"):format((0x3f + #self.list) % 256)
    text = text:gsub(UUID:gsub("%-", "%%-"), own)
    local made = Definition.parse(text)
    made:complete(true)
    return made
  end
  local live, config = fields.live, fields.config
  if live == nil and fields.state ~= "shut off" then live = fields.devices end
  if config == nil then config = fields.devices end
  live, config = definition(live), definition(config)
  local domain = Domain.new(self, { name = (live or config):says("name"), uuid = (live or config):says("uuid"),
    live = live, config = config, state = fields.state })
  self.list[#self.list + 1] = domain
  return domain
end

-- Calls ---------------------------------------------------------------------------------------------------------------

local writes = { attach_device = "attach", detach_device = "detach", update_device = "update", define = "define",
  start = "start", destroy = "destroy", shutdown = "shutdown", reboot = "reboot", reset = "reset" }

local function new_handle(connection, domain)
  local handle = { connection = connection, fake = domain }
  function handle.name() return domain.name end
  function handle.uuid() return domain.uuid end
  return handle
end

local makers = {}

function makers.uri(self) return self.uri end

function makers.driver(self) return self.driver end

function makers.version(self) return self.version end

function makers.domains(self, connection)
  local list = {}
  for i, domain in ipairs(self.list) do list[i] = new_handle(connection, domain) end
  return list
end

function makers.lookup(self, connection, _, name)
  local domain = self:find(name)
  if domain then return new_handle(connection, domain) end
  Definition.refuse(42, "Domain not found: no domain with matching name '%s'", name)
end

function makers.volume(_, _, _, pool)
  Definition.refuse(49, "Storage pool not found: no storage pool with matching name '%s'", pool)
end

function makers.define(self, connection, _, text)
  local definition = Definition.parse(text)
  local domain = self:find(definition:says("uuid") or "")
  if not domain or domain.name ~= definition:says("name") then
    Definition.refuse(9, "operation failed: no domain '%s' with that uuid", definition:says("name"))
  end
  domain:define(definition)
  return new_handle(connection, domain)
end

function makers.facts(_, handle) return handle.fake:facts() end

function makers.look(_, handle)
  local facts = handle.fake:facts()
  facts.documents = { config = facts.persistent and handle.fake:text { inactive = true } or nil,
    live = facts.active and handle.fake:text() or nil }
  return facts
end

function makers.xml(_, handle, flags) return handle.fake:text(flags) end

for _, name in ipairs { "attach_device", "detach_device", "update_device" } do
  makers[name] = function(_, handle, scope, text)
    handle.fake[name](handle.fake, text, scope)
    return true
  end
end

local powers = { start = "start", destroy = "stop", shutdown = "stop", reboot = "reboot", reset = "reboot" }

for name, method in pairs(powers) do
  makers[name] = function(_, handle)
    handle.fake[method](handle.fake)
    return true
  end
end

-- The words by which a call is told: attach sda live config.
local function text_of(name, scope, text)
  local element = scope and text and xml.parse(text)
  local words = { name, element and devices.name_of(element) }
  for _, half in ipairs { "live", "config" } do words[#words + 1] = element and scope[half] and half or nil end
  return table.concat(words, " ")
end

local function make(self, name, ...)
  local result, failure = refusing(makers[name], self, ...)
  return result, failure
end

-- Makes a call as a fault wants it.
local function make_with(self, verdict, about, connection, ...)
  if verdict.first then verdict.first(about) end
  if verdict.ignore then return true end
  if verdict.refuse then return nil, failure_of(verdict.refuse, verdict.message) end
  local result, failure
  if verdict.lose ~= "before" and verdict.silent ~= "before" then result, failure = make(self, ...) end
  if verdict.deny then return nil, failure_of(verdict.deny, verdict.message) end
  if verdict.lose then
    self:die()
    return nil, failure_of(38, "End of file while reading data: Input/output error", "VIR_FROM_RPC")
  elseif verdict.silent then
    connection.lost = true
    failure = failure_of(68, "the call was not answered")
    failure.begun = true
    return nil, failure
  end
  return result, failure
end

local function call(self, name, handle, options, ...)
  local connection = handle.connection or handle
  if connection.lost then return nil, lost() end
  local sort = writes[name] and "writing" or "asking"
  self.count[sort] = self.count[sort] + 1
  local about = { name = writes[name] or name, writes = writes[name] ~= nil, number = self.count[sort], scope = options,
    host = self, domain = handle.fake, xml = (...) }
  about.text = text_of(about.name, options, ...)
  local verdict = self.fault and self.fault(about) or {}
  local result, failure = make_with(self, verdict, about, connection, name, handle, options, ...)
  if about.writes then self.calls[#self.calls + 1] = about.text .. (result and "" or "!") end
  return result, failure
end

-- What the backend knows of waiting (see jobs.lua), with a clock that nobody has to wait for.
local function jobs_of(self)
  local jobs = {}

  function jobs.now() return self.clock end

  function jobs.sleep(seconds) self:advance(seconds) end

  function jobs.unbroken(fn, ...) return fn(...) end
  jobs.is_given_up = require("virtlun.backend.jobs").is_given_up

  function jobs.connection()
    local connection = {}
    self.connections[#self.connections + 1] = connection
    return connection
  end

  function jobs.call(name, handle, _, options, ...) return call(self, name, handle, options, ...) end

  function jobs.open()
    if not self.down then return true end
    return nil, failure_of(38, "Failed to connect socket: Connection refused", "VIR_FROM_RPC")
  end

  function jobs.close(connection) connection.lost = true end

  function jobs.listen(connection, domain, _, about, fn)
    if connection.lost then return nil, lost() end
    local subscription = { uuid = domain and domain.uuid(), about = about, fn = fn }
    self.subscriptions[#self.subscriptions + 1] = subscription
    return subscription
  end

  function jobs.unlisten(subscription)
    for i, other in ipairs(self.subscriptions) do
      if other == subscription then table.remove(self.subscriptions, i) end
    end
  end

  function jobs.wait(subscription, seconds)
    local till = self.clock + seconds
    while not subscription[1] and self.clock < till do
      local time = next_leaving(self)
      if math.min(time, till) == math.huge then error("somebody waits for ever for an event that never comes", 0) end
      self:advance(math.max(0, math.min(time, till) - self.clock))
    end
    return table.remove(subscription, 1)
  end

  return jobs
end

-- Uses package.loaded with others in place of some modules.
local function with_modules(modules, fn, ...)
  local before = {}
  for name, module in pairs(modules) do before[name], package.loaded[name] = package.loaded[name], module or nil end
  local results = table.pack(pcall(fn, ...))
  for name in pairs(modules) do package.loaded[name] = before[name] end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- A connection of virtlun's backend to the host; nil and problems.
function Host:connect(opts) return self.backend.open(self.uri, opts) end

-- A domain of virtlun's backend, on a connection of its own; nil and problems.
function Host:open(name, opts)
  local connection, failure = self:connect(opts)
  if not connection then return nil, failure end
  return connection:domain(name)
end

-- fn(...), in which whoever opens a connection gets one to this host, whatever the URI.
function Host:within(fn, ...)
  return with_modules({ ["virtlun.backend"] = self.backend }, fn, ...)
end

-- A host without domains.  opts: version (9.0.0), driver ("QEMU"), uri, manners (those that differ from fake.manners),
-- images (path -> "missing" or "broken"; all others can be read), around (a function that gets each function by which
-- the backend asks the host, and gives the one that it is to use).
function fake.host(opts)
  opts = opts or {}
  local self = setmetatable({ version = opts.version or 9000000, driver = opts.driver or "QEMU",
    uri = opts.uri or "qemu+ssh://fake/system", images = opts.images or {}, list = {}, connections = {},
    subscriptions = {}, calls = {}, clock = 1000, count = { writing = 0, asking = 0 }, manners = {} }, Host)
  for name, manner in pairs(fake.manners) do
    if math.type(manner) then manner = self.version < manner end
    self.manners[name] = manner
  end
  for name, manner in pairs(opts.manners or {}) do
    assert(self.manners[name] ~= nil, name)
    self.manners[name] = manner
  end
  local jobs = jobs_of(self)
  for _, name in ipairs(opts.around and { "call", "open", "close", "listen", "unlisten", "wait", "sleep" } or {}) do
    jobs[name] = opts.around(jobs[name])
  end
  local modules = { ["virtlun.backend.jobs"] = jobs, ["virtlun.backend"] = false }
  self.backend = with_modules(modules, require, "virtlun.backend")
  return self
end

return fake
