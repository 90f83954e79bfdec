--- Works through domains host by host: how many hosts and domains at once, one connection each, and that nobody waits
-- for a host that does not answer.  Knows entries by their host only, and not what is done with them.

local hosts = require "virtlun.fleet.hosts"
local jobs = require "virtlun.backend.jobs"
local problems = require "virtlun.problems"
local tasks = require "virtlun.backend.tasks"

local scheduler = {}

local HOSTS = 10 -- at once
scheduler.KEPT = 100 -- connections that stay open between planning and making: each takes descriptors, ssh a process
scheduler.SILENT = 2 -- seconds without an answer after which a host is named, and its place is another one's
local TICK = 0.2 -- seconds between two looks at who does not answer

local Scheduler = {}
Scheduler.__index = Scheduler

--- The host of a URI, nil for libvirt's default; always the same one.
function Scheduler:host(uri)
  local key = uri or ""
  if not self.by_uri[key] then
    self.by_uri[key] = hosts.new(uri, self.open)
    self.hosts[#self.hosts + 1] = self.by_uri[key]
  end
  return self.by_uri[key]
end

-- Hosts ----------------------------------------------------------------------------------------------------

function Scheduler:tell_of(host, state, fields)
  fields = fields or {}
  fields.event, fields.state, fields.uri = "host", state, host.uri
  self.tell(fields)
end

--- Notes which hosts do not answer, and tells of them each second.
function Scheduler:look_at_hosts()
  for _, host in ipairs(self.hosts) do
    local silence = host.working > 0 and host:silence() or 0
    local hangs, seconds = silence >= scheduler.SILENT, math.floor(silence)
    if hangs and seconds ~= host.told then self:tell_of(host, "waiting", { seconds = seconds }) end
    if host.hangs and not hangs and host.lanes[1] and not host.is_lost then self:tell_of(host, "answering") end
    host.late, host.hangs, host.told = silence >= self.patience, hangs, hangs and seconds
  end
end

--- Hosts that are worked on, by their URIs.
function Scheduler:working()
  local uris = {}
  for _, host in ipairs(self.hosts) do
    if host.working > 0 then uris[#uris + 1] = host.uri end
  end
  return uris
end

--- How many of the hosts that are worked on have a place, which those that do not answer have not.
function Scheduler:count()
  local busy = 0
  for _, host in ipairs(self.hosts) do
    if host.working > 0 and not host.hangs then busy = busy + 1 end
  end
  return busy
end

--- Whether all hosts that are still worked on are late.
function Scheduler:has_only_late()
  for _, host in ipairs(self.hosts) do
    if host.working > 0 and not host.late then return false end
  end
  return true
end

--- The connection of a host; nil and problems.
function Scheduler:connect(host)
  if host.lanes[1] then return host.lanes[1] end
  self:tell_of(host, "connecting")
  local connection, failure = host:connect(function() self:tell_of(host, "asking") end)
  if connection then self:tell_of(host, "connected")
  else self:tell_of(host, "lost", { message = problems.line(failure[1]) })
  end
  return connection, failure
end

-- Work -----------------------------------------------------------------------------------------------------

--- The entries by their hosts, in the order of both: list of { host =, entries... }.
local function by_host(entries)
  local groups, of = {}, {}
  for _, entry in ipairs(entries) do
    local group = of[entry.host]
    if not group then
      group = { host = entry.host }
      of[entry.host], groups[#groups + 1] = group, group
    end
    group[#group + 1] = entry
  end
  return groups
end

--- Closes a connection that is one too many; it is opened again when it is wanted.
function Scheduler:close_needless(host)
  local open = 0
  for _, other in ipairs(self.hosts) do
    open = open + other:count_open()
  end
  if open > scheduler.KEPT and host.working == 1 then host:close() end
end

--- Begins to work on the entries of a host.  What a second signal gives up ends there, where somebody has heard it;
-- any other error is kept.
function Scheduler:begin(group, fn)
  local host = group.host
  host.working, group.running = host.working + 1, true
  tasks.spawn(function()
    local good, message = pcall(function()
      local connection, failure = self:connect(host)
      tasks.each(group, hosts.DOMAINS, function(entry, place)
        fn(entry, connection and host:connection_for(place, connection), failure)
      end)
      self:close_needless(host)
    end)
    local is_heard = not good and jobs.is_given_up(message) and self.is_stopped()
    host.working, group.running = host.working - 1, false
    self.bell:ring()
    if not good and not is_heard then self.raised = self.raised or { message } end
  end)
end

--- Waits until something has ended, but not for long, and looks who answers.
function Scheduler:wait()
  self.bell:wait(TICK)
  self:look_at_hosts()
end

--- fn(entry, connection or nil, failure) for each of the entries, so many hosts at once but for those that do not
-- answer.  Returns when all have ended; where may_leave, when all have that are not late, or when it is stopped.
function Scheduler:work(entries, fn, may_leave)
  local groups, begun = by_host(entries), 0
  local function is_awaited(group)
    return group.running and not (may_leave and (group.host.late or self.is_stopped()))
  end
  while true do
    local busy, stopped = self:count(), self.is_stopped()
    while begun < #groups and busy < self.at_once and not stopped do
      begun, busy = begun + 1, busy + 1
      self:begin(groups[begun], fn)
    end
    local awaits = begun < #groups and not stopped
    for _, group in ipairs(groups) do awaits = awaits or is_awaited(group) end
    if not awaits then return end
    self:wait()
  end
end

--- Closes all connections; a second signal ends the wait for that too.
function Scheduler:close()
  tasks.each(self.hosts, #self.hosts, function(host)
    local good, message = pcall(host.close, host)
    if not good and not jobs.is_given_up(message) then error(message, 0) end
  end)
end

--- A scheduler, in a task.  opts: hosts (at once, 10), patience (seconds without an answer after which a host is late:
-- 2), open (see hosts.new); is_stopped() says whether nothing more is to be begun, tell(event) hears of hosts.  What
-- work has raised is in its field raised, in a list.
function scheduler.new(opts, is_stopped, tell)
  return setmetatable({ at_once = opts.hosts or HOSTS, patience = opts.patience or scheduler.SILENT, open = opts.open,
    is_stopped = is_stopped, tell = tell, hosts = {}, by_uri = {}, bell = tasks.bell() }, Scheduler)
end

return scheduler
