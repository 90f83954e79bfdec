--- Where a run with many domains stands, from the events that virtlun.apply tells: the state of each domain, how many
-- are in each, since when, and which hosts hang.  Knows nothing of how that is shown.

local round = {}

local ENDED = { done = true, unchanged = true, partly = true, failed = true, left = true }
local ACTIVE = { planning = true, running = true }

local Round = {}
Round.__index = Round

local function key_of(entry)
  return ("%s\0%s"):format(entry.uri or "", entry.domain)
end

--- The state of a domain by an event: those of events, but "running" for "begin", and "unchanged" where nothing was to
-- do.
local function state_of(event)
  if event.state == "begin" then return "running" end
  local is_unchanged = event.state == "done" and (event.changes or 0) == 0 and (event.made or 0) == 0
  return is_unchanged and "unchanged" or event.state
end

local function remove(list, wanted)
  for i, entry in ipairs(list) do
    if entry == wanted then return table.remove(list, i) end
  end
end

--- Planning comes first; what is made has seconds and an estimate of its own.
local function begin_making(self, now)
  self.is_making, self.begun, self.passed = true, now, 0
end

--- Counts what says how long one domain takes: those that have come through planning, or were made.
local function count_passed(self, was, is)
  local is_through = self.is_making and was == "running" and ENDED[is]
    or not self.is_making and was == "planning" and is ~= was
  if is_through then self.passed = self.passed + 1 end
end

local function take_domain(self, event, domain, now)
  local was, is = domain.state, state_of(event)
  if not self.is_making and (is == "running" or is == "done" or is == "unchanged") then begin_making(self, now) end
  count_passed(self, was, is)
  self.counts[was] = self.counts[was] - 1
  self.counts[is] = (self.counts[is] or 0) + 1
  self.ended = self.ended + (ENDED[is] and 1 or 0) - (ENDED[was] and 1 or 0)
  remove(self.active, domain)
  if ACTIVE[is] then table.insert(self.active, domain) end
  domain.state, domain.step = is, nil
end

--- A host hangs as long as it is waited for.
local function take_host(self, event)
  local host = self.hanging[event.uri]
  if event.state ~= "waiting" then
    remove(self.hosts, host)
    self.hanging[event.uri] = nil
  elseif host then
    host.seconds = event.seconds
  else
    host = { uri = event.uri, seconds = event.seconds }
    table.insert(self.hosts, host)
    self.hanging[event.uri] = host
  end
end

--- Notes an event at that time.  Returns the domain that it is of, if it is one of the run.
function Round:take(event, now)
  if event.event == "host" then return take_host(self, event) end
  local domain = self.by_key[key_of(event)]
  if not domain then return nil end
  if event.event == "step" then domain.step = event else take_domain(self, event, domain, now) end
  return domain
end

--- How many domains are done with what goes on now: of planning those that have a plan or an end.
function Round:count()
  return self.is_making and self.ended or self.ended + (self.counts.planned or 0)
end

--- For how many seconds that has gone on, and how many it will yet take, if that can be told.
function Round:seconds(now)
  local seconds = now - self.begun
  local left = self.passed > 0 and seconds > 0 and seconds * (#self.domains - self:count()) / self.passed
  return seconds // 1, left and math.ceil(left) or nil
end

--- What a domain is called: with its host where another one has a domain of that name.
function Round:label(domain)
  return self.names[domain.domain] > 1 and ("%s on %s"):format(domain.domain, domain.uri or "") or domain.domain
end

--- A run with domains, a list of { domain =, uri = }.  Its fields: domains (list of { domain =, uri =, state =, step =
-- its last event of a step }), counts (of domains by state), ended (how many), is_making (or still planning), active
-- (list of domains that are planned or made now), hosts (list of those that hang: { uri =, seconds = }).
function round.new(domains, now)
  local self = setmetatable({ domains = {}, by_key = {}, names = {}, counts = { waiting = #domains }, ended = 0,
    passed = 0, begun = now, is_making = false, active = {}, hosts = {}, hanging = {} }, Round)
  for i, entry in ipairs(domains) do
    local domain = { domain = entry.domain, uri = entry.uri, state = "waiting" }
    self.domains[i], self.by_key[key_of(entry)] = domain, domain
    self.names[entry.domain] = (self.names[entry.domain] or 0) + 1
  end
  return self
end

return round
