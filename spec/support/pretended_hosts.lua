-- Hosts that only pretend, for specs of how many domains are shared out: what is planned and made there is nothing but
-- waiting, and all is noted.  A domain does as it is told, a host hangs, refuses and loses its connections when told.
--
--   local hosts = pretended.new()
--   hosts:at("a").domains.d1 = { changes = 2 }     -- one change if nothing is said
--   hosts:within(virtlun.apply, { pretended.domain("d1", "a") })
--   hosts.log                                      -- { "open a", "plan a/d1", "make a/d1", "close a" }
local fleet_hosts = require("virtlun.fleet.hosts")
local jobs = require("virtlun.backend.jobs")
local virtlun = require("virtlun")

local pretended = {}

local SHORT = 0.003 -- seconds that a call takes

local Hosts = {}
Hosts.__index = Hosts

-- Failures ------------------------------------------------------------------------------------------------------------

local function fail(fields)
  return nil, virtlun.problems { virtlun.problem(fields) }
end

--- What a host says that does not want to.
function pretended.refused(path)
  return fail { code = "host_refused", path = path, a = "no", cause = { name = "VIR_ERR_OPERATION_FAILED",
    domain = "VIR_FROM_QEMU", message = "no" } }
end

--- What a call says whose connection was lost, before or while it was made.
function pretended.lost(path, begun)
  return fail { code = "host_refused", path = path, a = "client socket is closed", cause = { begun = begun,
    name = "VIR_ERR_INTERNAL_ERROR", domain = "VIR_FROM_RPC", message = "client socket is closed" } }
end

--- What is wrong with a description.
function pretended.mistake(path)
  return fail { code = "dev_taken", path = path, value = "sda" }
end

local function unreachable(uri)
  return fail { code = "no_host", value = uri, a = "refused", cause = { name = "VIR_ERR_SYSTEM_ERROR",
    domain = "VIR_FROM_RPC", message = "refused" } }
end

-- Hosts ---------------------------------------------------------------------------------------------------------------

--- The host of a URI: domains by name, each what it does: changes, takes (seconds for a change), uuid, look_up(),
-- plan(connection, dom) and make(plan, opts) instead of what is done else; and of itself: opens (a function of the
-- number of the attempt, whether it answers), opens_with (a function of the options, whose nil and problems
-- fail it), hangs (nobody is answered while it is), takes (seconds for any call).
function Hosts:at(uri)
  self.by_uri[uri] = self.by_uri[uri] or { uri = uri, domains = {}, attempts = 0, now = 0 }
  return self.by_uri[uri]
end

function Hosts:note(...)
  self.log[#self.log + 1] = table.concat({ ... }, " ")
end

local function wait(host, seconds)
  jobs.sleep(seconds or host.takes or SHORT)
  while host.hangs do jobs.sleep(SHORT) end
end

--- One more, or with -1 one less, is in work of what is counted by that name; the most that ever were are kept.
function Hosts:count(name, by)
  self.now[name] = (self.now[name] or 0) + by
  self.most[name] = math.max(self.most[name] or 0, self.now[name])
end

-- A call: what is owed meanwhile is silence of the host, and who works on what is counted.
local function work(hosts, connection, name, fn)
  local host = connection.host
  local is_first = host.now == 0
  if is_first then hosts:count("hosts", 1) end
  host.now = host.now + 1
  hosts:count(host.uri, 1)
  hosts:count(host.uri .. "/" .. name, 1)
  if connection.owed == 0 then connection.heard = jobs.now() end
  connection.owed = connection.owed + 1
  local results = table.pack(pcall(fn))
  connection.owed, connection.heard = connection.owed - 1, jobs.now()
  hosts:count(host.uri .. "/" .. name, -1)
  hosts:count(host.uri, -1)
  host.now = host.now - 1
  if host.now == 0 then hosts:count("hosts", -1) end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- Plans ---------------------------------------------------------------------------------------------------------------

local Plan = {}
Plan.__index = Plan

-- Makes one change after the other, as it is told by its domain.
local function make(plan, how)
  for i = 1, plan.changes do
    if how.stop and how.stop() then
      local _, found = fail { code = "stopped", path = plan.domain, value = tostring(i - 1), expected = "n" }
      plan.result = i > 1 and "partly" or "left"
      return nil, found, { done = i - 1, written = i > 1 }
    end
    how.on_progress { state = "begin", number = i, total = plan.changes, step = plan.steps[i], domain = plan.domain }
    wait(plan.connection.host, plan.does.takes)
    if plan.connection.lost then
      plan.result = i > 1 and "partly" or "failed"
      local _, found = pretended.lost(plan.domain)
      return nil, found, { done = i - 1, written = i > 1 }
    end
    how.on_progress { state = "done", number = i, total = plan.changes, step = plan.steps[i], domain = plan.domain }
  end
  plan.result = "done"
  return { domain = plan.domain, done = plan.changes, notes = virtlun.problems {} }
end

function Plan:apply(how)
  local hosts = self.connection.hosts
  hosts:note("make", self.connection.uri .. "/" .. self.domain)
  hosts.how = how
  return work(hosts, self.connection, self.domain, function()
    local result, found, ended
    if self.does.make then result, found, ended = self.does.make(self, how)
    else result, found, ended = make(self, how)
    end
    if not result then self.result = self.result or "failed" end
    return result, found, ended
  end)
end

--- What a plan does that is told nothing else.
pretended.make = make

function Hosts:plan(dom, does, connection)
  local plan = setmetatable({ domain = dom.name, uri = connection.uri, changes = does.changes or 1, steps = {},
    fingerprint = does.fingerprint or "f", connection = connection, does = does }, Plan)
  for i = 1, plan.changes do plan.steps[i] = { device = "d" .. i } end
  return plan, virtlun.problems {}
end

-- Connections ---------------------------------------------------------------------------------------------------------

local Connection = {}
Connection.__index = Connection

function Connection:silence()
  return self.owed > 0 and jobs.now() - self.heard or 0
end

function Connection:close()
  self.hosts:note("close", self.uri)
  self.closed = true
end

function Connection:domain(name)
  local hosts, host = self.hosts, self.host
  if self.closed then error("a closed connection is used", 0) end
  if self.lost then return pretended.lost(name) end
  local does = host.domains[name] or {}
  if does.look_up then work(hosts, self, name, does.look_up) end
  local dom = { name = name, uuid = does.uuid or name }
  function dom.plan()
    hosts:note("plan", self.uri .. "/" .. name)
    return work(hosts, self, name, function()
      wait(host)
      if self.lost then return pretended.lost(name) end
      if does.plan then return does.plan(self, dom) end
      return hosts:plan(dom, does, self)
    end)
  end
  return dom
end

local function open(self, uri, opts)
  local host = self:at(uri or "")
  self:note("open", host.uri)
  host.attempts = host.attempts + 1
  self.opts = opts
  if host.opens_with then
    local _, failure = host.opens_with(opts)
    if failure then return nil, failure end
  end
  wait(host)
  if host.opens and not host.opens(host.attempts) then return unreachable(host.uri) end
  host.connection = setmetatable({ hosts = self, host = host, uri = host.uri, owed = 0 }, Connection)
  return host.connection
end

--- The daemon of a host has gone: what is in flight fails, and so does all that uses this connection.
function Hosts:lose(uri)
  self:at(uri).connection.lost = true
end

--- fn(...), in which whoever opens a connection gets one to these hosts, which have as many lanes as self.lanes says.
function Hosts:within(fn, ...)
  local before, lanes = package.loaded["virtlun.backend"], fleet_hosts.LANES
  package.loaded["virtlun.backend"], fleet_hosts.LANES = { open = function(...) return open(self, ...) end }, self.lanes
  local results = table.pack(pcall(fn, ...))
  package.loaded["virtlun.backend"], fleet_hosts.LANES = before, lanes
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

function pretended.new()
  return setmetatable({ by_uri = {}, log = {}, now = {}, most = {}, lanes = 1 }, Hosts)
end

--- A described domain.
function pretended.domain(name, uri)
  return { kind = "domain", name = name, uri = uri }
end

--- So many on each of the hosts: d1 on the first, d2 on the second and so on.
function pretended.domains(count, ...)
  local uris, list = { ... }, {}
  for i = 1, count do list[i] = pretended.domain("d" .. i, uris[(i - 1) % #uris + 1]) end
  return list
end

return pretended
