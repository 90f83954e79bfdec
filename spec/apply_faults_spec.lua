-- What the properties of apply have found (see apply_properties_spec.lua), each as a small story of its own: a domain in
-- memory, a recipe, and what goes wrong at which call.
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
