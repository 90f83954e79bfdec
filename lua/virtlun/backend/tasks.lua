--- Tasks: functions in which a wait lets others go on.  Knows the mailbox to which all comes that is waited for, and
-- not what that is: calls and events are those of jobs.lua.
--
-- Each task belongs to a family.  That of tasks.run is served by it until its first task has ended, so that a function
-- of the library can do many things at once and still be called like any other; all other tasks are served by
-- dispatch, and by nothing else.

local tasks = {}

local SLICE = 0.2 -- seconds that a signal's hook waits at most
local OURS, GIVEN_UP = {}, {} -- what a task yields, and what it gets where a second signal has come

local mailbox -- take(id or nil, seconds), count(), now(), alarm(time), new_id(), signals()
local give -- give(may_call, id, message...) -> whether somebody has taken what no task waits for

--- What tasks wait with; see mailbox and give above.
function tasks.use(a_mailbox, a_give)
  mailbox, give = a_mailbox, a_give
end

local known = setmetatable({}, { __mode = "k" }) -- coroutine -> task
local waiting = {} -- id -> { task =, deadline =, is_bell = }

--- A family: its tasks that have ended, messages for it that were met by whoever serves another one, the tasks that
-- wait for their turn, and alarm: before that time none of its tasks stops to wait by itself; nil is never.
local function new_family()
  return { finished = {}, aside = {}, line = {} }
end

local dispatched = new_family() -- the one that dispatch serves
local outside = { held = 0 } -- stands for what is no task

local function current()
  return coroutine.isyieldable() and known[coroutine.running()] or nil
end

-- Waiting ------------------------------------------------------------------------------------------------

--- dispatch learns it by the descriptor.
local function set_alarm(family, time)
  family.alarm = time
  if family == dispatched then mailbox.alarm(time) end
end

local function wake_at(family, time)
  if not family.alarm or family.alarm > time then set_alarm(family, time) end
end

--- Whether whoever waits is to give up, because a second signal has come.
local function is_given_up(holder)
  return holder.held == 0 and (mailbox.signals() or 0) > 1
end

local function give_up()
  error("interrupted!", 0) -- in Lua's own words
end

local function wait_here(id, deadline)
  repeat
    local left = math.max(0, deadline - mailbox.now())
    local came, result, failure = mailbox.take(id, math.min(left, SLICE))
    if came then return true, result, failure end
    if is_given_up(outside) then give_up() end
  until left == 0
end

local function wait_in(task, id, deadline, is_bell)
  waiting[id] = { task = task, deadline = deadline, is_bell = is_bell }
  if deadline < math.huge then wake_at(task.family, deadline) end
  local came, result, failure = coroutine.yield(OURS)
  if came == GIVEN_UP then give_up() end
  return came, result, failure
end

--- true and what the message of that id says; nothing if it did not come in so many seconds.
function tasks.wait(id, seconds)
  local task, deadline = current(), mailbox.now() + seconds
  if not task then return wait_here(id, deadline) end
  return wait_in(task, id, deadline)
end

local function let_go(holder, ...)
  holder.held = holder.held - 1
  return ...
end

--- What runs now does not give up for a signal until fn(...) has ended.  Returns what pcall does; nothing in between
-- takes memory, which may have ended.
function tasks.hold(fn, ...)
  local holder = current() or outside
  holder.held = holder.held + 1
  return let_go(holder, pcall(fn, ...))
end

-- Tasks --------------------------------------------------------------------------------------------------

local function resume(task, ...)
  local results = table.pack(coroutine.resume(task.thread, ...))
  if coroutine.status(task.thread) ~= "dead" then
    if results[2] == OURS then return end
    results = { false, "a function of virtlun.async yielded to nobody", n = 2 }
    if coroutine.close then coroutine.close(task.thread) end
  end
  task.results = results
  local finished = task.family.finished
  finished[#finished + 1] = task
  wake_at(task.family, mailbox.now())
end

local function start(family, fn, done)
  local task = { thread = coroutine.create(fn), done = done, family = family, held = 0 }
  known[task.thread] = task
  resume(task)
  return task
end

--- Begins fn(), in which every wait lets others go on. dispatch calls done(what fn returned...), or done(nil, error) if
-- fn raised one; without done, dispatch raises it.
function tasks.async(fn, done)
  start(dispatched, fn, done)
end

-- Several at once, in a task -------------------------------------------------------------------------------

local Bell = {}
Bell.__index = Bell

--- Wakes who waits for the bell, or who will wait for it next.
function Bell:ring()
  self.rung = true
  local waiter = self.id and waiting[self.id]
  if not waiter then return end
  waiter.deadline = 0 -- long ago, and still a time that an alarm can have
  wake_at(waiter.task.family, mailbox.now())
end

--- Waits until the bell has rung since the last wait, at most so many seconds.  No signal ends this: who rings gives up
-- by itself.
function Bell:wait(seconds)
  if not self.rung then
    self.id = mailbox.new_id()
    wait_in(current(), self.id, mailbox.now() + seconds, true)
    self.id = nil
  end
  self.rung = false
end

--- A bell by which tasks of one family wait for each other.
function tasks.bell()
  return setmetatable({ rung = false }, Bell)
end

--- Begins fn() beside the task that runs.  What it raises is raised by who serves the family.
function tasks.spawn(fn)
  start(current().family, fn)
end

--- fn(item, place) for each of a list, at most so many at once, each in one of so many places; returns when all have
-- ended.  What one raises is raised when those that were begun by then have ended.
function tasks.each(list, most, fn)
  local next_one, working, bell, raised, message = 1, 0, tasks.bell(), false, nil
  local function work(place)
    while next_one <= #list and not raised do
      next_one = next_one + 1
      local good, result = pcall(fn, list[next_one - 1], place)
      if not good and not raised then raised, message = true, result end
    end
    working = working - 1
    bell:ring()
  end
  for place = 1, math.min(most, #list) do
    working = working + 1
    tasks.spawn(function() work(place) end)
  end
  while working > 0 do bell:wait(math.huge) end
  if raised then error(message, 0) end
end

--- fn(...) while no other task of the family is in such a function, in the order in which they come: somebody answers
-- one question at a time.  Who is in one already need not wait, and who is no task cannot.
function tasks.in_turn(fn, ...)
  local task = current()
  local line = task and task.family.line
  if not task or line[1] and line[1].task == task then return fn(...) end
  local place = { task = task, bell = tasks.bell() }
  line[#line + 1] = place
  if line[1] ~= place then place.bell:wait(math.huge) end
  local results = table.pack(pcall(fn, ...))
  table.remove(line, 1)
  if line[1] then line[1].bell:ring() end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- Serving a family -----------------------------------------------------------------------------------------

-- Calls fn; what it raises is told at the end, when nobody waits any more.
local function guarded(errors, fn, ...)
  local good, result = pcall(fn, ...)
  if good then return result end
  errors[#errors + 1] = result
  return true
end

--- Gives a message to whoever waits for it, if that is for this family to do.
local function deliver(family, errors, id, ...)
  local waiter = waiting[id]
  if waiter and waiter.task.family == family then
    waiting[id] = nil
    resume(waiter.task, true, ...)
  elseif waiter or not guarded(errors, give, family == dispatched, id, ...) then
    local aside = (waiter and waiter.task.family or dispatched).aside
    aside[#aside + 1] = table.pack(id, ...)
  end
end

local function deliver_aside(family, errors)
  local before = family.aside
  family.aside = {}
  for _, message in ipairs(before) do deliver(family, errors, table.unpack(message, 1, message.n)) end
end

local function deliver_all(family, errors)
  for _ = 1, mailbox.count() do
    local message = table.pack(mailbox.take())
    -- A callback may have taken or forgotten it meanwhile.
    if message[1] then deliver(family, errors, table.unpack(message, 1, message.n)) end
  end
end

-- Those of a family whose time is up.
local function due(family, now)
  local list = {}
  for id, waiter in pairs(waiting) do
    if waiter.deadline <= now and waiter.task.family == family then list[#list + 1] = id end
  end
  table.sort(list)
  return list
end

local function resume_due(family)
  if not family.alarm or family.alarm > mailbox.now() then return end
  for _, id in ipairs(due(family, mailbox.now())) do
    local waiter = waiting[id]
    waiting[id] = nil
    if waiter then resume(waiter.task) end
  end
end

local function tell_end(errors, task)
  local results = task.results
  if not results[1] and not task.done then errors[#errors + 1] = results[2]
  elseif not results[1] then guarded(errors, task.done, nil, results[2])
  elseif task.done then guarded(errors, task.done, table.unpack(results, 2, results.n))
  end
end

local function tell_ends(family, errors)
  local ended = family.finished
  family.finished = {}
  for _, task in ipairs(ended) do tell_end(errors, task) end
end

--- Raises what was raised; several errors become one text.
local function raise(errors)
  if #errors == 1 then error(errors[1], 0) end
  for i, message in ipairs(errors) do errors[i] = tostring(message) end
  if errors[1] then error(table.concat(errors, "\n"), 0) end
end

--- When the first task of a family stops to wait by itself.
local function next_deadline(family)
  local first = math.huge
  for _, waiter in pairs(waiting) do
    if waiter.task.family == family then first = math.min(first, waiter.deadline) end
  end
  return first
end

-- An alarm that has rung is set anew, for those who still wait.
local function rearm(family, now)
  if not family.alarm or family.alarm > now then return end
  local first = (family.finished[1] or family.aside[1]) and now or next_deadline(family)
  set_alarm(family, first < math.huge and first or nil)
end

--- Delivers what waits now: resumes tasks, calls callbacks. It never waits itself. What callbacks raise is raised when
-- all is delivered.
function tasks.dispatch()
  local errors = {}
  deliver_aside(dispatched, errors)
  deliver_all(dispatched, errors)
  resume_due(dispatched)
  tell_ends(dispatched, errors)
  rearm(dispatched, mailbox.now())
  raise(errors)
end

-- Running a family -----------------------------------------------------------------------------------------

--- Lets the tasks of a family give up that wait for a host.
local function interrupt(family)
  if (mailbox.signals() or 0) < 2 then return end
  local given_up = {}
  for id, waiter in pairs(waiting) do
    if waiter.task.family == family and not waiter.is_bell and is_given_up(waiter.task) then
      given_up[#given_up + 1] = id
    end
  end
  table.sort(given_up)
  for _, id in ipairs(given_up) do
    local waiter = waiting[id]
    waiting[id] = nil
    if waiter then resume(waiter.task, GIVEN_UP) end
  end
end

--- Ends what of a family still waits.
local function abandon(family)
  for id, waiter in pairs(waiting) do
    if waiter.task.family == family then
      waiting[id] = nil
      if coroutine.close then coroutine.close(waiter.task.thread) end
    end
  end
  if dispatched.aside[1] then wake_at(dispatched, mailbox.now()) end
end

local function receive(family, errors, id, ...)
  if id then deliver(family, errors, id, ...) end
end

local function serve(family, first, errors)
  while not first.results and not errors[1] do
    local left = (family.alarm or math.huge) - mailbox.now()
    receive(family, errors, mailbox.take(nil, math.max(0, math.min(left, SLICE))))
    deliver_aside(family, errors)
    deliver_all(family, errors)
    resume_due(family)
    interrupt(family)
    tell_ends(family, errors)
    rearm(family, mailbox.now())
  end
end

--- What fn() returns, in which tasks.spawn and tasks.each do several things at once.  Outside of a task it waits here
-- for what its own tasks wait for, and for nothing else; what they leave behind when fn has ended is given up.
function tasks.run(fn)
  if current() then return fn() end
  local family, errors = new_family(), {}
  local first = start(family, fn, function() end)
  local served, message = pcall(serve, family, first, errors)
  abandon(family)
  if not served then error(message, 0) end -- without memory
  raise(errors)
  if not first.results[1] then error(first.results[2], 0) end
  return table.unpack(first.results, 2, first.results.n)
end

return tasks
