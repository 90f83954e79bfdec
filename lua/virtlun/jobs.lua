--- Waits for libvirt: calls, timers and events come back as messages of one mailbox, and here somebody gets them.
--
-- Inside of virtlun.async a wait gives way to others, everywhere else it waits for its own message only. Callbacks
-- run in jobs.dispatch and nowhere else. The only file that requires virtlun.libvirt; it knows how calls are made, not
-- what they are for.

local libvirt = require "virtlun.libvirt"

local jobs = {
  connection = libvirt.connection, -- connection() -> handle that the call "open" opens
  now = libvirt.now, -- now() -> seconds of a clock that never goes back
  fd = libvirt.fd, -- fd() -> descriptor that is readable when there is something to dispatch; not to be read from
}

local SLICE = 0.2 -- seconds that a signal's hook waits at most
local held, counting = 0, 0 -- how deep jobs.unbroken and jobs.interruptible are nested
local OURS = {} -- what a task yields

local tasks = setmetatable({}, { __mode = "k" }) -- coroutine -> task
local waiting = {} -- id -> { task =, deadline = }
local inboxes = {} -- id -> subscription
local finished = {} -- tasks whose end is still to be told
local alarm -- when the descriptor is to become readable, or nil

-- Waiting ------------------------------------------------------------------------------------------------

local function wake_at(time)
  if alarm and alarm <= time then return end
  alarm = time
  libvirt.alarm(time)
end

local function wait_here(id, deadline)
  repeat
    local left = math.max(0, deadline - libvirt.now())
    local came, result, failure = libvirt.take(id, math.min(left, SLICE))
    if came then return true, result, failure end
    if held == 0 and (libvirt.signals() or 0) > 1 then error("interrupted!", 0) end -- in Lua's own words
  until left == 0
end

--- true and what the message says; nothing if it did not come in so many seconds.
local function wait(id, seconds)
  local deadline = libvirt.now() + seconds
  local task = coroutine.isyieldable() and tasks[coroutine.running()]
  if not task then return wait_here(id, deadline) end
  waiting[id] = { task = task, deadline = deadline }
  if deadline < math.huge then wake_at(deadline) end
  return coroutine.yield(OURS)
end

function jobs.sleep(seconds)
  wait(libvirt.new_id(), seconds)
end

-- Signals -------------------------------------------------------------------------------------------------

local function release(good, ...)
  held = held - 1
  if held == 0 then libvirt.hold_signals(false) end
  if not good then error((...), 0) end
  return ...
end

--- fn(...), during which no signal ends the program: Ctrl-C comes after it.  For what must not be left half-way.
function jobs.unbroken(fn, ...)
  held = held + 1
  if held == 1 then libvirt.hold_signals(true) end
  return release(pcall(fn, ...))
end

local function forget_signals(good, ...)
  counting = counting - 1
  if counting == 0 then libvirt.count_signals(false) end
  if not good then error((...), 0) end
  return ...
end

--- fn(...), during which SIGINT, SIGTERM and SIGHUP do not end the program: jobs.interrupted() tells that one has come,
-- and a second one makes whatever waits for a host raise "interrupted!", but inside of jobs.unbroken.
function jobs.interruptible(fn, ...)
  counting = counting + 1
  if counting == 1 then libvirt.count_signals(true) end
  return forget_signals(pcall(fn, ...))
end

--- The number of the latest signal that came inside of jobs.interruptible, nil if none did.
function jobs.interrupted()
  local count, latest = libvirt.signals()
  return count and count > 0 and latest or nil
end

-- Questions ----------------------------------------------------------------------------------------------

local askers = {} -- { task =, id = it waits for }: those that want to ask; the first of them does

local function end_turn(good, ...)
  table.remove(askers, 1)
  local following = askers[1] and waiting[askers[1].id]
  if following then
    following.deadline = libvirt.now()
    wake_at(following.deadline)
  end
  if not good then error((...), 0) end
  return ...
end

-- ask(...) when no other task asks: somebody answers one question at a time. Who is in no task cannot give way, and who
-- asks already, to be able to answer, need not.
local function in_turn(ask, ...)
  local task, first = coroutine.isyieldable() and tasks[coroutine.running()], askers[1]
  if not task or first and first.task == task then return ask(...) end
  local asker = { task = task, id = libvirt.new_id() }
  askers[#askers + 1] = asker
  if first then wait(asker.id, math.huge) end
  return end_turn(pcall(ask, ...))
end

-- Hands a question of libvirt to ask, and what that answers to libvirt, whose call then goes on.
local function put_question(question, ask, handle, id)
  local good, answers = pcall(in_turn, ask, libvirt.prompts(question))
  libvirt.reply(question, good and answers or nil)
  if good then return end
  if not libvirt.abandon(handle, id) then libvirt.forget(id) end
  error(answers, 0)
end

-- Calls --------------------------------------------------------------------------------------------------

-- What came in time; the state itself may be late, while somebody types an answer for another host.
local function hear(id, seconds)
  local came, result, failure = wait(id, seconds)
  if came then return came, result, failure end
  return libvirt.take(id, 0)
end

-- What the call says; ask is for what it asks meanwhile. Its time begins anew when that is answered: however long
-- somebody types, the host has not been silent.
local function answer(name, handle, id, seconds, ask)
  local came, result, failure = hear(id, seconds)
  while came and libvirt.prompts(result) do
    put_question(result, ask, handle, id)
    came, result, failure = hear(id, seconds)
  end
  if came then return result, failure end
  local state
  state, failure = libvirt.abandon(handle, id)
  if not state then -- The answer is on its way.
    came, result, failure = libvirt.take(id, 1) -- luacheck: ignore came
    return result, failure
  end
  failure.begun, failure.waiting = state == "begun" or nil, state == "waiting" or nil
  failure.message = ("the call %s %s within %g s"):format(name,
    state == "begun" and "was not answered" or "had no turn", seconds)
  return nil, failure
end

--- Makes the libvirt call of that name with a connection or domain, and waits for it at most so many seconds.
-- Returns its result, or nil and { code =, name =, domain =, message = }; of a call without an answer also begun = true
-- if it may yet come about, or waiting = true if it never began.
-- A call that is not answered in time is given up, and its connection with it: every further call fails at once.
function jobs.call(name, handle, seconds, options, ...)
  return answer(name, handle, libvirt.submit(name, handle, options, ...), seconds)
end

--- The call "open" of a connection. ask(prompts) -> list of answers, or nil, is called for the credentials that libvirt
-- wants, where this is called from; without it a failure has credentials = true where libvirt wanted some.
function jobs.open(handle, seconds, options, uri, ask)
  options.ask = ask ~= nil
  return answer("open", handle, libvirt.submit("open", handle, options, uri), seconds, ask)
end

--- Closes a connection after its calls, and waits for that at most so many seconds. What uses it then, raises.
function jobs.close(handle, seconds)
  local id = libvirt.close(handle)
  for number, subscription in pairs(inboxes) do
    if subscription.connection == handle then inboxes[number] = nil end
  end
  if id and not wait(id, seconds) then libvirt.abandon(handle, id) end
end

-- Events -------------------------------------------------------------------------------------------------

--- Subscribes to the events that are true in about, of all domains or of one. With fn they are given to it by
-- dispatch, else they are kept for jobs.wait. Returns a subscription, or nil and why not.
function jobs.listen(connection, domain, seconds, about, fn)
  local subscription = { connection = connection, id = libvirt.new_id(), fn = fn, kept = {} }
  local id = libvirt.listen(connection, domain, subscription.id, about)
  inboxes[subscription.id] = subscription
  local good, failure = answer("listen", connection, id, seconds)
  if good then return subscription end
  inboxes[subscription.id] = nil
  return nil, failure
end

--- Ends a subscription at once: no event of it is delivered any more.
function jobs.unlisten(subscription)
  if not inboxes[subscription.id] then return end
  inboxes[subscription.id] = nil
  libvirt.unlisten(subscription.connection, subscription.id)
  libvirt.forget(subscription.id)
end

--- The next event of a subscription without fn; nil if there was none in so many seconds.
function jobs.wait(subscription, seconds)
  if subscription.kept[1] then return table.remove(subscription.kept, 1) end
  local _, event = wait(subscription.id, seconds)
  return event
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
  finished[#finished + 1] = task
  wake_at(libvirt.now())
end

--- Begins fn(), in which every wait lets others go on. dispatch calls done(what fn returned...), or done(nil, error) if
-- fn raised one; without done, dispatch raises it.
function jobs.async(fn, done)
  local task = { thread = coroutine.create(fn), done = done }
  tasks[task.thread] = task
  resume(task)
end

-- Dispatching --------------------------------------------------------------------------------------------

-- Calls fn; what it raises is told at the end, when nobody waits any more.
local function guarded(errors, fn, ...)
  local good, message = pcall(fn, ...)
  if not good then errors[#errors + 1] = message end
end

local function deliver(errors, id, ...)
  if not id then return end -- A callback has taken or forgotten it meanwhile.
  local waiter, subscription = waiting[id], inboxes[id]
  waiting[id] = nil
  if waiter then resume(waiter.task, true, ...)
  elseif subscription and subscription.fn then guarded(errors, subscription.fn, (...))
  elseif subscription then subscription.kept[#subscription.kept + 1] = (...)
  end
end

-- Those whose time is up.
local function due(now)
  local list = {}
  if not alarm or alarm > now then return list end
  for id, waiter in pairs(waiting) do
    if waiter.deadline <= now then list[#list + 1] = id end
  end
  table.sort(list)
  return list
end

-- An alarm that has rung is set anew, for those who still wait.
local function rearm(now)
  if not alarm or alarm > now then return end
  local first = finished[1] and now or math.huge
  for _, waiter in pairs(waiting) do first = math.min(first, waiter.deadline) end
  alarm = first < math.huge and first or nil
  libvirt.alarm(alarm)
end

local function tell_end(errors, task)
  local results = task.results
  if not results[1] and not task.done then errors[#errors + 1] = results[2]
  elseif not results[1] then guarded(errors, task.done, nil, results[2])
  elseif task.done then guarded(errors, task.done, table.unpack(results, 2, results.n))
  end
end

--- Delivers what waits now: resumes tasks, calls callbacks. It never waits itself. What callbacks raise is raised when
-- all is delivered; several errors become one text.
function jobs.dispatch()
  local errors = {}
  for _ = 1, libvirt.count() do deliver(errors, libvirt.take()) end
  for _, id in ipairs(due(libvirt.now())) do
    local waiter = waiting[id]
    waiting[id] = nil
    if waiter then resume(waiter.task) end
  end
  local ended = finished
  finished = {}
  for _, task in ipairs(ended) do tell_end(errors, task) end
  rearm(libvirt.now())
  if #errors == 1 then error(errors[1], 0) end
  for i, message in ipairs(errors) do errors[i] = tostring(message) end
  if errors[1] then error(table.concat(errors, "\n"), 0) end
end

return jobs
