-- Drives and HBAs leave a running domain: only the described ones, from both of its halves, and with three outcomes
-- that are told apart: removed, pending, refused.
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

describe("a detach from a running domain", function()
  if live.skips_all(live.missing("x86_64", "s390x")) then return end

  local daemon, connection

  setup(function()
    daemon = session.start { warm = true }
    connection = live.open(daemon)
  end)
  teardown(function()
    connection:close()
    daemon:stop()
  end)

  local function disc(label) return live.disc(daemon, label) end

  local function domain_of(vm, from)
    local dom, found = (from or connection):domain(vm.name)
    return assert(dom, tostring(found))
  end

  local function absent(kind, identity)
    identity.kind, identity.absent = kind, true
    return identity
  end

  local function hba(index) return { kind = "controller", index = index, model = "virtio-scsi" } end

  -- Runs a function, and gives the number of times that it asked for a device beside what it returns.
  local function counting(fn)
    local asked = 0
    local result, found = live.with_log(function(call)
      if call == "detach_device" then asked = asked + 1 end
    end, fn)
    return asked, result, found
  end

  local machines = { { "q35", "x86_64", ports = 6 }, { "pc", "x86_64" }, { "s390-ccw-virtio", "s390x" } }

  for _, machine in ipairs(machines) do
    describe("of " .. machine[1], function()
      local vm, dom, first

      setup(function()
        vm = daemon:boot { name = machine[1], machine = machine[1], arch = machine[2], ports = machine.ports,
          transient = false, devices = { host.hba(0), host.drive("sda", { path = disc "ONE" }) } }
        dom = domain_of(vm)
        vm:wait_ready()
        first = live.equal_devices(vm)
      end)
      teardown(function() vm:destroy() end)

      local function plugged()
        live.make(dom, live.describe(vm, { live.cdrom("sdb", disc "TWO", { 0, 5, 300 }) }))
        return vm:wait_for(function() return vm:lun(5, 16684) end)
      end

      it("takes a drive out of both halves and out of the guest", function()
        plugged()
        assert.equal(1, dom:detach("sdb").done)
        assert.same(first, live.equal_devices(vm))
        vm:wait_for(function() return not vm:lun(5, 16684) end)
      end)

      it("takes a drive that the guest has mounted", function()
        local drive = plugged()
        local _, status = vm:ask("lock " .. drive.blk)
        assert.equal(0, status)
        assert.equal(1, dom:detach("sdb").done)
        assert.same(first, live.equal_devices(vm))
        vm:wait_for(function() return not vm:lun(5, 16684) end)
      end)

      it("takes a drive of a paused guest", function()
        plugged()
        vm:virsh_ok("suspend", vm.name)
        finally(function() vm:virsh_ok("resume", vm.name) end)
        assert.equal(1, dom:detach("sdb").done)
        assert.same(first, live.equal_devices(vm))
      end)

      it("takes an HBA that nobody uses, and the guest loses it", function()
        live.make(dom, live.describe(vm, { hba(1) }))
        vm:wait_for(function() return #vm:hosts() == 2 end)
        local desired = live.describe(vm, { absent("controller", { index = 1 }) })
        assert.equal(1, live.make(dom, desired).done)
        assert.same(first, live.equal_devices(vm))
        vm:wait_for(function() return #vm:hosts() == 1 end)
        assert.truthy(live.is_done(dom, desired))
      end)

      it("refuses an HBA that a drive is on, in the running domain or in the configuration", function()
        live.make(dom, live.describe(vm, { hba(1) }))
        local desired = live.describe(vm, { absent("controller", { index = 1 }) })
        for _, half in ipairs { "--live", "--config" } do
          live.virsh_device(vm, "attach-device", host.drive("sdz", { path = disc "TWO", place = { 1, 0, 0 } }), half)
          local before = { live.devices(vm, "live"), live.devices(vm, "config") }
          local asked, result, found = counting(function() return live.apply(dom, desired) end)
          assert.is_nil(result)
          assert.same({ "still_used" }, live.codes(found))
          assert.equal(0, asked)
          assert.same(before, { live.devices(vm, "live"), live.devices(vm, "config") })
          live.virsh_device(vm, "detach-device", host.drive("sdz", { path = disc "TWO", place = { 1, 0, 0 } }), half)
        end
        live.make(dom, desired)
        assert.same(first, live.equal_devices(vm))
      end)

      it("takes an HBA of a paused guest at once, or when the guest goes on", function()
        live.make(dom, live.describe(vm, { hba(1) }))
        vm:wait_for(function() return #vm:hosts() == 2 end)
        local desired = live.describe(vm, { absent("controller", { index = 1 }) })
        vm:virsh_ok("suspend", vm.name)
        local result, found = live.apply(dom, desired, { timeout = 0 })
        vm:virsh_ok("resume", vm.name)
        if not result then
          assert.same({ "unplug_pending" }, live.codes(found))
          live.make(dom, desired)
        end
        assert.same(first, live.equal_devices(vm))
        vm:wait_for(function() return #vm:hosts() == 1 end)
      end)

      it("of both in one run takes the drive before its HBA", function()
        live.make(dom, live.describe(vm, { live.cdrom("sdb", disc "TWO", { 1, 0, 0 }) }))
        vm:wait_for(function() return #vm:hosts() == 2 end)
        live.make(dom, live.describe(vm, { absent("controller", { index = 1 }), absent("cdrom", { dev = "sdb" }) }))
        assert.same(first, live.equal_devices(vm))
      end)

      it("mends halves of which only one has the drive", function()
        for _, half in ipairs { "--live", "--config" } do
          live.virsh_device(vm, "attach-device", host.drive("sdb", { path = disc "TWO", place = { 0, 5, 0 } }), half)
          assert.equal(1, dom:detach("sdb").done)
          assert.same(first, live.equal_devices(vm))
        end
      end)

      it("works without events too", function()
        plugged()
        local silent = live.open(daemon, { events = false })
        finally(function() silent:close() end)
        assert.equal(1, domain_of(vm, silent):detach("sdb").done)
        assert.same(first, live.equal_devices(vm))
      end)
    end)
  end

  it("never touches a drive of another bus or kind with the same name", function()
    local vm = daemon:boot { name = "buses", transient = false, devices = { host.hba(0),
      host.drive("sda", { path = disc "ONE", bus = "sata" }), host.drive("sdb", { path = disc "TWO" }) } }
    finally(function() vm:destroy() end)
    local dom, first = domain_of(vm), live.equal_devices(vm)
    local asked = counting(function()
      for _, other in ipairs { absent("cdrom", { dev = "sda" }), absent("disk", { dev = "sdb" }) } do
        local result, found = live.apply(dom, live.describe(vm, { other }))
        assert.is_nil(result)
        assert.truthy(tostring(found):find("is already a cdrom on bus", 1, true), tostring(found))
      end
      local result, found = dom:detach("sda")
      assert.is_nil(result)
      assert.same({ "not_there" }, live.codes(found))
    end)
    assert.equal(0, asked)
    assert.same(first, live.equal_devices(vm))
  end)

  it("never takes a drive that has come to another place under the same name since it was planned", function()
    local vm = daemon:boot { name = "moved", transient = false, devices = { host.hba(0),
      host.drive("sda", { path = disc "ONE" }) } }
    finally(function() vm:destroy() end)
    local dom = domain_of(vm)
    local plan = assert(dom:plan(live.describe(vm, { absent("cdrom", { dev = "sda" }) })))
    local drive, moved = host.drive("sda"), host.drive("sda", { path = disc "TWO", place = { 0, 4, 4 } })
    live.virsh_device(vm, "detach-device", drive, "--live", "--config")
    live.virsh_device(vm, "attach-device", moved, "--live", "--config")
    local result, found = plan:apply()
    assert.is_nil(result)
    assert.same({ "host_changed" }, live.codes(found))
    assert.truthy(live.device_with(live.equal_devices(vm), "target='4' unit='4'"))
  end)

  it("looks again before each step at what another client may have done meanwhile", function()
    local vm = daemon:boot { name = "looks", machine = "pc", transient = false, devices = { host.hba(0),
      host.drive("sda", { path = disc "ONE" }), host.drive("sdb", { path = disc "TWO", place = { 0, 0, 1 } }) } }
    finally(function() vm:destroy() end)
    local dom, done = domain_of(vm), false
    local result, found = live.with_log(function(call)
      if call ~= "detach_device" or done then return end
      done = true
      live.virsh_device(vm, "detach-device", host.drive("sdb"), "--live", "--config")
      local newcomer = host.drive("sdb", { path = disc "THREE", place = { 0, 8, 8 } })
      live.virsh_device(vm, "attach-device", newcomer, "--live", "--config")
    end, function()
      return live.apply(dom, live.describe(vm, { absent("cdrom", { dev = "sda" }), absent("cdrom", { dev = "sdb" }) }))
    end)
    assert.is_nil(result)
    assert.same({ "host_changed", "made_before" }, live.codes(found))
    assert.truthy(live.device_with(live.equal_devices(vm), "target='8' unit='8'"))
  end)

  it("leaves the configuration its HBA if another client has put a drive on it meanwhile", function()
    local vm = daemon:boot { name = "begun", arch = "s390x", transient = false, devices = { host.hba(0),
      host.hba(1) } }
    finally(function() vm:destroy() end)
    vm:wait_ready()
    local dom = domain_of(vm)
    local result, found = live.with_log(function(call)
      if call ~= "detach_device" then return end
      live.virsh_device(vm, "attach-device", host.drive("sdb", { path = disc "TWO", place = { 1, 0, 0 } }), "--config")
    end, function() return live.apply(dom, live.describe(vm, { absent("controller", { index = 1 }) })) end)
    assert.is_nil(result)
    assert.same({ "still_used" }, live.codes(found))
    assert.truthy(live.device_with(live.devices(vm, "config"), "type='scsi' index='1'"))
    -- The next run makes the halves equal again.
    live.make(dom, live.describe(vm, { hba(1), { kind = "cdrom", dev = "sdb" } }))
    live.equal_devices(vm)
  end)

  describe("whose guest has no system that would answer", function()
    local vm, dom

    before_each(function()
      vm = daemon:boot { name = "deaf", transient = false, ports = 4, from_drives = true,
        devices = { host.hba(0), host.drive("sda", { path = disc "ONE" }), host.hba(1) } }
      dom = domain_of(vm)
    end)
    after_each(function() vm:destroy() end)

    local function desired() return live.describe(vm, { absent("controller", { index = 1 }) }) end

    local function has_hba(half) return live.device_with(live.devices(vm, half), "type='scsi' index='1'") ~= nil end

    it("takes drives at once", function()
      assert.equal(1, dom:detach("sda").done)
      assert.is_nil(live.device_with(live.equal_devices(vm), "dev='sda'"))
    end)

    it("is pending, is not asked for twice, and is removed when the guest lets go", function()
      local asked, result, found = counting(function() return live.apply(dom, desired(), { timeout = 1 }) end)
      assert.is_nil(result)
      assert.same({ "unplug_pending" }, live.codes(found))
      assert.equal(1, asked)
      assert.truthy(has_hba("live") and has_hba("config"))

      asked, result, found = counting(function() return live.apply(dom, desired(), { timeout = 1 }) end)
      assert.is_nil(result)
      assert.same({ "unplug_pending" }, live.codes(found))
      assert.equal(0, asked)

      -- A reset makes the machine let go of what was asked for.
      vm:virsh_ok("reset", vm.name)
      asked, result, found = counting(function() return live.apply(dom, desired(), { timeout = 20 }) end)
      assert.truthy(result, tostring(found))
      assert.equal(1, asked) -- the configuration's call
      assert.is_false(has_hba("live") or has_hba("config"))
      assert.truthy(live.is_done(dom, desired()))
    end)

    it("is pending for another client too", function()
      live.apply(dom, desired(), { timeout = 0 })
      local other = live.open(daemon)
      finally(function() other:close() end)
      local result, found = live.apply(domain_of(vm, other), desired(), { timeout = 0 })
      assert.is_nil(result)
      assert.same({ "unplug_pending" }, live.codes(found), tostring(found))
    end)

    it("is refused when the guest says so, and is asked for again when it is wanted again", function()
      local watch = dom.watch
      dom.watch = function(...)
        local watcher, found = watch(...)
        watcher.next = function() return { event = "removal_failed", alias = "scsi1" } end
        return watcher, found
      end
      local result, found = live.apply(dom, desired(), { timeout = 10 })
      assert.is_nil(result)
      assert.same({ "unplug_refused" }, live.codes(found))
      dom.watch = nil
      assert.equal(1, (counting(function() return live.apply(dom, desired(), { timeout = 0 }) end)))
      assert.truthy(has_hba("live") and has_hba("config"))
    end)

    it("is asked for again in a machine that was started anew", function()
      live.apply(dom, desired(), { timeout = 0 })
      vm:virsh_ok("destroy", vm.name)
      vm:virsh_ok("start", vm.name)
      local asked = counting(function() return live.apply(dom, desired(), { timeout = 0 }) end)
      assert.equal(1, asked)
    end)

    it("is no success when the domain ends meanwhile", function()
      local result, found = live.with_log(function(call)
        if call == "detach_device" then vm:virsh_ok("destroy", vm.name) end
      end, function() return live.apply(dom, desired()) end)
      assert.is_nil(result)
      assert.same({ "host_changed" }, live.codes(found), tostring(found))
      assert.truthy(has_hba("config"))
      assert.equal(1, live.make(dom, desired()).done)
      assert.is_false(has_hba("config"))
    end)
  end)
end)
