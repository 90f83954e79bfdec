-- That machines boot from the discs that support.iso makes, without a kernel from outside: the drive says its order.
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")

describe("a machine without a kernel", function()
  if live.skips_all(live.missing()) then return end

  local daemon

  setup(function() daemon = session.start { warm = true } end)
  teardown(function() daemon:stop() end)

  -- Two drives, the second of which is the one to boot from.
  local function boot(arch, machine, make)
    local first = iso.data(daemon.folder .. "/data.iso", "DATA")
    local second = make(("%s/%s.iso"):format(daemon.folder, machine), "DISC7")
    return daemon:boot { arch = arch, machine = machine, from_drives = true, devices = {
      host.hba(0), host.drive("sda", { path = first }),
      host.drive("sdb", { path = second, place = { 0, 5, 3 }, inner = "<boot order='1'/>" }),
    } }
  end

  for _, machine in ipairs { "q35", "pc" } do
    it("of the type " .. machine .. " boots from a CD drive", function()
      local vm = boot("x86_64", machine, iso.bootable_x86)
      finally(function() vm:destroy() end)
      assert.equal("BOOTED DISC7", vm:wait_for("BOOTED %w+"))
    end)
  end

  it("of the type s390-ccw-virtio boots from a CD drive", function()
    live.skip_if(guest.missing("s390x"), pending)
    local vm = boot("s390x", "s390-ccw-virtio", iso.bootable_s390x)
    finally(function() vm:destroy() end)
    assert.equal("DISC7", vm:wait_ready():match("label=(%w+)"))
    assert.equal("DISC7", vm:lun(5, 3).label)
  end)
end)
