-- What plans and their results say of a change, above all what of it the guest feels.  Pure: documents in, text out.
local host = require("support.host_xml")
local plan_view = require("virtlun.view.plan")
local result_view = require("virtlun.view.result")
local domain_view = require("virtlun.view.domain")
local tree_view = require("virtlun.view.tree")
local virtlun = require("virtlun")

local RUNNING = { state = "running", active = true, persistent = true, driver = "QEMU", libvirt = 9010000 }

local function facts(more)
  local all = {}
  for _, list in ipairs { RUNNING, more or {} } do
    for key, value in pairs(list) do all[key] = value end
  end
  return all
end

local function plan(devices, described, more, opts)
  local xml = host.domain(devices, opts)
  local desired = { kind = "domain", name = "web01", boot = described.boot, scope = described.scope,
    table.unpack(described) }
  local made, found = virtlun.plan(desired, { live = xml, config = xml }, facts(more))
  assert(made, tostring(found))
  return made
end

local LATER = "at its next boot, after a power-off: "

local function plain(_, text) return text end

local HBA = host.hba(0)
local SDA, EMPTY = host.drive("sda"), host.drive("sda", { path = false })
local DISK = host.drive("sdb", { device = "disk", path = "/root.qcow2", place = { 0, 0, 1 } })

describe("the end of a plan", function()
  local function said(devices, described, more, opts)
    return table.concat(plan_view.summary(plan(devices, described, more, opts)), "\n")
  end
  local add = { kind = "cdrom", dev = "sdb", source = "/new.iso" }
  local insert = { kind = "cdrom", dev = "sda", source = "/new.iso" }
  local remove = { kind = "cdrom", dev = "sda", absent = true }

  it("says that nothing interrupts the guest only where nothing does", function()
    local calm = "; none of it interrupts the running domain"
    assert.equal("1 change: 1 to add" .. calm, said({ HBA, SDA }, { add }))
    assert.equal("1 change: 1 to change" .. calm, said({ HBA, EMPTY }, { insert }))
    assert.equal("1 change: 1 to add; none of it interrupts the paused domain",
      said({ HBA, SDA }, { add }, { state = "paused" }))
    assert.equal("nothing to do", said({ HBA, SDA }, { { kind = "cdrom", dev = "sda", source = "/old.iso" } }))
  end)

  it("names what the guest loses, and when", function()
    local lost = "1 change: 1 to change\nnow: the guest loses the medium that is now in sda"
    assert.equal(lost, said({ HBA, SDA }, { insert }))
    assert.equal(lost, said({ HBA, SDA }, { { kind = "cdrom", dev = "sda", source = false } }))
    assert.equal("1 change: 1 to remove\nnow: the guest loses sda", said({ HBA, SDA }, { remove }))
    assert.equal("1 change: 1 to remove; nothing is interrupted now\n" .. LATER .. "the guest loses sda",
      said({ HBA, SDA }, { remove, scope = "config" }))
  end)

  it("tells once of each drive that may be replaced, and of what needs power-off", function()
    assert.equal("1 change: 1 to change\nnow: may replace sda: the guest sees it go and come back",
      said({ HBA, SDA }, { insert }, { libvirt = 9000000 }))
    assert.equal("1 change: 1 to change; nothing is interrupted now\n" .. LATER .. "the boot order changes",
      said({ HBA, SDA, DISK }, { boot = "devices" }))
  end)

  it("tells of a moved drive and of another HBA what comes at the next boot", function()
    local place = { controller = 0, target = 3, unit = 1 }
    local moved = plan({ HBA, SDA }, { { kind = "cdrom", dev = "sda", address = place } })
    local lines = plan_view.lines(moved, { paint = plain })
    assert.equal("  ~  sda  moves from 0:0:0:0 to 0:0:3:1  next boot  guest [H:0:3:1]", lines[2])
    assert.same({ "  1 change: 1 to change; nothing is interrupted now",
      "  " .. LATER .. "the guest finds sda at another place, under other names" }, { lines[3], lines[4] })
    assert.equal("1 change: 1 to change; nothing is interrupted now\n" ..
      LATER .. "the guest finds another HBA at controller0, with all that is on it",
      said({ HBA, SDA }, { { kind = "controller", index = 0, model = "virtio-transitional" } }))
  end)

  it("says beside a step that only the running domain gets it", function()
    local live = plan({ HBA, SDA }, { insert, scope = "live" }, { libvirt = 9000000 })
    assert.equal("  ~  sda  source /old.iso -> /new.iso  live only, may replace the drive  guest [H:0:0:0]",
      plan_view.lines(live, { paint = plain })[2])
  end)

  it("tells several things, and nothing of a guest that does not run", function()
    local both = { insert, { kind = "cdrom", dev = "sdb", absent = true } }
    local devices = { HBA, SDA, host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 } }) }
    assert.equal("2 changes: 1 to change, 1 to remove\n" ..
      "now: the guest loses sdb; the guest loses the medium that is now in sda", said(devices, both))
    assert.equal("2 changes: 1 to change, 1 to remove",
      said(devices, both, { state = "shut off", active = false }))
  end)

  it("tells what waits already, even where nothing is to do", function()
    local live, config = host.domain({ HBA, SDA }), host.domain({ HBA })
    local made = assert(virtlun.plan({ kind = "domain", name = "web01", remove }, { live = live, config = config },
      facts { driver = "test" }))
    assert.same({ "nothing to do", LATER .. "the guest loses sda" }, plan_view.summary(made))
  end)
end)

describe("labels of media", function()
  local path = "/images/disc.iso"

  local function look(which) return which == path and { label = "DISC2", format = "iso9660" } or nil end

  local function lines(devices, described, more)
    more = more or {}
    more.image = look
    local made = plan(devices, described, more)
    return plan_view.lines(made, { paint = plain })[2], result_view.lines(made)
  end

  it("stand beside the source in plans and results", function()
    local step, results = lines({ HBA, SDA }, { { kind = "cdrom", dev = "sda", source = path } })
    assert.truthy(step:find(("source /old.iso -> DISC2 (%s)"):format(path), 1, true), step)
    assert.same({ ("web01: sda now holds DISC2 (%s), live and config; guest [H:0:0:0]"):format(path) }, results)
    step, results = lines({ HBA }, { { kind = "cdrom", dev = "sda", source = path } },
      { state = "shut off", active = false })
    assert.truthy(step:find(("cdrom at 0:0:0:0  DISC2 (%s)"):format(path), 1, true), step)
    assert.same({ ("web01: cdrom sda added at 0:0:0:0, with DISC2 (%s), config; guest [H:0:0:0]"):format(path) },
      results)
  end)
end)

describe("a result", function()
  local function said(devices, described, more)
    return result_view.lines(plan(devices, described, more))[1]
  end

  it("says what was done to each device, and where", function()
    assert.equal("web01: sda is now empty, live and config; guest [H:0:0:0]",
      said({ HBA, SDA }, { { kind = "cdrom", dev = "sda", source = false } }))
    assert.equal("web01: cdrom sda removed, live and config",
      said({ HBA, SDA }, { { kind = "cdrom", dev = "sda", absent = true } }))
    assert.equal("web01: HBA controller0 removed, live and config",
      said({ HBA }, { { kind = "controller", index = 0, absent = true } }, { driver = "QEMU" }))
    assert.equal("web01: cdrom sdb added at 0:0:0:1, empty, config, for the next boot; guest [H:0:0:1]",
      said({ HBA, SDA }, { { kind = "cdrom", dev = "sdb", source = false }, scope = "config" }))
    assert.equal("web01: sda changed: startup_policy unset -> optional, config, for the next boot; guest [H:0:0:0]",
      said({ HBA, SDA }, { { kind = "cdrom", dev = "sda", startup_policy = "optional" }, scope = "config" }))
    assert.equal("web01: sda changed: serial X1 -> unset, removable true -> false, config, for the next boot",
      result_view.lines { domain = "web01", state = "running", steps = { { action = "change", kind = "cdrom",
        device = "sda", scope = "config", fields = { { key = "serial", before = "X1", after = false },
          { key = "removable", before = true, after = false } } } } }[1])
    assert.equal("web01: domain changed: boot os -> devices, config, for the next boot",
      said({ HBA, SDA, DISK }, { boot = "devices" }))
  end)
end)

describe("a domain", function()
  local function described(live, config, media)
    local description = { name = "web01", uri = "qemu:///system", facts = RUNNING, media = media }
    description.live = live and virtlun.read(host.domain(live))
    description.config = config and virtlun.read(host.domain(config))
    return domain_view.data(description)
  end

  local function tree(...)
    local lines = tree_view.lines(described(...))
    for i, line in ipairs(lines) do lines[i] = line:gsub("^[^%w]+", "") end
    return lines
  end

  local SDB = host.drive("sdb", { path = "/b.iso", place = { 0, 3, 300 } })

  it("is drawn once where both halves agree", function()
    assert.same({
      "web01  running  qemu:///system", "HBA 0  virtio-scsi", "target 0",
      "unit 0  cdrom sda  OLD (/old.iso)  tray closed  guest [H:0:0:0]", "target 3",
      "unit 300  cdrom sdb  /b.iso  tray closed  guest [H:0:3:16684]",
    }, tree({ HBA, SDA, SDB }, { HBA, SDA, SDB }, { ["/old.iso"] = { label = "OLD" } }))
    assert.same({ "web01  running  qemu:///system", "no SCSI HBAs" }, tree({}, {}))
  end)

  it("is drawn once where an empty drive differs by its format alone, which libvirt forgets", function()
    local forgotten = EMPTY:gsub(" type='raw'", "")
    assert.are_not.equal(EMPTY, forgotten)
    assert.equal(4, #tree({ HBA, forgotten }, { HBA, EMPTY }))
    assert.equal(5, #tree({ HBA, (SDA:gsub(" type='raw'", "")) }, { HBA, SDA }))
  end)

  it("says how long what differs will last", function()
    assert.same({
      "web01  running  qemu:///system", "HBA 0  virtio-scsi", "target 0",
      "unit 0  cdrom sda  empty  tray closed  guest [H:0:0:0]  [until its next boot]",
      "unit 0  cdrom sda  /old.iso  guest [H:0:0:0]  [from its next boot on]", "target 3",
      "unit 300  cdrom sdb  /b.iso  tray closed  guest [H:0:3:16684]  [until its next boot]",
      "HBA 1  virtio-scsi  [from its next boot on]",
    }, tree({ HBA, EMPTY, SDB }, { HBA, SDA, host.hba(1) }))
    local data = described({ HBA, EMPTY, SDB }, { HBA, SDA, host.hba(1) })
    local seen = {}
    for _, which in ipairs { "live", "config" } do
      for _, device in ipairs(data[which]) do
        seen[#seen + 1] = ("%s %s %s"):format(which, device.dev or device.index, device.other)
      end
    end
    table.sort(seen)
    assert.same({ "config 0 same", "config 1 missing", "config sda different", "live 0 same", "live sda different",
      "live sdb missing" }, seen)
  end)

  it("tells what an HBA will be", function()
    assert.same({ "web01  running  qemu:///system", "HBA 0  virtio-scsi  [until its next boot]  [then lsilogic]" },
      tree({ HBA }, { host.hba(0, "lsilogic") }))
  end)

  it("draws drives without a name, and on HBAs that are not described", function()
    assert.same({ "web01  running  qemu:///system", "HBA 0  not there", "target 0",
      "unit 3  hostdev  scsi_host2 0:0:5  guest [H:0:0:3]" }, tree({ host.hostdev(2, 5, { 0, 0, 3 }) }))
  end)

  it("has trays only while it runs, and no comparison where there is one half", function()
    local data = described(nil, { SDA })
    assert.same({ nil, nil, nil }, { data.live, data.config[1].tray, data.config[1].other })
    data = described({ (SDA:gsub("bus='scsi'/>", "bus='scsi' tray='open'/>")) })
    assert.same({ "open" }, { data.live[1].tray, data.live[1].other })
    assert.truthy(tree({ (SDA:gsub("bus='scsi'/>", "bus='scsi' tray='open'/>")) }, { SDA })[4]
      :find("tray open  guest [H:0:0:0]", 1, true))
  end)
end)
