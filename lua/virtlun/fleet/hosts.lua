--- The hosts of a fleet: one connection each, opened when first wanted and again where it was lost, and whether the
-- host answers.  Knows neither plans nor rounds.
--
-- Where libvirt's client bears only one call of a connection at a time, a host has lanes: a connection for each of the
-- domains that are worked on at once.

local jobs = require "virtlun.backend.jobs"
local tasks = require "virtlun.backend.tasks"

local hosts = {}

hosts.DOMAINS = 5 -- of a host at once: a daemon reads no more requests of one connection (facts 11)
hosts.LANES = hosts.DOMAINS // jobs.most_in_flight()

local Host = {}
Host.__index = Host

local TYPING = 300 -- seconds that a host has at least while ssh itself may ask somebody

--- A host by its URI, nil for libvirt's default.  opts: readonly, timeout and ask as virtlun.open has them; is_making()
-- says whether domains are being made.
function hosts.new(uri, opts)
  return setmetatable({ uri = uri or "", given = uri, opts = opts, lanes = {}, opening = {}, working = 0, late = false,
    hangs = false, is_lost = false }, Host)
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

--- What asks somebody, whose time to answer is no silence of the host; nil if nobody can be asked.  As long as others
-- are being made it waits: nothing goes on while somebody types.
local function asking(self)
  local ask = self.opts.ask
  return ask and function(prompts)
    self.is_asking = true
    while self.opts.is_making() do jobs.sleep(0.1) end
    local answers = ask(prompts)
    self.is_asking, self.since = false, jobs.now()
    return answers
  end
end

--- Opens a connection with the options of the host and others over them; nil and problems.
local function open(self, others)
  local options = { readonly = self.opts.readonly, timeout = self.opts.timeout }
  for name, value in pairs(others) do options[name] = value end
  self.since = jobs.now()
  -- Loaded when a host is first wanted, as all that needs libvirt.
  return require("virtlun.backend").open(self.given, options)
end

--- Opens the connection: first so that ssh asks nobody, because several at once would talk in confusion; then, if that
-- could help and somebody is there, one host after the other with the terminal.  asks() is called before that.
local function open_with_terminal(self, asks)
  local ask = not self.opts.is_making() and asking(self) or nil
  local connection, failure = open(self, { tty = false, ask = ask })
  if connection or failure[1].code ~= "no_terminal" or not ask then return connection, failure end
  self.is_asking = true
  connection, failure = tasks.in_turn(function()
    asks()
    return open(self, { timeout = math.max(self.opts.timeout or 0, TYPING), ask = ask })
  end)
  self.is_asking = false
  return connection, failure
end

--- The connection of a lane, opened by fn() if there is none; nil and problems.
local function lane_by(self, lane, fn)
  while self.opening[lane] do jobs.sleep(0.05) end
  if self.lanes[lane] then return self.lanes[lane] end
  self.opening[lane] = true
  local connection, failure = fn()
  self.opening[lane], self.lanes[lane] = nil, connection
  self.is_lost = self.is_lost and not connection
  return connection, failure
end

--- The connection, which is opened if there is none; nil and problems.  asks() is called before ssh asks somebody;
-- nobody is asked for what is being made.
function Host:connect(asks)
  return lane_by(self, 1, function() return open_with_terminal(self, asks) end)
end

--- The connection for one of the domains that are worked on at once, in that place: the first one, or that of a lane,
-- for which nobody is asked again.  Where the first of these is refused, no other is tried: a host that counts refused
-- logins would shut us out.
function Host:connection_for(place, first)
  local lane = (place - 1) % hosts.LANES + 1
  if lane == 1 or self.has_one_lane then return first end
  local connection = lane_by(self, lane, function() return open(self, { tty = false }) end)
  self.has_one_lane = self.has_one_lane or not connection
  return connection or first
end

--- Whether a connection is one of those in use.
function Host:has(connection)
  for _, other in pairs(self.lanes) do
    if other == connection then return true end
  end
  return false
end

--- Gives up a connection that was lost; another one is opened when it is wanted.
function Host:lose(connection)
  for lane, other in pairs(self.lanes) do
    if other == connection then self.lanes[lane], self.is_lost = nil, true end
  end
end

--- How many seconds the host has owed an answer, with nothing else heard of it; 0 where it owes none.  While ssh asks,
-- or waits until it may, somebody is waited for: nothing else may be asked on that terminal, because the yes to a key
-- would be taken for one to changes.
function Host:silence()
  if self.is_asking then return 0 end
  if next(self.opening) then return jobs.now() - self.since end
  local least = math.huge
  for _, connection in pairs(self.lanes) do
    local silence = connection:silence()
    if silence > 0 then least = math.min(least, silence) end
  end
  return least < math.huge and least or 0
end

--- How many connections are open.
function Host:count_open()
  local count = 0
  for _ in pairs(self.lanes) do count = count + 1 end
  return count
end

--- Closes all connections; one on which an answer is owed ends when it is collected, and nobody waits for it.
function Host:close()
  local lanes = self.lanes
  self.lanes = {}
  for _, connection in pairs(lanes) do
    if connection:silence() == 0 then connection:close() end
  end
end

return hosts
