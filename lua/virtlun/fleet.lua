--- Many domains on many hosts: planned all together, then made so, in parallel and politely.
--
-- It works in rounds.  A round plans what is not planned yet, asks once, and makes the plans.  A host that does not
-- answer keeps nobody waiting: what it has comes into the next round.  So do domains that have changed since they were
-- planned, and those whose connection was lost by nothing that they did.  How hosts are shared out is
-- fleet/scheduler.lua's matter, how one domain is planned and made that of fleet/entry.lua.

local new_entry = require("virtlun.fleet.entry").new
local limits = require "virtlun.fleet.limits"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local report = require "virtlun.fleet.report"
local scheduler = require "virtlun.fleet.scheduler"
local selection = require "virtlun.plan.selection"
local tasks = require "virtlun.backend.tasks"
local transports = require "virtlun.backend.transports"

local fleet = {}

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

function Fleet:count_failure()
  self.failures = self.failures + 1
end

--- Whether no further domain is to be begun, because too many have failed.
function Fleet:has_failed()
  return self.failures > self.may_fail
end

-- Rounds ---------------------------------------------------------------------------------------------------

function Fleet:entries_in(state)
  local list = {}
  for _, entry in ipairs(self.entries) do
    if entry.state == state then list[#list + 1] = entry end
  end
  return list
end

--- What a recipe says may run no program unless somebody allows that; what somebody says beside it may, unless only
-- certain ways are allowed.
function Fleet:complain_of_transports()
  local allowed = self.opts.transports
  for _, entry in ipairs(self.entries) do
    local said, found = entry.domain.uri, problems.list()
    local is_judged = said ~= nil or allowed ~= nil
    if is_judged and not transports.complain(found, entry.domain, said or self.opts.uri, allowed) then
      entry:finish("failed", found)
    end
  end
end

--- A domain that two names of a recipe mean, its UUID say, would be changed to and fro.
function Fleet:complain_of_twins()
  for _, entry in ipairs(self.entries) do
    local identity, domain = entry.identity, entry.domain
    local owner = identity and self.owners[identity]
    if owner and owner ~= entry and entry.state == "planned" then
      entry:finish("failed", problems.list():complain(domain, { code = "same_domain" }))
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
  self.scheduler:work(entries, function(entry, ...) entry:make_plan(...) end, may_leave)
  if may_leave then self:wait_for_late() end
  self:complain_of_twins()
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
  round.problems:append(report.problems(self.entries))
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
  self.scheduler:work(batch, function(entry, ...) entry:make(...) end)
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
      entry:finish("done")
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
    self.entries[i] = new_entry(self, domain, self.scheduler:host(domain.uri or opts.uri))
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
    local whole = good and report.of(self)
    self.is_over = true
    self.scheduler:close()
    local raised = not good and { message } or self.raised or self.scheduler.raised
    if raised then error(raised[1], 0) end
    return whole
  end)
end

--- fleet.plans(desired, opts) -> report: the plans of all domains, of which nothing is made.  See fleet.apply.
function fleet.plans(desired, opts)
  return run(desired, opts, function(self)
    self:plan(false)
    for _, entry in ipairs(self.entries) do
      if entry.state ~= "planned" and entry.state ~= "ended" then entry:leave() end
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
      if entry.state ~= "ended" then entry:leave() end
    end
  end)
end

return fleet
