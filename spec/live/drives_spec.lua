-- Disks that come to running guests and leave them: raw and qcow2 files, volumes of a pool, a block device.  The guest
-- reads what is in each, exactly where the plan foretold it, and what it writes is in the image.
local bench = require("support.bench")
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local qcow2 = require("support.qcow2")
local session = require("support.session")

local function shell(command, ...)
  return child.run({ "sh", "-c", command:format(...) }, { timeout = 20, env = { LD_PRELOAD = false } })
end

describe("a disk", function()
  if live.skips_all(live.missing()) then return end

  local daemon, folder, why_no_pool

  -- A raw image of 4 MiB that begins with a text.
  local function raw(name, text)
    local path = ("%s/%s"):format(folder, name)
    files.write(path, text .. ("\0"):rep((4 << 20) - #text))
    shell("chmod 666 %s", path)
    return path
  end

  local function image(name, text, format)
    if format == "raw" then return raw(name, text) end
    local path = qcow2.write(("%s/%s"):format(folder, name), 4, text)
    shell("chmod 666 %s", path)
    return path
  end

  -- The text that an image of a format begins with, and that of its second sector.
  local function contents(path, format)
    local from = format == "qcow2" and 5 * 65536 or 0
    local text = files.read(path):sub(from + 1, from + 1024)
    return text:sub(1, 512):match("^%Z*"), text:sub(513):match("^%Z*")
  end

  setup(function()
    daemon = session.start { warm = true }
    folder = daemon.folder .. "/images"
    -- Images of these specs belong to who runs them, and QEMU runs as another user.
    shell("mkdir %s && chmod 777 %s && mkdir -m 777 %s/pool", folder, folder, folder)
    local xml = files.write(daemon.folder .. "/pool.xml",
      ("<pool type='dir'><name>images</name><target><path>%s/pool</path></target></pool>"):format(folder))
    local made = daemon:virsh("pool-create", xml)
    if made.code ~= 0 then
      why_no_pool = "the daemon has no storage pools: " .. made.err:gsub("%s*\n%s*", " ")
      print("skipped: drives_spec, volumes, " .. why_no_pool)
    end
  end)
  teardown(function()
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
  end)

  for _, arch in ipairs { "x86_64", "s390x" } do
    describe("on " .. arch, function()
      if live.skips_all(guest.missing(arch)) then return end

      local here

      setup(function()
        here = bench.boot(daemon, { arch = arch, transient = false, ports = arch == "x86_64" and 3 or nil,
          devices = { host.hba(0) } })
      end)
      after_each(function() here:clear() end)
      teardown(function() if here then here:close() end end)

      local function disk(dev, path, format, unit, more)
        local device = { kind = "disk", dev = dev, source = path, format = format,
          address = { controller = 0, target = 3, unit = unit } }
        for key, value in pairs(more or {}) do device[key] = value end
        return device
      end

      local function take(device)
        here:apply { kind = device.kind, dev = device.dev, absent = true }
        assert.same({}, { here:halves(device.dev) })
        here:await_count(0)
      end

      -- Both documents have the device, and have it alike.
      local function is_alike(dev)
        local running, config = here:halves(dev)
        assert.is_table(running)
        assert.same(config, running)
        return running
      end

      local function sysfs(seen, name)
        return (here:ask("cat /sys/block/%s/%s", seen.blk, name):gsub("%s+$", ""))
      end

      for number, format in ipairs { "raw", "qcow2" } do
        it(("of a %s file is read and written, leaves, and comes back at its place"):format(format), function()
          local path = image(arch .. "." .. format, "MARK-" .. format, format)
          local device = disk("sdb", path, format, number == 1 and 256 or 255)
          local plan = here:apply(device)
          assert.same({ "attach_device" }, here.writes)
          assert.same({ "live and config", "live" }, { plan.steps[1].scope, plan.steps[1].effect })
          is_alike("sdb")
          local seen = here:await(plan.steps[1])
          assert.same({ number == 1 and 16640 or 255, 0, 8192 }, { seen.lun, seen.type, seen.size })
          assert.equal("MARK-" .. format, here:ask("head -c %d /dev/%s", #"MARK-" + #format, seen.blk))
          here:ask("echo -n WRITTEN | dd of=/dev/%s bs=512 seek=1 conv=sync,fsync 2>/dev/null", seen.blk)
          take(device)
          assert.same({ "detach_device", "detach_device" }, here.writes)
          assert.same({ "MARK-" .. format, "WRITTEN" }, { contents(path, format) })

          seen = here:await(here:apply(device).steps[1])
          assert.equal("WRITTEN", here:ask("dd if=/dev/%s bs=512 skip=1 count=1 2>/dev/null | head -c 7", seen.blk))
          take(device)
        end)
      end

      it("tells the guest who it is", function()
        local device = disk("sdb", raw(arch .. ".named", "x"), "raw", 1, { serial = "VL-0815", vendor = "ACME",
          product = "Virtual Lun", wwn = "5000c50015ea71aa", rotation_rate = 7200, logical_block_size = 4096,
          physical_block_size = 4096 })
        local seen = here:await(here:apply(device).steps[1])
        is_alike("sdb")
        assert.same({ "ACME", "Virtual Lun", "naa.5000c50015ea71aa", "4096" }, { sysfs(seen, "device/vendor"),
          sysfs(seen, "device/model"), sysfs(seen, "device/wwid"), sysfs(seen, "queue/logical_block_size") })
        assert.equal("VL-0815", here:ask("dd if=/sys/block/%s/device/vpd_pg80 bs=1 skip=4 2>/dev/null", seen.blk))
        take(device)
      end)

      it("keeps every setting that libvirt takes, in both halves", function()
        local device = disk("sdb", raw(arch .. ".set", "x"), "raw", 16383, { cache = "none", io = "native",
          error_policy = "report", rerror_policy = "stop", discard = "unmap", detect_zeroes = "unmap",
          copy_on_read = false, snapshot = "external", startup_policy = "optional", shareable = false,
          iotune = { total_iops_sec = 100000, total_bytes_sec = 100000000 }, serial = "A b_c+d.e",
          wwn = "0x5000c50015ea71ac", alias = "ua-all" })
        local plan = here:apply(device)
        assert.equal("[H:0:3:32767]", plan.steps[1].guest.hctl)
        here:await(plan.steps[1])
        is_alike("sdb")
        assert(here.dom:detach("ua-all"))
        here:await_count(0)
      end)

      it("that is read-only cannot be written by the guest", function()
        local path = raw(arch .. ".readonly", "MARK")
        local device = disk("sdb", path, "raw", 2, { readonly = true })
        local seen = here:await(here:apply(device).steps[1])
        is_alike("sdb")
        assert.equal("1", sysfs(seen, "ro"))
        here:ask("echo -n LOST | dd of=/dev/%s bs=512 conv=fsync 2>/dev/null", seen.blk)
        assert.equal("MARK", here:ask("head -c 4 /dev/%s", seen.blk))
        take(device)
        assert.equal("MARK", (contents(path, "raw")))
      end)

      it("that is transient keeps its image, and is the same disk while libvirt writes elsewhere", function()
        local path = raw(arch .. ".transient", "MARK")
        local device = disk("sdb", path, "raw", 3, { transient = true })
        here:apply(device, { scope = "live" })
        local seen = here:await(here:apply(device).steps[1])
        local _, config = here:halves("sdb")
        assert.same({ path, "raw" }, { config.source, config.format })
        here:ask("echo -n LOST | dd of=/dev/%s bs=512 conv=sync,fsync 2>/dev/null", seen.blk)
        take(device)
        assert.equal("MARK", (contents(path, "raw")))
      end)

      it("over another image comes to the configuration without libvirt's chain", function()
        local base = raw(arch .. ".base", ("\0"):rep(65536) .. "BASE")
        local path = qcow2.write(("%s/%s.over"):format(folder, arch), 4, "OVER", base)
        shell("chmod 666 %s", path)
        local device = disk("sdb", path, "qcow2", 13)
        here:apply(device, { scope = "live" })
        local seen = here:await(here:apply(device).steps[1])
        assert.equal("OVERBASE", here:ask("head -c 4 /dev/%s; " ..
          "dd if=/dev/%s bs=512 skip=128 count=1 2>/dev/null | head -c 4", seen.blk, seen.blk))
        is_alike("sdb")
        assert.is_nil(daemon:dump(here.vm.name):find("<backingStore", 1, true))
        take(device)
      end)

      it("leaves while the guest uses it", function()
        local device = disk("sdb", raw(arch .. ".busy", "MARK"), "raw", 4)
        local seen = here:await(here:apply(device).steps[1])
        here:ask("rm -f /tmp/ended; { while head -c 65536 /dev/%s >/dev/null 2>&1; do :; done; echo >/tmp/ended; } &",
          seen.blk)
        take(device)
        here.vm:wait_for(function() return here:ask("ls /tmp/ended") == "/tmp/ended" end)
      end)

      it("comes and leaves by single operations, and is never changed by an attach", function()
        local device = disk("sdb", raw(arch .. ".single", "MARK"), "raw", 5)
        local result = assert(here.dom:attach(device))
        here:await(result.plan.steps[1])
        local _, problems = here.dom:attach(device)
        assert.equal("already_there", problems[1].code)
        assert(here.dom:detach(device.source))
        here:await_count(0)
      end)

      it("comes to and leaves each half alone", function()
        local device = disk("sdb", raw(arch .. ".halves", "MARK"), "raw", 6)
        for _, scopes in ipairs { { "live", "config" }, { "config", "live" } } do
          here:apply(device, { scope = scopes[1] })
          local running, config = here:halves("sdb")
          assert.same({ scopes[1] == "live", scopes[1] == "config" }, { running ~= nil, config ~= nil })
          here:await(here:apply(device).steps[1])
          is_alike("sdb")
          here:apply({ kind = "disk", dev = "sdb", absent = true }, { scope = scopes[2] })
          take(device)
        end
      end)

      it("that runs elsewhere than is described comes to the configuration where it is described", function()
        local path = raw(arch .. ".elsewhere", "MARK")
        here:await(here:apply(disk("sdb", path, "raw", 7), { scope = "live" }).steps[1])
        local device = disk("sdb", path, "raw", 8)
        local plan = here:plan(device)
        assert(plan:apply())
        local running, config = here:halves("sdb")
        assert.same({ 7, 8 }, { running.address.unit, config.address.unit })
        assert.equal(0, here:plan(device).changes)
        assert.equal(1, #here:plan(device).pending)
        take(device)
      end)

      it("whose image is not there is refused, and nothing is left of it", function()
        local before = assert(here.dom:describe())
        local refusal = here:refusal(disk("sdb", folder .. "/none.img", "raw", 9))
        assert.matches("none%.img", refusal.text)
        assert.is_false(refusal.written)
        local after = assert(here.dom:describe())
        assert.same({ before.live, before.config }, { after.live, after.config })
      end)

      it("comes with the HBA that it needs", function()
        local device = disk("sdb", raw(arch .. ".hba", "MARK"), "raw", 300,
          { address = { controller = 1, target = 255, unit = 300 } })
        local plan = here:apply { { kind = "controller", index = 1 }, device }
        assert.equal(2, plan.changes)
        local seen = here:await(plan.steps[2])
        assert.equal(16684, seen.lun)
        take(device)
        here:apply { kind = "controller", index = 1, absent = true }
        here.vm:wait_for(function() return #here.vm:hosts() == 1 end)
      end)

      it("that is a volume of a folder's pool is read and written", function()
        if why_no_pool then pending(why_no_pool) end
        local name = arch .. ".volume"
        local made = daemon:virsh("vol-create-as", "images", name, "4M", "--format", "raw")
        assert(made.code == 0, made.err)
        local device = disk("sdb", { pool = "images", volume = name }, "raw", 10)
        local plan = here:apply(device)
        assert.same({ "attach_device" }, here.writes)
        is_alike("sdb")
        local seen = here:await(plan.steps[1])
        here:ask("echo -n WRITTEN | dd of=/dev/%s bs=512 seek=1 conv=sync,fsync 2>/dev/null", seen.blk)
        take(device)
        assert.same({ "", "WRITTEN" }, { contents(folder .. "/pool/" .. name, "raw") })
      end)

      it("that is an ISO of a folder's pool is in a CD drive", function()
        if why_no_pool then pending(why_no_pool) end
        iso.data(("%s/pool/%s.iso"):format(folder, arch), "POOLED")
        local refreshed = daemon:virsh("pool-refresh", "images")
        assert(refreshed.code == 0, refreshed.err)
        local device = { kind = "cdrom", dev = "sdb", source = { pool = "images", volume = arch .. ".iso" },
          address = { controller = 0, target = 3, unit = 11 } }
        local seen = here:await(here:apply(device).steps[1])
        is_alike("sdb")
        assert.same({ 5, "POOLED" }, { seen.type, here.vm:lun(3, 11).label })
        take(device)
      end)

      it("that is a block device of the host is read and written; as a lun it is none of SCSI's", function()
        local path = raw(arch .. ".block", "MARK")
        local loop = shell("losetup --find --show %s", path)
        local name = loop.out:match("^/dev/(loop%d+)\n$")
        if not name then
          local why = "no loop device: " .. (loop.err:match("[^\n]+") or "losetup gave none")
          print("skipped: drives_spec, block devices, " .. why)
          pending(why)
        end
        finally(function() shell("losetup --detach /dev/%s", name) end)
        -- A node of our own, so that the machine's stays as closed as it is.
        local node = folder .. "/" .. arch .. ".node"
        local made = shell("mknod -m 666 %s b $(cat /sys/block/%s/dev | tr : ' ')", node, name)
        assert(made.code == 0, made.err)
        local device = disk("sdb", { dev = node }, "raw", 12)
        local seen = here:await(here:apply(device).steps[1])
        is_alike("sdb")
        assert.equal("MARK", here:ask("head -c 4 /dev/%s", seen.blk))
        here:ask("echo -n WRITTEN | dd of=/dev/%s bs=512 seek=1 conv=sync,fsync 2>/dev/null", seen.blk)
        take(device)
        shell("blockdev --flushbufs /dev/%s", name)
        assert.same({ "MARK", "WRITTEN" }, { contents(path, "raw") })

        -- Only a SCSI device of the host takes SCSI commands, so that this much of a block lun is all a loop proves;
        -- what libvirt gets for one is in spec/golden/lun_block.
        local refusal = here:refusal { kind = "lun", dev = "sdb", source = { dev = node }, address = device.address }
        assert.matches("SG_IO", refusal.text)
        assert.same({}, { here:halves("sdb") })
      end)
    end)
  end
end)
