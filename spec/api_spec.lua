-- The Lua API as it is promised: what each function takes and gives, which errors are results and which are raised,
-- and what `require "virtlun"` does not load.
local child = require("support.child")
local host = require("support.host_xml")
local virtlun = require("virtlun")

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

describe("require 'virtlun'", function()
  it("gives these names, and no other", function()
    assert.same({ "TRANSPORTS", "VERSION", "address_text", "apply", "async", "cdrom", "check", "complete", "controller",
      "disk", "dispatch", "domain", "fd", "foretell", "hash", "host_timeout", "hostdev", "import", "interrupted",
      "interruptible", "known", "limit", "line", "load", "loadstring", "log", "lun", "open", "plan", "plans",
      "problem", "problems", "read", "removal", "schema", "suggest", "xml" },
      sorted_keys(virtlun))
  end)

  it("loads neither libvirt nor what the command needs, and sets no global", function()
    local result = child.script([[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local virtlun = require "virtlun"
      virtlun.check(virtlun.domain "d" { virtlun.controller { index = 0 } })
      virtlun.plan(virtlun.domain "d" {}, { config = "<domain><name>d</name><devices/></domain>" })
      for name in pairs(_G) do if not before[name] then print("global", name) end end
      for name in pairs(package.loaded) do
        if name:find("libvirt") or name:find("argparse") or name:find("dkjson") then print("loaded", name) end
      end
      for line in io.lines("/proc/self/maps") do if line:find("libvirt%.so") then print(line) break end end]])
    assert.same({ "", "" }, { result.out, result.err })
  end)

  it("may be required in several Lua states of a process, and in one that ends at once", function()
    assert.same({ "", 0 }, (function()
      local result = child.script('require "virtlun" require "virtlun.libvirt" os.exit(0, true)')
      return { result.err, result.code }
    end)())
  end)

  it("knows its version", function()
    assert.truthy(virtlun.VERSION:match("^%d+%.%d+%.%d+$"))
  end)
end)

describe("constructors", function()
  it("stamp kind, file and line, and leave the rest alone", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local drive = virtlun.cdrom { dev = "sda", source = false }
    assert.same({ kind = "cdrom", dev = "sda", source = false, file = drive.file, line = line }, drive)
    assert.truthy(drive.file:find("api_spec.lua$"))
    for _, kind in ipairs { "controller", "cdrom", "disk", "lun", "hostdev" } do
      local device = virtlun[kind] { alias = "ua-x" }
      assert.same({ kind, "ua-x", debug.getinfo(1, "l").currentline - 1 }, { device.kind, device.alias, device.line })
    end
    local domain = virtlun.domain "web01" { drive }
    assert.same({ "domain", "web01", debug.getinfo(1, "l").currentline - 1, drive },
      { domain.kind, domain.name, domain.line, domain[1] })
  end)

  it("raise on what is no table", function()
    for _, kind in ipairs { "controller", "cdrom", "disk", "lun", "hostdev" } do
      assert.has_error(function() virtlun[kind]("sda") end, ("%s needs a table: %s { ... }"):format(kind, kind))
    end
  end)
end)

describe("virtlun.check", function()
  it("takes a device, a domain or a list of domains", function()
    local drive = virtlun.cdrom { dev = "sda", source = "/a.iso" }
    for _, desired in ipairs { drive, virtlun.domain "d" { drive }, { virtlun.domain "d" { drive } }, {} } do
      local good, notes = virtlun.check(desired)
      assert.is_true(good)
      assert.equal("", tostring(notes))
    end
  end)

  it("gives notes beside true, and nil beside problems", function()
    local good, notes = virtlun.check(virtlun.domain "d" { virtlun.controller { index = 3 } })
    assert.is_true(good)
    assert.same({ "controller_below", "note" }, { notes[1].code, notes[1].severity })
    good, notes = virtlun.check(virtlun.cdrom { dev = "sda", unit = 3 })
    assert.is_nil(good)
    assert.is_true(notes:has_errors())
    assert.equal("unknown_key", notes[1].code)
  end)

  it("gives problems as data that print themselves", function()
    local _, problems = virtlun.check { kind = "domain", name = "web01", file = "dvd.lua", line = 1,
      { kind = "cdrom", dev = "sda", file = "dvd.lua", line = 7, address = { controller = 0, unit = 20000 } } }
    local problem = problems[1]
    assert.same({ code = "out_of_range", severity = "error", path = "web01.sda.address.unit", value = "20000",
      message = "20000 is out of range 0..16383", expected = "0..16383", file = "dvd.lua", line = 7 },
      { code = problem.code, severity = problem.severity, path = problem.path, value = problem.value,
        message = problem.message, expected = problem.expected, file = problem.file, line = problem.line })
    assert.equal("dvd.lua:7: web01.sda.address.unit: 20000 is out of range 0..16383", tostring(problems))
    assert.equal(virtlun.line(problem), tostring(problems))
  end)

  it("checks one writable source over all domains of the list", function()
    local function domain(name)
      return virtlun.domain(name) { virtlun.disk { dev = "sda", source = "/same.img", format = "raw" } }
    end
    local good, problems = virtlun.check { domain "a", domain "b" }
    assert.is_nil(good)
    assert.equal("source_shared", problems[1].code)
  end)

  it("does not keep all of a long text in its message", function()
    local _, problems = virtlun.check(virtlun.cdrom { dev = ("x"):rep(1000000) })
    assert.is_true(#tostring(problems) < 2000, #tostring(problems))
  end)
end)

describe("virtlun.xml and virtlun.read", function()
  it("are inverse for a device and for a domain's devices", function()
    local drive = virtlun.cdrom { dev = "sda", source = "/a.iso", address = { controller = 0, unit = 300 } }
    local xml = assert(virtlun.xml(drive))
    local read = assert(virtlun.read(xml))
    assert.same({ "cdrom", "sda", "/a.iso", 300 }, { read.kind, read.dev, read.source, read.address.unit })
    assert.equal(xml, virtlun.xml(read))
    local domain = assert(virtlun.read(host.domain { host.hba(0), host.drive("sda"), host.hba(1) }))
    assert.same({ "domain", "web01", 3 }, { domain.kind, domain.name, #domain })
  end)

  it("give nil and problems for what is wrong", function()
    local xml, problems = virtlun.xml(virtlun.cdrom { source = "/a.iso" })
    assert.is_nil(xml)
    assert.equal("required", problems[1].code)
    local description
    description, problems = virtlun.read("<pool/>")
    assert.is_nil(description)
    assert.equal("xml_not_ours", problems[1].code)
  end)

  it("say what is there, and no more", function()
    local bare = "<disk type='file' device='cdrom'><target dev='sda' bus='scsi'/></disk>"
    assert.same({ kind = "cdrom", dev = "sda" }, virtlun.read(bare))
  end)
end)

describe("virtlun.complete", function()
  it("fills in what a recipe leaves out, and leaves what was given as it was", function()
    local given = virtlun.domain "d" { virtlun.cdrom { dev = "sda", source = "/a.iso" } }
    local full = assert(virtlun.complete(given))
    local drive
    for _, device in ipairs(full) do if device.kind == "cdrom" then drive = device end end
    assert.same({ "raw", "none", "native", true, "0:0:0:0" },
      { drive.format, drive.cache, drive.io, drive.readonly, virtlun.address_text(drive.address) })
    assert.is_nil(given[1].format)
    assert.equal(1, #given)
  end)
end)

describe("virtlun.lun", function()
  local vectors = { [0] = 0, [1] = 1, [255] = 255, [256] = 16640, [257] = 16641, [300] = 16684, [4095] = 20479,
    [16383] = 32767 }

  it("maps every unit there and back", function()
    for unit, lun in pairs(vectors) do assert.same({ lun, unit }, { virtlun.lun.encode(unit),
      virtlun.lun.decode(lun) }) end
    for unit = 0, 16383 do assert(virtlun.lun.decode(virtlun.lun.encode(unit)) == unit, unit) end
    assert.equal("0x4100000000000000", virtlun.lun.wire(256))
  end)

  it("refuses what is none, as a result", function()
    for _, value in ipairs { -1, 16384, 4294967295, math.maxinteger, math.mininteger, 1.5, 3.0, 2.0 ^ 53, 0 / 0, "256",
      "0x10", true, {} } do
      for _, name in ipairs { "encode", "wire" } do
        local result, problems = virtlun.lun[name](value)
        assert.is_nil(result)
        assert.truthy(({ out_of_range = true, wrong_type = true })[problems[1].code])
        assert.equal("unit", problems[1].path)
      end
    end
    for _, value in ipairs { -1, 256, 16383, 16384, 16639, 32768, 65535, 1.5, "16640" } do
      assert.is_nil((virtlun.lun.decode(value)))
    end
  end)

  it("tells [H:C:T:L] and by-path", function()
    local ccw = { type = "ccw", cssid = 254, ssid = 0, devno = 7 }
    local pci = { type = "pci", domain = 0, bus = 0, slot = 5, ["function"] = 1 }
    assert.equal("[H:0:3:16640]", virtlun.lun.hctl { controller = 1, target = 3, unit = 256 })
    assert.same({ "ccw-0.0.0007-scsi-0:0:3:1", true }, { virtlun.lun.by_path({ target = 3, unit = 1 }, ccw) })
    assert.same({ "pci-0000:00:05.1-scsi-0:0:0:16640", true }, { virtlun.lun.by_path({ unit = 256 }, pci) })
    pci.bus = 1
    assert.is_false(select(2, virtlun.lun.by_path({ unit = 0 }, pci)))
    local result, problems = virtlun.lun.hctl { target = 256 }
    assert.is_nil(result)
    assert.equal("target: 256 is out of range 0..255", tostring(problems))
  end)

  it("is the constructor of a lun as well", function()
    assert.equal("lun", virtlun.lun { dev = "sda" }.kind)
  end)
end)

describe("virtlun.schema", function()
  it("has shapes with documented fields, problems with texts, and HBAs with their limits", function()
    local schema = virtlun.schema()
    for _, name in ipairs { "controller", "disk", "hostdev", "drive", "domain" } do
      assert.is_true(#schema.shapes[name].fields > 0, name)
    end
    local codes = {}
    for _, problem in ipairs(schema.problems) do
      assert.is_nil(codes[problem.code], problem.code)
      codes[problem.code] = true
      assert.truthy(({ error = true, warning = true, note = true })[problem.severity])
      assert.equal("string", type(problem.message))
    end
    assert.is_true(codes.out_of_range and codes.address_taken)
    assert.not_equal(schema, virtlun.schema())
  end)
end)

describe("virtlun.load and virtlun.loadstring", function()
  it("give a list of domains", function()
    assert.equal("test", assert(virtlun.load("spec/recipes/dvd.lua"))[1].name)
    local domains = assert(virtlun.loadstring('domain "a" {}\ndomain "b" {}', "r.lua"))
    assert.same({ "a", "b", "r.lua", 2 }, { domains[1].name, domains[2].name, domains[2].file, domains[2].line })
  end)

  it("take parameters of any plain type", function()
    local text = 'domain "d" { controller { index = param "i" { default = 0 } } }'
    assert.equal(3, assert(virtlun.loadstring(text, "r", { i = 3 }))[1][1].index)
    assert.equal(3, assert(virtlun.loadstring(text, "r", { i = "3" }))[1][1].index)
  end)
end)

describe("misuse raises:", function()
  local cases = {
    ["check(nil)"] = function() virtlun.check(nil) end, ["check(text)"] = function() virtlun.check("x") end,
    ["xml(nil)"] = function() virtlun.xml(nil) end, ["read(nil)"] = function() virtlun.read(nil) end,
    ["loadstring(nil)"] = function() virtlun.loadstring(nil) end, ["load(nil)"] = function() virtlun.load(nil) end,
    ["plan(nil)"] = function() virtlun.plan(nil, {}) end, ["hctl(nil)"] = function() virtlun.lun.hctl(nil) end,
  }
  for title, fn in pairs(cases) do
    it(title, function() assert.has_error(fn) end)
  end
end)
