-- Plans for what boots: when <os><boot> gives way to the boot order of devices, what waits for a power-off, and what
-- is refused. No host is asked; documents are texts here.
local core = require("virtlun.core")
local host = require("support.host_xml")
local planning = require("support.planning")
local virtlun = require("virtlun")

local hba = host.hba(0)
local vda = "<disk type='file' device='disk'><source file='/v.img'/><target dev='vda' bus='virtio'/>%s</disk>"
local plain = vda:format("")
local function ordered(n) return vda:format(("<boot order='%d'/>"):format(n)) end
local function sda(n) return host.drive("sda", { inner = n and ("<boot order='%d'/>"):format(n) }) end

local function running(xml) return (xml:gsub("<domain type='qemu'>", "<domain type='qemu' id='7'>")) end

-- config, live: { devices, boots by <os> }; either may be missing.
local function plan_of(body, config, live, opts)
  local domains, problems = virtlun.loadstring(("domain 'web01' {\n%s\n}"):format(body), "r.lua")
  local documents = {
    config = config and host.domain(config[1], { boot = config[2] }),
    live = live and running(host.domain(live[1], { boot = live[2] })),
  }
  local facts = { state = live and "running" or "shut off", active = live ~= nil, persistent = config ~= nil }
  return require("virtlun.plan").make(assert(domains, tostring(problems))[1], documents, facts, opts)
end

local function made(...)
  local plan, problems = plan_of(...)
  return assert(plan, tostring(problems))
end

local function refused(...)
  local plan, problems = plan_of(...)
  assert.is_nil(plan, "planned")
  return tostring(problems)
end

local function lines(steps)
  local list = {}
  for i, step in ipairs(steps) do
    list[i] = ("%s %s: %s; %s; %s"):format(step.action, step.device, step.why or "-", step.effect,
      planning.calls(step))
  end
  return list
end

local by_devices = 'boot = "devices", cdrom { dev = "sda", boot = 1 }'

describe("boot = \"devices\"", function()
  it("gives the devices that <os><boot> meant a boot order, by one define", function()
    local plan = made(by_devices, { { hba, sda(), plain } })
    assert.same({ "change web01: boots from sda, then vda; next boot; define config",
      "change sda: differs: boot; next boot; define config" }, lines(plan.steps))
    assert.same({ { key = "boot", before = "os", after = "devices" } }, plan.steps[1].fields)
    assert.same({ 2, "domain", "config", "r.lua", 1 }, { plan.changes, plan.steps[1].kind, plan.steps[1].scope,
      plan.steps[1].file, plan.steps[1].line })
  end)

  it("of a running domain takes a power-off", function()
    local plan = made(by_devices, { { hba, sda(), plain } }, { { hba, sda(), plain } })
    assert.same({ "change web01: boots from sda, then vda; needs power-off; define config",
      "change sda: differs: boot; next boot; define config" }, lines(plan.steps))
  end)

  it("lets a new drive come at once, and its boot order later", function()
    local plan = made('boot = "devices", cdrom { dev = "sda", source = "/a.iso", boot = 1 }', { { hba, plain } },
      { { hba, plain } })
    assert.same({ "change web01: boots from sda, then vda; needs power-off; define config",
      "add sda: not there; live, its boot order after a power-off; attach live, define config" }, lines(plan.steps))
  end)

  it("is nothing to do once it is so, and tells what waits for the power-off", function()
    local plan = made(by_devices, { { hba, sda(1), ordered(2) }, false }, { { hba, sda(), plain } })
    assert.same({}, plan.steps)
    assert.same({ "change web01: -; needs power-off; ", "change sda: -; next boot; " }, lines(plan.pending))
    plan = made(by_devices, { { hba, sda(1), ordered(2) }, false })
    assert.same({ 0, {} }, { plan.changes, plan.pending })
  end)

  it("needs not be said again while the running domain still boots by <os>", function()
    local plan = made('cdrom { dev = "sda", boot = 1 }', { { hba, sda(1), ordered(2) }, false },
      { { hba, sda(), plain } })
    assert.equal(0, plan.changes)
  end)

  it("that would leave nothing to boot from is refused: libvirt would bring <os><boot> back", function()
    assert.equal("r.lua:1: web01: no device would have a place in the boot order, and libvirt would go back to " ..
      "<os><boot> (give a drive boot = 1)", refused('boot = "devices", cdrom { dev = "sda" }', { { hba, sda() } }))
  end)

  it("has no next boot without a configuration", function()
    assert.equal("r.lua:1: web01: boot cannot change while the domain runs, and without a configuration there is no " ..
      "next boot", refused('boot = "devices", cdrom { dev = "sda" }', nil, { { hba, sda() } }))
  end)
end)

describe("a new drive with a boot order", function()
  local drive = 'cdrom { dev = "sdb", source = "/b.iso", boot = 1 }'

  it("does not come to the running domain alone while that boots by <os>", function()
    local text = "r.lua:2: web01.sdb.boot: the running domain boots by <os><boot>, which excludes a boot order of " ..
      "devices until it is powered off (leave boot out, or change its configuration too)"
    assert.equal(text, refused('boot = "devices", ' .. drive, { { hba, plain } }, { { hba, plain } },
      { scope = "live" }))
  end)

  it("comes with it where the running domain has a boot order", function()
    local there = { { hba, ordered(2) }, false }
    assert.same({ "add sdb: not there; live; attach live and config" }, lines(made(drive, there, there).steps))
  end)
end)

describe("a drive that is to boot first", function()
  local one = 'boot = "devices", cdrom { dev = "sda" }'
  local first = { scope = "config", first = 1 }

  it("comes before those that <os><boot> meant", function()
    assert.same({ "change web01: boots from sda, then vda; next boot; define config" },
      lines(made(one, { { hba, sda(), plain } }, nil, first).steps))
  end)

  it("comes before those that have an order", function()
    local plan = made(one, { { hba, sda(2), ordered(1) }, false }, nil, first)
    assert.same({ "change web01: boots from sda, then vda; next boot; define config" }, lines(plan.steps))
    assert.same({ { key = "boot", before = "vda, sda", after = "sda, vda" } }, plan.steps[1].fields)
  end)

  it("is nothing to do where it is", function()
    assert.equal(0, made(one, { { hba, sda(1), ordered(2) }, false }, nil, first).changes)
  end)
end)

describe("a configuration that boots by devices now", function()
  local boot = require("virtlun.plan.boot")
  local model = core.model { kind = "domain", name = "web01" }

  -- What is made of a text that is not that of the document it is compared with.
  local function converted(devices, others)
    return boot.convert({ model = model, boot = true }, host.domain(devices), core.document(host.domain(others)))
  end

  it("differs in that alone", function()
    assert.truthy(converted({ hba, sda(), plain }, { hba, sda(), plain }))
    local xml, problems = converted({ hba, host.drive("sda", { path = "/other.iso" }), plain }, { hba, sda(), plain })
    assert.is_nil(xml)
    assert.equal("bad_patch", problems[1].code)
  end)

  it("has every boot order that it had", function()
    assert.truthy(converted({ hba, sda(3), plain }, { hba, sda(3), plain }))
    for _, other in ipairs { { hba, sda(2), plain }, { hba, sda(), ordered(3) }, { hba, sda(3), ordered(5) } } do
      local xml, problems = converted({ hba, sda(3), plain }, other)
      assert.is_nil(xml)
      assert.equal("web01: the new document would not be what was described: the boot order (nothing was written)",
        "web01: " .. tostring(problems))
    end
  end)
end)

describe("the element of a drive", function()
  local boot = require("virtlun.plan.boot")

  it("loses its boot order, and nothing else, for a running domain that boots by <os>", function()
    local element = host.drive("sda", { inner = "<serial>S</serial>%s<alias name='ua-a'/>" })
    local with = element:format("<boot order='1' loadparm='2'/>")
    assert.equal("S", core.read(element:format("")).serial)
    assert.same(core.read(element:format("")), core.read((boot.strip(with))))
    assert.falsy(boot.strip(with):find("<boot", 1, true))
    assert.equal(element:format(""), (boot.strip(element:format(""))))
  end)

  it("of a host device too", function()
    local with = host.hostdev(0, 1, { 0, 0, 1 }):gsub("</hostdev>", "<boot order='3'/></hostdev>")
    assert.same(core.read((host.hostdev(0, 1, { 0, 0, 1 }))), core.read((boot.strip(with))))
  end)
end)
