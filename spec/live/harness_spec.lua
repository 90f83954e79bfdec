-- What the other live specs take for granted of guests and of the daemon: trays that are locked and opened from
-- inside, polite requests that are heard, kinds of discs, and a daemon that is halted, killed, and comes back.
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")
local udf = require("support.udf")

describe("of the harness", function()
  if live.skips_all(live.missing()) then return end

  local daemon

  setup(function() daemon = session.start { warm = true } end)
  teardown(function() daemon:stop() end)

  local function change(vm, path, ...)
    return daemon:virsh("change-media", vm.name, "sda", path, "--update", "--live", ...)
  end

  for _, arch in ipairs { "x86_64", "s390x" } do
    it("a guest on " .. arch, function()
      live.skip_if(guest.missing(arch), pending)
      local disc = iso.data(daemon.folder .. "/disc.iso", "DISC")
      local vm = daemon:boot { arch = arch, transient = false,
        devices = { host.hba(0), host.drive("sda", { path = disc }) } }
      finally(function() vm:destroy() end)
      vm:wait_ready()

      vm:ask("lock sr0")
      vm:ask("eject sr0")
      assert.equal("closed", vm:lun(0, 0).tray)
      vm:ask("unlock sr0")
      vm:ask("eject sr0")
      local drive = vm:lun(0, 0)
      assert.same({ "open", false }, { drive.tray, drive.medium })
      assert.is_nil(drive.label)
      vm:ask("load sr0")
      assert.equal("DISC", vm:lun(0, 0).label)

      assert.equal(0, change(vm, udf.data(daemon.folder .. "/udf.iso", "My UDF disc")).code)
      assert.equal("My UDF disc", vm:lun(0, 0).label)
      vm:ask("lock sr0")
      assert.truthy(vm:ask("cat /proc/mounts | grep sr0")[1]:find(" udf ", 1, true))
      vm:ask("unlock sr0")
      assert.equal(0, change(vm, iso.truncated(daemon.folder .. "/half.iso", "HALF")).code)
      drive = vm:lun(0, 0)
      assert.same({ true }, { drive.medium })
      assert.is_nil(drive.label)

      -- QEMU 7.2 emulates s390x some twenty times slower after a reset than before it.
      if arch == "x86_64" then
        vm:virsh_ok("reset", vm.name)
        vm:wait_ready()
        vm:virsh_ok("reboot", vm.name)
        vm:wait_ready()
      end

      daemon:kill_daemon()
      assert.not_equal(0, daemon:virsh("list").code)
      assert.equal("closed", vm:lun(0, 0).tray)
      daemon:restart_daemon()
      assert.truthy(daemon:virsh("list", "--name").out:find("guest", 1, true))

      vm:virsh_ok("shutdown", vm.name)
      vm:wait_for(function() return daemon:virsh("domstate", vm.name).out:find("shut off", 1, true) end)
    end)
  end

  it("a daemon that is halted keeps its clients waiting", function()
    daemon:stop_daemon()
    local result = child.run({ "virsh", "-q", "-c", daemon.uri, "list" },
      { env = { LD_PRELOAD = false }, timeout = 1 })
    daemon:continue_daemon()
    assert.equal(124, result.code)
    assert.equal(0, daemon:virsh("list").code)
  end)

  it("a daemon speaks German", function()
    live.skip_if(session.missing_language("de"), pending)
    local german = session.start { language = "de" }
    finally(function() german:stop() end)
    files.write(german.folder .. "/nothing.xml", "<domain type='qemu'><name>a</name></domain>")
    local result = german:virsh("define", german.folder .. "/nothing.xml")
    assert.truthy(result.err:find("Fehler", 1, true), result.err)
  end)

  it("nothing is left of a daemon whose owner was killed", function()
    local result = child.script([[
      local daemon = require("support.session").start()
      daemon:boot { from_drives = true }
      io.write(daemon.folder)
      io.stdout:flush()
      os.execute("kill -KILL $PPID")]])
    local folder = result.out:match("^/tmp/vl%w+$")
    assert.truthy(folder, result.err)
    guest.await(function() return not os.rename(folder, folder) end, 10)
    assert.equal("", child.run({ "sh", "-c", "ps ax -o args | grep [q]emu-system | grep " .. folder }).out)
  end)
end)
