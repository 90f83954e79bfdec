--- One domain of a fleet: planned and made on the connections that it is given, and what becomes of it.  It knows no
-- other domain: when its turn is, is fleet.lua's matter.
--
-- An entry has domain (as described), host (of fleet/hosts.lua), state ("new", "begun", "planned" or "ended"), result
-- (once it has ended: "done", "partly", "failed" or "left"), plan and found (what was found by planning), problems,
-- made (number of steps), has_written (whether the host was changed), changed (whether it was not as planned when it
-- was to be made), identity (of the domain on its host), attempt and connection (of its plan).

local hosts = require "virtlun.fleet.hosts"
local problems = require "virtlun.problems"

local entry = {}

local ATTEMPTS = 3 -- to find a domain as it was planned, and its host connected

local Entry = {}
Entry.__index = Entry

local FAILED = { failed = true, partly = true }

function Entry:tell(state)
  local plan, first = self.plan, self.problems[1]
  self.fleet:tell { event = "domain", state = state, domain = self.domain.name, uri = self.host.uri,
    changes = plan and plan.changes, made = self.made,
    message = FAILED[state] and first and problems.line(first) or nil }
end

--- What was found of a domain; where several hosts have one of its name, each path says which.
function Entry:told_apart(found)
  if self.fleet.named[self.domain.name] == 1 then return found end
  local uri = self.host.uri
  for _, problem in ipairs(found) do
    local path = problem.path or ""
    -- What is wrong with a host is the same problem for all its domains.
    if path ~= "" and path:sub(1, #uri) ~= uri then problem.path = ("%s %s"):format(uri, path) end
  end
  return found
end

--- Gives the plan of a domain and its steps the results that nobody has given them.
function Entry:settle()
  self.plan.result = self.plan.result or self.result
  for _, step in ipairs(self.plan.steps) do step.result = step.result or "left" end
end

--- Ends it.  found: problems, or nil.
function Entry:finish(result, found)
  if result ~= "done" and self.has_written then result = "partly" end
  self.state, self.result = "ended", result
  if result == "done" then self.problems = problems.list() end -- what went wrong before has come right
  self.problems:append(self:told_apart(found or {}))
  if self.plan and result ~= "done" then self:settle() end
  if FAILED[result] then self.fleet:count_failure() end
  self:tell(result)
end

--- Ends it where nobody makes it any more.
function Entry:leave()
  self.state, self.result = "ended", self.has_written and "partly" or "left"
  if self.plan then self:settle() end
  self:tell(self.result)
end

--- Whether a domain is to be tried again in the next round; then it is, as if it had not been planned.
function Entry:is_again(is_wanted)
  if not is_wanted or self.attempt == ATTEMPTS or self.fleet:is_stopped() then return false end
  self.state = "new"
  return true
end

--- A failure that only the connection is to blame for: another domain's call was not answered, or the daemon has gone.
local function is_lost(failure)
  return hosts.is_down(failure) and not failure[1].cause.begun and not hosts.is_unreachable(failure)
end

--- Notes that a connection is of no use any more.
function Entry:lose(connection, failure)
  if hosts.is_down(failure) then self.host:lose(connection) end
end

--- Problems with the place where the domain is described, where they have none.
function Entry:located(found)
  for _, problem in ipairs(found) do
    if not problem.file then problem.file, problem.line = self.domain.file, self.domain.line end
  end
  return found
end

--- The plan of a domain, and what was found; nil and problems.
function Entry:plan_on(connection)
  self.connection = connection
  local dom, failure = connection:domain(self.domain.name)
  if not dom then return nil, self:located(failure) end
  self.identity = connection.uri .. "\n" .. dom.uuid
  return self.fleet.opts.plan(dom, self.domain, self.fleet.planning)
end

--- Plans it on a connection, or fails for want of one.
function Entry:make_plan(connection, failure)
  if self.fleet:is_stopped() then return end
  self:tell("planning")
  self.attempt = self.attempt + 1
  local plan, found = nil, failure
  if connection then plan, found = self:plan_on(connection) end
  if plan then
    self.plan, self.found, self.state = plan, self:told_apart(found), "planned"
    return self:tell("planned")
  end
  self:lose(connection, found)
  if not self:is_again(connection and is_lost(found)) then self:finish("failed", found) end
end

--- The options of an apply.
function Entry:options()
  local how = { on_progress = function(event)
    event.event, event.uri = "step", self.host.uri
    self.fleet:tell(event)
  end }
  for name, value in pairs(self.fleet.planning) do how[name] = value end
  function how.stop() return self.fleet:is_to_stop() end
  return how
end

--- The result of making a domain's plan, as plan:apply gives it.  One that was planned on a connection that is gone is
-- planned again first: it is made if that comes to the same.
function Entry:make_on(connection)
  if not self.host:has(self.connection) then
    local plan, failure = self:plan_on(connection)
    if not plan then return nil, failure end
    if plan.fingerprint ~= self.plan.fingerprint then
      return problems.fail { code = "host_changed", path = self.domain.name }
    end
    self.plan = plan
  end
  return self.plan:apply(self:options())
end

--- Makes its plan on a connection, or fails for want of one.
function Entry:make(connection, failure)
  if self.fleet:is_stopped() or self.fleet:has_failed() then return end
  if not connection then return self:finish("failed", failure) end
  self:tell("begin")
  local result, found, ended = self:make_on(connection)
  self.made = self.made + (result and result.done or ended and ended.done or 0)
  self.has_written = self.has_written or result and result.done > 0 or ended ~= nil and ended.written
  if result then return self:finish("done", result.notes) end
  self:lose(self.connection, found)
  local is_outdated = ended == nil and found[1] ~= nil and found[1].code == "host_changed"
  self.changed = is_outdated
  if not self:is_again(is_outdated or is_lost(found)) then
    self:finish(self.plan.result or "failed", found)
  elseif ended and ended.written then
    self.problems:append(self:told_apart(found)) -- what is half-made is told, should it not come right
  end
end

--- An entry of a fleet, which is told of it.
function entry.new(fleet, domain, host)
  return setmetatable({ fleet = fleet, domain = domain, host = host, state = "new", attempt = 0, made = 0,
    problems = problems.list() }, Entry)
end

return entry
