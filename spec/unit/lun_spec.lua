-- LUN mapping: the vectors of the SCSI standard and of Linux, both ways, and what is refused.
local virtlun = require "virtlun"

local lun = virtlun.lun

-- Units of an HBA, the LUN that Linux shows, and the eight bytes that REPORT LUNS gives.
local vectors = {
  { 0, 0, "0x0000000000000000" },
  { 1, 1, "0x0001000000000000" },
  { 255, 255, "0x00ff000000000000" },
  { 256, 16640, "0x4100000000000000" },
  { 257, 16641, "0x4101000000000000" },
  { 300, 16684, "0x412c000000000000" },
  { 4095, 20479, "0x4fff000000000000" },
  { 16383, 32767, "0x7fff000000000000" },
}

-- What is no unit at all, and what is no LUN of a virtual drive; each with the problem that says so.
local RANGE = "%s: %s is out of range 0..16383"
local TYPE = "%s: %s is not an integer"
local NOT_SHOWN = "%s: %s is no LUN that Linux shows for a virtual drive: those are 0..255 and 16640..32767"
local no_units = {
  { 16384, RANGE, "16384" }, { -1, RANGE, "-1" }, { 2^32 // 1 | 0, RANGE, "4294967296" },
  { 4294967295, RANGE, "4294967295" }, { math.maxinteger, RANGE, "9223372036854775807" },
  { 1.5, TYPE, "1.5" }, { 256.0, TYPE, "256.0" }, { "256", TYPE, "'256'" }, { "0x10", TYPE, "'0x10'" },
  { true, TYPE, "true" },
}
local no_luns = {
  { 256, NOT_SHOWN, "256" }, { 16383, NOT_SHOWN, "16383" }, { 16384, NOT_SHOWN, "16384" },
  { 16639, NOT_SHOWN, "16639" }, { 32768, NOT_SHOWN, "32768" }, { 65535, NOT_SHOWN, "65535" },
  { -1, NOT_SHOWN, "-1" }, { math.mininteger, NOT_SHOWN, "-9223372036854775808" },
  { 16640.5, TYPE, "16640.5" }, { "16640", TYPE, "'16640'" },
}

-- Addresses of drives and of HBAs, the name below /dev/disk/by-path, and whether it is certain.
local PCI_ROOT = { type = "pci", domain = 0, bus = 0, slot = 5, ["function"] = 0 }
local by_paths = {
  { { target = 0, unit = 256 }, { type = "pci", bus = 1, slot = 0 }, "pci-0000:01:00.0-scsi-0:0:0:16640", false },
  { { target = 3, unit = 1 }, { type = "ccw", cssid = 0xfe, ssid = 0, devno = 7 }, "ccw-0.0.0007-scsi-0:0:3:1", true },
  { { target = 255, unit = 16383 }, { type = "ccw", cssid = 0xfe, ssid = 3, devno = 0xffff },
    "ccw-0.3.ffff-scsi-0:0:255:32767", true },
  { { unit = 0 }, PCI_ROOT, "pci-0000:00:05.0-scsi-0:0:0:0", true },
  { {}, { type = "pci", domain = 0x10, bus = 0, slot = 0x1f, ["function"] = 7 },
    "pci-0010:00:1f.7-scsi-0:0:0:0", true },
}

describe("a unit", function()
  for _, vector in ipairs(vectors) do
    local unit, integer, wire = table.unpack(vector)
    it(("%d is LUN %d in the guest, %s on the wire, and back"):format(unit, integer, wire), function()
      assert.equal(integer, lun.encode(unit))
      assert.equal(unit, lun.decode(integer))
      assert.equal(wire, lun.wire(unit))
    end)
  end

  it("comes back from every LUN, and no two are one", function()
    local seen = {}
    for unit = 0, 16383 do
      local integer = lun.encode(unit)
      assert(not seen[integer] and lun.decode(integer) == unit, unit)
      seen[integer] = true
    end
    for integer = 0, 40000 do assert((lun.decode(integer) ~= nil) == (seen[integer] or false), integer) end
  end)
end)

describe("what is no unit", function()
  for _, row in ipairs(no_units) do
    local value, message, shown = table.unpack(row)
    it(shown .. " is refused", function()
      for _, fn in ipairs { lun.encode, lun.wire } do
        local result, problems = fn(value)
        assert.is_nil(result)
        assert.equal(message:format("unit", shown), tostring(problems))
      end
    end)
  end
end)

describe("what is no LUN", function()
  for _, row in ipairs(no_luns) do
    local value, message, shown = table.unpack(row)
    it(shown .. " is refused", function()
      local result, problems = lun.decode(value)
      assert.is_nil(result)
      assert.equal(message:format("lun", shown), tostring(problems))
    end)
  end
end)

describe("an address", function()
  it("is [H:0:T:L] in the guest", function()
    assert.equal("[H:0:0:16640]", lun.hctl { controller = 4, unit = 256 })
    assert.equal("[H:0:255:32767]", lun.hctl { target = 255, unit = 16383 })
    assert.equal("[H:0:0:0]", lun.hctl {})
  end)

  it("is refused where it is none", function()
    for _, fn in ipairs { lun.hctl, function(address) return lun.by_path(address, PCI_ROOT) end } do
      local result, problems = fn { target = 256 }
      assert.is_nil(result)
      assert.equal("target: 256 is out of range 0..255", tostring(problems))
      assert.equal("unit: 16384 is out of range 0..16383", tostring(select(2, fn { unit = 16384 })))
      assert.equal("unit: '1' is not an integer", tostring(select(2, fn { unit = "1" })))
    end
  end)

  for _, row in ipairs(by_paths) do
    local drive, hba, name, certain = table.unpack(row)
    it("is named " .. name, function() assert.same({ name, certain }, { lun.by_path(drive, hba) }) end)
  end

  it("has no name where the HBA's bus gives none", function()
    assert.is_nil((lun.by_path({ unit = 0 }, { type = "spapr-vio", reg = 0x2000 })))
  end)
end)

describe("virtlun.lun", function()
  it("is the constructor of a lun as well", function()
    local device = virtlun.lun { dev = "sda" }
    assert.equal("lun", device.kind)
    assert.equal("spec/unit/lun_spec.lua", device.file)
    assert.equal(debug.getinfo(1, "l").currentline - 3, device.line)
  end)
end)
