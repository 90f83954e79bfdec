-- What the properties of apply have found (see apply_properties_spec.lua), and what they cannot see, each as a small
-- story of its own: a domain in memory, a recipe, and what goes wrong at which call.
local apply = require("virtlun.apply")
local fake = require("support.fake_host")
local host = require("support.host_xml")

-- A running domain with an HBA and these devices, on a machine that lets HBAs come; opts as for fake.host.
local function start(devices, opts)
  local machine = fake.host(opts)
  local domain = machine:add { machine = "pc", more = "<features><acpi/></features>",
    devices = table.move(devices, 1, #devices, 2, { host.hba(0) }) }
  return machine, domain, assert(machine:open("web01"))
end

local function run(dom, ...)
  local plan, problems = apply.plan(dom, { kind = "domain", name = "web01", ... })
  return assert(plan, tostring(problems)):apply()
end

local function is_written(report)
  if type(report) == "table" then return report.written end
  return report or false
end

describe("a call that is refused", function()
  it("has changed the host if it has left a tray open", function()
    local machine, _, dom = start({ host.drive("sda", { path = false }) }, { images = { ["/broken.iso"] = "broken" } })
    local result, problems, report = run(dom, { kind = "cdrom", dev = "sda", source = "/broken.iso" })
    assert.is_nil(result)
    assert.equal("host_refused", problems[1].code)
    assert.truthy(dom:document("live"):find("tray='open'", 1, true))
    assert.is_true(is_written(report))
    assert.same({ "update sda live!" }, machine.calls)
  end)

  it("is told of the device that was made", function()
    local machine, _, dom = start({ host.drive("sda", { path = "/a.iso" }) })
    machine.fault = fake.faults.at(1, { refuse = 9, message = "no" })
    local _, problems = run(dom, { kind = "controller", index = 1, model = "virtio-scsi" })
    assert.same({ "host_refused", "web01.controller1" }, { problems[1].code, problems[1].path })
    machine.fault = fake.faults.at(2, { lose = "after" })
    _, problems = run(dom, { kind = "cdrom", dev = "sda", absent = true })
    assert.same({ "host_refused", "web01.sda" }, { problems[1].code, problems[1].path })
  end)
end)

describe("a step that is refused and made all the same", function()
  local added = { kind = "cdrom", dev = "sdb", source = "/b.iso", address = { controller = 0, target = 1, unit = 0 } }

  it("is done, because the host has it", function()
    for _, case in ipairs { { 1, added }, { 1, { kind = "cdrom", dev = "sda", absent = true } },
      { 2, { kind = "cdrom", dev = "sda", absent = true } }, { 2, { kind = "cdrom", dev = "sda", source = "/b.iso" } },
      { 2, { kind = "controller", index = 1, model = "virtio-scsi" } } } do
      local machine, _, dom = start({ host.drive("sda", { path = "/a.iso" }) })
      machine.fault = fake.faults.at(case[1], { deny = 38, message = "no" })
      local result, problems = run(dom, case[2])
      assert.same({ 1, "nil" }, { result and result.done, tostring(problems) })
    end
  end)

  it("is not undone, because another client may have made it", function()
    local machine, domain, dom = start({})
    machine.fault = fake.faults.all { fake.faults.at(1, { deny = 38 }), fake.faults.at(2, { refuse = 38 }) }
    local plan = assert(apply.plan(dom, { kind = "domain", name = "web01", added,
      { kind = "cdrom", dev = "sdc", source = "/c.iso", address = { controller = 0, target = 2, unit = 0 } } }))
    assert.is_nil((plan:apply { undo = "all" }))
    assert.truthy(domain.live:disk_at("sdb"))
    assert.same({ "attach sdb live config!", "attach sdc live config!" }, machine.calls)
  end)
end)

describe("a medium that is taken out to be read in another way", function()
  local function play(verdict, fault)
    local machine, domain, dom = start { host.drive("sda", { path = "/a.img" }) }
    local at = fake.faults.at(2, verdict(domain))
    function machine.fault(call) return at(call) or fault and fault(call, machine) or nil end
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", format = "qcow2" })
    local codes = {}
    for i, problem in ipairs(problems or {}) do codes[i] = problem.code end
    return result, table.concat(codes, " "), domain, machine
  end

  it("comes back although the host did not say that it is out", function()
    local result, codes, domain, machine = play(function()
      return nil
    end, function(call, machine)
      return call.name == "xml" and machine.calls[1] and machine.count.writing == 1 and { refuse = 38, message = "no" }
    end)
    assert.same({ nil, "host_refused restored" }, { result, codes })
    assert.truthy(domain:medium("sda"):find("/a.img", 1, true))
    assert.same({ "update sda live", "update sda live", "update sda live" }, machine.calls)
  end)

  it("is out although the host said that it is not", function()
    local machine, domain, dom = start { host.drive("sda", { path = "/a.img" }) }
    machine.fault = fake.faults.at(1, { deny = 1, message = "no" })
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", format = "qcow2" })
    assert(result, tostring(problems))
    assert.truthy(domain:medium("sda"):find("/a.img", 1, true))
    assert.same({ "update sda live!", "update sda live", "update sda config" }, machine.calls)
  end)

  it("comes back although the host refuses it as it refuses a locked tray", function()
    local result, codes, domain, machine = play(function() return { refuse = 9 } end)
    assert.same({ nil, "tray_locked restored" }, { result, codes })
    assert.truthy(domain:medium("sda"):find("/a.img", 1, true))
    assert.same({ "update sda live", "update sda live!", "update sda live" }, machine.calls)
  end)

  it("has no drive any more if another client has taken that away", function()
    local result, codes, domain, machine = play(function(domain)
      return { first = function() domain:detach_device(host.drive("sda"), { live = true }) end }
    end)
    assert.same({ nil, "host_refused not_restored", nil }, { result, codes, domain.live:disk_at("sda") })
    assert.same({ "update sda live", "update sda live!" }, machine.calls)
  end)
end)

describe("another client", function()
  it("who takes a name just before it is plugged gets the medium, but that is no success", function()
    local machine, domain, dom = start({}, { manners = { tray_unknown = false } })
    machine.fault = fake.faults.at(1, { first = function()
      domain:attach_device(host.drive("sda", { path = "/theirs.iso", place = { 0, 9, 9 } }), { live = true })
    end })
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", source = "/ours.iso",
      address = { controller = 0, target = 0, unit = 0 } })
    assert.same({ nil, "already_there" }, { result, problems[1].code })
    assert.falsy(dom:document("config"):find("sda", 1, true))
    assert.same({ "attach sda live config", "detach sda config" }, machine.calls)
  end)
end)

describe("a drive that comes", function()
  it("is not put over one that another client has added since the plan was made", function()
    local machine = fake.host { manners = { tray_unknown = false } }
    local drive = host.drive("sda", { path = "/a.iso" })
    local domain = machine:add { live = { host.hba(0) }, config = { host.hba(0), drive } }
    local dom = assert(machine:open("web01"))
    machine.fault = fake.faults.at(1, { first = function()
      domain:attach_device(host.drive("sda", { path = "/theirs.iso", place = { 0, 9, 9 } }), { live = true })
    end })
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", source = "/b.iso" })
    assert.same({ nil, "host_changed" }, { result, problems[1].code })
    assert.truthy(dom:document("live"):find("/theirs.iso", 1, true))
    assert.same({ "update sda config" }, machine.calls)
  end)
end)

describe("the step of the domain itself", function()
  local function results(number, verdict)
    local machine, _, dom = start { host.drive("sda", { path = "/a.iso" }) }
    machine.fault = fake.faults.at(number, verdict)
    local plan = assert(apply.plan(dom, { kind = "domain", name = "web01", boot = "devices",
      { kind = "cdrom", dev = "sda", boot = 1, source = "/b.iso" } }))
    local result, _, report = plan:apply()
    assert.is_nil(result)
    local words = {}
    for i, step in ipairs(plan.steps) do words[i] = step.result or "none" end
    return table.concat(words, " "), report
  end

  it("is told as left or as failed, as the others are", function()
    local words, report = results(1, { refuse = 9 })
    assert.same({ "left failed failed", 1 }, { words, report.left })
    words, report = results(2, { refuse = 9 })
    assert.same({ "failed failed done", 2 }, { words, report.failed })
  end)
end)

describe("what is undone", function()
  local desired = { kind = "domain", name = "web01", { kind = "cdrom", dev = "sda", startup_policy = "optional" },
    { kind = "cdrom", dev = "sdb", source = "/x.iso" } }

  local function begin(fault)
    local machine = fake.host()
    local domain = machine:add { state = "shut off", devices = { host.hba(0), host.drive("sda"),
      host.drive("sdb", { place = { 0, 0, 1 } }) } }
    local dom = assert(machine:open("web01"))
    machine.fault = fault(domain)
    local before = dom:document("config")
    local result, _, report = assert(apply.plan(dom, desired)):apply { undo = "all" }
    assert.is_nil(result)
    return dom:document("config"), before, report, machine
  end

  it("is also what was not there before", function()
    local after, before, report = begin(function() return fake.faults.at(2, { refuse = 9 }) end)
    assert.equal(before, after)
    assert.same({ false, 1 }, { report.written, report.undone })
  end)

  it("is no drive of another client's that was there under the name of a new one", function()
    local machine, domain, dom = start {}
    machine.fault = fake.faults.at(1, { first = function()
      domain:attach_device(host.drive("sda", { path = "/theirs.iso", place = { 0, 9, 9 } }), { live = true })
    end })
    local plan = assert(apply.plan(dom, { kind = "domain", name = "web01",
      { kind = "cdrom", dev = "sda", source = "/x.iso", address = { controller = 0, target = 0, unit = 0 } } }))
    assert.is_nil((plan:apply { undo = "all" }))
    assert.truthy(dom:document("live"):find("/theirs.iso", 1, true))
    assert.falsy(table.concat(machine.calls, "\n"):find("detach", 1, true))
  end)

  it("is no drive that another client has taken away", function()
    local after, _, _, machine = begin(function(domain)
      local refuse = fake.faults.at(2, { refuse = 9, message = "no" })
      return function(call)
        local verdict = refuse(call)
        if verdict then domain:detach_device(host.drive("sda"), { config = true }) end
        return verdict
      end
    end)
    assert.falsy(after:find("sda", 1, true))
    assert.same({ "update sda config", "update sdb config!" }, machine.calls)
  end)
end)

describe("an empty drive that is to be replaced", function()
  it("stays where this libvirt would not take it back", function()
    local machine, _, dom = start { host.drive("sda", { path = false }) }
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", replace = true,
      address = { controller = 0, target = 3, unit = 3 } })
    assert.same({ nil, "empty_hotplug" }, { result, problems[1].code })
    assert.same({}, machine.calls)
    machine.version = 9010000
    machine.manners.empty_refused = false
    dom = assert(machine:open("web01"))
    assert(run(dom, { kind = "cdrom", dev = "sda", replace = true,
      address = { controller = 0, target = 3, unit = 3 } }))
    assert.truthy(dom:document("live"):find("target='3' unit='3'", 1, true))
  end)
end)

describe("an empty drive that only the running domain has", function()
  it("comes to the configuration with the format that is described", function()
    local machine = fake.host()
    machine:add { live = { host.hba(0), host.drive("sda", { path = false }) }, config = { host.hba(0) } }
    local dom = assert(machine:open("web01"))
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", format = "qcow2" })
    assert(result, tostring(problems))
    assert.truthy(dom:document("config"):find("type='qcow2'", 1, true))
    assert.same({ "attach sda config" }, machine.calls)
  end)
end)

describe("a drive that is replaced", function()
  it("is there although the host did not say at once that the old one has gone", function()
    local machine, _, dom = start({ host.drive("sda", { path = "/a.iso" }) })
    machine.list[1].drives.sda.hot = true
    function machine.fault(call)
      if call.name ~= "xml" or machine.calls[#machine.calls] ~= "detach sda live" then return nil end
      machine.fault = nil
      return { refuse = 38, message = "no" }
    end
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", source = "/b.iso" })
    assert(result, tostring(problems))
    assert.truthy(dom:document("live"):find("/b.iso", 1, true))
    assert.equal("replaced", result.notes[1].code)
  end)
end)

describe("a device that is replaced", function()
  it("comes back although the host has said no when it was out", function()
    local machine, domain, dom = start({ host.drive("sda", { path = "/a.iso" }) })
    domain.drives.sda.hot = true
    function machine.fault(call) return call.name == "detach" and { deny = 9, message = "no" } or nil end
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", source = "/b.iso" })
    assert(result, tostring(problems))
    assert.truthy(dom:document("live"):find("/b.iso", 1, true))
    assert.equal("detach sda live!", machine.calls[3])
  end)
end)

describe("a step whose device has changed since it was planned", function()
  it("does not become another one: a drive that has gone does not come back empty", function()
    local second = host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 } })
    local machine, domain, dom = start { host.drive("sda", { path = "/a.iso" }), second }
    machine.fault = fake.faults.at(1, { first = function()
      domain:detach_device(second, { live = true, config = true })
    end })
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", source = "/c.iso" },
      { kind = "cdrom", dev = "sdb", startup_policy = "optional" })
    assert.is_nil(result)
    assert.equal("host_changed", problems[1].code)
    assert.same({ "update sda live", "update sda config" }, machine.calls)
  end)

  it("does not become another one in the define at the end", function()
    local machine, domain, dom = start { host.drive("sda", { path = "/a.iso" }) }
    machine.fault = fake.faults.at(1, { first = function()
      domain:detach_device(host.drive("sda"), { live = true, config = true })
    end })
    local result, problems = run(dom, { kind = "controller", index = 1, model = "virtio-scsi" },
      { kind = "cdrom", dev = "sda", address = { controller = 0, target = 3, unit = 3 } })
    assert.is_nil(result)
    assert.equal("host_changed", problems[1].code)
    assert.falsy(dom:document("config"):find("sda", 1, true))
    assert.same({ "attach controller1 live", "attach controller1 config" }, machine.calls)
  end)

  it("does not become another one: a drive of another client's under the name of a new one keeps its medium", function()
    local machine, domain, dom = start({}, { manners = { tray_unknown = false } })
    machine.fault = fake.faults.at(1, { first = function()
      domain:attach_device(host.drive("sdb", { path = "/theirs.iso" }), { live = true, config = true })
    end })
    local result, problems = run(dom, { kind = "controller", index = 1, model = "virtio-scsi" },
      { kind = "cdrom", dev = "sdb", source = "/ours.iso", address = { controller = 0, target = 0, unit = 0 } })
    assert.is_nil(result)
    assert.equal("host_changed", problems[1].code)
    assert.truthy(dom:document("live"):find("/theirs.iso", 1, true))
    assert.same({ "attach controller1 live", "attach controller1 config" }, machine.calls)
  end)
end)

describe("cookies of a source, which libvirt hides from who does not ask for them,", function()
  local COOKIES = "<cookies><cookie name='id'>s3cret</cookie></cookies>"
  local web = "<disk type='network' device='cdrom'><driver name='qemu' type='raw'/>"
    .. "<source protocol='https' name='a.iso'><host name='h' port='443'/>" .. COOKIES .. "</source>"
    .. "<target dev='sda' bus='scsi'/><readonly/>"
    .. "<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"

  local function begin()
    local machine = fake.host()
    machine:add { state = "shut off", devices = { host.hba(0), web } }
    local dom = assert(machine:open("web01"))
    assert.is_nil(dom:document("config"):find("s3cret", 1, true))
    return machine, dom, function() return (dom:document("config", { secure = true }):gsub("\n *", "")) end
  end

  it("stay when something else of the drive is changed", function()
    local machine, dom, secrets = begin()
    assert(run(dom, { kind = "cdrom", dev = "sda", serial = "S1" }))
    assert.same({ "update sda config" }, machine.calls)
    assert.truthy(secrets():find(COOKIES, 1, true), secrets())
  end)

  it("are for their own server, and go to no other one", function()
    for _, source in ipairs { { protocol = "https", name = "b.iso", hosts = { { name = "other", port = 443 } } },
      { file = "/b.iso" } } do
      local _, dom, secrets = begin()
      assert(run(dom, { kind = "cdrom", dev = "sda", source = source }))
      assert.is_nil(secrets():find("s3cret", 1, true))
    end
  end)

  it("are not asked for by who takes a drive away, or changes another one", function()
    local machine, dom = begin()
    assert(run(dom, { kind = "cdrom", dev = "sdb", source = "/b.iso" }))
    local asked = 0
    local document = dom.document
    function dom.document(self, name, opts)
      if opts and opts.secure then asked = asked + 1 end
      return document(self, name, opts)
    end
    assert(run(dom, { kind = "cdrom", dev = "sdb", serial = "S2" }, { kind = "cdrom", dev = "sda", absent = true }))
    assert.equal(0, asked)
    assert.same({ "attach sdb config", "detach sda config", "update sdb config" }, machine.calls)
  end)

  it("come back with a drive that is undone", function()
    local machine, dom, secrets = begin()
    machine.fault = fake.faults.at(2, { refuse = 9 })
    local plan = assert(apply.plan(dom, { kind = "domain", name = "web01",
      { kind = "cdrom", dev = "sda", absent = true }, { kind = "cdrom", dev = "sdb", source = "/x.iso" } }))
    assert.is_nil((plan:apply { undo = "all" }))
    assert.truthy(secrets():find(COOKIES, 1, true), secrets())
  end)
end)

describe("what another client does at the same time", function()
  local both = { live = true, config = true }

  it("is no HBA of ours, to be taken away when its drive does not come", function()
    for _, model in ipairs { "virtio-scsi", "lsisas1068" } do
      local machine, domain, dom = start {}
      machine.fault = fake.faults.all { fake.faults.at(1, { first = function()
        domain:attach_device(host.hba(1, model), both)
      end }), function(call) return call.text:find("attach sdb", 1, true) and { refuse = 38, message = "no" } end }
      local result = run(dom, { kind = "cdrom", dev = "sdb", source = "/x.iso",
        address = { controller = 1, target = 0, unit = 0 } })
      assert.is_nil(result)
      assert.is_nil(table.concat(machine.calls, "; "):find("detach", 1, true), model)
      assert.truthy(dom:document("live"):find("index='1'", 1, true))
      assert.truthy(dom:document("config"):find("index='1'", 1, true))
    end
  end)

  -- A drive that has to be replaced for its new medium, and is not there any more when it is asked for.
  local function replacing(theirs)
    local machine, domain, dom = start({}, { manners = { tray_unknown = true } })
    assert(run(dom, { kind = "cdrom", dev = "sda", source = "/a.iso" }))
    machine.fault = function(call)
      if not call.text:find("detach sda live", 1, true) then return nil end
      return { refuse = 9, message = "no", first = function() theirs(domain) end }
    end
    local before = #machine.calls
    local result, problems = run(dom, { kind = "cdrom", dev = "sda", source = "/b.iso" })
    assert.is_nil(result)
    assert.truthy(tostring(problems):find("sda", 1, true))
    return dom, table.concat(machine.calls, "; ", before + 1)
  end

  it("is no drive of ours that came to the name of the one to be replaced", function()
    local dom, calls = replacing(function(domain)
      domain:detach_device(host.drive("sda"), { live = true })
      domain:attach_device(host.drive("sda", { path = "/theirs.iso", place = { 0, 9, 9 } }), { live = true })
    end)
    assert.is_nil(calls:find("attach sda", 1, true), calls)
    assert.truthy(dom:document("live"):find("/theirs.iso", 1, true))
  end)

  it("is not undone: a drive that has been taken away stays away", function()
    local dom, calls = replacing(function(domain) domain:detach_device(host.drive("sda"), both) end)
    assert.is_nil(calls:find("attach sda", 1, true), calls)
    assert.is_nil(dom:document("live"):find("dev='sda'", 1, true))
    assert.is_nil(dom:document("config"):find("dev='sda'", 1, true))
  end)
end)
