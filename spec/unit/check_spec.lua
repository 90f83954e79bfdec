-- Checks as a whole: that right descriptions pass, that every limit is exactly where it was measured, and that all
-- mistakes are told in one run and in the order of the document.
local core = require "virtlun.core"
local virtlun = require "virtlun"

local function domain(devices)
  devices.kind, devices.name = "domain", "web"
  return devices
end

local function cdrom(address, dev)
  return { kind = "cdrom", dev = dev or "sda", source = false, address = address }
end

-- No false rejects: what libvirt's own schema or a careless check refuses, and every host takes.
local right = {
  { "target 0", cdrom { controller = 0, target = 0 } },
  { "target 99", cdrom { controller = 0, target = 99 } },
  { "target 100", cdrom { controller = 0, target = 100 } },
  { "target 255", cdrom { controller = 0, target = 255 } },
  { "unit 0", cdrom { controller = 0, unit = 0 } },
  { "unit 255", cdrom { controller = 0, unit = 255 } },
  { "unit 256", cdrom { controller = 0, unit = 256 } },
  { "unit 16383", cdrom { controller = 0, unit = 16383 } },
  { "target 255, unit 16383", cdrom { controller = 0, target = 255, unit = 16383 } },
  { "a float that is an integer", cdrom { controller = 0, unit = 7.0 } },
  { "controller 99", { kind = "controller", index = 99 } },
  { "queues 1022", { kind = "controller", index = 0, queues = 1022 } },
  { "a drive without an address", { kind = "cdrom", dev = "sda" } },
  { "a drive named by its alias", { kind = "cdrom", alias = "ua-cd" } },
  { "the last drive name", cdrom({ controller = 0 }, "sdzzzz") },
  { "another prefix", cdrom({ controller = 0 }, "vda") },
  { "false where something is to go",
    { kind = "cdrom", dev = "sda", source = false, boot = false, serial = false, alias = false, iotune = false } },
  { "a wwn with 0x", { kind = "cdrom", dev = "sda", wwn = "0x5000c50015ea71aa" } },
  { "a serial of 36 characters", { kind = "cdrom", dev = "sda", serial = ("s"):rep(36) } },
  { "rotation rates", { kind = "disk", dev = "sda", source = "/a", format = "raw", rotation_rate = 1025 } },
  { "io native with directsync",
    { kind = "disk", dev = "sda", source = "/a", format = "raw", io = "native", cache = "directsync" } },
  { "raw XML over several lines", { kind = "disk", dev = "sda", source = "/a", format = "raw",
    raw = "<geometry\n\tcyls='1'\n\theads='2' secs='3'/>" } },
  { "the same source twice, only read", {
    kind = "domain", name = "web", { kind = "cdrom", dev = "sda", source = "/a" },
    { kind = "cdrom", dev = "sdb", source = "/a" },
  } },
  { "the same path on two hosts", {
    { kind = "domain", name = "a", uri = "qemu+ssh://one/system",
      { kind = "disk", dev = "sda", source = "/a", format = "raw" } },
    { kind = "domain", name = "a", uri = "qemu+ssh://two/system",
      { kind = "disk", dev = "sda", source = "/a", format = "raw" } },
  } },
  { "drives that change places", domain {
    cdrom({ controller = 0, unit = 1 }), cdrom({ controller = 0, unit = 0 }, "sdb"),
  } },
  { "what is to be removed, whatever else it says", domain {
    { kind = "disk", dev = "sda", absent = true }, { kind = "lun", dev = "sdb", absent = true },
    { kind = "controller", index = 2, absent = true }, { kind = "controller", index = 0 },
  } },
}

-- Model, and for target and unit the highest that passes and the lowest that does not (facts 2).
local limits = {
  { "virtio-scsi", 255, 256, 16383, 16384 }, { "virtio-transitional", 255, 256, 16383, 16384 },
  { "virtio-non-transitional", 255, 256, 16383, 16384 }, { "lsilogic", 0, 1, 6, 7 }, { "lsisas1068", 8, 9, 1, 2 },
  { "lsisas1078", 64, 65, 255, 256 }, { "vmpvscsi", 64, 65, 0, 1 }, { "ibmvscsi", 63, 64, 31, 32 },
  { "am53c974", 0, 1, 6, 7 }, { "ncr53c90", 0, 1, 6, 7 },
}

describe("a right description passes:", function()
  for _, row in ipairs(right) do
    it(row[1], function()
      local good, problems = virtlun.check(row[2])
      assert.equal("", good and "" or tostring(problems))
    end)
  end
end)

describe("what model", function()
  local function verdict(model, target, unit)
    local _, problems = virtlun.check(domain {
      { kind = "controller", index = 0, model = model }, cdrom { controller = 0, target = target, unit = unit },
    })
    for _, problem in ipairs(problems) do
      if problem.severity == "error" then return problem.path .. " " .. problem.code end
    end
    return "good"
  end

  for _, row in ipairs(limits) do
    local model, good_target, bad_target, good_unit, bad_unit = table.unpack(row)
    it(model .. " can address ends where it was measured", function()
      assert.equal("good", verdict(model, good_target, 0))
      assert.equal("good", verdict(model, 0, good_unit))
      assert.equal("good", verdict(model, good_target, good_unit))
      assert.truthy(verdict(model, bad_target, 0):match("^web.sda.address.target "))
      assert.truthy(verdict(model, 0, bad_unit):match("^web.sda.address.unit "))
    end)
  end

  it("ibmvscsi can address has a hole at 7", function()
    assert.equal("good", verdict("ibmvscsi", 0, 6))
    assert.equal("web.sda.address.unit address_reserved", verdict("ibmvscsi", 0, 7))
    assert.equal("good", verdict("ibmvscsi", 0, 8))
  end)
end)

describe("twelve mistakes", function()
  local _, problems = virtlun.check(assert(virtlun.load "spec/golden/twelve_mistakes/recipe.lua"))

  it("are twelve problems, each in its line, in the order of the document", function()
    local lines = {}
    for i, problem in ipairs(problems) do lines[i] = problem.line end
    assert.same({ 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 }, lines)
  end)

  it("are of twelve kinds or fields", function()
    local seen, count = {}, 0
    for _, problem in ipairs(problems) do
      local what = problem.code .. " " .. problem.path
      if not seen[what] then count = count + 1 end
      seen[what] = true
    end
    assert.equal(12, count)
  end)
end)

-- Lua gives the keys of a table in an order that nobody knows; problems must not follow it.
describe("the order of problems", function()
  local mistakes = { "aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh" }

  local function in_any_order(build)
    local seen, count = {}, 0
    for _ = 1, 100 do
      for i = #mistakes, 2, -1 do
        local j = math.random(i)
        mistakes[i], mistakes[j] = mistakes[j], mistakes[i]
      end
      local _, problems = virtlun.check(build())
      if not seen[tostring(problems)] then count = count + 1 end
      seen[tostring(problems)] = true
    end
    return count
  end

  it("is the same for the same unknown keys", function()
    assert.equal(1, in_any_order(function()
      local device = { kind = "cdrom", dev = "sda" }
      for _, key in ipairs(mistakes) do device[key] = 1 end
      return device
    end))
  end)

  it("is the same for the same unknown keys of an inner table", function()
    assert.equal(1, in_any_order(function()
      local address = { controller = "x", unit = "y", target = "z" }
      for _, key in ipairs(mistakes) do address[key] = 1 end
      return cdrom(address)
    end))
  end)

  it("is that of domains, devices and fields", function()
    local _, problems = virtlun.check {
      { kind = "domain", name = "b", uri = "",
        { kind = "cdrom", dev = "sda", wwn = "x", cache = "x" }, { kind = "x" } },
      { kind = "domain", name = "a", "text", { kind = "cdrom", dev = "sda", source = 5 } },
    }
    local paths = {}
    for i, problem in ipairs(problems) do paths[i] = problem.path end
    assert.same({ "b.uri", "b.sda.cache", "b.sda.wwn", "b.#2", "a.[1]", "a.sda.source" }, paths)
  end)

  it("is that of the list also for what is no device", function()
    local _, problems = virtlun.check(domain { { kind = "cdrom" }, "text", { kind = "cdrom" } })
    local paths = {}
    for i, problem in ipairs(problems) do paths[i] = problem.path end
    assert.same({ "web.cdrom#1", "web.[2]", "web.cdrom#3" }, paths)
  end)
end)

describe("a source that says nothing", function()
  it("is wrong by itself, and no other one's", function()
    for _, key in ipairs { "file", "dev", "pool", "protocol" } do
      local _, problems = virtlun.check(domain {
        { kind = "disk", dev = "sda", format = "raw", source = { [key] = false } },
        { kind = "disk", dev = "sdb", format = "raw", source = { [key] = false } } })
      for _, problem in ipairs(problems) do assert.are_not.equal("source_shared", problem.code) end
      assert.truthy(#problems >= 2)
    end
    local _, problems = virtlun.check(domain { { kind = "hostdev", alias = "ua-a", source = { adapter = false } },
      { kind = "hostdev", alias = "ua-b", source = { adapter = false } } })
    for _, problem in ipairs(problems) do assert.are_not.equal("hostdev_twice", problem.code) end
  end)
end)

describe("misuse", function()
  for _, value in ipairs { 5, "text", true } do
    it(("raises: check(%s)"):format(value), function() assert.has_error(function() virtlun.check(value) end) end)
  end

  it("raises: check(), xml() of two domains, a list of no domains", function()
    assert.has_error(function() virtlun.check() end)
    assert.has_error(function() virtlun.xml { domain {}, domain {} } end)
    assert.has_error(function() virtlun.check { 5 } end)
    assert.has_error(function() core.problem { code = "no such code" } end)
  end)
end)
