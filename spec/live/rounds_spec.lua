-- A hundred rounds of attach and detach, and a hundred of changing media, on one connection: neither memory nor
-- descriptors grow. It takes minutes, so it belongs to `make live` alone.
local files = require("support.files")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

local ROUNDS = 100
local WARM = 10 -- rounds in which caches and allocators come to what they need

describe("a hundred rounds", function()
  if live.skips_all(live.missing("s390x")) then return end

  local daemon, connection, vm, dom

  setup(function()
    daemon = session.start { warm = true }
    connection = live.open(daemon)
    vm = daemon:boot { arch = "s390x", transient = false, devices = { host.hba(0),
      host.drive("sda", { path = live.disc(daemon, "ONE") }) } }
    vm:wait_ready()
    dom = assert(connection:domain(vm.name))
  end)
  teardown(function()
    connection:close()
    vm:destroy()
    daemon:stop()
  end)

  local function descriptors()
    local pipe, count = assert(io.popen("ls /proc/" .. files.read("/proc/self/stat"):match("^%d+") .. "/fd")), 0
    for _ in pipe:lines() do count = count + 1 end
    pipe:close()
    return count
  end

  local function measure()
    collectgarbage()
    collectgarbage()
    return { lua = collectgarbage("count"), fds = descriptors(),
      rss = tonumber(files.read("/proc/self/status"):match("VmRSS:%s*(%d+) kB")) }
  end

  -- What is measured after the last rounds may be a little above the first: Lua's tables and malloc's arenas are not
  -- exact. What one round leaves behind would be there ninety times.
  local function go(what, round)
    for number = 1, WARM do round(number) end
    local before = measure()
    for number = WARM + 1, ROUNDS do round(number) end
    local after = measure()
    print(("rounds_spec: %s: Lua %.0f -> %.0f KiB, process %d -> %d KiB, %d -> %d descriptors"):format(what, before.lua,
      after.lua, before.rss, after.rss, before.fds, after.fds))
    assert.equal(before.fds, after.fds)
    assert.is_true(after.lua - before.lua < ROUNDS - WARM, "Lua's memory grows by a KiB and more each round")
    assert.is_true(after.rss - before.rss < 20 * (ROUNDS - WARM), "the process grows by 20 KiB and more each round")
  end

  it("of attach and detach leave nothing behind", function()
    local first = live.equal_devices(vm)
    local disc = live.disc(daemon, "TWO")
    go("attach and detach", function(number)
      local result, found = dom:attach(live.cdrom("sdb", disc, { 0, number % 256, number * 160 }))
      assert.truthy(result, tostring(found))
      result, found = dom:detach("sdb")
      assert.truthy(result, tostring(found))
    end)
    assert.same(first, live.equal_devices(vm))
    vm:wait_for(function() return #vm:luns() == 1 end)
  end)

  it("of changing media leave nothing behind", function()
    local discs = { live.disc(daemon, "TWO"), live.disc(daemon, "ONE") }
    go("changes of media", function(number)
      local result, found = dom:insert("sda", discs[2 - number % 2])
      assert.truthy(result, tostring(found))
      assert.equal(1, result.done)
    end)
    assert.truthy(live.device_with(live.equal_devices(vm), discs[2 - ROUNDS % 2]))
  end)

  it("of failing attaches leave nothing behind", function()
    local unusable = files.write(daemon.folder .. "/unusable.qcow2", ("no image "):rep(1000))
    go("failing attaches", function()
      local device = live.cdrom("sdb", unusable, { 0, 1, 1 })
      device.format = "qcow2"
      assert.is_nil((dom:attach(device)))
    end)
    assert.equal(2, #live.equal_devices(vm))
  end)
end)
