--- A run: the moves of a work one after the other, what becomes of each, and what is done when one fails.

local boot = require "virtlun.plan.boot"
local define = require "virtlun.apply.define"
local make = require "virtlun.apply.make"
local problems = require "virtlun.problems"
local undo = require "virtlun.apply.undo"

local runs = {}

local Run = {}
Run.__index = Run

--- What both halves are like, in a text.
local function state_of(host)
  local parts = {}
  for i, half in ipairs(host.halves) do parts[i] = half.document:fingerprint() end
  return table.concat(parts, " ")
end

--- steps: those of the plan that whoever applies it holds; each of them is told its result.
local function new_run(host, steps, opts)
  local run = setmetatable({ host = host, steps = steps, opts = opts, ahead = host.boot and 1 or 0,
    begun = {} }, Run)
  run.before = state_of(host)
  function host.waiting(what) run:report("waiting", run.number, what) end
  for _, step in ipairs(steps) do step.result = nil end -- of an earlier apply
  return run
end

--- Tells who listens of a step; the one for the domain itself comes before those of the moves.  What a listener raises
-- waits for the end: it must not leave a drive out.
function Run:report(state, number, what)
  if not self.opts.on_progress then return end
  local event = { state = state, number = number, total = #self.steps, step = self.steps[number], what = what,
    domain = self.host.dom.name }
  local good, message = pcall(self.opts.on_progress, event)
  if not good and not self.raised then self.raised = { message } end
end

local RESULTS = { done = true, failed = true, unknown = true, undone = true }

--- number: of a move, 0 for the domain itself.
function Run:tell(state, number)
  number = number + self.ahead
  if state == "begin" then self.number, self.begun[number] = number, true end
  if RESULTS[state] then self.steps[number].result = state end
  self:report(state, number)
end

--- Whether a begun move has its running half made, and waits for the define of the other.
local function is_half_done(host)
  for _, move in ipairs(host.moves) do
    if move.begun and move.define and move.live then return true end
  end
  return false
end

--- Whether whoever may stop the run wants that now.  A new boot order is made whole or not at all: with some of its
-- devices it could be one that the others have no place in.
function Run:is_to_stop()
  if self.host.boot and is_half_done(self.host) then return false end
  return self.opts.stop and self.opts.stop() or false
end

--- What the host has refused while a device was made is told of that device.
local function name_device(host, move, failure)
  local change = move.live or move.config
  for _, problem in ipairs(failure) do
    if problem.cause and problem.path == host.dom.name then
      problem.path = ("%s.%s"):format(host.dom.name, change.device)
      problem.file, problem.line = change.file, change.line
    end
  end
end

--- Makes one move by its own calls, and notes which halves it has written.
function Run:make_move(move)
  local host = self.host
  host:begin_step(self.opts.timeout)
  local before = { live = host.wrote.live, config = host.wrote.config }
  local good, failure = make.move(host, move, self.opts)
  move.wrote = { live = host.wrote.live > before.live, config = host.wrote.config > before.config }
  if not good then name_device(host, move, failure) end
  return good, failure
end

--- Makes the moves one after the other; the configuration's define, which comes last, is made by finish.
function Run:make_moves()
  for i, move in ipairs(self.host.moves) do
    self.stopped = self:is_to_stop()
    if self.stopped then return nil, problems.list() end
    self:tell("begin", i)
    move.begun = true
    local good, failure = self:make_move(move)
    if not good then
      move.begun, self.failed = false, move
      self:tell(self.host:is_unanswered(failure) and "unknown" or "failed", i)
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

--- Tells of all that the define was about how it ended, and that it wrote to the configuration.
function Run:tell_defined(result)
  if self.host.boot then self:tell(result, 0) end
  for i, move in ipairs(self.host.moves) do
    if move.define and move.begun then self:tell(result, i) end
  end
end

--- Makes by one define what of the configuration the begun moves and the domain itself need.
function Run:define()
  local host = self.host
  host:begin_step(self.opts.timeout)
  local before = host.wrote.config
  local good, failure = define.make(host)
  for _, move in ipairs(host.moves) do
    if move.define and move.begun then move.wrote.config = host.wrote.config > before end
  end
  return good, failure
end

--- Makes what is left of the configuration, and looks at it: true, or nil and problems.
function Run:finish()
  local host = self.host
  if not host.config then return true end
  self.finished = true
  local good, failure = self:define()
  if good and boot.is_due(host, host.config.document) then
    good, failure = problems.fail { code = "not_made", path = host.dom.name, a = self.steps[1].why }
  end
  if not good then
    self:tell_defined(host:is_unanswered(failure) and "unknown" or "failed")
    return nil, failure
  end
  if host.boot then self:tell("done", 0) end
  return self:verify_defined()
end

--- Keeps the documents as they are now, if all is to be undone on failure: true, or nil and problems.
function Run:remember()
  if self.opts.undo ~= "all" then return true end
  self.was = { xml = {}, documents = {} }
  for name in pairs(self.host.xml) do
    local text, document = self.host:whole(name)
    if not text then return nil, document end
    self.was.xml[name], self.was.documents[name] = text, document
  end
  return true
end

--- All of it: true, or nil and problems.
function Run:execute()
  local kept, lost = self:remember()
  if not kept then return nil, lost end
  if self.host.boot then self:tell("begin", 0) end
  local good, failure = self:make_moves()
  if not good then return nil, failure end
  return self:finish()
end

-- When it failed -------------------------------------------------------------------------------------------

--- Gives the configuration what the running domain has by now, but for a new boot order; what goes wrong with that is
-- told beside the failure.
function Run:settle(failure)
  local host = self.host
  if host.unanswered or host.boot or self.finished or not is_half_done(host) then return end
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
  local good, more = undo.all(self.host, moves, self.was, failure, execute_alone(opts))
  if not good then
    failure:append { problems.new { code = "not_undone", path = self.host.dom.name } }
    return failure:append(more)
  end
  for _, move in ipairs(moves) do
    local wrote = move.wrote.live or move.wrote.config
    if move ~= self.failed and wrote and not move.stays then self:tell("undone", self:number_of(move)) end
  end
end

--- Takes away what the failed step was prepared by.
function Run:undo_needless(failure)
  local failed = self.failed
  if not failed or (failed.live or failed.config).action ~= "add" then return end
  local function tell(move) self:tell("undone", self:number_of(move)) end
  failure:append(undo.needless(self.host, begun_moves(self), self.opts, tell))
end

--- Tells how many steps were made and stay.
function Run:tell_made(failure)
  local made = self:count("done")
  if made == 0 and not self.stopped then return end
  failure:append { problems.new { code = self.stopped and "stopped" or "made_before", path = self.host.dom.name,
    value = tostring(made), expected = tostring(#self.steps) } }
end

--- What is done about a failure, which is what it is told by.  Who stops a run wants what is made to stay.
function Run:mend(failure)
  if self.host.unanswered then
    failure:append { problems.new { code = "unanswered", path = self.host.dom.name } }
  end
  if self.stopped then
    self:settle(failure)
  elseif self.opts.undo == "all" then
    self:undo_all(failure)
  else
    self:settle(failure)
    self:undo_needless(failure)
  end
  self:tell_made(failure)
end

--- What is told where a second signal has come: the steps that were begun may have been made; nothing else is tried.
function Run:give_up()
  local last
  for number, step in ipairs(self.steps) do
    if self.begun[number] and not step.result then step.result, last = "unknown", step end
  end
  local path = last and ("%s.%s"):format(self.host.dom.name, last.device) or self.host.dom.name
  return problems.list { problems.new { code = "abandoned", path = path } }
end

-- How it ended ---------------------------------------------------------------------------------------------

function Run:count(result)
  local count = 0
  for _, step in ipairs(self.steps) do
    if step.result == result then count = count + 1 end
  end
  return count
end

--- Whether something is left of what was written: what was undone again has changed nothing, and what has no answer
-- may still change something.
local function is_changed(host, before, given_up)
  if given_up then return true end
  if not host.written then return false end
  return host.unanswered or not host:refresh() or state_of(host) ~= before
end

--- How the steps ended: counts, and whether the host is changed; the steps that were not begun get their result here.
function Run:ending()
  for i, move in ipairs(self.host.moves) do
    local step = self.steps[i + self.ahead]
    step.result = step.result or move.begun and "failed" or "left"
  end
  if self.host.boot then self.steps[1].result = self.steps[1].result or "left" end
  return { written = is_changed(self.host, self.before, self.given_up), done = self:count("done"),
    undone = self:count("undone"), failed = self:count("failed"), unknown = self:count("unknown"),
    left = self:count("left") }
end

--- All of it, and what is done where it fails: true, or nil and problems.
function Run:execute_or_give_up()
  local ended, good, failure = pcall(function()
    local good, failure = self:execute()
    if not good then self:mend(failure) end
    return good, failure
  end)
  if ended then return good, failure end
  if not self.host.dom.is_given_up(good) then error(good, 0) end
  self.given_up = true
  return nil, self:give_up()
end

--- Makes a work so, which was just read: true; or nil, problems and how it ended.  steps: those of the plan that
-- whoever applies it holds; each of them gets its result.  opts as for plan:apply.
function runs.make(host, steps, opts)
  if #steps ~= #host.moves + (host.boot and 1 or 0) then
    return problems.fail { code = "plan_edited", path = host.dom.name }
  end
  local run = new_run(host, steps, opts)
  local good, failure = run:execute_or_give_up()
  local ended = not good and run:ending() or nil
  if run.raised then error(run.raised[1], 0) end
  if good then return true end
  return nil, failure:append(host.notes), ended
end

return runs
