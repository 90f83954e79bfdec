-- Drives and HBAs come to a running domain: both of its halves end equal, nothing else changes, and an attach that
-- fails leaves nothing behind.
local files = require("support.files")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

describe("an attach to a running domain", function()
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

  -- A file that libvirt takes for an image and QEMU does not.
  local function unusable()
    return files.write(daemon.folder .. "/unusable.qcow2", ("no image "):rep(1000))
  end

  local function broken(dev, place)
    local device = live.cdrom(dev, unusable(), place)
    device.format = "qcow2"
    return device
  end

  local function domain_of(vm)
    local dom, found = connection:domain(vm.name)
    return assert(dom, tostring(found))
  end

  describe("of q35", function()
    local vm, dom, first

    setup(function()
      vm = daemon:boot { name = "q35", transient = false, ports = 20,
        devices = { host.hba(0), host.drive("sda", { path = disc "ONE" }) } }
      dom = domain_of(vm)
      vm:wait_ready()
      first = live.equal_devices(vm)
    end)
    teardown(function() vm:destroy() end)

    -- Whatever a case has added, the next one begins as the first did.
    local function tidy()
      local function remove(half, kind, flag)
        for _, text in ipairs(live.devices(vm, half)) do
          if text:find("^<" .. kind) and not live.device_with(first, text) then
            live.virsh_device(vm, "detach-device", text, flag)
          end
        end
      end
      for _, kind in ipairs { "disk", "controller" } do
        remove("live", kind, "--live")
        remove("config", kind, "--config")
      end
      vm:wait_for(function() return #live.devices(vm, "live") == #first end)
    end
    after_each(tidy)

    it("adds the HBA that the drive needs, the same to both halves", function()
      local result = live.make(dom, live.describe(vm, { live.cdrom("sdb", disc "TWO", { 1, 0, 3 }) }))
      assert.equal(2, result.done)
      local devices = live.equal_devices(vm)
      assert.truthy(live.device_with(devices, "<controller type='scsi' index='1' model='virtio-scsi'>"))
      assert.truthy(live.device_with(devices, "controller='1' bus='0' target='0' unit='3'"))
      assert.equal("TWO", vm:wait_for(function() return vm:lun(0, 3) end).label)
    end)

    it("fills the gap below when the recipe says so", function()
      live.make(dom, live.describe(vm, { live.cdrom("sdb", disc "TWO", { 4, 0, 0 }) }, { fill_gaps = true }))
      local devices = live.equal_devices(vm)
      for index = 1, 4 do
        assert.truthy(live.device_with(devices, ("type='scsi' index='%d' model='virtio-scsi'"):format(index)))
      end
      assert.equal(#first + 5, #devices)
    end)

    it("gives an HBA the place that the recipe says", function()
      local hba = { kind = "controller", index = 1, model = "virtio-scsi", queues = 2,
        address = { type = "pci", domain = 0, bus = 9, slot = 0, ["function"] = 0 } }
      live.make(dom, live.describe(vm, { hba, live.cdrom("sdb", disc "TWO", { 1, 5, 300 }) }))
      local devices = live.equal_devices(vm)
      assert.truthy(live.device_with(devices, "index='1'"):find("bus='0x09'", 1, true))
      assert.truthy(live.device_with(devices, "target='5' unit='300'"))
    end)

    it("is refused before anything is done where the ports do not suffice", function()
      local hbas = {}
      for index = 1, 20 do hbas[index] = { kind = "controller", index = index, model = "virtio-scsi" } end
      local result, found = live.apply(dom, live.describe(vm, hbas))
      assert.is_nil(result)
      assert.equal("no_port", found[1].code)
      assert.same(first, live.equal_devices(vm))
    end)

    it("is refused where the order of booting is the domain's", function()
      local drive = live.cdrom("sdb", disc "TWO", { 0, 0, 1 })
      drive.boot = 1
      local result, found = live.apply(dom, live.describe(vm, { drive }))
      assert.is_nil(result)
      assert.truthy(tostring(found):find("boot", 1, true))
      assert.same(first, live.equal_devices(vm))
    end)

    local extra = "<serial>KEEP-1</serial><product>VIRTLUN TEST</product><shareable/>"

    it("gives the configuration what only the running domain had, undescribed content included", function()
      live.virsh_device(vm, "attach-device",
        host.drive("sdb", { path = disc "TWO", place = { 0, 7, 2 }, inner = extra }), "--live")
      local desired = live.describe(vm, { { kind = "cdrom", dev = "sdb" } })
      local _, plan = live.make(dom, desired)
      assert.equal("config", plan.steps[1].scope)
      local drive = live.device_with(live.equal_devices(vm), "KEEP-1")
      assert.truthy(drive:find("target='7' unit='2'", 1, true))
      assert.truthy(drive:find("<product>VIRTLUN TEST</product>", 1, true))
      assert.truthy(live.is_done(dom, desired))
    end)

    it("gives the running domain what only the configuration had, undescribed content included", function()
      live.virsh_device(vm, "attach-device",
        host.drive("sdb", { path = disc "TWO", place = { 0, 7, 2 }, inner = extra }), "--config")
      local desired = live.describe(vm, { { kind = "cdrom", dev = "sdb" } })
      local _, plan = live.make(dom, desired)
      assert.equal("live", plan.steps[1].scope)
      assert.truthy(live.device_with(live.equal_devices(vm), "KEEP-1"))
      assert.equal("TWO", vm:wait_for(function() return vm:lun(7, 2) end).label)
    end)

    it("takes what only the configuration had even where nothing but the running domain may change", function()
      live.virsh_device(vm, "attach-device",
        host.drive("sdb", { path = disc "TWO", place = { 0, 7, 2 }, inner = extra }), "--config")
      live.make(dom, live.describe(vm, { { kind = "cdrom", dev = "sdb" } }), { scope = "live" })
      assert.truthy(live.device_with(live.equal_devices(vm), "KEEP-1"))
    end)

    it("gives the configuration what is described and only the next boot can change", function()
      live.virsh_device(vm, "attach-device",
        host.drive("sdb", { path = disc "TWO", place = { 0, 7, 2 }, inner = extra }), "--live")
      live.make(dom, live.describe(vm, { { kind = "cdrom", dev = "sdb", serial = "NEXT-1" } }))
      local config = live.device_with(live.devices(vm, "config"), "dev='sdb'")
      assert.truthy(config:find("<serial>NEXT-1</serial>", 1, true))
      assert.truthy(config:find("<product>VIRTLUN TEST</product>", 1, true))
      assert.truthy(live.device_with(live.devices(vm, "live"), "KEEP-1"))
    end)

    it("makes an HBA equal that only one half had", function()
      local hba = { kind = "controller", index = 1, model = "virtio-scsi" }
      live.virsh_device(vm, "attach-device", host.hba(1), "--config")
      live.make(dom, live.describe(vm, { hba }))
      live.equal_devices(vm)
      live.virsh_device(vm, "attach-device", host.hba(2), "--live")
      live.make(dom, live.describe(vm, { hba, { kind = "controller", index = 2, model = "virtio-scsi" } }))
      live.equal_devices(vm)
    end)

    it("tells where an HBA could not have the place that the other half has", function()
      live.virsh_device(vm, "attach-device", host.hba(2), "--live")
      local taken = live.device_with(live.devices(vm, "live"), "index='2'"):match("<address (.-)/>")
      live.virsh_device(vm, "attach-device", host.hba(1, "virtio-scsi", taken), "--config")
      local result = live.make(dom, live.describe(vm, { { kind = "controller", index = 1, model = "virtio-scsi" } }))
      assert.same({ "other_place" }, live.codes(result.notes))
      assert.truthy(live.device_with(live.devices(vm, "live"), "index='1' model='virtio-scsi'"))
    end)

    it("of a drive that the guest has opened does not make it open at the next boot", function()
      live.virsh_device(vm, "attach-device", host.drive("sdb", { path = disc "TWO", place = { 0, 7, 2 } }), "--live")
      local blk = vm:wait_for(function() return vm:lun(7, 2) end).blk
      vm:ask("eject " .. blk)
      vm:wait_for(function() return live.device_with(live.devices(vm, "live"), "tray='open'") end)
      live.make(dom, live.describe(vm, { { kind = "cdrom", dev = "sdb" } }))
      local drive = live.device_with(live.devices(vm, "config"), "dev='sdb'")
      assert.is_nil(drive:find("tray='open'", 1, true))
    end)

    it("of a drive that is there is refused, and its medium stays", function()
      local result, found = dom:attach(live.cdrom("sda", disc "TWO"))
      assert.is_nil(result)
      assert.same({ "already_there" }, live.codes(found))
      assert.same(first, live.equal_devices(vm))
    end)

    it("is refused when another client has taken the name since it was planned", function()
      local plan = assert(dom:plan(live.describe(vm, { live.cdrom("sdb", disc "TWO", { 0, 0, 1 }) })))
      local theirs = host.drive("sdb", { path = disc "THREE", place = { 0, 9, 9 } })
      live.virsh_device(vm, "attach-device", theirs, "--live", "--config")
      local result, found = plan:apply()
      assert.is_nil(result)
      assert.same({ "host_changed" }, live.codes(found))
      assert.truthy(live.device_with(live.equal_devices(vm), "THREE.iso"))
    end)

    it("never silently changes the medium of a drive that came in the very last moment", function()
      local desired = live.describe(vm, { live.cdrom("sdb", disc "TWO", { 0, 0, 1 }) })
      local plan = assert(dom:plan(desired))
      local reads = 0
      local result, found = live.with_log(function(call)
        if call ~= "look" then return end
        reads = reads + 1
        if reads == 1 then
          live.virsh_device(vm, "attach-device", host.drive("sdb", { path = disc "THREE", place = { 0, 9, 9 } }),
            "--live")
        end
      end, function() return plan:apply() end)
      assert.is_nil(result)
      assert.truthy(found:has_errors())
      -- Whether libvirt has refused it or has put the medium into their drive, which cannot be kept from it.
      local drive = live.device_with(live.devices(vm, "live"), "target='9' unit='9'")
      assert.truthy(drive:find("THREE.iso", 1, true) or live.codes(found)[1] == "already_there")
      assert.is_nil(live.device_with(live.devices(vm, "config"), "dev='sdb'"))
    end)

    it("that fails removes the HBA that was made for it", function()
      local result, found = live.apply(dom, live.describe(vm, { broken("sdb", { 1, 0, 0 }) }))
      assert.is_nil(result)
      assert.same({ "host_refused", "left_behind" }, live.codes(found), tostring(found))
      assert.same(first, live.equal_devices(vm))
    end)

    it("that fails keeps the HBA that another drive of the recipe is on by now", function()
      local drives = { live.cdrom("sdb", disc "TWO", { 1, 0, 0 }), broken("sdc", { 1, 0, 1 }) }
      local result, found = live.apply(dom, live.describe(vm, drives))
      assert.is_nil(result)
      assert.same({ "host_refused", "made_before" }, live.codes(found))
      local devices = live.equal_devices(vm)
      assert.truthy(live.device_with(devices, "type='scsi' index='1' model='virtio-scsi'"))
      assert.truthy(live.device_with(devices, "TWO.iso"))
    end)

    it("that fails at the third step keeps and tells what was done, and the next run completes it", function()
      local late = disc "LATE"
      assert(os.execute("chmod 000 " .. late))
      local desired = live.describe(vm, { live.cdrom("sdb", disc "TWO", { 0, 0, 1 }),
        live.cdrom("sdc", disc "THREE", { 0, 0, 2 }),
        live.cdrom("sdd", late, { 0, 0, 3 }), live.cdrom("sde", disc "FOUR", { 0, 0, 4 }) })
      local result, found = live.apply(dom, desired)
      assert.is_nil(result)
      assert.same({ "host_refused", "made_before" }, live.codes(found))
      assert.equal("q35.sdd", found[1].path)
      local devices = live.equal_devices(vm)
      assert.truthy(live.device_with(devices, "dev='sdc'"))
      assert.is_nil(live.device_with(devices, "dev='sde'"))
      assert(os.execute("chmod 644 " .. late))
      assert.equal(2, live.make(dom, desired).done)
      assert.equal(#first + 4, #live.equal_devices(vm))
      assert.truthy(live.is_done(dom, desired))
    end)

    it("of an empty CD drive is done or refused with the reason, and leaves nothing half done", function()
      local desired = live.describe(vm, { live.cdrom("sdb", nil, { 0, 0, 1 }) })
      local result, found = live.apply(dom, desired)
      if result then
        assert.truthy(live.device_with(live.equal_devices(vm), "dev='sdb'"))
      else
        assert.same({ "empty_hotplug" }, live.codes(found))
        assert.same(first, live.equal_devices(vm))
      end
    end)
  end)

  -- libvirt takes an attach where the name is taken for a change of the medium. What another client does between the
  -- last look and the call is made sure of here by looks that do not see its drive until then.
  it("that has met another client's drive is told, and the configuration does not keep it", function()
    local theirs = host.drive("sdb", { path = disc "THREE", place = { 0, 9, 9 } })
    local vm = daemon:boot { name = "late", transient = false, devices = { host.hba(0), theirs } }
    finally(function() vm:destroy() end)
    live.virsh_device(vm, "detach-device", theirs, "--config")
    local dom = domain_of(vm)
    local look, document, attach, is_hidden = dom.look, dom.document, dom.attach_device, true
    local function hidden(text) return is_hidden and text:gsub("<disk .-</disk>", "") .. "" or text end
    dom.look = function(...)
      local facts, texts = look(...)
      texts.live = hidden(texts.live)
      return facts, texts
    end
    dom.document = function(self, name, ...)
      local text, found = document(self, name, ...)
      return name == "live" and hidden(text) or text, found
    end
    dom.attach_device = function(...)
      is_hidden = false
      return attach(...)
    end
    local result, found = live.apply(dom, live.describe(vm, { live.cdrom("sdb", disc "TWO", { 0, 0, 1 }) }))
    assert.is_nil(result)
    assert.same({ "already_there" }, live.codes(found))
    assert.truthy(live.device_with(live.devices(vm, "live"), "target='9' unit='9'"))
    assert.is_nil(live.device_with(live.devices(vm, "config"), "dev='sdb'"))
  end)

  it("of pc without ACPI is refused before anything is done", function()
    local vm = daemon:boot { name = "plain", machine = "pc", transient = false, features = "",
      devices = { host.hba(0) } }
    finally(function() vm:destroy() end)
    local first = live.equal_devices(vm)
    local result, found = live.apply(domain_of(vm), live.describe(vm, { live.cdrom("sdb", disc "TWO", { 1, 0, 0 }) }))
    assert.is_nil(result)
    assert.same({ "no_acpi" }, live.codes(found))
    -- A drive on an HBA that is there needs none.
    live.make(domain_of(vm), live.describe(vm, { live.cdrom("sdb", disc "TWO", { 0, 0, 0 }) }))
    assert.equal(#first + 1, #live.equal_devices(vm))
  end)

  describe("of s390x", function()
    local vm, dom

    setup(function()
      vm = daemon:boot { name = "s390x", arch = "s390x", transient = false, devices = { host.hba(0) } }
      dom = domain_of(vm)
    end)
    teardown(function() vm:destroy() end)

    it("gives both halves of an HBA the same place", function()
      live.make(dom, live.describe(vm, { live.cdrom("sdb", disc "TWO", { 1, 0, 0 }) }))
      assert.truthy(live.device_with(live.equal_devices(vm), "index='1'"):find("type='ccw'", 1, true))
      local hba = { kind = "controller", index = 2, model = "virtio-scsi",
        address = { type = "ccw", cssid = 0xfe, ssid = 1, devno = 0x1234 } }
      live.make(dom, live.describe(vm, { hba, live.cdrom("sdc", disc "THREE", { 2, 0, 0 }) }))
      assert.truthy(live.device_with(live.equal_devices(vm), "index='2'"):find("devno='0x1234'", 1, true))
    end)

    it("is refused for a model that the machine cannot have", function()
      local before = live.equal_devices(vm)
      local hba = { kind = "controller", index = 3, model = "lsilogic" }
      local result, found = live.apply(dom, live.describe(vm, { hba }))
      assert.is_nil(result)
      assert.truthy(found:has_errors())
      assert.same(before, live.equal_devices(vm))
    end)
  end)
end)
