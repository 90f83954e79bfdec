-- Plans: what follows from a description and the documents of a host. No host is asked; documents are texts here.
local host = require("support.host_xml")
local planning = require("support.planning")
local virtlun = require("virtlun")

local desired, made, refused = planning.desired, planning.made, planning.refused

-- Each step of a plan as one line.
local function lines(steps)
  local list = {}
  for i, step in ipairs(steps) do list[i] = ("%s %s (%s)"):format(step.action, step.device, step.why or step.effect) end
  return list
end

local seed = [[
  fill_gaps = true,
  controller { index = 4, model = "virtio-scsi" },
  cdrom { dev = "sda", source = "/cd.iso", address = { controller = 4, target = 0, unit = 0 } },]]

describe("the steps of a plan", function()
  local hba0, hba1 = host.hba(0), host.hba(1)
  local needed = "needed by the HBAs and drives described"
  local cases = {
    { "seed on an empty domain", seed, {}, {
      "add controller0 (" .. needed .. ")", "add controller1 (" .. needed .. ")", "add controller2 (" .. needed .. ")",
      "add controller3 (" .. needed .. ")", "add controller4 (not there)", "add sda (not there)" } },
    { "seed on a domain with gaps", seed, { hba0, host.hba(2) }, {
      "add controller1 (" .. needed .. ")", "add controller3 (" .. needed .. ")", "add controller4 (not there)",
      "add sda (not there)" } },
    { "nothing, where all is so", [[controller { index = 0 }, cdrom { dev = "sda", source = "/old.iso" }]],
      { hba0, host.drive("sda") }, {} },
    { "unsaid stays", [[cdrom { dev = "sda" }]],
      { hba0, host.drive("sda", { driver = "type='raw' cache='writeback' io='threads'",
        inner = "<serial>X</serial>" }) }, {} },
    { "defaults are for new drives only", [[cdrom { dev = "sda", source = "/old.iso" }]],
      { hba0, host.drive("sda", { driver = "" }) }, {} },
    { "another medium", [[cdrom { dev = "sda", source = "/new.iso" }]], { hba0, host.drive("sda") },
      { "change sda (differs: source)" } },
    { "false empties", [[cdrom { dev = "sda", source = false }]], { hba0, host.drive("sda") },
      { "change sda (differs: source)" } },
    { "false on what is empty is nothing", [[cdrom { dev = "sda", source = false, serial = false }]],
      { hba0, host.drive("sda", { path = false }) }, {} },
    { "false removes a serial", [[cdrom { dev = "sda", serial = false }]],
      { hba0, host.drive("sda", { inner = "<serial>X</serial>" }) }, { "change sda (differs: serial)" } },
    { "several fields are told together",
      [[cdrom { dev = "sda", source = "/new.iso", cache = "writeback", serial = "A" }]],
      { hba0, host.drive("sda") }, { "change sda (differs: cache, source, serial)" } },
    { "a move tells from and to", [[cdrom { dev = "sda", address = { controller = 0, target = 2, unit = 3 } }]],
      { hba0, host.drive("sda") }, { "change sda (differs: moves from 0:0:0:0 to 0:0:2:3)" } },
    { "absent removes", [[cdrom { dev = "sda", absent = true }]], { hba0, host.drive("sda") },
      { "remove sda (absent = true)" } },
    { "absent of what is not there is nothing",
      [[cdrom { dev = "sda", absent = true }, controller { index = 1, absent = true }]],
      { hba0 }, {} },
    { "the model of an HBA", [[controller { index = 0, model = "lsilogic" }]], { hba0 },
      { "change controller0 (differs: model)" } },
    { "an HBA that a drive names is added", [[cdrom { dev = "sda", source = "/a", address = { controller = 1 } }]],
      { hba0 },
      { "add controller1 (" .. needed .. ")", "add sda (not there)" } },
    { "a gap of the host is not the recipe's", [[controller { index = 3, queues = 2 }]], { hba0, host.hba(3) },
      { "change controller3 (differs: queues)" } },
    { "an alias is an identity", [[cdrom { alias = "ua-dvd", source = "/new.iso" }]],
      { hba0, host.drive("sdq", { inner = "<alias name='ua-dvd'/>" }) }, { "change ua-dvd (differs: source)" } },
    { "a hostdev is known by its source",
      [[hostdev { source = { adapter = "scsi_host2", bus = 0, target = 0, unit = 5 }, readonly = true }]],
      { hba0, host.hostdev(2, 5, { 0, 0, 0 }), host.hostdev(2, 6, { 0, 0, 1 }) },
        { "change hostdev#1 (differs: readonly)" } },
    { "an HBA goes with its hostdev", [[controller { index = 1, absent = true },
      hostdev { source = { adapter = "scsi_host2", bus = 0, target = 0, unit = 5 }, absent = true }]],
      { hba0, hba1, host.hostdev(2, 5, { 1, 0, 0 }) }, { "remove hostdev#2 (absent = true)",
        "remove controller1 (absent = true)" } },
    { "an HBA goes with a drive that is known by its alias",
      [[controller { index = 1, absent = true }, cdrom { alias = "ua-dvd", absent = true }]],
      { hba0, hba1, host.drive("sda", { place = { 1, 0, 0 }, inner = "<alias name='ua-dvd'/>" }) },
      { "remove ua-dvd (absent = true)", "remove controller1 (absent = true)" } },
    { "an HBA goes when its drive has moved",
      [[controller { index = 1, absent = true }, cdrom { dev = "sda", address = { controller = 0, unit = 1 } }]],
      { hba0, hba1, host.drive("sda", { place = { 1, 0, 0 } }) },
      { "change sda (differs: moves from 1:0:0:0 to 0:0:0:1)", "remove controller1 (absent = true)" } },
    { "two drives may change places", [[cdrom { dev = "sda", address = { controller = 0, unit = 1 } },
      cdrom { dev = "sdb", address = { controller = 0, unit = 0 } }]],
      { hba0, host.drive("sda"), host.drive("sdb", { place = { 0, 0, 1 } }) },
      { "change sda (differs: moves from 0:0:0:0 to 0:0:0:1)",
        "change sdb (differs: moves from 0:0:0:1 to 0:0:0:0)" } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local plan = made(case[2], case[3])
      assert.same(case[4], lines(plan.steps))
      assert.equal(#case[4], plan.changes)
    end)
  end

  it("HBAs first, away before change before add, HBAs away last", function()
    local plan = made([[
      cdrom { dev = "sdd", source = "/d.iso", address = { controller = 2, unit = 1 } },
      cdrom { dev = "sdc", source = "/c2.iso" },
      cdrom { dev = "sdb", absent = true },
      controller { index = 3, absent = true },
      controller { index = 2 },
      controller { index = 0, queues = 4 },]],
      { hba0, hba1, host.hba(3), host.drive("sdb", { place = { 3, 0, 0 } }), host.drive("sdc", { place = { 0, 0,
        2 } }) })
    local order = {}
    for i, step in ipairs(plan.steps) do order[i] = step.action .. " " .. step.device end
    assert.same({ "change controller0", "add controller2", "remove sdb", "change sdc", "add sdd",
      "remove controller3" },
      order)
  end)

  it("are plain data: effect, call, values before and after, XML, and the place in the recipe", function()
    local plan = made([[cdrom { dev = "sda", source = "/new.iso" },
      cdrom { dev = "sdb", source = "/b.iso", address = { controller = 0, unit = 7 } } ]], { hba0, host.drive("sda") })
    local change, add = plan.steps[1], plan.steps[2]
    assert.same({ format_version = 1, domain = "web01", state = "shut off", changes = 2 },
      { format_version = plan.format_version, domain = plan.domain, state = plan.state, changes = plan.changes })
    assert.same({ "next boot", "cdrom", "r.lua", 2 }, { change.effect, change.kind, change.file, change.line })
    assert.equal("update config", planning.calls(change))
    assert.equal(planning.as_written(host.drive("sda")), change.calls[1].before)
    assert.equal(planning.as_written(host.drive("sda", { path = "/new.iso" })), change.calls[1].xml)
    assert.same({ { key = "source", before = "/old.iso", after = "/new.iso", live = true } }, change.fields)
    assert.equal("/old.iso", change.before.source)
    assert.equal("/b.iso", add.after.source)
    local body = [[cdrom { dev = "sdb", source = "/b.iso", address = { controller = 0, unit = 7 } }]]
    assert.equal(virtlun.xml(desired(body))
      :match("<disk.*"), add.calls[1].xml)
    assert.is_nil(add.calls[1].before)
    assert.same({ "r.lua", 3 }, { add.file, add.line })
  end)
end)

describe("what the guest will see", function()
  local pci, ccw = "type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'",
    "type='ccw' cssid='0xfe' ssid='0x0' devno='0x0007'"
  local deep = "type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'"
  local cases = {
    { ccw, { unit = 1, target = 3 }, { hctl = "[H:0:3:1]", lun = 1, by_path = "ccw-0.0.0007-scsi-0:0:3:1",
      certain = true } },
    { ccw, { unit = 256, target = 0 }, { hctl = "[H:0:0:16640]", lun = 16640,
      by_path = "ccw-0.0.0007-scsi-0:0:0:16640", certain = true } },
    { pci, { unit = 0, target = 0 }, { hctl = "[H:0:0:0]", lun = 0, by_path = "pci-0000:00:05.0-scsi-0:0:0:0",
      certain = true } },
    { deep, { unit = 0, target = 0 }, { hctl = "[H:0:0:0]", lun = 0, by_path = "pci-0000:01:00.0-scsi-0:0:0:0",
      certain = false } },
    { nil, { unit = 255, target = 255 }, { hctl = "[H:0:255:255]", lun = 255 } },
  }
  for i, case in ipairs(cases) do
    it(("of a new drive, %d"):format(i), function()
      local body = [[cdrom { dev = "sda", source = "/a", address = { controller = 0, target = %d, unit = %d } }]]
      local plan = made(body:format(case[2].target, case[2].unit), { host.hba(0, nil, case[1]) })
      assert.same(case[3], plan.steps[1].guest)
    end)
  end

  it("of a drive that is changed, and of one that moves", function()
    local devices = { host.hba(0, nil, ccw), host.drive("sda", { place = { 0, 2, 300 } }) }
    local stays = made([[cdrom { dev = "sda", source = "/new.iso" }]], devices)
    assert.equal("ccw-0.0.0007-scsi-0:0:2:16684", stays.steps[1].guest.by_path)
    local moves = made([[cdrom { dev = "sda", address = { controller = 0, target = 1, unit = 2 } }]], devices)
    assert.equal("[H:0:1:2]", moves.steps[1].guest.hctl)
  end)

  it("is the same as virtlun.foretell tells of a description", function()
    local description = virtlun.read(host.domain { host.hba(0, nil, ccw), host.drive("sda", { place = { 0, 2,
      300 } }) })
    assert.same({ [2] = { hctl = "[H:0:2:16684]", lun = 16684, by_path = "ccw-0.0.0007-scsi-0:0:2:16684",
      certain = true } },
      virtlun.foretell(description))
  end)
end)

describe("addresses in a plan", function()
  local function address_of(body, devices, opts)
    local plan = made(body, devices, opts and opts.facts, opts)
    for _, step in ipairs(plan.steps) do
      if step.action == "add" and step.kind ~= "controller" then return virtlun.address_text(step.after.address) end
    end
  end
  local new = [[cdrom { dev = "sdz", source = "/z.iso" }]]
  local taken = { host.hba(0), host.drive("sda"), host.drive("sdb", { place = { 0, 0, 1 } }) }
  local test = { driver = "test", state = "running", active = true, persistent = true }
  local cases = {
    { "the first free one", new, taken, "0:0:0:2" },
    { "the lowest HBA that is virtio-scsi", new, { host.hba(0, "lsilogic"), host.hba(1) }, "1:0:0:0" },
    { "free in config and live together", new, taken, "0:0:0:4", { facts = test, live = { host.hba(0),
      host.drive("sdc", { place = { 0, 0, 2 } }), host.hostdev(2, 5, { 0, 0, 3 }) } } },
    { "behind those that the recipe says", [[cdrom { dev = "sdz", source = "/z.iso" },
      cdrom { dev = "sdy", source = "/y.iso", address = { controller = 0, unit = 0 } }]], { host.hba(0) }, "0:0:0:1" },
    { "not that of a drive with an implied address", new,
      { host.hba(0), "<disk type='file' device='disk'><source file='/x'/><target dev='sda' bus='scsi'/></disk>" },
        "0:0:0:1" },
    { "on a new HBA where there is none", new, {}, "0:0:0:0" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert.equal(case[4], address_of(case[2], case[3], case[5])) end)
  end

  it("stay what they are for a drive that is there", function()
    assert.same({}, made([[cdrom { dev = "sda", source = "/old.iso" }]],
      { host.hba(0), host.drive("sda", { place = { 0, 9, 99 } }) }).steps)
  end)
end)

describe("the states of a domain", function()
  local test = { driver = "test", state = "running", active = true, persistent = true }
  local body = [[cdrom { dev = "sda", source = "/new.iso" }]]
  local devices = { host.hba(0), host.drive("sda") }

  it("that allow a plan", function()
    for _, facts in ipairs {
      { state = "shut off", persistent = true }, { state = "crashed", persistent = true },
      { driver = "QEMU", state = "shut off", persistent = true, managed_save = false }, test, {},
    } do
      assert.equal(1, made(body, devices, facts).changes)
    end
    assert.equal(1, made([[scope = "config", ]] .. body, devices,
      { driver = "QEMU", state = "running", active = true, persistent = true }).changes)
  end)

  it("show as pending what the configuration has already and the running domain has not", function()
    local plan = made(body, { host.hba(0), host.drive("sda", { path = "/new.iso" }) }, test, { live = devices })
    assert.equal(0, plan.changes)
    assert.same({ "change sda (next boot)" }, lines(plan.pending))
    assert.same({ { key = "source", before = "/old.iso", after = "/new.iso", live = true } }, plan.pending[1].fields)
  end)

  it("do not show as pending what the recipe leaves unsaid, or what is planned anyway", function()
    local plan = made(body, devices, test, { live = { host.hba(0), host.drive("sda", { path = "/other.iso" }) } })
    assert.equal(1, plan.changes)
    assert.same({}, plan.pending)
    plan = made([[cdrom { dev = "sda" }]], devices, test, { live = { host.hba(0), host.drive("sda",
      { path = "/other" }) } })
    assert.same({}, plan.pending)
  end)

  it("are part of the fingerprint, and so are devices, boot and identity", function()
    local first = made(body, devices, test, { live = devices }).fingerprint
    assert.equal(first, made(body, devices, test, { live = devices }).fingerprint)
    local paused = { driver = "test", state = "paused", active = true, persistent = true }
    local others = {
      made(body, devices, paused, { live = devices }), made(body, devices, test),
      made(body, devices, test, { live = { host.hba(0) } }), made(body, devices, test, { live = devices,
        boot = false }),
      made(body, { host.hba(0), host.drive("sda", { path = "/x" }) }, test, { live = devices }),
    }
    for i, other in ipairs(others) do assert.not_equal(first, other.fingerprint, i) end
    assert.equal(first, made(body, devices, test, { live = devices, more = "<title>else</title>" }).fingerprint)
  end)
end)

describe("what the guest will see", function()
  it("is the unit as target, and LUN 0, on HBAs that know no LUN", function()
    local plan = made([[cdrom { dev = "sda", source = "/new.iso" }]],
      { host.hba(0, "lsilogic", "type='pci' domain='0' bus='0' slot='5' function='0'"),
        host.drive("sda", { place = { 0, 0, 4 } }) })
    local guest = plan.steps[1].guest
    assert.same({ "[H:0:4:0]", "pci-0000:00:05.0-scsi-0:0:4:0", true }, { guest.hctl, guest.by_path, guest.certain })
  end)
end)

describe("two disks that change places", function()
  local disks = { host.hba(0), host.drive("sda", { device = "disk", path = "/a" }),
    host.drive("sdb", { device = "disk", path = "/b", place = { 0, 0, 1 } }) }

  it("may change their sources", function()
    local plan = made([[disk { dev = "sda", source = "/b" }, disk { dev = "sdb", source = "/a" }]], disks)
    assert.same({ "change sda (differs: source)", "change sdb (differs: source)" }, lines(plan.steps))
  end)

  it("may not both have one, nor that of a third", function()
    local said = refused([[disk { dev = "sda", source = "/c" }, disk { dev = "sdb", source = "/c" }]], disks)
    assert.truthy(said:find("sdb.source: /c is also written by sda", 1, true), said)
    said = refused([[disk { dev = "sda", source = "/b" }]], disks)
    assert.truthy(said:find("sda.source: /b is also written by sdb", 1, true), said)
  end)
end)

describe("what only the running domain has", function()
  local test = { driver = "test", state = "running", active = true, persistent = true }
  local hba0, hba1 = host.hba(0), host.hba(1, "lsisas1078")

  it("gives its model to the HBA that a drive needs", function()
    local plan = made([[cdrom { dev = "sdb", source = "/b", address = { controller = 1 } }]], { hba0 }, test,
      { live = { hba0, hba1 } })
    assert.same({ "controller1", "lsisas1078", "sdb" },
      { plan.steps[1].device, plan.steps[1].after.model, plan.steps[2].device })
  end)

  it("needs no step of its own for a format that goes with the medium", function()
    local qemu = { driver = "QEMU", state = "running", active = true, persistent = true }
    local plan = made([[cdrom { dev = "sda", source = "/new.iso", format = "raw" }]],
      { hba0, host.drive("sda", { path = false }) }, qemu,
      { live = { hba0, host.drive("sda", { path = false, driver = "" }) } })
    assert.same({ 1, "live and config" }, { plan.changes, plan.steps[1].scope })
  end)

  it("is not there now where only its configuration has it", function()
    local plan = made([[cdrom { dev = "sda", absent = true }]], { host.hba(0), host.drive("sda") }, planning.RUNNING,
      { live = { host.hba(0) } })
    assert.equal("next boot, not there now", plan.steps[1].effect)
  end)

  it("is on the HBA on which its configuration has it, where it comes to the running domain", function()
    local plan = made([[controller { index = 1, absent = true }, cdrom { dev = "sdl" } ]],
      { host.hba(0), host.hba(1), host.drive("sdl", { place = { 0, 0, 1 } }) }, planning.RUNNING,
      { live = { host.hba(0), host.hba(1) } })
    assert.same({ "add sdl", "remove controller1" }, { plan.steps[1].action .. " " .. plan.steps[1].device,
      plan.steps[2].action .. " " .. plan.steps[2].device })
  end)

  it("gives its place to a drive that its configuration lacks, which is no new one with defaults", function()
    local plan = made([[cdrom { dev = "sdb", source = "/b" }]], { hba0 }, test,
      { live = { hba0, host.drive("sdb", { path = "/b", place = { 0, 5, 0 } }) } })
    assert.same({ "add", { controller = 0, bus = 0, target = 5, unit = 0 } },
      { plan.steps[1].action, plan.steps[1].after.address })
    assert.is_nil(plan.steps[1].after.cache)
  end)
end)

describe("a state that forbids changes", function()
  local same = [[cdrom { dev = "sda", source = "/old.iso" }]]
  local states = {
    running = { driver = "QEMU", state = "running", active = true, persistent = true },
    transient = { state = "running", persistent = false },
    saved = { state = "shut off", persistent = true, managed_save = true },
  }
  for name, facts in pairs(states) do
    it("forbids nothing where nothing is to be changed: " .. name, function()
      local devices = { host.hba(0), host.drive("sda") }
      assert.equal(0, made(same, devices, facts, { live = devices }).changes)
    end)
  end
end)

describe("a plan is refused:", function()
  for _, case in ipairs(require("support.plan_refusals")) do
    it(case[1], function() assert.equal(case.said, refused(case[2], case[3], case.facts, case.opts)) end)
  end

  it("a hole that a removed HBA would leave below one in use", function()
    local said = refused("controller { index = 1, absent = true }",
      { host.hba(0), host.hba(1), host.hba(2), host.drive("sda", { place = { 2, 0, 0 } }) })
    assert.equal("r.lua:2: web01.controller1: is below the HBA of sda: libvirt would fill the hole with a model " ..
      "of its own choice (move sda first)", said)
  end)

  it("documents that cannot be read", function()
    local cases = {
      ["<domain>"] = "^not well%-formed XML: ", ["<pool/>"] = "^<pool> is not a domain, controller, disk or hostdev$",
      ["<!DOCTYPE domain><domain/>"] = "has a DOCTYPE, which libvirt never writes and virtlun never reads$",
        [""] = "^not well",
    }
    for xml, said in pairs(cases) do
      local plan, problems = virtlun.plan(desired "", { config = xml }, {})
      assert.is_nil(plan)
      assert.truthy(tostring(problems):gsub("^line %d+: not", "not"):find(said), tostring(problems))
    end
  end)

  it("what is no description", function()
    local plan, problems = virtlun.plan({ kind = "domain", name = "x", 5, "text" }, { config = host.domain {} },
      { libvirt = 9000000 })
    assert.is_nil(plan)
    assert.truthy(tostring(problems):find("x.[1]: 5 is not a device", 1, true), tostring(problems))
  end)
end)

describe("the absence of what the domain boots from", function()
  local there = { host.hba(0), host.drive("sda", { place = { 0, 0, 2 } }),
    host.drive("sdr", { device = "disk", path = "/root.img" }),
    host.drive("sds", { device = "disk", path = "/data.img", place = { 0, 0, 1 } }) }
  local body = [[disk { dev = "sdr", absent = true }, disk { dev = "sds", absent = true },
    cdrom { dev = "sda", absent = true }]]

  it("is made as described, and its step says so", function()
    for _, live in ipairs { {}, { live = there } } do
      assert.same({ "remove sdr (absent = true; the domain boots from it)", "remove sds (absent = true)",
        "remove sda (absent = true)" }, lines(made(body, there, live.live and planning.RUNNING, live).steps))
    end
  end)
end)

describe("what a running domain takes only at its next boot", function()
  local there = { host.hba(0), host.drive("sda") }
  local body = [[cdrom { dev = "sda", cache = "none" }]]

  it("is refused where its configuration is left out", function()
    assert.equal("r.lua:2: web01.sda: cache cannot change while the domain runs " ..
      '(without scope = "live" its configuration has it at the next boot)',
      refused(body, there, planning.RUNNING, { live = there, plan = { scope = "live" } }))
  end)

  it("is refused where it has none", function()
    local plan, found = virtlun.plan(desired(body), { live = host.domain(there) },
      { state = "running", active = true, persistent = false })
    assert.is_nil(plan)
    assert.equal("r.lua:2: web01.sda: cache cannot change while the domain runs, and without a configuration there " ..
      "is no next boot", tostring(found))
  end)
end)

describe("a running HBA that its configuration lacks", function()
  it("comes to the configuration, and changes where it runs", function()
    local running = "<controller type='scsi' index='1' model='virtio-scsi'><driver queues='2'/></controller>"
    local plan = made("controller { index = 1, model = 'virtio-scsi', queues = 4, replace = true }", { host.hba(0) },
      planning.RUNNING, { machine = "pc", more = "<features><acpi/></features>", live = { host.hba(0), running } })
    local actions = {}
    for i, step in ipairs(plan.steps) do actions[i] = step.action .. " " .. step.scope end
    assert.same({ "add config", "change live" }, actions)
    assert.same({}, plan.pending)
  end)
end)

describe("what a plan leaves alone", function()
  local sda, sdb = host.drive("sda"), host.drive("sdb", { place = { 0, 0, 1 } })
  local devices = { host.hba(0), sda, sdb }
  local body = [[cdrom { dev = "sda", source = "/old.iso" }, cdrom { dev = "sdb", source = "/new.iso" },
    controller { index = 0 }, cdrom { dev = "sdc", absent = true }]]

  local function unchanged(...)
    local names = {}
    for i, entry in ipairs(made(...).unchanged) do names[i] = entry.kind .. " " .. entry.device end
    return names
  end

  it("is told of each described device, as the host has it", function()
    assert.same({ "cdrom sda", "controller controller0" }, unchanged(body, devices))
    assert.equal("/old.iso", made([[cdrom { dev = "sda" }]], devices).unchanged[1].described.source)
  end)

  it("is an ordinary list", function()
    local list = made(body, devices).unchanged
    assert.equal(1, next(list))
    assert.equal(2, #list)
    assert.is_nil(getmetatable(list))
  end)

  it("is nothing that differs and is only not selected", function()
    local both = [[cdrom { dev = "sda", source = "/old.iso" }, cdrom { dev = "sdb", source = "/new.iso" },
      cdrom { dev = "sdc", source = "/c.iso" }]]
    assert.same({ "cdrom sda" }, unchanged(both, devices, nil, { plan = { only = { "sda" } } }))
    assert.same({ "cdrom sda" }, unchanged(both, devices, nil, { plan = { except = { "sdb", "sdc" } } }))
  end)

  it("is nothing that waits for the next boot, or differs in the half that is not to be changed", function()
    local uncached = host.drive("sda", { driver = "type='raw' cache='none'" })
    local cached = [[cdrom { dev = "sda", cache = "none" }, cdrom { dev = "sdb" }]]
    assert.same({ "cdrom sdb" }, unchanged(cached, { host.hba(0), uncached, sdb }, planning.RUNNING,
      { live = devices }))
    for scope, halves in pairs { live = { devices, { host.hba(0), uncached, sdb } },
      config = { { host.hba(0), uncached, sdb }, devices } } do
      assert.same({ "cdrom sdb" }, unchanged(cached, halves[1], planning.RUNNING,
        { live = halves[2], plan = { scope = scope } }))
    end
  end)
end)
