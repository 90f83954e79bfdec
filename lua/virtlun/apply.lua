--- Makes plans so: one move after the other, each on what was just read, each believed only when it is seen.

local boot = require "virtlun.boot"
local define = require "virtlun.define"
local forbid = require "virtlun.forbid"
local guest = require "virtlun.guest"
local hosts = require "virtlun.host"
local hotplug = require "virtlun.hotplug"
local media = require "virtlun.media"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local replace = require "virtlun.replace"
local undo = require "virtlun.undo"

local apply = {}

-- Moves ----------------------------------------------------------------------------------------------------

--- Changes a half of a device that stays.
local function change_half(host, name, change, opts)
  if name == "live" and change.replace then return replace.device(host, change, opts) end
  if name == "live" and change.kind == "cdrom" then return media.change(host, change, opts) end
  local element, found = host:element(name, change)
  if not element then return nil, found end
  local good, failure = host:write("update_device", element, { [name] = true }, opts.force)
  if not good then return nil, failure end
  return host:refresh(name)
end

local function each_half(halves, fn)
  for _, name in ipairs { "live", "config" } do
    if halves[name] then
      local good, failure = fn(name, halves[name])
      if not good then return nil, failure end
    end
  end
  return true
end

local makers = {}

function makers.add(host, halves, opts)
  return hotplug.add(host, halves, opts)
end

--- Looks again at a device that is to leave, because the guest may have taken its time over what left before: what is
-- to be done now, nil if nothing is; or nil and problems.  What has come to another place since it was planned is not
-- what was to leave, and an HBA that somebody has begun to use in this half stays.
local function look_again(host, name, planned)
  local good, failure = host:refresh()
  if not good then return nil, failure end
  local change = host:change(name, planned.desired)
  if not change then return nil end
  if change.kind ~= "controller" then
    if guest.same_place(planned.before.address, change.before.address) then return change end
    return host:fail(change, { code = "host_changed" })
  end
  local code, user = forbid.removal_of_hba(host[name].document:drives(), change.before.index)
  if code then return host:fail(change, { code = code, a = user }) end
  return change
end

function makers.remove(host, halves, opts, move)
  return each_half(halves, function(name)
    local change, failure = look_again(host, name, move[name])
    if not change then return not failure, failure end
    return hotplug.take_out(host, name, change, opts)
  end)
end

function makers.change(host, halves, opts)
  return each_half(halves, function(name, change) return change_half(host, name, change, opts) end)
end

--- What of a move is still to be done by calls of its own, as the halves were last read.
local function rest_of(host, move)
  local rest = {}
  if move.live then rest.live = host:change("live", move.desired) end
  if move.config and not move.define then rest.config = host:change("config", move.desired) end
  return rest
end

--- A step is done when the host says so, not when a call has returned.
local function verify(host, move)
  local rest = rest_of(host, move)
  local change = rest.live or rest.config
  if not change then return true end
  return host:fail(change, { code = "not_made", a = move.step.why })
end

local function make(host, move, opts)
  local rest = rest_of(host, move)
  local change = rest.live or rest.config
  if not change then return true end
  local good, failure = host:check_planned(move, rest)
  if not good then return nil, failure end
  good, failure = makers[change.action](host, rest, opts, move)
  if not good then return nil, failure end
  return verify(host, move)
end

-- A run: all moves of a work, and what becomes of each -------------------------------------------------------

local Run = {}
Run.__index = Run

--- steps: those of the plan that whoever applies it holds; each of them is told its result.
local function new_run(host, steps, opts)
  local run = setmetatable({ host = host, steps = steps, opts = opts, ahead = host.boot and 1 or 0 }, Run)
  run.began = { xml = {}, documents = {} }
  for name, xml in pairs(host.xml) do run.began.xml[name] = xml end
  for name, document in pairs(host.documents) do run.began.documents[name] = document end
  function host.waiting(what) run:report("waiting", run.number, what) end
  return run
end

--- Tells who listens of a step; the one for the domain itself comes before those of the moves.
function Run:report(state, number, what)
  if not self.opts.on_progress then return end
  local step = self.steps[number]
  self.opts.on_progress { state = state, number = number, total = #self.steps, step = step, what = what,
    domain = self.host.dom.name }
end

local RESULTS = { done = true, failed = true, undone = true }

--- number: of a move, 0 for the domain itself.
function Run:tell(state, number)
  number = number + self.ahead
  if state == "begin" then self.number = number end
  if RESULTS[state] then self.steps[number].result = state end
  self:report(state, number)
end

local function stopped(run, number)
  return problems.fail { code = "stopped", path = run.host.dom.name, value = tostring(number),
    expected = tostring(#run.steps) }
end

--- Makes the moves one after the other; the configuration's define, which comes last, is made by finish.
function Run:make_moves()
  for i, move in ipairs(self.host.moves) do
    if self.opts.stop and self.opts.stop() then return stopped(self, i - 1 + self.ahead) end
    self:tell("begin", i)
    self.host:begin_step(self.opts.timeout)
    move.begun = true
    local good, failure = make(self.host, move, self.opts)
    if not good then
      self:tell("failed", i)
      move.begun, self.failed = false, move
      return nil, failure
    end
    if not move.define then self:tell("done", i) end
  end
  return true
end

--- Tells of the moves whose configuration the define was to write what of it is made; nil and problems of what is not.
function Run:verify_defined()
  local host, found = self.host, problems.list()
  local rest = host:changes("config")
  for i, move in ipairs(host.moves) do
    if move.define and move.begun then
      local change = rest[move.desired]
      self:tell(change and "failed" or "done", i)
      if change then found:append { host:problem(change, { code = "not_made", a = move.step.why }) } end
    end
  end
  if #found > 0 then return nil, found end
  return true
end

--- Makes by one define what of the configuration the begun moves and the domain itself need.
function Run:finish()
  local host = self.host
  if not host.config then return true end
  host:begin_step(self.opts.timeout)
  local good, failure = define.make(host)
  local known = good and not boot.is_due(host, host.config.document)
  if host.boot then self:tell(known and "done" or "failed", 0) end
  if not good then return nil, failure end
  if not known then return problems.fail { code = "not_made", path = host.dom.name, a = self.steps[1].why } end
  return self:verify_defined()
end

--- All of it: true, or nil and problems.
function Run:execute()
  if self.host.boot then self:tell("begin", 0) end
  local good, failure = self:make_moves()
  if not good then return nil, failure end
  return self:finish()
end

-- When it failed -------------------------------------------------------------------------------------------

--- Whether a begun move has its running half made, and waits for the define of the other.  A new boot order is made
-- whole or not at all: with some of its devices it could be one that the others have no place in.
local function is_half_done(host)
  if host.boot then return false end
  for _, move in ipairs(host.moves) do
    if move.begun and move.define and move.live then return true end
  end
  return false
end

--- Gives the configuration what the running domain has by now; what goes wrong with that is told beside the failure.
function Run:settle(failure)
  if self.host.unanswered or not is_half_done(self.host) then return end
  local good, more = self:finish()
  if not good then failure:append(more) end
end

--- The moves that were made, and the failed one, which may be made in part.
local function begun_moves(run)
  local made = {}
  for _, move in ipairs(run.host.moves) do
    if move.begun or move == run.failed then made[#made + 1] = move end
  end
  return made
end

function Run:number_of(wanted)
  for i, move in ipairs(self.host.moves) do
    if move == wanted then return i end
  end
end

local function execute_alone(opts)
  return function(host) return new_run(host, host.plan.steps, opts):execute() end
end

--- Makes everything as it was when the run began.
function Run:undo_all(failure)
  local moves = begun_moves(self)
  local opts = { timeout = self.opts.timeout, reattach = self.opts.reattach, force = true }
  local good, more = undo.all(self.host, moves, self.began, execute_alone(opts))
  if not good then
    failure:append { problems.new { code = "not_undone", path = self.host.dom.name } }
    return failure:append(more)
  end
  for _, move in ipairs(moves) do
    if move ~= self.failed then self:tell("undone", self:number_of(move)) end
  end
end

--- Takes away what the failed step was prepared by.
function Run:undo_needless(failure)
  local failed = self.failed
  if not failed or (failed.live or failed.config).action ~= "add" then return end
  local function tell(move) self:tell("undone", self:number_of(move)) end
  failure:append(undo.needless(self.host, begun_moves(self), self.opts, tell))
end

local function is_stopped(failure)
  return failure[1].code == "stopped"
end

--- What is done about a failure, which is what it is told by.  Who stops a run wants it as it is.
function Run:mend(failure)
  if self.opts.undo == "all" and not is_stopped(failure) then self:undo_all(failure)
  else
    self:settle(failure)
    if not is_stopped(failure) then self:undo_needless(failure) end
  end
  local stays = self:count("done")
  if stays > 0 and not is_stopped(failure) then
    failure:append { problems.new { code = "made_before", path = self.host.dom.name, value = tostring(stays),
      expected = tostring(#self.steps) } }
  end
end

-- How it ended ---------------------------------------------------------------------------------------------

function Run:count(result)
  local count = 0
  for _, step in ipairs(self.steps) do
    if step.result == result then count = count + 1 end
  end
  return count
end

--- What both halves are like, in a text.
local function state_of(host)
  local parts = {}
  for i, half in ipairs(host.halves) do parts[i] = half.document:fingerprint() end
  return table.concat(parts, " ")
end

--- Whether something is left of what was written: what was undone again has changed nothing, and what has no answer
-- may still change something.
local function is_changed(host, before)
  if not host.written then return false end
  return host.unanswered or not host:refresh() or state_of(host) ~= before
end

--- How the steps ended: counts, and whether the host is changed; the steps that were not begun get their result here.
function Run:ending(before)
  for i, move in ipairs(self.host.moves) do
    local step = self.steps[i + self.ahead]
    step.result = step.result or move.begun and "failed" or "left"
  end
  return { written = is_changed(self.host, before), done = self:count("done"), undone = self:count("undone"),
    failed = self:count("failed"), left = self:count("left") }
end

--- Makes what was just read so: { domain =, done =, notes = }; or nil, problems and how it ended.
local function run(host, plan, opts)
  local dom = host.dom
  if plan.changes > 0 and dom.connection.readonly then
    return problems.fail { code = "read_only", path = dom.name }
  end
  local before, job = state_of(host), new_run(host, plan.steps, opts)
  local good, failure = job:execute()
  if good then return { domain = dom.name, done = plan.changes, notes = host.notes } end
  job:mend(failure)
  return nil, failure:append(host.notes), job:ending(before)
end

--- Makes a plan so, if the domain is still as it was planned.
local function run_plan(dom, desired, plan, opts)
  if plan.changes == 0 then return { domain = dom.name, done = 0, notes = problems.list() } end
  opts.xml = false
  local host, failure = hosts.read(dom, desired, opts)
  if not host then return nil, failure end
  if host.plan.fingerprint ~= plan.fingerprint then
    return problems.fail { code = "host_changed", path = dom.name }
  end
  return run(host, plan, opts)
end

--- apply.plan(dom, desired, opts) -> plan with a method apply(opts), or nil and problems.
-- opts: scope ("live", "config", or "both" where the recipe says one), only and except (lists of what devices are
-- called, * for any text), force (a running domain may lose what holds data).
-- plan:apply(opts) takes what the plan was made with, and force (also a tray that the guest has locked), reattach =
-- false (never replace a drive to change its medium), timeout (seconds for a step: 30 until an unplug counts as
-- pending, 120 for a domain that another client keeps busy), undo = "all" (on failure everything that was made), stop
-- (a function, asked before each step, whose true ends the run there), on_progress (a function of events: { state =
-- "begin", "waiting", "done", "failed" or "undone", number =, total =, step =, what = "guest" or "busy" that is waited
-- for, domain = }).
-- It returns { domain =, done = number of steps, notes = }; or nil, problems, and how it ended: { written = whether the
-- host is changed, done =, failed =, undone =, left = numbers of steps }.  Each step then has its result: "done",
-- "failed", "undone" or "left".
function apply.plan(dom, desired, opts)
  local host, found = hosts.read(dom, desired, opts)
  if not host then return nil, found end
  local plan = host.plan
  plan.uri = plan.uri or dom.connection.uri
  setmetatable(plan, { __index = { apply = function(self, how)
    options.check(how, "change", 2)
    local all = {}
    for _, some in ipairs { opts or {}, how or {} } do
      for key, value in pairs(some) do all[key] = value end
    end
    return run_plan(dom, desired, self, all)
  end } })
  return plan, found
end

--- Makes what was just read so; with opts.confirm only if that says yes to the plan, and if the domain is then still
-- as it was: whoever is asked may take their time.  A no is nil and no problem.
local function run_confirmed(host, opts)
  if not opts.confirm or host.plan.changes == 0 then return run(host, host.plan, opts) end
  if not opts.confirm(host.plan) then return nil, problems.list() end
  return run_plan(host.dom, host.desired, host.plan, opts)
end

--- apply.now(dom, desired, opts, seen) plans on what host.look has just seen, and makes it so at once.  allow(plan) may
-- give problems that forbid it.  Returns what plan:apply does, with the plan.
function apply.now(dom, desired, opts, seen, allow)
  local host, found = hosts.read(dom, desired, opts, seen)
  if not host then return nil, found end
  host.plan.uri = host.plan.uri or dom.connection.uri
  local refused = allow and allow(host.plan)
  if refused and refused:has_errors() then return nil, refused end
  local result, failure, ended = run_confirmed(host, opts or {})
  if not result then return nil, failure, ended end
  result.plan, result.notes = host.plan, found:append(result.notes)
  return result
end

return apply
