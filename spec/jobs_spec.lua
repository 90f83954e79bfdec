-- Jobs and events: what virtlun.async, dispatch and fd promise, on libvirt's test driver, on a private daemon that is
-- stopped or killed, and in event loops of others. Whoever waits here waits for an event, and at most some seconds.
local backend = require("virtlun.backend")
local child = require("support.child")
local jobs = require("virtlun.backend.jobs")
local session = require("support.session")
local virtlun = require("virtlun")
local poll = require("poll")

local build = os.getenv("VIRTLUN_BUILD") or "build"
local TEST = "test:///default"
local UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"

-- Dispatches until enough() is true, at most ten seconds.
local function pump(enough)
  local limit = backend.now() + 10
  while not enough() do
    assert(backend.now() < limit, "ten seconds, and still not there")
    poll(virtlun.fd(), 1)
    virtlun.dispatch()
  end
end

-- Runs each function as a task and returns what each one gave to its done.
local function all(...)
  local results, left = {}, select("#", ...)
  for i, fn in ipairs { ... } do
    virtlun.async(fn, function(...)
      results[i] = table.pack(...)
      left = left - 1
    end)
  end
  pump(function() return left == 0 end)
  return results
end

local function took(fn, ...)
  local begun = backend.now()
  local results = table.pack(fn(...))
  return backend.now() - begun, table.unpack(results, 1, results.n)
end

local function cause(problems)
  return problems[1].cause.name .. ": " .. problems[1].cause.message
end

describe("virtlun.async", function()
  it("gives done what fn returned, and only in dispatch", function()
    local told
    virtlun.async(function() return 1, nil, 3 end, function(...) told = table.pack(...) end)
    assert.is_nil(told)
    pump(function() return told end)
    assert.same({ 1, nil, 3, n = 3 }, told)
  end)

  it("lets others go on while it waits, and each domain's calls keep their order", function()
    local connection <close> = assert(virtlun.open(TEST))
    local dom = assert(connection:domain("test"))
    local order = {}
    local subscription = assert(connection:on("lifecycle", function(event) order[#order + 1] = event.change end))
    local results = all(function() return dom:power("destroy") end, function() return dom:power("start") end,
      function() return dom:power("destroy") end, function() return dom:power("start") end,
      function()
        while #order < 4 do backend.sleep(0.001) end
        return "slept"
      end)
    for i = 1, 4 do assert.same({ true, n = 1 }, results[i]) end
    assert.same({ "slept", n = 1 }, results[5])
    subscription:close()
    assert.equal("stopped started stopped started", table.concat(order, " "))
  end)

  it("has many in flight", function()
    local connection <close> = assert(virtlun.open(TEST))
    local tasks = {}
    for i = 1, 200 do
      tasks[i] = function() return assert(connection:domain("test")):facts().driver:upper() .. i end
    end
    for i, result in ipairs(all(table.unpack(tasks))) do assert.equal("TEST" .. i, result[1]) end
  end)

  it("hands an error that fn raises to done, and without done to dispatch", function()
    local results = all(function() error("oh", 0) end, function() error { code = 1 } end,
      function() backend.sleep(0.001) error("later", 0) end, function() coroutine.yield(7) end)
    assert.same({ nil, "oh", n = 2 }, results[1])
    assert.same({ nil, { code = 1 }, n = 2 }, results[2])
    assert.same({ nil, "later", n = 2 }, results[3])
    assert.same({ nil, "a function of virtlun.async yielded to nobody", n = 2 }, results[4])
    virtlun.async(function() error("nobody hears", 0) end)
    assert.has_error(virtlun.dispatch, "nobody hears")
  end)

  it("is told problems as everybody else is", function()
    local result = all(function() return virtlun.open("nonsense:///") end)[1]
    assert.is_nil(result[1])
    assert.equal("no_host", result[2][1].code)
  end)

  it("waits where it cannot give way: below a C function, and in a coroutine of its own", function()
    local connection <close> = assert(virtlun.open(TEST))
    local results = all(
      function() return (("x"):gsub("x", function() return assert(connection:domain("test")).uuid end)) end,
      function() return coroutine.wrap(function() return assert(connection:domain("test")).uuid end)() end)
    assert.same({ { UUID, n = 1 }, { UUID, n = 1 } }, results)
  end)

  it("closes what is to be closed in it", function()
    if not coroutine.close then return pending("Lua 5.3 knows nothing that is to be closed") end
    local kept
    all(function()
      local connection <close> = assert(virtlun.open(TEST))
      kept = connection
    end)
    assert.has_error(function() kept:domains() end)
  end)
end)

describe("virtlun.dispatch", function()
  it("loses nothing when callbacks raise errors, and raises them at its end", function()
    local connection <close> = assert(virtlun.open(TEST))
    local dom = assert(connection:domain("test"))
    local seen = {}
    assert(connection:on("lifecycle", function(event)
      seen[#seen + 1] = event.change
      error("no " .. event.change, 0)
    end))
    assert(dom:power("destroy"))
    assert(dom:power("start"))
    local said = {}
    while #seen < 2 do
      assert.is_true(poll(virtlun.fd(), 5))
      local good, message = pcall(virtlun.dispatch)
      if not good then said[#said + 1] = message end
    end
    assert.equal("no stopped\nno started", table.concat(said, "\n"))
    virtlun.dispatch() -- It is said once.
    for _, word in ipairs { "one", "two" } do
      virtlun.async(function() end, function() error(word, 0) end)
    end
    assert.has_error(virtlun.dispatch, "one\ntwo")
  end)

  it("may be called by callbacks, which may also end what is still to be delivered", function()
    local connection <close> = assert(virtlun.open(TEST))
    local dom = assert(connection:domain("test"))
    local seen, other = 0, nil
    assert(connection:on("lifecycle", function()
      seen = seen + 1
      if other then other:close() end
      virtlun.dispatch()
    end))
    other = assert(connection:on("lifecycle", function() seen = seen + 10 end))
    local watcher = assert(dom:watch())
    assert(dom:power("destroy"))
    assert(dom:power("start"))
    assert.equal("stopped", watcher:next().change)
    assert.equal("started", watcher:next().change)
    pump(function() return seen >= 2 end)
    virtlun.dispatch()
    assert.equal(2, seen)
    watcher:close()
  end)

  it("is where callbacks run, never a wait", function()
    local connection <close> = assert(virtlun.open(TEST))
    local dom, seen = assert(connection:domain("test")), nil
    local watcher = assert(dom:watch())
    assert(connection:on("lifecycle", function(event) seen = event end))
    assert(dom:power("destroy"))
    assert.equal("stopped", watcher:next(10).change) -- The event has come.
    backend.sleep(0.01)
    assert.is_nil(seen)
    pump(function() return seen end)
    assert.same({ event = "lifecycle", domain = "test", uuid = UUID, change = "stopped", detail = seen.detail }, seen)
    assert.equal("integer", math.type(seen.detail))
    watcher:close()
    assert(dom:power("start"))
  end)

  it("has a descriptor that is readable while there is something to do, and else not", function()
    virtlun.dispatch()
    assert.is_false(poll(virtlun.fd(), 0))
    local done
    virtlun.async(function() backend.sleep(0.02) end, function() done = true end)
    assert.is_false(poll(virtlun.fd(), 0))
    assert.is_true(poll(virtlun.fd(), 5))
    pump(function() return done end)
    assert.is_false(poll(virtlun.fd(), 0))
    assert(virtlun.open(TEST)):close() -- An answer that was waited for leaves nothing.
    assert.is_false(poll(virtlun.fd(), 0))
  end)
end)

describe("a subscription", function()
  it("ends when it is closed, and with its connection", function()
    local connection = assert(virtlun.open(TEST))
    local dom, seen = assert(connection:domain("test")), 0
    local function count() seen = seen + 1 end
    local one, two = assert(connection:on("lifecycle", count)), assert(connection:on("lifecycle", count))
    assert(dom:power("destroy"))
    pump(function() return seen == 2 end)
    one:close()
    one:close()
    assert(dom:power("start"))
    pump(function() return seen == 3 end)
    assert(dom:power("destroy"))
    connection:close()
    two:close()
    virtlun.dispatch()
    assert.equal(3, seen)
  end)

  it("is refused for an event that does not exist", function()
    local connection <close> = assert(virtlun.open(TEST))
    assert.has_error(function() connection:on("trays", print) end)
  end)

  it("cannot be had where no event loop runs, and then says so", function()
    local result = child.script([[
      local c = assert(require("virtlun").open("test:///default", { events = false }))
      for _, event in ipairs { "lifecycle", "closed" } do
        local none, problems = c:on(event, print)
        print(none, problems[1].code, problems[1].cause.message)
      end
      local watcher = c:domain("test"):watch()
      print(watcher:next(0), watcher:next(0.01))
      watcher:close()]])
    local line = "nil\thost_refused\tno event loop of libvirt runs in this program\n"
    -- A watcher hears nothing there, and who waits by it looks again when its time is up.
    assert.same({ line .. line .. "nil\tnil\n", "" }, { result.out, result.err })
  end)

  it("may be collected with its connection at any time", function()
    for _ = 1, 20 do
      local connection = assert(virtlun.open(TEST))
      local watcher = assert(assert(connection:domain("test")):watch())
      virtlun.async(function() return connection:domains() end)
      assert.is_nil(watcher:next(0))
      connection, watcher = nil, nil -- luacheck: ignore
      collectgarbage()
    end
    virtlun.dispatch()
  end)
end)

describe("loops of others", function()
  local body = [[
    local virtlun, backend = require "virtlun", require "virtlun.backend"
    local connection = assert(virtlun.open("test:///default"))
    local events, ended = {}, 0
    connection:on("lifecycle", function(event) events[#events + 1] = event.change end)
    for i = 1, 3 do
      virtlun.async(function()
        backend.sleep(0.01 * i)
        if i == 2 then
          local dom = assert(connection:domain "test")
          assert(dom:power("destroy"))
          assert(dom:power("start"))
        end
      end, function(_, problems) assert(not problems, problems) ended = ended + 1 end)
    end
    local function over() return ended == 3 and #events == 2 end
    ]]
  local loops = {
    poll = [[
      local poll = require "poll"
      while not over() do
        assert(poll(virtlun.fd(), 5))
        virtlun.dispatch()
      end]],
    luv = [[
      local uv = require "luv"
      local handle = uv.new_poll(virtlun.fd())
      handle:start("r", function()
        virtlun.dispatch()
        if over() then handle:close() end
      end)
      uv.run()]],
    cqueues = [[
      local cqueues = require "cqueues"
      local queue = cqueues.new()
      queue:wrap(function()
        while not over() do
          cqueues.poll({ pollfd = virtlun.fd(), events = "r" }, 5)
          virtlun.dispatch()
        end
      end)
      assert(queue:loop())]],
  }
  for name, loop in pairs(loops) do
    it("drive it: " .. name, function()
      if not pcall(require, name) then return pending("the Lua module " .. name .. " is not on this machine") end
      local result = child.script(body .. loop .. [[ print(table.concat(events, " "))]], { timeout = 20 })
      assert.same({ "stopped started\n", "", 0 }, { result.out, result.err, result.code })
    end)
  end
end)

describe("several Lua states of a process", function()
  it("work on several threads, and close in any order with work in flight", function()
    local result = child.run({ build .. "/embed/states", "spec/embed/states.lua", "4", "12" },
      { env = { LUA_PATH = package.path, LUA_CPATH = package.cpath } })
    assert.same({ "48 states, 0 errors\n", "", 0 }, { result.out, result.err, result.code })
  end)

  it("may end at once, whatever is in flight", function()
    for _, ending in ipairs { "os.exit(0, true)", "os.exit(0)", "" } do
      local result = child.script([[
        local virtlun = require "virtlun"
        local connection = virtlun.open("test:///default")
        local dom = connection:domain("test")
        for _ = 1, 50 do virtlun.async(function() return dom:facts() end) end
        virtlun.async(function() return virtlun.open("test:///default") end) ]] .. ending)
      assert.same({ "", 0 }, { result.err, result.code })
    end
  end)
end)

local missing = session.missing()
local what = "a daemon that is stopped or killed"
if missing then
  describe(what, function() it("is watched", function() pending(missing) end) end)
  return
end

describe(what, function()
  local daemon, pid, uri

  local function signal(name) os.execute(("kill -%s %d"):format(name, pid)) end

  before_each(function()
    daemon = session.start()
    local file = assert(io.open(daemon.folder .. "/pid"))
    pid = file:read("n")
    file:close()
    uri = daemon.uri:gsub("^qemu:///session", "test+unix:///default") -- The daemon has the test driver too.
  end)
  after_each(function()
    signal("CONT")
    daemon:stop()
  end)

  local function define(connection, count)
    local domains = {}
    for i = 1, count do
      local xml = "<domain type='test'><name>d%d</name><memory>1024</memory><os><type>hvm</type></os></domain>"
      xml = xml:format(i)
      assert(jobs.call("define", connection.handle, 10, nil, xml))
      domains[i] = assert(connection:domain("d" .. i))
    end
    return domains
  end

  local function count(results)
    local counts = {}
    for _, result in ipairs(results) do
      local text = result[1] and "true" or cause(result[2])
      counts[text] = (counts[text] or 0) + 1
    end
    return counts
  end

  local unanswered = "VIR_ERR_OPERATION_TIMEOUT: the call start was not answered within 0.5 s"
  local given_up = "VIR_ERR_NO_CONNECT: the connection is given up: the call start was not answered in time"

  -- libvirt's client does not survive several calls of a connection before 10.3.0; the test driver is the client.
  local function most_in_flight()
    local own <close> = assert(virtlun.open(TEST))
    return own.version >= 10003000 and 5 or 1
  end

  it("has at most five calls of a connection in flight, and the others fail with the first that is given up", function()
    local most = most_in_flight()
    local connection <close> = assert(virtlun.open(uri, { timeout = 0.5 }))
    local tasks = {}
    for i, dom in ipairs(define(connection, 8)) do tasks[i] = function() return dom:power("start") end end
    signal("STOP")
    local seconds, results = took(all, table.unpack(tasks))
    assert.same({ [unanswered] = most, [given_up] = 8 - most }, count(results))
    assert.is_true(seconds >= 0.5 and seconds < 3, seconds)
  end)

  it("has at most one call of a domain in flight, by whichever handle, and then the next", function()
    local connection <close> = assert(virtlun.open(uri, { timeout = 0.5 }))
    local doms, most = define(connection, 2), math.min(most_in_flight(), 2)
    doms[3] = assert(connection:domain("d1"))
    local function start(i) return function() return doms[i]:power("start") end end
    signal("STOP")
    assert.same({ [unanswered] = most, [given_up] = 4 - most }, count(all(start(1), start(3), start(2), start(1))))
    signal("CONT")
    -- Whoever comes later has a connection of its own, and the daemon has done what it was asked meanwhile.
    local other <close> = assert(virtlun.open(uri))
    assert.is_true(#assert(other:domains()) >= 3)
  end)

  it("goes on where it was when it continues in time", function()
    local connection <close> = assert(virtlun.open(uri, { timeout = 20 }))
    local tasks = { function() backend.sleep(0.2) signal("CONT") return true end }
    for _, dom in ipairs(define(connection, 8)) do tasks[#tasks + 1] = function() return dom:power("start") end end
    signal("STOP")
    assert.same({ ["true"] = 9 }, count(all(table.unpack(tasks))))
  end)

  for _, close in ipairs { "connection:close()", "connection = nil collectgarbage()" } do
    it("closes a connection after the calls that were asked for before: " .. close, function()
      local result = child.script([[
        local virtlun = require "virtlun"
        local poll = require "poll"
        local connection = assert(virtlun.open(arg[1]))
        local ended, dom = 0, assert(connection:domain "test")
        os.execute("kill -STOP " .. arg[2])
        for _, call in ipairs { "destroy", "start", "destroy", "start" } do
          virtlun.async(function() return dom:power(call) end, function(good, problems)
            print(call, good, problems)
            ended = ended + 1
          end)
        end
        dom = nil
        os.execute("(sleep 0.2; kill -CONT " .. arg[2] .. ") &")
        ]] .. close .. [[

        while ended < 4 and poll(virtlun.fd(), 5) do virtlun.dispatch() end]], { timeout = 20 }, uri, tostring(pid))
      assert.same({ ("destroy\ttrue\tnil\nstart\ttrue\tnil\n"):rep(2), "" }, { result.out, result.err })
    end)
  end

  it("is given up within the limit: opening, calling, closing, collecting", function()
    local connection = assert(virtlun.open(uri, { timeout = 0.3 }))
    local idle = assert(virtlun.open(uri, { timeout = 0.3 }))
    local dropped = assert(virtlun.open(uri, { timeout = 0.3 }))
    assert(dropped:domain("test"))
    signal("STOP")
    local function soon(seconds, good, problems)
      assert.is_true(seconds >= 0.29 and seconds < 2, seconds)
      return good or cause(problems)
    end
    assert.equal("VIR_ERR_OPERATION_TIMEOUT: the call open was not answered within 0.3 s",
      soon(took(virtlun.open, uri, { timeout = 0.3 })))
    assert.equal("VIR_ERR_OPERATION_TIMEOUT: the call domains was not answered within 0.3 s",
      soon(took(connection.domains, connection)))
    assert.is_true(took(connection.domains, connection) < 0.2) -- The next one fails at once,
    assert.is_true(took(connection.close, connection) < 0.2) -- and there is nothing to close.
    assert.is_true(took(idle.close, idle) < 2)
    dropped = nil -- luacheck: ignore
    assert.is_true(took(collectgarbage) < 0.2)
  end)

  for _, ending in ipairs { "os.exit(0, true)", "os.exit(0)", "return" } do
    it("keeps no program from ending: " .. ending, function()
      local result = child.script([[
        local virtlun = require "virtlun"
        local connection = assert(virtlun.open(arg[1]))
        local dom = assert(connection:domain "test")
        assert(dom:watch())
        os.execute("kill -STOP " .. arg[2])
        for _ = 1, 3 do virtlun.async(function() return dom:facts() end) end
        virtlun.async(function() return virtlun.open(arg[1]) end)
        virtlun.async(function() return connection:domains() end) ]] .. ending, { timeout = 5 }, uri, tostring(pid))
      assert.same({ "", 0 }, { result.err, result.code })
    end)
  end

  it("leaves a way for Ctrl-C", function()
    local text = [[
      local connection = assert(require("virtlun").open(arg[1]))
      os.execute("kill -STOP " .. arg[2])
      os.execute("(sleep 0.3; kill -INT $PPID) &")
      print(pcall(connection.domains, connection))]]
    local seconds, result = took(child.script, text, { timeout = 10 }, uri, tostring(pid))
    assert.truthy(result.out:find("interrupted!", 1, true), result.out .. result.err)
    assert.is_true(seconds < 5)
  end)

  it("fails what is asked after its end, without a signal, also where no event loop notices", function()
    local result = child.script([[
      local connection = assert(require("virtlun").open(arg[1], { events = false }))
      local dom = assert(connection:domain "test")
      os.execute("kill -KILL " .. arg[2] .. "; sleep 0.2") -- Here nothing tells when its sockets are gone.
      for _ = 1, 3 do
        local good, problems = dom:power("start")
        print(good, problems[1].code)
      end]], { timeout = 20 }, uri, tostring(pid))
    assert.same({ ("nil\thost_refused\n"):rep(3), "", 0 }, { result.out, result.err, result.code })
  end)

  it("tells its end, and what is asked then fails", function()
    local result = child.script([[
      local virtlun, backend = require "virtlun", require "virtlun.backend"
      local connection = assert(virtlun.open(arg[1]))
      local dom, closed = assert(connection:domain "test"), nil
      local watcher = assert(dom:watch())
      connection:on("closed", function(event) closed = event end)
      os.execute("kill -KILL " .. arg[2])
      print(watcher:next(10).event)
      while not closed do virtlun.dispatch() end
      print(closed.event, closed.reason, closed.domain)
      connection:on("closed", function(event) print("again", event.reason) end)
      virtlun.dispatch()
      for _ = 1, 3 do
        local good, problems = dom:power("start")
        print(good, problems[1].code)
      end
      connection:close()]], { timeout = 20 }, uri, tostring(pid))
    local failed = "nil\thost_refused\n"
    assert.same({ "closed\nclosed\teof\tnil\nagain\teof\n" .. failed:rep(3), "", 0 },
      { result.out, result.err, result.code })
  end)
end)

describe("a real domain", function()
  local daemon, connection, dom

  local function disc(name) return daemon.folder .. "/" .. name .. ".iso" end

  local function cdrom(dev, unit, name)
    return ([[<disk type='file' device='cdrom'><source file='%s'/><target dev='%s' bus='scsi'/><readonly/>
      <alias name='ua-%s'/><address type='drive' controller='0' bus='0' target='0' unit='%d'/></disk>]])
      :format(disc(name), dev, dev, unit)
  end

  setup(function()
    daemon = session.start()
    for _, name in ipairs { "one", "two" } do
      local file = assert(io.open(disc(name), "w"))
      file:write(("\0"):rep(65536))
      file:close()
    end
    local path = daemon.folder .. "/paused.xml"
    local file = assert(io.open(path, "w"))
    file:write([[<domain type='qemu'><name>paused</name><memory unit='MiB'>64</memory>
      <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
      <controller type='scsi' index='0' model='virtio-scsi'/><controller type='usb' model='none'/>
      <memballoon model='none'/>]] .. cdrom("sda", 0, "one") .. [[</devices></domain>]])
    file:close()
    local result = daemon:virsh("create", "--paused", path)
    assert(result.code == 0, result.err)
    connection = assert(virtlun.open(daemon.uri))
    dom = assert(connection:domain("paused"))
  end)
  teardown(function()
    if dom then dom:power("destroy") end
    if connection then connection:close() end
    daemon:stop()
  end)

  local function expect(watcher, event, alias, change)
    local seen = watcher:next(10)
    assert.same({ event = event, domain = "paused", uuid = dom.uuid, alias = alias, change = change,
      detail = seen and seen.detail }, seen)
  end

  it("tells of drives that come and go, and of trays", function()
    local trays = {}
    local subscription = assert(connection:on("tray", function(event) trays[#trays + 1] = event.change end))
    local watcher <close> = assert(dom:watch())
    assert.is_true(dom:attach_device(cdrom("sdb", 1, "one"), { live = true }))
    expect(watcher, "added", "ua-sdb")
    assert.is_true(dom:detach_device(cdrom("sdb", 1, "one"), { live = true }))
    expect(watcher, "removed", "ua-sdb")
    assert.is_true(dom:update_device(cdrom("sda", 0, "two"), { live = true }, true))
    expect(watcher, "tray", "ua-sda", "opened")
    expect(watcher, "tray", "ua-sda", "closed")
    assert.is_nil(watcher:next(0))
    pump(function() return #trays == 2 end)
    subscription:close()
    assert.equal("opened closed", table.concat(trays, " "))
    local good, problems = dom:detach_device(cdrom("sdc", 2, "one"), { live = true })
    assert.is_nil(good)
    assert.equal("host_refused", problems[1].code)
    assert.equal("VIR_ERR_DEVICE_MISSING", problems[1].cause.name)
  end)

  it("is watched by tasks as well, and its watcher may be closed meanwhile", function()
    local watcher = assert(dom:watch())
    local results = all(function() return watcher:next(10).alias end,
      function() return dom:attach_device(cdrom("sdd", 3, "one"), { live = true }) end)
    assert.same({ { "ua-sdd", n = 1 }, { true, n = 1 } }, results)
    watcher:close()
    watcher:close()
    assert.is_nil(watcher:next(0))
  end)

  it("takes the calls of its life", function()
    local watcher <close> = assert(dom:watch())
    assert.is_true(dom:power("reset"))
    local good, problems = dom:power("start")
    assert.same({ nil, "VIR_ERR_OPERATION_INVALID" }, { good, problems[1].cause.name })
    assert.is_true(dom:power("shutdown") or dom:power("reboot") or true)
    assert.is_true(dom:power("destroy"))
    local seen
    repeat seen = assert(watcher:next(10)) until seen.change == "stopped"
    good, problems = dom:power("destroy")
    assert.same({ nil, "VIR_ERR_NO_DOMAIN" }, { good, problems[1].cause.name })
  end)

  it("may have storage pools, or not", function()
    local volume, problems = connection:volume("nowhere", "nothing")
    assert.is_nil(volume)
    assert.truthy(({ VIR_ERR_NO_STORAGE_POOL = 1, VIR_ERR_NO_SUPPORT = 1 })[problems[1].cause.name])
    local other <close> = assert(virtlun.open(TEST))
    volume, problems = other:volume("default-pool", "none")
    assert.same({ nil, "VIR_ERR_NO_STORAGE_VOL" }, { volume, problems[1].cause.name })
  end)
end)

describe("what must not be left half-way", function()
  -- Sends itself signals in the middle, where Ctrl-C is counted; what it says and the end of the process.
  local function said(signals)
    local result = child.script([[
      local jobs = require "virtlun.backend.jobs"
      local pid = io.open("/proc/self/stat"):read("n")
      jobs.interruptible(function()
        jobs.unbroken(function()
          for signal in arg[1]:gmatch("%S+") do os.execute(("kill -%s %d"):format(signal, pid)) end
          jobs.sleep(0.3)
          io.stderr:write("second half")
        end)
      end)]], { env = { LD_PRELOAD = os.getenv("LD_PRELOAD") or false } }, signals)
    return result.err
  end

  it("is not broken by a signal that is not counted", function()
    assert.equal("second half", said("PIPE"):match("second half"))
  end)

  it("is not given up by a second Ctrl-C", function()
    assert.equal("second half", said("INT INT TERM"))
  end)
end)
