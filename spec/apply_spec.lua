-- What apply does where a host refuses a step in the middle, with a domain that lives in memory.
local apply = require("virtlun.apply")
local drives = require("virtlun.drives")
local fake = require("support.fake_domain")
local host = require("support.host_xml")

local function cdrom(dev, source, controller, unit)
  return { kind = "cdrom", dev = dev, source = source,
    address = { controller = controller, target = 0, unit = unit } }
end

local function run(dom, desired)
  desired.kind, desired.name = "domain", "web01"
  local plan = assert(apply.plan(dom, desired))
  local result, problems, written = plan:apply()
  return result, problems and tostring(problems) or tostring(result.notes), written
end

local function has_call(dom, wanted)
  for _, text in ipairs(dom.calls) do
    if text == wanted then return true end
  end
  return false
end

describe("a step that fails", function()
  it("takes no HBA away that is below the one of a drive which has come", function()
    local ports = {}
    for i = 1, 3 do ports[i] = ("<controller type='pci' index='%d' model='pcie-root-port'/>"):format(i) end
    local dom = fake.domain { live = table.move(ports, 1, 3, 1, {}), config = table.move(ports, 1, 3, 1, {}),
      refuses = function(call) return call:find("attach sdb") and "no" end }
    local result, text = run(dom, { fill_gaps = true, cdrom("sda", "/a.iso", 2, 0), cdrom("sdb", "/b.iso", 2, 1) })
    assert.is_nil(result, table.concat(dom.calls, "\n"))
    assert.is_true(has_call(dom, "attach sda live config"), table.concat(dom.calls, "\n"))
    assert.falsy(table.concat(dom.calls, "\n"):find("detach"), table.concat(dom.calls, "\n"))
    assert.truthy(text:find("4 of 5 changes were made before", 1, true), text)
  end)
end)

describe("whether the host was written to", function()
  local function written(fields)
    fields.live = { host.hba(0) }
    function fields.refuses() return "no" end
    local dom = fake.domain(fields)
    local result, _, ended = run(dom, { cdrom("sda", "/a.iso", 0, 0) })
    assert.is_nil(result)
    return ended.written
  end

  it("is not known of a call that nobody has answered", function()
    assert.is_true(written { is_silent = true })
    assert.is_false(written {})
  end)
end)

describe("an HBA that is to leave", function()
  it("leaves the running domain although its drive leaves the configuration only by the define at the end", function()
    local function devices()
      local list = { host.hba(0), host.hba(1), host.drive("sda", { path = "/a.iso" }),
        host.drive("sdb", { path = "/b.iso", place = { 1, 0, 0 } }) }
      return list
    end
    local dom = fake.domain { live = devices(), config = devices() }
    local result, text = run(dom, { boot = "devices", { kind = "cdrom", dev = "sda", boot = 1 },
      { kind = "cdrom", dev = "sdb", absent = true }, { kind = "controller", index = 1, absent = true } })
    assert(result, text)
    assert.same({ "detach sdb live", "detach controller1 live", "define" }, dom.calls)
  end)
end)

describe("a drive that comes to the place of another one", function()
  it("comes by the same define that moves that one", function()
    local function devices() return { host.hba(0), host.drive("sda", { path = "/a.iso" }) } end
    local dom = fake.domain { live = devices(), config = devices() }
    local result, text = run(dom, { scope = "config", cdrom("sda", nil, 0, 5), cdrom("sdb", "/b.iso", 0, 0) })
    assert(result, text)
    assert.same({ "define" }, dom.calls)
  end)

  it("cannot come to the running domain before that one has left", function()
    local function devices() return { host.hba(0), host.drive("sda", { path = "/a.iso" }) } end
    local dom = fake.domain { live = devices(), config = devices() }
    local newcomer = cdrom("sdb", "/b.iso", 0, 0)
    local plan, problems = apply.plan(dom, { kind = "domain", name = "web01", cdrom("sda", nil, 0, 5), newcomer })
    assert.is_nil(plan)
    assert.equal("web01.sdb: 0:0:0:0 is already the address of sda in the domain", tostring(problems))
    plan = assert(apply.plan(dom, { kind = "domain", name = "web01", { kind = "cdrom", dev = "sda", absent = true },
      newcomer }))
    assert.equal(2, plan.changes)
  end)
end)

describe("a path that means one drive now and another after the next boot", function()
  local dom
  before_each(function()
    dom = fake.domain {
      live = { host.hba(0), host.drive("sda", { path = "/a.iso" }), host.drive("sdb", { path = "/b.iso",
        place = { 0, 0, 1 } }) },
      config = { host.hba(0), host.drive("sda", { path = "/b.iso" }), host.drive("sdb", { path = "/a.iso",
        place = { 0, 0, 1 } }) },
    }
  end)

  it("is no name of a drive that is to leave both", function()
    local result, problems = drives.detach(dom, "/a.iso")
    assert.is_nil(result)
    assert.equal("web01./a.iso: '/a.iso' could be sda or sdb (name the drive by its dev)", tostring(problems))
    assert.same({}, dom.calls)
  end)

  it("tells host devices apart by their sources: an address that means two is no name", function()
    local function tapes(first, second)
      return { host.hba(0), host.hostdev(first, 3, { 0, 0, 5 }), host.hostdev(second, 3, { 0, 0, 6 }) }
    end
    local tape = fake.domain { live = tapes(0, 1), config = tapes(1, 0) }
    local result, problems = drives.detach(tape, "0:0:0:5")
    assert.is_nil(result)
    assert.truthy(tostring(problems):find("'0:0:0:5' could be hostdev or hostdev", 1, true), tostring(problems))
    assert.same({}, tape.calls)
    tape = fake.domain { live = tapes(0, 1), config = tapes(0, 1) }
    drives.detach(tape, "0:0:0:5")
    assert.not_same({}, tape.calls)
  end)

  it("is looked up in the half that is to be changed", function()
    assert(drives.detach(dom, "/a.iso", { scope = "config" }))
    assert(drives.detach(dom, "/a.iso", { scope = "live" }))
    assert.same({ "detach sdb config", "detach sda live" }, dom.calls)
  end)

  it("of what cannot be read is told as it is", function()
    function dom.look() return { persistent = true, state = "shut off" }, { config = "<domain" } end
    local result, problems = drives.detach(dom, "sda")
    assert.same({ nil, "xml_malformed" }, { result, problems[1].code })
  end)
end)
