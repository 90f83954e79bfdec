--- The hosts of a fleet: one connection each, opened when first wanted and again where it was lost, and whether the
-- host answers.  Knows neither plans nor rounds.

local jobs = require "virtlun.jobs"

local hosts = {}

local Host = {}
Host.__index = Host

--- A host by its URI, nil for libvirt's default.  opts: those of virtlun.open.
function hosts.new(uri, opts)
  return setmetatable({ uri = uri or "", given = uri, opts = opts, working = 0, late = false, hangs = false }, Host)
end

--- What of a failure is the host's or its connection's, and no mistake of whoever wants something of it.
function hosts.is_down(failure)
  local problem = failure[1]
  local cause = problem and problem.cause
  if not cause then return false end
  return problem.code == "no_host" or cause.domain == "VIR_FROM_RPC" or cause.name == "VIR_ERR_NO_CONNECT"
    or cause.begun or cause.waiting or false
end

local function open(self)
  self.opening, self.since = true, jobs.now()
  -- Loaded when a host is first wanted, as all that needs libvirt.
  local connection, failure = require("virtlun.backend").open(self.given, self.opts)
  self.opening, self.connection = false, connection
  return connection, failure
end

--- The connection, which is opened if there is none; nil and problems.
function Host:connect()
  while self.opening do jobs.sleep(0.05) end
  if self.connection then return self.connection end
  return open(self)
end

--- Gives up a connection that was lost; another one is opened when it is wanted.
function Host:lose(connection)
  if self.connection == connection then self.connection = nil end
end

--- How many seconds the host has owed an answer, with nothing else heard of it; 0 where it owes none.
function Host:silence()
  if self.opening then return jobs.now() - self.since end
  return self.connection and self.connection:silence() or 0
end

--- Closes the connection; that of a host that owes an answer ends when it is collected, and nobody waits for it.
function Host:close()
  local connection = self.connection
  self.connection = nil
  if connection and connection:silence() == 0 then connection:close() end
end

return hosts
