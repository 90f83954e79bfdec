--- Many domains on many hosts: planned all together, then made so, in parallel and politely.
--
-- It works in rounds.  A round plans what is not planned yet, asks once, and makes the plans.  A host that does not
-- answer keeps nobody waiting: what it has comes into the next round.  So do domains that have changed since they were
-- planned, and those whose connection was lost by nothing that they did.  How hosts are shared out is
-- fleet/scheduler.lua's matter, how one domain is planned and made that of apply.lua.

local hosts = require "virtlun.fleet.hosts"
local limits = require "virtlun.fleet.limits"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local scheduler = require "virtlun.fleet.scheduler"
local selection = require "virtlun.selection"
local tasks = require "virtlun.tasks"
local transports = require "virtlun.transports"

local fleet = {}

local ATTEMPTS = 3 -- to find a domain as it was planned, and its host connected

local Fleet = {}
Fleet.__index = Fleet

--- Tells who listens, until the report is there.  What a listener raises waits for the end: it must not leave a drive
-- out.
function Fleet:tell(event)
  if self.is_over or not self.opts.on_progress then return end
  local good, message = pcall(self.opts.on_progress, event)
  if not good and not self.raised then self.raised = { message } end
end

--- Whether somebody wants nothing more to be begun; who has said so once is not asked again.  What is raised instead
-- says so too, and waits for the end.
function Fleet:is_to_stop()
  if self.stopped or not self.opts.stop then return self.stopped end
  local good, answer = pcall(self.opts.stop)
  if not good and not self.raised then self.raised = { answer } end
  self.stopped = not good or answer and true or false
  return self.stopped
end

--- Whether nothing more is to be begun: somebody wants that, something was raised, or nobody waits for it any more.
function Fleet:is_stopped()
  return self.is_over or self.scheduler.raised ~= nil or self:is_to_stop()
end

--- Whether no further domain is to be begun, because too many have failed.
function Fleet:has_failed()
  return self.failures > self.may_fail
end

-- One domain -----------------------------------------------------------------------------------------------

local FAILED = { failed = true, partly = true }

function Fleet:tell_of(entry, state)
  local plan, first = entry.plan, entry.problems[1]
  self:tell { event = "domain", state = state, domain = entry.domain.name, uri = entry.host.uri,
    changes = plan and plan.changes, made = entry.made,
    message = FAILED[state] and first and problems.line(first) or nil }
end

--- What was found of a domain; where several hosts have one of its name, each path says which.
function Fleet:told_apart(entry, found)
  if self.named[entry.domain.name] == 1 then return found end
  local uri = entry.host.uri
  for _, problem in ipairs(found) do
    local path = problem.path or ""
    -- What is wrong with a host is the same problem for all its domains.
    if path ~= "" and path:sub(1, #uri) ~= uri then problem.path = ("%s %s"):format(uri, path) end
  end
  return found
end

--- Gives the plan of a domain and its steps the results that nobody has given them.
local function settle(entry)
  entry.plan.result = entry.plan.result or entry.result
  for _, step in ipairs(entry.plan.steps) do step.result = step.result or "left" end
end

function Fleet:finish(entry, result, found)
  if result ~= "done" and entry.has_written then result = "partly" end
  entry.state, entry.result = "ended", result
  if result == "done" then entry.problems = problems.list() end -- what went wrong before has come right
  entry.problems:append(self:told_apart(entry, found or {}))
  if entry.plan and result ~= "done" then settle(entry) end
  if FAILED[result] then self.failures = self.failures + 1 end
  self:tell_of(entry, result)
end

--- Whether a domain is to be tried again in the next round; then it is, as if it had not been planned.
function Fleet:is_again(entry, is_wanted)
  if not is_wanted or entry.attempt == ATTEMPTS or self:is_stopped() then return false end
  entry.state = "new"
  return true
end

--- A failure that only the connection is to blame for: another domain's call was not answered, or the daemon has gone.
local function is_lost(failure)
  return hosts.is_down(failure) and not failure[1].cause.begun and not hosts.is_unreachable(failure)
end

--- Notes that a connection is of no use any more.
local function lose(entry, connection, failure)
  if hosts.is_down(failure) then entry.host:lose(connection) end
end

--- The plan of a domain, and what was found; nil and problems.
function Fleet:plan_on(connection, entry)
  entry.connection = connection
  local dom, failure = connection:domain(entry.domain.name)
  if not dom then return nil, failure end
  entry.identity = connection.uri .. "\n" .. dom.uuid
  return self.opts.plan(dom, entry.domain, self.planning)
end

function Fleet:plan_one(entry, connection, failure)
  if self:is_stopped() then return end
  self:tell_of(entry, "planning")
  entry.attempt = entry.attempt + 1
  local plan, found = nil, failure
  if connection then plan, found = self:plan_on(connection, entry) end
  if plan then
    entry.plan, entry.found, entry.state = plan, self:told_apart(entry, found), "planned"
    return self:tell_of(entry, "planned")
  end
  lose(entry, connection, found)
  if not self:is_again(entry, connection and is_lost(found)) then self:finish(entry, "failed", found) end
end

--- The options of an apply.
function Fleet:making(entry)
  local how = { on_progress = function(event)
    event.event, event.uri = "step", entry.host.uri
    self:tell(event)
  end }
  for name, value in pairs(self.planning) do how[name] = value end
  function how.stop() return self:is_to_stop() end
  return how
end

--- The result of making a domain's plan, as plan:apply gives it.  One that was planned on a connection that is gone is
-- planned again first: it is made if that comes to the same.
function Fleet:make_on(connection, entry)
  if not entry.host:has(entry.connection) then
    local plan, failure = self:plan_on(connection, entry)
    if not plan then return nil, failure end
    if plan.fingerprint ~= entry.plan.fingerprint then
      return problems.fail { code = "host_changed", path = entry.domain.name }
    end
    entry.plan = plan
  end
  return entry.plan:apply(self:making(entry))
end

function Fleet:make_one(entry, connection, failure)
  if self:is_stopped() or self:has_failed() then return end
  if not connection then return self:finish(entry, "failed", failure) end
  self:tell_of(entry, "begin")
  local result, found, ended = self:make_on(connection, entry)
  entry.made = entry.made + (result and result.done or ended and ended.done or 0)
  entry.has_written = entry.has_written or result and result.done > 0 or ended ~= nil and ended.written
  if result then return self:finish(entry, "done", result.notes) end
  lose(entry, entry.connection, found)
  local is_outdated = ended == nil and found[1] ~= nil and found[1].code == "host_changed"
  entry.changed = is_outdated
  if not self:is_again(entry, is_outdated or is_lost(found)) then
    self:finish(entry, entry.plan.result or "failed", found)
  elseif ended and ended.written then
    entry.problems:append(self:told_apart(entry, found)) -- what is half-made is told, should it not come right
  end
end

-- Rounds ---------------------------------------------------------------------------------------------------

function Fleet:entries_in(state)
  local list = {}
  for _, entry in ipairs(self.entries) do
    if entry.state == state then list[#list + 1] = entry end
  end
  return list
end

--- Works on entries by one of the methods above.
function Fleet:work(entries, method, may_leave)
  self.scheduler:work(entries, function(...) method(self, ...) end, may_leave)
end

--- What a recipe says may run no program unless somebody allows that; what somebody says beside it may, unless only
-- certain ways are allowed.
function Fleet:complain_of_transports()
  local allowed = self.opts.transports
  for _, entry in ipairs(self.entries) do
    local said, found = entry.domain.uri, problems.list()
    local is_judged = said ~= nil or allowed ~= nil
    if is_judged and not transports.complain(found, entry.domain, said or self.opts.uri, allowed) then
      self:finish(entry, "failed", found)
    end
  end
end

--- A domain that two names of a recipe mean, its UUID say, would be changed to and fro.
function Fleet:complain_of_twins()
  for _, entry in ipairs(self.entries) do
    local identity, domain = entry.identity, entry.domain
    local owner = identity and self.owners[identity]
    if owner and owner ~= entry and entry.state == "planned" then
      self:finish(entry, "failed", { problems.new { code = "same_domain", path = domain.name, file = domain.file,
        line = domain.line } })
    end
    if identity then self.owners[identity] = owner or entry end
  end
end

--- Whether somebody has made a mistake in what is described: nothing is made then.  A host that says no is none.
function Fleet:has_mistakes()
  for _, entry in ipairs(self.entries) do
    local first = entry.result == "failed" and entry.problems[1]
    if first and (not first.cause or first.code == "no_such_domain") then return true end
  end
  return false
end

--- Waits for hosts that did not answer until there is something to make, or nobody to wait for.
function Fleet:wait_for_late()
  while not self:is_stopped() do
    local nobody = #self.scheduler:working() == 0
    if nobody or self.scheduler:has_only_late() and #self:entries_in("planned") > 0 then return end
    self.scheduler:wait()
  end
end

--- Plans what is not planned yet: all of it, or with may_leave what the hosts have that answer.
function Fleet:plan(may_leave)
  local entries = self:entries_in("new")
  for _, entry in ipairs(entries) do entry.state = "begun" end
  self:work(entries, self.plan_one, may_leave)
  if may_leave then self:wait_for_late() end
  self:complain_of_twins()
end

--- What is wrong with the domains that have failed.  A host's failure is that of all its domains, and is told once.
function Fleet:failed_problems()
  local found, told = problems.list(), {}
  for _, entry in ipairs(self.entries) do
    local first = entry.problems[1]
    if first and not told[first] then found:append(entry.problems) end
    if first then told[first] = true end
  end
  return found
end

--- What is asked about before anything of a round is made.
function Fleet:round_of(entries)
  local round = { plans = {}, changed = {}, late = self.scheduler:working(), problems = problems.list(),
    number = self.number }
  for i, entry in ipairs(entries) do
    round.plans[i] = entry.plan
    round.problems:append(entry.found)
    if entry.changed then round.changed[#round.changed + 1] = entry.plan end
  end
  round.problems:append(self:failed_problems())
  return round
end

--- Whether the planned domains may be made; who is asked may say no.
function Fleet:may_make(entries)
  if self:has_failed() or self.number == 1 and not self.opts.max_fail and self:has_mistakes() then return false end
  return #entries == 0 or self.opts.confirm == nil or self.opts.confirm(self:round_of(entries))
end

--- Whether all of a batch have ended.  Where some are to be tried again, what took their connection may have been what
-- was made, and nobody has seen that it can be.
local function has_ended(batch)
  for _, entry in ipairs(batch) do
    if entry.state ~= "ended" then return false end
  end
  return true
end

function Fleet:make_batch(batch)
  self.is_making = true
  self:work(batch, self.make_one)
  self.is_making = false
end

--- Makes the planned domains, one batch after the other; what comes after one that has not ended waits for the next
-- round.
function Fleet:make(entries)
  local changing = {}
  for _, entry in ipairs(entries) do
    if entry.plan.changes > 0 then
      changing[#changing + 1] = entry
    else
      entry.plan.result = "done"
      self:finish(entry, "done")
    end
  end
  for _, batch in ipairs(limits.batches(changing, self.opts.batches)) do
    if not self:has_failed() then self:make_batch(batch) end
    if not has_ended(batch) then return end
  end
end

--- All rounds.
function Fleet:run()
  repeat
    self.number = self.number + 1
    self:plan(true)
    local planned = self:entries_in("planned")
    if self:is_stopped() or not self:may_make(planned) then return end
    self:make(planned)
  until self:has_failed() or self:is_stopped() or #self:entries_in("ended") == #self.entries
end

-- The report -----------------------------------------------------------------------------------------------

--- What nobody has made any more.
function Fleet:leave(entry)
  entry.state, entry.result = "ended", entry.has_written and "partly" or "left"
  if entry.plan then settle(entry) end
  self:tell_of(entry, entry.result)
end

--- Why domains were left that could have been made.
function Fleet:why_left(left)
  if self:has_failed() then
    return { problems.new { code = "max_fail", value = tostring(self.failures), expected = tostring(self.may_fail) } }
  elseif left > 0 and self:is_stopped() then
    return { problems.new { code = "stopped_run", value = tostring(left), expected = tostring(#self.entries) } }
  end
  return {}
end

--- See fleet.apply.
function Fleet:report()
  local report = { domains = {}, problems = self:failed_problems(), done = 0, failed = false, changed = false }
  local left = 0
  for i, entry in ipairs(self.entries) do
    report.domains[i] = { domain = entry.domain.name, uri = entry.host.uri, result = entry.result, plan = entry.plan,
      made = entry.made, problems = entry.problems, found = entry.found }
    report.done = report.done + entry.made
    report.failed = report.failed or entry.state ~= "planned" and entry.result ~= "done"
    report.changed = report.changed or entry.has_written or false
    if entry.result == "left" then left = left + 1 end
  end
  report.problems:append(self:why_left(left))
  return report
end

-- The whole ------------------------------------------------------------------------------------------------

--- What the domains are planned and made with.
local function planning_of(desired, opts)
  local planning = {}
  for _, name in ipairs(options.names("change")) do planning[name] = opts[name] end
  planning.confirm, planning.on_progress = nil, nil
  planning.known = planning.known or selection.known(desired, opts)
  return planning
end

local function plan_as_usual(dom, domain, opts)
  return dom:plan(domain, opts)
end

local function new_fleet(desired, opts)
  local self = setmetatable({ opts = setmetatable({ plan = opts.plan or plan_as_usual }, { __index = opts }),
    planning = planning_of(desired, opts), entries = {}, named = {}, owners = {}, number = 0, failures = 0,
    stopped = false, is_making = false, may_fail = limits.failures(opts.max_fail, #desired, opts.batches) }, Fleet)
  local open = { readonly = opts.readonly, timeout = options.for_host(opts.timeout), ask = opts.ask,
    is_making = function() return self.is_making end }
  self.scheduler = scheduler.new({ hosts = opts.hosts, patience = opts.patience, open = open },
    function() return self:is_stopped() or self:has_failed() end, function(event) self:tell(event) end)
  for i, domain in ipairs(desired) do
    self.named[domain.name] = (self.named[domain.name] or 0) + 1
    self.entries[i] = { domain = domain, host = self.scheduler:host(domain.uri or opts.uri), state = "new",
      attempt = 0, made = 0, problems = problems.list() }
  end
  return self
end

local function check(opts, level)
  options.check(opts, "fleet", level + 1)
  if opts.hosts and not (math.type(opts.hosts) == "integer" and opts.hosts > 0) then
    error(("'%s' is no number of hosts"):format(opts.hosts), level + 1)
  end
  for _, size in ipairs(opts.batches or {}) do
    if not limits.is_limit(size, 1) then error(("'%s' is no size of a batch"):format(tostring(size)), level + 1) end
  end
  if opts.max_fail and not limits.is_limit(opts.max_fail, 0) then
    error(("'%s' is no limit of failures"):format(tostring(opts.max_fail)), level + 1)
  end
end

--- Runs a fleet as one function: its report.  What was raised meanwhile is raised when nothing is made any more.
local function run(desired, opts, fn)
  opts = opts or {}
  check(opts, 3)
  return tasks.run(function()
    local self = new_fleet(desired, opts)
    self:complain_of_transports()
    local good, message = pcall(fn, self)
    local report = good and self:report()
    self.is_over = true
    self.scheduler:close()
    local raised = not good and { message } or self.raised or self.scheduler.raised
    if raised then error(raised[1], 0) end
    return report
  end)
end

--- fleet.plans(desired, opts) -> report: the plans of all domains, of which nothing is made.  See fleet.apply.
function fleet.plans(desired, opts)
  return run(desired, opts, function(self)
    self:plan(false)
    for _, entry in ipairs(self.entries) do
      if entry.state ~= "planned" and entry.state ~= "ended" then self:leave(entry) end
    end
  end)
end

--- fleet.apply(desired, opts) -> report.  desired: list of described domains, each on the host of its uri.
-- opts: those of dom:plan and plan:apply, and
--   uri         that of domains that say none; nil is libvirt's default
--   readonly    see virtlun.open, as ask
--   transports  list of the only ways to hosts that may be used (see transports.lua); without it all but those by which
--               a uri of a description runs a program
--   hosts       how many are worked on at once (10); one that has not answered for two seconds is not counted
--   patience    how many seconds a host that does not answer may keep the others waiting (2)
--   batches     list of sizes, numbers of domains with changes or percentages of them: { 1, "10%", "100%" }
--   max_fail    how many domains may fail before no further one is begun, as 3 or "10%" of all; 0 where there are
--               batches.  Without it, a mistake in any description keeps everything from being made, and a host that
--               cannot be reached keeps only its own domains from it
--   plan        function(dom, domain, opts) -> plan or nil, problems: how a plan comes about, unless by dom:plan
--   confirm     function(round) -> whether it may be made; round: { plans =, changed = those that were planned again
--               because their domains have changed, late = URIs of hosts that have not answered yet, problems = what
--               was found by planning and what keeps other domains from being made, number = }.  It is asked once for
--               each round
--   on_progress function(event): { event = "step", ... } as for plan:apply, with its uri; { event = "domain", domain =,
--               uri =, state = "planning", "planned", "begin" or its result, changes =, made =, message = };
--               { event = "host", uri =, state = "connecting", "asking" (ssh does, on the terminal), "connected",
--               "lost", "waiting" or "answering", seconds =, message = }
--   stop        function: whether nothing more is to be begun
-- The report: { domains = list of { domain =, uri =, result = "done", "partly", "failed" or "left", plan =, made =
-- number of steps, problems = }, problems = all of them, done = number of steps made, changed = whether a host was
-- changed, failed = whether a domain is not as described }.
function fleet.apply(desired, opts)
  return run(desired, opts, function(self)
    self:run()
    for _, entry in ipairs(self.entries) do
      if entry.state ~= "ended" then self:leave(entry) end
    end
  end)
end

return fleet
