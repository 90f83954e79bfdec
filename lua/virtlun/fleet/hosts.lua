--- The hosts of a fleet: one connection each, opened when first wanted and again where it was lost, and whether the
-- host answers.  Knows neither plans nor rounds.

local jobs = require "virtlun.jobs"
local tasks = require "virtlun.tasks"

local hosts = {}

local Host = {}
Host.__index = Host

local TYPING = 300 -- seconds that a host has at least while ssh itself may ask somebody

--- A host by its URI, nil for libvirt's default.  opts: those of virtlun.open.
function hosts.new(uri, opts)
  return setmetatable({ uri = uri or "", given = uri, opts = opts, working = 0, late = false, hangs = false }, Host)
end

local NO_CONNECTION = { no_host = true, no_credentials = true, no_terminal = true }

--- Whether there could be no connection at all.
function hosts.is_unreachable(failure)
  return failure[1] ~= nil and NO_CONNECTION[failure[1].code] or false
end

--- What of a failure is the host's or its connection's, and no mistake of whoever wants something of it.
function hosts.is_down(failure)
  local problem = failure[1]
  local cause = problem and problem.cause
  if not cause then return false end
  return hosts.is_unreachable(failure) or cause.domain == "VIR_FROM_RPC" or cause.name == "VIR_ERR_NO_CONNECT"
    or cause.begun or cause.waiting or false
end

--- The options of virtlun.open with others over them.  Time that somebody takes to answer is no silence of the host.
local function options_of(self, others)
  local ask = self.opts.ask
  if ask then
    others.ask = function(prompts)
      local answers = ask(prompts)
      self.since = jobs.now()
      return answers
    end
  end
  for name, value in pairs(self.opts) do
    if others[name] == nil then others[name] = value end
  end
  return others
end

local function open(self, others)
  self.since = jobs.now()
  -- Loaded when a host is first wanted, as all that needs libvirt.
  return require("virtlun.backend").open(self.given, options_of(self, others))
end

--- Opens the connection: first so that ssh asks nobody, because several at once would talk in confusion; then, if that
-- could help and somebody is there, one host after the other with the terminal.  asks() is called before that.
local function open_with_terminal(self, asks)
  local connection, failure = open(self, { tty = false })
  if connection or failure[1].code ~= "no_terminal" or not self.opts.ask then return connection, failure end
  return tasks.in_turn(function()
    asks()
    return open(self, { timeout = math.max(self.opts.timeout or 0, TYPING) })
  end)
end

--- The connection, which is opened if there is none; nil and problems.  asks() is called before ssh asks somebody.
function Host:connect(asks)
  while self.opening do jobs.sleep(0.05) end
  if self.connection then return self.connection end
  self.opening = true
  local connection, failure = open_with_terminal(self, asks)
  self.opening, self.connection = false, connection
  return connection, failure
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
