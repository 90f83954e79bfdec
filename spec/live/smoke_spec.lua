-- That the harness of the live specs works, without virtlun: every kind of machine boots, sees a drive that is plugged
-- where only a wide LUN reaches, and the label of the disc that is put into a drive.
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")

describe("a guest", function()
  if live.skips_all(live.missing()) then return end

  local daemon

  setup(function() daemon = session.start { warm = true } end)
  teardown(function() daemon:stop() end)

  local function disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end

  for _, machine in ipairs { "q35", "pc", "s390-ccw-virtio" } do
    local arch = machine == "s390-ccw-virtio" and "s390x" or "x86_64"
    it("on " .. machine .. " sees drives come and discs change", function()
      live.skip_if(guest.missing(arch), pending)
      local vm = daemon:boot { arch = arch, machine = machine,
        devices = { host.hba(0), host.drive("sda", { path = disc "ONE" }) } }
      finally(function() vm:destroy() end)
      vm:wait_ready()
      assert.same({ hctl = "0:0:0:0", host = 0, target = 0, lun = 0, type = 5, blk = "sr0", size = 796, medium = true,
        tray = "closed", label = "ONE" }, vm:luns()[1])

      local plugged = host.drive("sdb", { path = disc "TWO", place = { 0, 5, 300 } })
      vm:virsh_ok("attach-device", vm.name, files.write(daemon.folder .. "/plugged.xml", plugged), "--live")
      local wide = vm:wait_for(function() return vm:lun(5, 16684) end)
      assert.same({ "0:0:5:16684", "TWO" }, { wide.hctl, wide.label })
      local parent = vm:hosts()[1].parent
      assert.truthy(parent:find(arch == "s390x" and "^ccw%-0%.0%.%x+$" or "^pci%-0000:%x%x:%x%x%.%x$"), parent)
      assert.same({ [parent .. "-scsi-0:0:0:0"] = "sr0", [parent .. "-scsi-0:0:5:16684"] = wide.blk }, vm:by_path())

      vm:virsh_ok("change-media", vm.name, "sda", disc "THREE", "--update", "--live")
      assert.equal("THREE", vm:lun(0, 0).label)
    end)
  end
end)
