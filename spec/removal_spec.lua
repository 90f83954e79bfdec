-- What takes away what a description names: virtlun.removal, and the command remove on libvirt's own test driver.
local child = require("support.child")
local host = require("support.host_xml")
local virtlun = require("virtlun")

local FACTS = { state = "running", active = true, persistent = true, driver = "QEMU", libvirt = 9010000 }

local function xml_of(devices) return host.domain(devices) end

local SDA = host.drive("sda", { place = { 0, 0, 0 } })
local SDB = host.drive("sdb", { device = "disk", path = "/b.img", place = { 1, 0, 0 } })
local SDC = host.drive("sdc", { place = { 2, 0, 0 } })
local function hbas(last)
  local list = {}
  for index = 0, last do list[index + 1] = host.hba(index) end
  return table.unpack(list)
end

-- The removal of what is described, from a domain with these devices in each half.
local function removal(desired, live, config, opts)
  desired.kind, desired.name = "domain", "web01"
  local description = { live = live and virtlun.read(xml_of(live)), config = config and virtlun.read(xml_of(config)) }
  local result, found = virtlun.removal(desired, description, opts)
  assert(result, tostring(found))
  return result, tostring(found)
end

local function labels(description)
  local list = {}
  for i, device in ipairs(description) do
    assert.is_true(device.absent)
    list[i] = device.dev or device.kind .. (device.index or "")
  end
  return table.concat(list, " ")
end

local function hba(index) return { kind = "controller", index = index } end

describe("the removal of a description", function()
  it("names what identifies each device, and no more", function()
    local desired = { uri = "test:///default", scope = "config", prune = true, fill_gaps = true, boot = "devices",
      file = "a.lua", line = 1,
      { kind = "cdrom", dev = "sda", source = "/new.iso", protect = true, boot = 1, file = "a.lua", line = 2 },
      { kind = "controller", index = 0, model = "virtio-scsi", queues = 4 },
      { kind = "hostdev", source = { adapter = "scsi_host1", target = 0, unit = 1 }, shareable = true } }
    local result = removal(desired, nil, { hbas(0) })
    assert.same({ kind = "domain", name = "web01", uri = "test:///default", scope = "config", file = "a.lua", line = 1,
      { kind = "cdrom", dev = "sda", protect = true, absent = true, file = "a.lua", line = 2 },
      { kind = "controller", index = 0, absent = true },
      { kind = "hostdev", source = { adapter = "scsi_host1", target = 0, unit = 1 }, absent = true } }, result)
    assert.is_nil(desired[1].absent)
  end)

  it("makes a plan that leaves nothing of it, and then one that has nothing to do", function()
    local desired = { hba(0), hba(1), { kind = "cdrom", dev = "sda" }, { kind = "disk", dev = "sdb" } }
    local devices = { hbas(1) }
    table.move({ SDA, SDB }, 1, 2, 3, devices)
    local result, said = removal(desired, devices, devices)
    assert.equal("", said)
    local xml = xml_of(devices)
    local plan = assert(virtlun.plan(result, { live = xml, config = xml }, FACTS))
    assert.same({ 4, "sda", "sdb", "controller0", "controller1" },
      { plan.changes, plan.steps[1].device, plan.steps[2].device, plan.steps[3].device, plan.steps[4].device })
    xml = xml_of {}
    assert.equal(0, assert(virtlun.plan(removal(desired, {}, {}), { live = xml, config = xml }, FACTS)).changes)
  end)

  it("leaves an HBA on which or above which another drive remains, and says which", function()
    local devices = { SDA, SDB, SDC, hbas(3) }
    local desired = { { kind = "cdrom", dev = "sda" }, hba(0), { kind = "disk", dev = "sdb" }, hba(2), hba(3) }
    local result, said = removal(desired, devices, devices)
    assert.equal("sda sdb controller3", labels(result))
    assert.equal("web01.controller0: note: stays: sdc is above it\nweb01.controller2: note: stays: sdc is on it", said)
  end)

  it("looks at the halves that are to be changed", function()
    local live, config = { SDA, hbas(0) }, { hbas(0) }
    assert.equal("", labels(removal({ hba(0) }, live, config)))
    assert.equal("", labels(removal({ hba(0) }, config, live)))
    assert.equal("", labels(removal({ hba(0) }, live, config, { scope = "both" })))
    assert.equal("", labels(removal({ hba(0) }, live, config, { scope = "live" })))
    assert.equal("controller0", labels(removal({ hba(0) }, live, config, { scope = "config" })))
    assert.equal("controller0", labels(removal({ scope = "config", hba(0) }, live, config)))
    assert.equal("controller0", labels(removal({ hba(0) }, config, live, { scope = "live" })))
  end)

  it("is none of a description that is wrong", function()
    local result, found = virtlun.removal({ kind = "domain", name = "web01", { kind = "cdrm" } }, {})
    assert.same({ nil, "unknown_kind" }, { result, found[1].code })
  end)
end)

describe("virtlun remove", function()
  -- What lines of the command print in one process, in which test:/// lives.
  local function session(...)
    local lines = {}
    for i, line in ipairs { ... } do
      lines[i] = ("run %q"):format(line)
    end
    local result = child.script([[
      local virtlun, cli = require "virtlun", require "virtlun.cli"
      local held = virtlun.open "test:///default"
      local function run(line)
        local words = {}
        for word in line:gmatch("%S+") do words[#words + 1] = word end
        print(cli.main(words))
      end
      ]] .. table.concat(lines, "\n") .. "\nheld:close()")
    return result
  end
  local DVD = "spec/recipes/dvd.lua"

  it("removes what the recipe names and no HBA that it did not describe, once", function()
    local result = session("apply -q --yes " .. DVD, "remove --yes " .. DVD, "remove --yes " .. DVD,
      "plan --detailed-exitcode -q " .. DVD)
    assert.equal(table.concat({ "0", "test  running  test:///default",
      "  -  sda          cdrom at 4:0:0:0  /var/lib/libvirt/images/cd.iso  next boot, not there now",
      "  -  controller4  HBA                                               next boot, not there now",
      "  2 changes: 2 to remove; none of it interrupts the running domain", "0",
      "test  running  test:///default", "  nothing to do", "0", "2", "" }, "\n"), result.out)
    assert.equal("test: [1/2] remove sda: done\ntest: [2/2] remove controller4: done\n",
      result.err:match("^(.-)virtlun: "))
  end)

  it("makes no call that writes where nothing is to do", function()
    local result = child.virtlun({ "remove", DVD }, { env = { VIRTLUN_TRACE = "1" } })
    assert.same({ 0, "test  running  test:///default\n  nothing to do\n" }, { result.code, result.out })
    for call in result.err:gmatch("ms  (%S+)") do
      assert.truthy(("open uri driver version lookup facts xml listen close volume"):find(call, 1, true), call)
    end
  end)

  it("asks, and is data with --json", function()
    local result = session("apply -q --yes " .. DVD, "remove " .. DVD, "remove --yes --json " .. DVD)
    assert.truthy(result.err:find("virtlun: without a terminal, remove needs --yes\n", 1, true), result.err)
    assert.truthy(result.out:find('"result":"done"', 1, true), result.out)
    assert.truthy(result.out:find('"action":"remove"', 1, true))
  end)

  it("does not remove what is protected", function()
    local result = child.script([[
      local virtlun, cli = require "virtlun", require "virtlun.cli"
      local held = virtlun.open "test:///default"
      assert(held:domain("test"):attach { kind = "cdrom", dev = "sda" })
      print(cli.main { "remove", "--yes", "-c", "test:///default", "-" })
      held:close()]], { stdin = 'domain "test" { cdrom { dev = "sda", protect = true } }' })
    assert.equal("1\n", result.out)
    assert.truthy(result.err:find("test.sda: is protected, and the recipe would remove it", 1, true), result.err)
  end)
end)
