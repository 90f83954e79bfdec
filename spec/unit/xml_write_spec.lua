-- The writer: constants, escapes, order and indentation.  What each field becomes is shown by the golden cases.
local virtlun = require "virtlun"

local function device_xml(device)
  device.kind = device.kind or "cdrom"
  device.dev = device.dev or "sda"
  device.address = device.address or { controller = 0 }
  return (assert(virtlun.xml(device)))
end

-- What stands in a path, and what the XML has for it.
local escapes = {
  { "&", "&amp;" }, { "<", "&lt;" }, { ">", "&gt;" }, { "'", "&apos;" }, { '"', "&quot;" }, { "&amp;", "&amp;amp;" },
  { "]]>", "]]&gt;" }, { "ü", "ü" }, { "日本", "日本" }, { "🎬", "🎬" }, { "\u{FFFD}", "\u{FFFD}" },
  { "\u{80}", "\u{80}" },
  { " a  b ", " a  b " }, { "{1}", "{1}" }, { "%s%n", "%s%n" }, { "\\", "\\" },
  { ("&"):rep(3000), ("&amp;"):rep(3000) },
}

-- What XML 1.0 cannot carry, by the number of its first byte.
local unwritable = {
  "\0", "\1", "\31", "\127", "\t", "\n", "\r", "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xef\xbf\xbe",
  "\xef\xbf\xbf", "\xf4\x90\x80\x80", "\xe0\x80\x80",
}

describe("text", function()
  for _, row in ipairs(escapes) do
    it(("%s is written so that XML means it"):format(row[1]:sub(1, 8)), function()
      local xml = device_xml { source = "/" .. row[1] }
      assert.truthy(xml:find(("<source file='/%s'/>"):format(row[2]), 1, true))
      local read = assert(virtlun.read(xml))
      assert.equal("/" .. row[1], read.source)
    end)
  end

  for _, bytes in ipairs(unwritable) do
    it(("with %q is refused"):format(bytes), function()
      local xml, problems = virtlun.xml { kind = "cdrom", dev = "sda", source = "/" .. bytes }
      assert.is_nil(xml)
      assert.equal("bad_text", problems[1].code)
      assert.truthy(problems[1].message:match("^byte 2 is "))
    end)
  end

  it("in an element is written as in an attribute", function()
    local iotune = { total_bytes_sec = 1, group_name = "a<b>&c" }
    local xml = device_xml { kind = "disk", source = "/a", format = "raw", iotune = iotune }
    assert.truthy(xml:find("<group_name>a&lt;b&gt;&amp;c</group_name>", 1, true))
  end)
end)

describe("the XML of a device", function()
  it("says kind, bus and driver although nobody did", function()
    assert.equal([[
<disk type='file' device='disk'>
  <driver name='qemu' type='raw'/>
  <source file='/a'/>
  <target bus='scsi' dev='sda'/>
  <address type='drive' controller='0' bus='0' target='0' unit='0'/>
</disk>
]], device_xml { kind = "disk", source = "/a", format = "raw" })
  end)

  it("has nothing of what is false, or is Lua's alone", function()
    local xml = device_xml {
      source = false, serial = false, boot = false, shareable = false, protect = true, replace = true,
    }
    for _, word in ipairs { "source", "serial", "boot", "shareable", "protect", "replace", "false" } do
      assert.falsy(xml:find(word, 1, true), word)
    end
  end)

  it("says a switch that is off", function()
    local xml = device_xml { kind = "lun", source = { dev = "/dev/sdq" }, rawio = false }
    assert.truthy(xml:find("rawio='no'", 1, true))
  end)

  it("has raw elements last, as they are", function()
    local xml = device_xml { raw = "<geometry cyls='1' heads='2' secs='3'/><!-- & -->" }
    assert.truthy(xml:find("\n  <geometry cyls='1' heads='2' secs='3'/><!-- & -->\n</disk>\n", 1, true))
  end)

  it("is the same every time, however its table was made", function()
    local first
    for _ = 1, 20 do
      local device = {}
      local keys = { "serial", "wwn", "vendor", "product", "cache", "io", "boot", "source" }
      local values = { serial = "s", wwn = "5000c50015ea71aa", vendor = "v", product = "p", cache = "none",
        io = "threads", boot = 1, source = "/a" }
      while #keys > 0 do
        local key = table.remove(keys, math.random(#keys))
        device[key] = values[key]
      end
      local xml = device_xml(device)
      first = first or xml
      assert.equal(first, xml)
    end
  end)
end)

describe("the XML of a domain", function()
  it("has HBAs first, by their index, then drives as described, and not what is to go", function()
    local xml = virtlun.xml {
      kind = "domain", name = "web",
      { kind = "cdrom", dev = "sdb", source = false, address = { controller = 1, unit = 3 } },
      { kind = "controller", index = 1 },
      { kind = "cdrom", dev = "sda", absent = true },
      { kind = "controller", index = 2, absent = true },
      { kind = "cdrom", dev = "sdc", source = false, address = { controller = 0, unit = 3 } },
      { kind = "controller", index = 0 },
    }
    local order = {}
    for what in xml:gmatch("index='(%d)'") do order[#order + 1] = what end
    for what in xml:gmatch("dev='(%l+)'") do order[#order + 1] = what end
    assert.same({ "0", "1", "sdb", "sdc" }, order)
  end)

  it("is empty for a domain without devices", function()
    assert.equal("", (virtlun.xml { kind = "domain", name = "web" }))
  end)
end)
