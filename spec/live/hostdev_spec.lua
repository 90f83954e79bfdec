-- SCSI devices that a running guest is given: LUNs of an iSCSI target as lun and as hostdev, and among the latter a CD
-- drive, a tape and a changer.  The guest finds each exactly where the plan foretold it.
--
-- SCSI adapters of the host and vhost targets need hardware or a kernel module: their XML is in spec/golden
-- (hostdev_adapter, hostdev_vhost, lun_block), and here is only how they are refused.
local bench = require("support.bench")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")
local target = require("support.target")

-- What a guest's type number means, and the driver that it has to be bound to.
local TYPES = { disk = 0, tape = 1, cd = 5, changer = 8 }
local DRIVERS = { disk = "sd", tape = "st", cd = "sr", changer = "ch" }

describe("a LUN of an iSCSI target", function()
  if live.skips_all(live.missing() or target.missing()) then return end

  local daemon, iscsi

  setup(function()
    iscsi = target.start()
    daemon = session.start { warm = true }
  end)
  teardown(function()
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
    iscsi:stop()
  end)

  local function hostdev(lun, unit, more)
    local address = { controller = 0, target = 4, unit = unit }
    local device = { kind = "hostdev", source = iscsi:source(lun), address = address }
    for key, value in pairs(more or {}) do device[key] = value end
    return device
  end

  local function away(device)
    return { kind = device.kind, dev = device.dev, source = device.source, absent = true }
  end

  for _, arch in ipairs { "x86_64", "s390x" } do
    describe("on " .. arch, function()
      if live.skips_all(guest.missing(arch)) then return end

      local here
      local first = arch == "s390x" and 11 or 1 -- LUNs are made anew for each machine

      setup(function()
        for i, kind in ipairs { "disk", "disk", "cd", "tape", "changer" } do
          iscsi:add(first + i - 1, kind, kind == "disk" and "VIRTLUN" .. i or nil)
        end
        here = bench.boot(daemon, { arch = arch, transient = false, ports = arch == "x86_64" and 3 or nil,
          devices = { host.hba(0) } })
      end)
      after_each(function() here:clear() end)
      teardown(function() if here then here:close() end end)

      -- Both documents have the device, and have it alike.
      local function is_alike(key)
        local running, config = here:halves(key)
        assert.is_table(running)
        assert.same(config, running)
        return running
      end

      local function is_gone(key)
        assert.same({}, { here:halves(key) })
      end

      -- How many log-ins the target has: one for each device in use.
      local function await_sessions(count)
        guest.await(function() return iscsi:sessions() == count end, 10, function() return iscsi:sessions() end)
      end

      it("comes as a lun, is read and written, and leaves", function()
        local lun = { kind = "lun", dev = "sdb", source = iscsi:source(first),
          address = { controller = 0, target = 3, unit = 256 } }
        local plan = here:apply(lun)
        assert.same({ "attach_device" }, here.writes)
        assert.same({ "live and config", "[H:0:3:16640]" }, { plan.steps[1].scope, plan.steps[1].guest.hctl })
        is_alike("sdb")
        local seen = here:await(plan.steps[1])
        assert.same({ 0, 16384 }, { seen.type, seen.size })
        -- The model is the target's, so that this is the LUN itself and not a disk of QEMU's with the same data.
        assert.equal("VIRTLUN1 VIRTUAL-DISK", here:ask("echo $(head -c 8 /dev/%s) $(cat /sys/block/%s/device/model)",
          seen.blk, seen.blk))
        here:ask("echo WRITTEN | dd of=/dev/%s bs=512 seek=1 conv=sync,fsync 2>/dev/null", seen.blk)
        assert.equal("WRITTEN", files.read(iscsi.folder .. "/lun" .. first):sub(513, 519))

        here:apply(away(lun))
        assert.same({ "detach_device", "detach_device" }, here.writes)
        is_gone("sdb")
        here:await_count(0)
        await_sessions(0)
      end)

      it("comes as a host device of each type, and leaves", function()
        for i, kind in ipairs { "disk", "cd", "tape", "changer" } do
          local device = hostdev(first + i, i == 1 and 300 or i)
          local plan = here:apply(device)
          assert.same({ "attach_device" }, here.writes)
          is_alike(device.source.name)
          local seen = here:await(plan.steps[1])
          assert.same({ kind, TYPES[kind] }, { kind, seen.type })
          here.vm:wait_for(function()
            local path = here:ask("readlink /sys/class/scsi_device/%s/device/driver", seen.hctl)
            return path:match("[^/]+$") == DRIVERS[kind]
          end)
        end
        assert.equal(4, #here.vm:luns())
        await_sessions(4)
        for i = 1, 4 do
          here:apply(away(hostdev(first + i)))
          is_gone(iscsi:source(first + i).name)
        end
        here:await_count(0)
        await_sessions(0)
      end)

      it("is a tape that the guest writes and reads", function()
        local tape = hostdev(first + 3, 2)
        here:await(here:apply(tape).steps[1])
        finally(function() here:apply(away(tape)) end)
        here.vm:wait_for(function() return here:ask("ls /dev/st0") == "/dev/st0" end)
        here:ask("echo ON-TAPE | dd of=/dev/st0 bs=512 conv=sync 2>/dev/null")
        assert.equal("ON-TAPE", here:ask("dd if=/dev/st0 bs=512 count=1 2>/dev/null | head -n 1"))
      end)

      it("leaves while the guest uses it, and comes back at its place", function()
        local disk = hostdev(first + 1, 16383)
        local seen = here:await(here:apply(disk).steps[1])
        here:ask("rm -f /tmp/ended; { while head -c 65536 /dev/%s >/dev/null 2>&1; do :; done; echo >/tmp/ended; } &",
          seen.blk)
        here:apply(away(disk))
        here:await_count(0)
        here.vm:wait_for(function() return here:ask("ls /tmp/ended") == "/tmp/ended" end)
        seen = here:await(here:apply(disk).steps[1])
        assert.equal("VIRTLUN2", here:ask("head -c 8 /dev/%s", seen.blk))
        here:apply(away(disk))
      end)

      it("is attached and detached by its alias and its address", function()
        local disk = hostdev(first + 1, 5, { alias = "ua-five", readonly = true })
        local result = assert(here.dom:attach(disk))
        local seen = here:await(result.plan.steps[1])
        assert.equal("1", here:ask("cat /sys/block/%s/ro", seen.blk))
        local _, problems = here.dom:attach(disk)
        assert.equal("already_there", problems[1].code)
        assert(here.dom:detach("ua-five"))
        is_gone("ua-five")

        assert(here.dom:attach(hostdev(first + 1, 6)))
        assert(here.dom:detach("0:0:4:6"))
        is_gone(disk.source.name)
        here:await_count(0)
      end)

      it("gets the first free place where none is said", function()
        local disk = { kind = "hostdev", source = iscsi:source(first + 1) }
        local plan = here:apply(disk)
        assert.equal("[H:0:0:0]", plan.steps[1].guest.hctl)
        here:await(plan.steps[1])
        assert.same({ controller = 0, bus = 0, target = 0, unit = 0 }, is_alike(disk.source.name).address)
        here:apply(away(disk))
      end)

      it("comes to and leaves each half alone", function()
        local disk = hostdev(first + 1, 7)
        for _, scopes in ipairs { { "live", "config" }, { "config", "live" } } do
          here:apply(disk, { scope = scopes[1] })
          local running, config = here:halves(disk.source.name)
          assert.same({ scopes[1] == "live", scopes[1] == "config" }, { running ~= nil, config ~= nil })
          here:await(here:apply(disk).steps[1])
          is_alike(disk.source.name)
          here:apply(away(disk), { scope = scopes[2] })
          here:apply(away(disk))
          is_gone(disk.source.name)
        end
      end)

      it("is the same device whatever is said of the way to it", function()
        local source = iscsi:source(first + 1)
        source.hosts[1].transport, source.initiator = "tcp", "iqn.2026-01.org.example:me"
        here:await(here:apply(hostdev(first + 1, 8, { source = source })).steps[1])
        assert.truthy(iscsi:sees("iqn.2026-01.org.example:me"))
        here:apply(away(hostdev(first + 1)))
        is_gone(source.name)
      end)

      it("comes together with its HBA", function()
        local list = { { kind = "controller", index = 1 },
          hostdev(first + 3, 1, { address = { controller = 1, target = 1, unit = 256 } }),
          { kind = "lun", dev = "sdc", source = iscsi:source(first), address = { controller = 1, unit = 1 } } }
        local plan = here:apply(list)
        assert.equal(3, plan.changes)
        here:await(plan.steps[2])
        here:await(plan.steps[3])
        assert.equal(2, #here.vm:hosts())
        here:apply { away(list[2]), away(list[3]), { kind = "controller", index = 1, absent = true } }
        here.vm:wait_for(function() return #here.vm:hosts() == 1 end)
      end)

      it("with a secret of libvirt's is reached by it alone", function()
        iscsi:lock(first + 20, "chap", "virtlun-password")
        local kept, why = daemon:secret("iscsi-" .. arch, "virtlun-password")
        if not kept then
          print("skipped: hostdev_spec, secrets, " .. why)
          pending(why)
        end
        local device = hostdev(first + 20, 9, { source = iscsi:source(first + 20) })
        assert.truthy(here:refusal(device).text:find("Authentication failure", 1, true))
        device.source.auth = { username = "chap", type = "iscsi", usage = "iscsi-" .. arch }
        here:await(here:apply(device).steps[1])
        is_alike(device.source.name)
        here:apply(away(device))
      end)

      it("that is not there is refused, and nothing is left of it", function()
        local before = assert(here.dom:describe())
        for _, device in ipairs { hostdev(first + 9, 1),
          { kind = "lun", dev = "sdb", source = iscsi:source(first + 9), address = { controller = 0, unit = 1 } } } do
          local refusal = here:refusal(device)
          assert.truthy(refusal.text:find("LOGICAL_UNIT_NOT_SUPPORTED", 1, true))
          assert.is_false(refusal.written)
        end
        local after = assert(here.dom:describe())
        assert.same({ before.live, before.config }, { after.live, after.config })
      end)

      it("is what this machine can give; what it cannot is refused by libvirt in its own words", function()
        local before = assert(here.dom:describe())
        local adapter = { adapter = "scsi_host4095", bus = 0, target = 0, unit = 0 }
        assert.truthy(here:refusal({ kind = "hostdev", source = adapter }).text:find("0:0:0", 1, true))
        if not files.read("/dev/vhost-scsi") then
          -- libvirt remembers a target that it could not give for one in use, so that each guest asks for its own.
          local wwpn = arch == "s390x" and "naa.5123456789abcde1" or "naa.5123456789abcde0"
          local vhost = { kind = "hostdev", source = { protocol = "vhost", wwpn = wwpn } }
          assert.matches("vhost%-scsi", here:refusal(vhost).text)
        end
        local after = assert(here.dom:describe())
        assert.same({ before.live, before.config }, { after.live, after.config })
      end)
    end)
  end
end)
