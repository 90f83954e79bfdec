--- Calls of libvirt, its events, and the signals that come meanwhile: whoever waits for one of them does so in a task
-- or not (see tasks.lua).
--
-- The only file that requires virtlun.libvirt; it knows how calls are made, not what they are for.

local libvirt = require "virtlun.libvirt"
local tasks = require "virtlun.backend.tasks"

local jobs = {
  connection = libvirt.connection, -- connection() -> handle that the call "open" opens
  most_in_flight = libvirt.most_in_flight, -- most_in_flight() -> calls of one connection that there may be at a time
  now = libvirt.now, -- now() -> seconds of a clock that never goes back
  fd = libvirt.fd, -- fd() -> descriptor that is readable when there is something to dispatch; not to be read from
  async = tasks.async,
  dispatch = tasks.dispatch,
}

local masked, counting = 0, 0 -- how deep jobs.unbroken and jobs.interruptible are nested
local inboxes = {} -- id -> subscription
local wait = tasks.wait

function jobs.sleep(seconds)
  wait(libvirt.new_id(), seconds)
end

-- Signals -------------------------------------------------------------------------------------------------

local function release(good, ...)
  masked = masked - 1
  if masked == 0 then libvirt.hold_signals(false) end
  if not good then error((...), 0) end
  return ...
end

--- fn(...), during which no signal ends the program: Ctrl-C comes after it, or is counted.  For what must not be left
-- half-way.
function jobs.unbroken(fn, ...)
  masked = masked + 1
  if masked == 1 then libvirt.hold_signals(true) end
  return release(tasks.hold(fn, ...))
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

--- Whether what was raised is a wait that a second signal has ended.
function jobs.is_given_up(raised)
  return jobs.interrupted() ~= nil and tostring(raised):find("interrupted!", 1, true) ~= nil
end

-- Calls --------------------------------------------------------------------------------------------------

-- Hands a question of libvirt to ask, and what that answers to libvirt, whose call then goes on.
local function put_question(question, ask, handle, id)
  local good, answers = pcall(tasks.in_turn, ask, libvirt.prompts(question))
  libvirt.reply(question, good and answers or nil)
  if good then return end
  if not libvirt.abandon(handle, id) then libvirt.forget(id) end
  error(answers, 0)
end

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

--- Gives an event to its subscription; false if that is for dispatch to do, because it calls back.
local function give(may_call, id, event)
  local subscription = inboxes[id]
  if not subscription then return true end
  if subscription.fn and not may_call then return false end
  if subscription.fn then subscription.fn(event)
  else subscription.kept[#subscription.kept + 1] = event
  end
  return true
end

tasks.use(libvirt, give)

return jobs
