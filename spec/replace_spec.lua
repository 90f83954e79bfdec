-- replace = true: a device may be taken out and put back where a running one cannot be changed.
local host = require("support.host_xml")
local planning = require("support.planning")

local hba0, hba1 = host.hba(0), host.hba(1)
local there = { hba0, hba1, host.drive("sda") }
local moved = [[cdrom { dev = "sda", address = { controller = 1, target = 0, unit = 3 }%s }]]

local MOVES = "change sda (differs: moves from 0:0:0:0 to 1:0:0:3): "

local function lines(body, devices, opts)
  opts = opts or {}
  opts.live = opts.live or devices
  return planning.lines(planning.made(body, devices, planning.RUNNING, opts).steps)
end

describe("a running drive that moves", function()
  it("waits for the next boot unless it may be replaced", function()
    assert.same({ MOVES .. "next boot; define config" }, lines(moved:format(""), there))
  end)

  it("is taken out and put back where it may be replaced", function()
    assert.same({ MOVES .. "live, replaces the drive; detach live, attach live, define config" },
      lines(moved:format(", replace = true"), there))
  end)

  it("shows the elements that leave and come", function()
    local plan = planning.made(moved:format(", replace = true"), there, planning.RUNNING, { live = there })
    local detach, attach = plan.steps[1].calls[1], plan.steps[1].calls[2]
    assert.equal(planning.as_written(host.drive("sda")), detach.before)
    assert.equal(planning.as_written(host.drive("sda", { place = { 1, 0, 3 } })), attach.xml)
  end)

  it("is no change where nothing differs", function()
    assert.same({}, lines([[cdrom { dev = "sda", replace = true }]], there))
  end)

  it("is not replaced for what can be changed as it is", function()
    assert.same({ "change sda (differs: source): live; update live, update config" },
      lines([[cdrom { dev = "sda", source = "/new.iso", replace = true }]], there))
  end)

  it("is not replaced for a boot order that the running domain cannot have", function()
    local plan = planning.made([[boot = "devices", cdrom { dev = "sda", boot = 1, replace = true }]], there,
      planning.RUNNING, { live = there })
    assert.same({ "change web01 (boots from sda): needs power-off; define config",
      "change sda (differs: boot): next boot; define config" }, planning.lines(plan.steps))
  end)

  it("is not replaced where it is protected", function()
    assert.equal("r.lua:2: web01.sda: is protected, and the recipe would move it (take protect = true away first)",
      planning.refused(moved:format(", replace = true, protect = true"), there, planning.RUNNING, { live = there }))
  end)

  it("does not come to a place that another one has until the next boot", function()
    local both = { hba0, hba1, host.drive("sda"), host.drive("sdb", { place = { 1, 0, 3 } }) }
    local swap = [[cdrom { dev = "sda", address = { controller = 1, target = 0, unit = 3 }, replace = true },
      cdrom { dev = "sdb", address = { controller = 0, target = 0, unit = 0 } }]]
    assert.equal("r.lua:2: web01.sda: 1:0:0:3 is already the address of sdb in the domain",
      planning.refused(swap, both, planning.RUNNING, { live = both }))
  end)

  it("does not get the place of one that stays, when another one of no name leaves", function()
    local tapes = { hba0, host.hostdev(0, 3, { 0, 0, 3 }), host.hostdev(1, 3, { 0, 0, 4 }) }
    local tape = "hostdev { source = { adapter = 'scsi_host%d', bus = 0, target = 0, unit = 3 }, %s },\n"
    assert.equal("r.lua:4: web01.sdb: 0:0:0:3 is already the address of hostdev in the domain",
      planning.refused(tape:format(0, "address = { controller = 0, target = 0, unit = 9 }") ..
        tape:format(1, "absent = true") ..
        [[cdrom { dev = "sdb", source = "/b.iso", address = { controller = 0, target = 0, unit = 3 } }]],
        tapes, planning.RUNNING, { live = tapes }))
  end)

  it("makes room for one that is new", function()
    assert.same({ MOVES .. "live, replaces the drive; detach live, attach live, define config",
      "add sdb (not there): live; attach live, define config" },
      lines(moved:format(", replace = true") .. [[,
        cdrom { dev = "sdb", source = "/b.iso", address = { controller = 0, target = 0, unit = 0 } }]], there))
  end)
end)

describe("a running disk", function()
  local with_disk = { hba0, hba1, host.drive("sda", { device = "disk" }) }
  local body = [[disk { dev = "sda", address = { controller = 1, target = 0, unit = 3 }, replace = true }]]

  it("is replaced only by force", function()
    assert.equal("r.lua:2: web01.sda: the guest may be using this disk, so that it takes force to replace it while " ..
      'the domain runs (scope = "config" changes its next boot)',
      planning.refused(body, with_disk, planning.RUNNING, { live = with_disk }))
    assert.same({ MOVES .. "live, replaces the drive; detach live, attach live, define config" },
      lines(body, with_disk, { plan = { force = true } }))
  end)
end)

describe("a running HBA of another model", function()
  local lsi = { host.hba(0, "lsilogic") }
  local body = [[controller { index = 0, model = "virtio-scsi", replace = true }]]

  it("is replaced where nothing is on it", function()
    assert.same({ "change controller0 (differs: model): live, replaces the HBA; detach live, attach live, " ..
      "define config" }, lines(body, lsi))
  end)

  it("is replaced after the drives have left that are on it, and before those that come", function()
    local leaving = [[cdrom { dev = "sda", absent = true }, cdrom { dev = "sdb", source = "/b.iso",
      address = { controller = 0, target = 0, unit = 1 } }, ]]
    assert.same({ "remove sda (absent = true): live; detach live, detach config",
      "change controller0 (differs: model): live, replaces the HBA; detach live, attach live, define config",
      "add sdb (not there): live; attach live and config" }, lines(leaving .. body, { lsi[1], host.drive("sda") }))
    local moving = [[cdrom { dev = "sda", replace = true, address = { controller = 0, target = 0, unit = 0 } },
      controller { index = 1, model = "lsisas1068", replace = true } ]]
    assert.same({ "change sda (differs: moves from 1:0:0:0 to 0:0:0:0): live, replaces the drive; detach live, " ..
      "attach live, define config",
      "change controller1 (differs: model): live, replaces the HBA; detach live, attach live, define config" },
      lines(moving, { hba0, hba1, host.drive("sda", { place = { 1, 0, 0 } }) }))
  end)

  it("waits for the next boot while a drive is on it or above it", function()
    local waits = { "change controller0 (differs: model): next boot, replaces the HBA; define config" }
    assert.same(waits, lines(body, { lsi[1], host.drive("sda") }))
    assert.same(waits, lines(body, { lsi[1], hba1, host.drive("sda", { place = { 1, 0, 0 } }) }))
  end)
end)
