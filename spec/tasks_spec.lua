-- Tasks: functions of the library in which several things wait at once, what of a program's own tasks and callbacks
-- goes on meanwhile (nothing) and is lost by it (nothing either), and signals.
local child = require("support.child")
local jobs = require("virtlun.backend.jobs")
local tasks = require("virtlun.backend.tasks")
local virtlun = require("virtlun")
local poll = require("poll")

local SHORT = 0.005
local TEST = "test:///default"

-- Dispatches until enough() is true, at most ten seconds.
local function pump(enough)
  local limit = jobs.now() + 10
  while not enough() do
    assert(jobs.now() < limit, "ten seconds, and still not there")
    poll(virtlun.fd(), 1)
    virtlun.dispatch()
  end
end

local interrupt = child.interrupt_us

describe("tasks.run", function()
  it("returns what its function returns, as it is", function()
    assert.same({ 1, nil, 3, nil, n = 4 }, table.pack(tasks.run(function() return 1, nil, 3, nil end)))
    assert.same({ n = 0 }, table.pack(tasks.run(function() jobs.sleep(SHORT) end)))
  end)

  it("raises what its function raises, as it is", function()
    assert.has_error(function() tasks.run(function() error("at once", 0) end) end, "at once")
    assert.has_error(function() tasks.run(function() jobs.sleep(SHORT) error { code = 1 } end) end, { code = 1 })
    assert.has_error(function() tasks.run(function() coroutine.yield() end) end,
      "a function of virtlun.async yielded to nobody")
  end)

  it("lets spawned tasks go on while another waits, each in its own order", function()
    local order = {}
    local function step(name, seconds)
      jobs.sleep(seconds)
      order[#order + 1] = name
    end
    tasks.run(function()
      tasks.spawn(function()
        step("b1", 0.02)
        step("b2", 0.04)
      end)
      step("a1", 0.04)
      step("a2", 0.04)
    end)
    assert.equal("b1 a1 b2 a2", table.concat(order, " "))
  end)

  it("waits for calls of libvirt that are made at once", function()
    local names = {}
    tasks.run(function()
      local connection <close> = assert(virtlun.open(TEST))
      tasks.each({ 1, 2, 3 }, 3, function(i) names[i] = assert(connection:domain("test")).name end)
    end)
    assert.same({ "test", "test", "test" }, names)
  end)

  it("raises what a spawned task raises, and all that several do", function()
    local function fail(message) return function() jobs.sleep(SHORT) error(message, 0) end end
    assert.has_error(function() tasks.run(function()
      tasks.spawn(fail("beside"))
      jobs.sleep(5)
    end) end, "beside")
    assert.has_error(function() tasks.run(function()
      tasks.spawn(function() error("one", 0) end)
      tasks.spawn(function() error("two", 0) end)
      jobs.sleep(5)
    end) end, "one\ntwo")
  end)

  it("gives up what is still waiting when its function has ended, and closes what is to be closed there", function()
    local closed, went_on
    tasks.run(function()
      tasks.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() closed = true end })
        jobs.sleep(0.02)
        went_on = true
      end)
    end)
    if coroutine.close then assert.is_true(closed) end -- Lua 5.3 knows nothing that is to be closed
    jobs.sleep(0.03)
    virtlun.dispatch()
    tasks.run(function() jobs.sleep(SHORT) end)
    assert.is_nil(went_on)
  end)

  it("waits below functions of C and in coroutines of others, where its other tasks wait too", function()
    local beside
    local text = tasks.run(function()
      tasks.spawn(function()
        jobs.sleep(SHORT)
        beside = true
      end)
      return (("x"):gsub("x", function()
        jobs.sleep(0.02)
        assert.is_nil(beside)
        return "y"
      end))
    end)
    assert.equal("y", text)
  end)

  it("may run in a coroutine of another one, which gets all that came meanwhile", function()
    local heard, limit
    tasks.run(function()
      local connection <close> = assert(virtlun.open(TEST))
      tasks.spawn(function() heard = assert(connection:domain("test")).name end)
      coroutine.wrap(function() tasks.run(function() jobs.sleep(0.03) end) end)()
      assert.is_nil(heard)
      limit = jobs.now() + 5
      while not heard and jobs.now() < limit do jobs.sleep(SHORT) end
    end)
    assert.equal("test", heard)
  end)

  it("is a part of the task that it is called in", function()
    local order, ended = {}, nil
    virtlun.async(function()
      return tasks.run(function()
        tasks.each({ 0.01, 0.4 }, 2, function(seconds)
          jobs.sleep(seconds)
          order[#order + 1] = seconds
        end)
        return tasks.run(function() return "inner" end)
      end)
    end, function(...) ended = table.pack(...) end)
    virtlun.async(function()
      jobs.sleep(0.1)
      order[#order + 1] = "other"
    end)
    pump(function() return ended end)
    assert.same({ "inner", n = 1 }, ended)
    assert.same({ 0.01, "other", 0.4 }, order)
  end)
end)

describe("a program's own tasks", function()
  -- What the program does, and how it is seen that it has been done.
  local connection

  before_each(function()
    connection = assert(virtlun.open(TEST))
    virtlun.dispatch()
    assert.is_false(poll(virtlun.fd(), 0))
  end)
  after_each(function() connection:close() end)

  -- Whether nothing of seen() happens inside of tasks.run, and all of it in the next dispatch.
  local function assert_waits(seen)
    tasks.run(function() jobs.sleep(0.05) end)
    assert.is_nil(seen())
    assert.is_true(poll(virtlun.fd(), 0))
    virtlun.dispatch()
    assert.truthy(seen())
    assert.is_false(poll(virtlun.fd(), 0))
  end

  it("do not go on where a time is up", function()
    local woken
    virtlun.async(function()
      jobs.sleep(0.01)
      woken = true
    end)
    assert_waits(function() return woken end)
  end)

  it("do not go on where an answer comes", function()
    local name
    virtlun.async(function() name = assert(connection:domain("test")).name end)
    assert_waits(function() return name end)
  end)

  it("are not told to be done", function()
    local told
    virtlun.async(function() return 7 end, function(number) told = number end)
    assert_waits(function() return told end)
  end)

  it("do not raise", function()
    virtlun.async(function() error("theirs", 0) end)
    tasks.run(function() jobs.sleep(SHORT) end)
    assert.has_error(virtlun.dispatch, "theirs")
  end)

  it("hear of events after it", function()
    local dom, changes = assert(connection:domain("test")), {}
    assert(connection:on("lifecycle", function(event) changes[#changes + 1] = event.change end))
    local watcher <close> = assert(dom:watch())
    tasks.run(function()
      assert(dom:power("destroy"))
      assert(dom:power("start"))
      assert.equal("stopped", watcher:next(10).change)
      assert.equal("started", watcher:next(10).change) -- The events have come.
      jobs.sleep(0.01)
    end)
    assert.same({}, changes)
    pump(function() return #changes == 2 end)
    assert.same({ "stopped", "started" }, changes)
  end)

  it("hear of what has come even where it has raised", function()
    local name
    virtlun.async(function() name = assert(connection:domain("test")).name end)
    assert.has_error(function() tasks.run(function() jobs.sleep(0.05) error("oh", 0) end) end, "oh")
    assert.is_nil(name)
    assert.is_true(poll(virtlun.fd(), 0))
    virtlun.dispatch()
    assert.equal("test", name)
  end)
end)

describe("tasks.each", function()
  it("does so many at once, in their order, and all of them", function()
    for most = 1, 7 do
      local now, peak, begun = 0, 0, {}
      tasks.run(function()
        tasks.each({ 1, 2, 3, 4, 5 }, most, function(item)
          begun[#begun + 1] = item
          now = now + 1
          peak = math.max(peak, now)
          jobs.sleep(SHORT)
          now = now - 1
        end)
        assert.equal(0, now)
      end)
      assert.same({ math.min(most, 5), { 1, 2, 3, 4, 5 } }, { peak, begun })
    end
    tasks.run(function() tasks.each({}, 3, error) end)
  end)

  it("begins nothing after an error, which it raises when the begun ones have ended", function()
    local begun, ended = {}, {}
    local good, message = tasks.run(function()
      return pcall(tasks.each, { 1, 2, 3, 4 }, 2, function(item)
        begun[#begun + 1] = item
        jobs.sleep(item == 1 and SHORT or 0.1)
        if item == 1 then error({ "first" }) end
        ended[#ended + 1] = item
        error("second")
      end)
    end)
    assert.same({ false, { "first" } }, { good, message })
    assert.same({ { 1, 2 }, { 2 } }, { begun, ended })
  end)
end)

describe("a bell", function()
  it("wakes who waits, whoever rings, and forgets that it has", function()
    local order = {}
    tasks.run(function()
      local bell = tasks.bell()
      tasks.spawn(function()
        jobs.sleep(0.01)
        order[#order + 1] = "rings"
        bell:ring()
        bell:ring()
      end)
      bell:wait(5)
      order[#order + 1] = "woken"
      local begun = jobs.now()
      bell:wait(0.02)
      assert.is_true(jobs.now() - begun >= 0.02)
    end)
    assert.same({ "rings", "woken" }, order)
  end)

  it("that has rung before is not waited for", function()
    tasks.run(function()
      local bell = tasks.bell()
      bell:ring()
      local begun = jobs.now()
      bell:wait(5)
      assert.is_true(jobs.now() - begun < 2)
    end)
  end)

  it("wakes in virtlun.async at once, by the descriptor", function()
    local bell, woken = nil, nil
    virtlun.async(function()
      bell = tasks.bell()
      bell:wait(60)
      woken = true
    end)
    virtlun.dispatch()
    assert.is_false(poll(virtlun.fd(), 0))
    bell:ring()
    assert.is_true(poll(virtlun.fd(), 1))
    virtlun.dispatch()
    assert.is_true(woken)
  end)
end)

describe("tasks.hold", function()
  it("gives whether it was good, and what its function returns or raises", function()
    assert.same({ true, 1, nil, n = 3 }, table.pack(tasks.hold(function(...) return ... end, 1, nil)))
    assert.same({ false, "oh", n = 2 }, table.pack(tasks.hold(error, "oh")))
  end)
end)

describe("signals", function()
  -- What each of the tasks that waits says when so many signals have come; first: the one that runs them.
  local function waiters(count)
    local said = {}
    local function note(name, fn)
      return function()
        local good, message = pcall(fn)
        said[name] = good and "went on" or message
      end
    end
    jobs.interruptible(function()
      tasks.run(function()
        local bell = tasks.bell()
        tasks.spawn(note("host", function() jobs.sleep(0.4) end))
        tasks.spawn(note("bell", function() bell:wait(0.4) end))
        tasks.spawn(note("held", function() jobs.unbroken(jobs.sleep, 0.4) end))
        tasks.spawn(note("after", function()
          jobs.unbroken(jobs.sleep, 0.1)
          jobs.sleep(0.3)
        end))
        for _ = 1, count do interrupt() end
        local over = tasks.bell()
        over:wait(0.6)
      end)
      assert.equal(count > 0 and 2 or nil, jobs.interrupted())
    end)
    return said
  end

  it("that come once end no wait", function()
    local on = "went on"
    assert.same({ host = on, bell = on, held = on, after = on }, waiters(1))
  end)

  it("that come twice end the waits for a host, but of those who hold and of those who wait for each other", function()
    local on, off = "went on", "interrupted!"
    assert.same({ host = off, bell = on, held = on, after = off }, waiters(2))
  end)

  it("end what tasks.run itself waits for", function()
    jobs.interruptible(function()
      local good, message = pcall(tasks.run, function()
        interrupt()
        interrupt()
        jobs.sleep(5)
      end)
      assert.same({ false, "interrupted!" }, { good, message })
      assert.is_true(jobs.is_given_up(message))
    end)
    assert.is_false(jobs.is_given_up("interrupted!")) -- it was another one's
    tasks.run(function() jobs.sleep(SHORT) end)
  end)
end)
