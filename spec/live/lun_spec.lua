-- The guest sees every drive where virtlun foretold it: at its LUN on the HBA of its own, and by the name that was
-- certain, when the drive is hot-plugged and after a cold boot from the configuration.
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")
local virtlun = require("virtlun")

-- { controller, target, unit } of the drives; the HBAs 1 and 2 are hot-plugged.
local places = {
  { 0, 0, 0 }, { 0, 0, 1 }, { 0, 0, 255 }, { 0, 0, 256 }, { 0, 0, 257 }, { 0, 0, 16383 }, { 0, 1, 0 }, { 0, 255, 0 },
  { 1, 0, 256 }, { 1, 1, 257 }, { 1, 255, 16383 }, { 2, 255, 1 }, { 2, 1, 255 },
}

-- What facts 1 say that Linux shows, written out: what virtlun computes is not to be judged by itself.
local shown = { [0] = 0, [1] = 1, [255] = 255, [256] = 16640, [257] = 16641, [16383] = 32767 }

local machines = {
  { name = "q35", arch = "x86_64", ports = 8, certain = { [0] = true },
    first = "type='pci' domain='0x0000' bus='0x00' slot='0x0b' function='0x0'" },
  { name = "pc", arch = "x86_64", certain = { [0] = true, true, true } },
  { name = "s390-ccw-virtio", arch = "s390x", certain = { [0] = true, true, true },
    second = { type = "ccw", cssid = 0xfe, ssid = 2, devno = 0xabc } },
}

describe("the LUNs that are foretold", function()
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

  local function label_of(place) return ("C%d T%d U%d"):format(table.unpack(place)) end

  local function drives()
    local list = {}
    for i, place in ipairs(places) do
      local label = label_of(place)
      list[i] = live.cdrom("sd" .. string.char(96 + i), live.disc(daemon, (label:gsub(" ", "_"))), place)
    end
    return list
  end

  -- What the guest sees, by the label of the disc.
  local function seen_by(vm)
    local seen = {}
    for _, device in ipairs(vm:luns()) do
      if device.label then
        assert.is_nil(seen[device.label], "seen twice: " .. device.label)
        seen[device.label] = device
      end
    end
    return seen
  end

  local function await_all(vm)
    vm:wait_for(function() return #vm:luns() >= #places end, 60)
    return seen_by(vm)
  end

  -- [H:0:T:L] is what is foretold; which number H is, the guest chooses, but one for each HBA.
  local function compare(vm, foretold, certain)
    local seen, links, number = await_all(vm), vm:by_path(), {}
    local told = 0
    for _, place in ipairs(places) do
      local label, index = label_of(place):gsub(" ", "_"), place[1]
      local device, expected = seen[label], foretold[label]
      assert.truthy(device, "not seen: " .. label)
      number[index] = number[index] or device.host
      assert.equal(("%d:0:%d:%d"):format(number[index], place[2], shown[place[3]]), device.hctl)
      assert.equal(expected.hctl, (device.hctl:gsub("^%d+(.*)", "[H%1]")))
      assert.equal(shown[place[3]], expected.lun)
      if expected.certain then
        told = told + 1
        assert.equal(device.blk, links[expected.by_path], expected.by_path)
      end
      if certain then assert.equal(certain[index] or false, expected.certain, label) end
    end
    assert.is_false(number[0] == number[1] or number[0] == number[2] or number[1] == number[2])
    return told
  end

  -- What the running domain is foretold to show, by the names of the images.
  local function foretold_of(description)
    local by_label, all = {}, virtlun.foretell(description)
    for i, device in ipairs(description) do
      if device.kind == "cdrom" then by_label[device.source:match("([^/]+)%.iso$")] = all[i] end
    end
    return by_label
  end

  for _, machine in ipairs(machines) do
    it("are those of " .. machine.name .. ", hot-plugged and after a cold boot", function()
      local vm = daemon:boot { arch = machine.arch, machine = machine.name, transient = false, ports = machine.ports,
        name = "lun", devices = { host.hba(0, "virtio-scsi", machine.first) } }
      finally(function() vm:destroy() end)
      vm:wait_ready()
      local dom = assert(connection:domain("lun"))
      local devices = drives()
      devices[#devices + 1] = { kind = "controller", index = 2, model = "virtio-scsi", address = machine.second }
      local _, plan = live.make(dom, live.describe(vm, devices))
      live.equal_devices(vm)

      local by_step = {}
      for _, step in ipairs(plan.steps) do
        if step.guest then by_step[step.after.source:match("([^/]+)%.iso$")] = step.guest end
      end
      compare(vm, by_step)

      local after = foretold_of(assert(dom:describe()).live)
      local certain = compare(vm, after, machine.certain)
      live.cold_boot(vm)
      assert.equal(certain, compare(vm, foretold_of(assert(dom:describe()).live), machine.certain))
      assert.same(after, foretold_of(assert(dom:describe()).config))
    end)
  end

  -- The guest's kernel has no drivers for these: QEMU itself tells where the drive is.
  local others = {
    { model = "lsilogic", place = { 0, 3 }, qtree = { 3, 0 } },
    { model = "vmpvscsi", place = { 5, 0 }, qtree = { 5, 0 } },
    { model = "lsisas1068", place = { 4, 1 }, qtree = { 4, 1 } },
    { model = "lsisas1078", place = { 6, 200 }, qtree = { 6, 200 } },
    { model = "am53c974", place = { 0, 5 }, qtree = { 5, 0 } },
  }

  it("are those of other models of HBAs too, where a unit may be a target", function()
    local hbas = {}
    for i, other in ipairs(others) do hbas[i] = host.hba(i - 1, other.model) end
    local vm = daemon:boot { machine = "pc", transient = false, name = "models", devices = hbas }
    finally(function() vm:destroy() end)
    local dom = assert(connection:domain("models"))
    local devices = {}
    for i, other in ipairs(others) do
      devices[i] = live.cdrom("sd" .. string.char(96 + i), live.disc(daemon, "ONE"), { i - 1, other.place[1],
        other.place[2] })
    end
    local _, plan = live.make(dom, live.describe(vm, devices))
    live.equal_devices(vm)

    local function check_qtree()
      local tree = vm:virsh_ok("qemu-monitor-command", "models", "--hmp", "info qtree")
      for i, other in ipairs(others) do
        local text
        for block in tree:gmatch("dev: scsi%-cd, id \"[^\n]*\n.-lun = [^\n]*") do
          if block:find(('id "scsi%d-'):format(i - 1), 1, true) then text = block end
        end
        assert.truthy(text, other.model)
        local id, lun = tonumber(text:match("scsi%-id = (%d+)")), tonumber(text:match("lun = (%d+)"))
        assert.same(other.qtree, { id, lun })
        assert.equal(("[H:0:%d:%d]"):format(id, lun), plan.steps[i].guest.hctl)
      end
    end
    check_qtree()
    vm:virsh_ok("destroy", "models")
    vm:virsh_ok("start", "models")
    check_qtree()
  end)
end)
