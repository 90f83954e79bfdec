-- From <os><boot> to the boot order of devices: which device gets which place, and that nothing else of the document
-- is touched.
local core = require "virtlun.core"
local virtlun = require "virtlun"

local DOCUMENT = [=[
<domain type="kvm">
  <name>web</name>
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <loader readonly="yes" type="pflash">/usr/share/OVMF.fd</loader>
    <nvram>/nv.fd</nvram>
    BOOTS
    <bootmenu enable="yes"/>
    <smbios mode="host"/>
  </os>
  <devices>
    <controller type="scsi" index="0" model="virtio-scsi"/>
    <disk type="file" device="floppy">
      <target dev="fda" bus="fdc"/>
    </disk>
    <disk type="file" device="cdrom">
      <target dev="sda" bus="scsi"/>
      <address type="drive" controller="0" bus="0" target="0" unit="0"/>
    </disk>
    <disk type="file">
      <source file="/vda.img"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <disk type="file" device="disk">
      <source file="/sdb.img"/>
      <target dev="sdb" bus="scsi"/>
      <address type="drive" controller="0" bus="0" target="0" unit="1"/>
    </disk>
    <disk type="file" device="cdrom">
      <target dev="sdc" bus="scsi"/>
      <address type="drive" controller="0" bus="0" target="0" unit="2"/>
    </disk>
    <interface type="network">
      <source network="a"/>
    </interface>
    <interface type="network">
      <source network="b"/>
    </interface>
    <graphics type="vnc" passwd="s3cret"/>
  </devices>
</domain>
]=]

-- The line after which a device's boot order goes: the last of its element.
local last_line = {
  fda = [[<target dev="fda" bus="fdc"/>]], sda = [[target="0" unit="0"/>]], vda = [[<target dev="vda" bus="virtio"/>]],
  sdb = [[target="0" unit="1"/>]], sdc = [[target="0" unit="2"/>]], net = [[<source network="a"/>]],
  net2 = [[<source network="b"/>]],
}

local function with_boots(words)
  local list = {}
  for word in words:gmatch("%S+") do list[#list + 1] = ("<boot dev=\"%s\"/>"):format(word) end
  if #list == 0 then return (DOCUMENT:gsub("\n    BOOTS", "")) end
  return (DOCUMENT:gsub("BOOTS", table.concat(list, "\n    ")))
end

local function swapped(xml, before, after)
  local from, to = xml:find(before, 1, true)
  assert(from, before)
  return xml:sub(1, from - 1) .. after .. xml:sub(to + 1)
end

-- The document in which the devices have these places, and no word in <os> says what boots.
local function with_orders(words, orders)
  local xml = with_boots(words)
  for dev, order in pairs(orders) do
    local line = last_line[dev]
    xml = swapped(xml, line, ("%s\n      <boot order=\"%d\"/>"):format(line, order))
  end
  return xml
end

local function model_of(devices)
  local domain = { kind = "domain", name = "web" }
  for i, device in ipairs(devices) do domain[i] = device end
  local model, found = core.model(domain)
  assert(#found == 0, tostring(virtlun.problems(found)))
  return model
end

-- What a description makes of a document; first is the name of the drive that is to come first.
local function converted(xml, devices, first)
  local document = assert(core.document(xml))
  local number = first and core.find(model_of { virtlun.cdrom { dev = first } }, document, 1)
  assert(number or not first)
  return core.boot(xml, document, devices and model_of(devices), number)
end

-- Words of <os>, orders that are there, what is described, who comes first; orders that are there then.
local cases = {
  { "a disk", "hd", {}, {}, nil, { vda = 1 } },
  { "a CD drive, the first of two", "cdrom", {}, {}, nil, { sda = 1 } },
  { "a floppy drive", "fd", {}, {}, nil, { fda = 1 } },
  { "an interface, the first of two", "network", {}, {}, nil, { net = 1 } },
  { "several words, in their order", "network cdrom fd hd", {}, {}, nil, { net = 1, sda = 2, fda = 3, vda = 4 } },
  { "of a word that stands twice, the last", "hd cdrom hd", {}, {}, nil, { sda = 1, vda = 2 } },
  { "none", "", {}, {}, nil, {} },
  { "behind what has a place already", "hd cdrom", { sdb = 7 }, {}, nil, { sdb = 7, vda = 8, sda = 9 } },
  { "a place of its own, which stays", "cdrom hd", { vda = 3 }, {}, nil, { vda = 3, sda = 4 } },
  { "a device that is denied one, and no other in its stead", "cdrom hd", {},
    { virtlun.cdrom { dev = "sda", boot = false } }, nil, { vda = 1 } },
  { "a drive first, and the rest behind it", "hd cdrom", {}, {}, "sdc", { sdc = 1, vda = 2, sda = 3 } },
  { "a drive first that was meant anyway", "hd cdrom", {}, {}, "sda", { sda = 1, vda = 2 } },
  { "a drive first among orders, which move only as far as they must", "", { vda = 1, sda = 2, net = 5 }, {}, "sdc",
    { sdc = 1, vda = 2, sda = 3, net = 5 } },
  { "a drive first that was second", "", { vda = 1, sda = 2, net = 3 }, {}, "sda", { sda = 1, vda = 2, net = 3 } },
  { "a drive first that was the only one, but not 1", "", { sda = 9 }, {}, "sda", { sda = 1 } },
}

describe("boot by devices:", function()
  for _, case in ipairs(cases) do
    local title, words, there, devices, first, orders = table.unpack(case, 1, 6)
    it(title, function()
      assert.equal(with_orders("", orders), (converted(with_orders(words, there), devices, first)))
    end)

    it(title .. ", and then nothing is left to do", function()
      local xml = assert(converted(with_orders(words, there), devices, first))
      assert.equal(xml, (converted(xml, devices, first)))
    end)
  end

  it("takes a lun for a disk, as libvirt does", function()
    local xml = with_boots("hd"):gsub('<disk type="file">', '<disk type="block" device="lun">')
    assert.truthy(converted(xml):find('<target dev="vda" bus="virtio"/>\n      <boot order="1"/>', 1, true))
  end)

  it("keeps what else a device's own <boot> says", function()
    local xml = with_boots(""):gsub('(unit="1"/>)', '%1<boot order="1" loadparm="2"/>')
    assert.truthy(converted(xml, nil, "sda"):find('<boot order="2" loadparm="2"/>', 1, true))
  end)

  it("of what no device is meant by, leaves nothing", function()
    local xml = "<domain><os><boot dev='fd'/><boot dev='unheard-of'/><boot/></os><devices/></domain>"
    assert.equal("<domain><os/><devices/></domain>\n", (converted(xml)))
  end)

  it("is refused of a document that was not compared", function()
    local document = core.document(with_boots("hd"))
    local number = core.find(model_of { virtlun.cdrom { dev = "sda" } }, document, 1)
    local result, problems = core.boot("<domain><devices><hub/></devices></domain>", document, nil, number)
    assert.is_nil(result)
    assert.equal("bad_patch", problems[1].code)
  end)

  it("is refused of what is no document", function()
    local result, problems = core.boot("<domain", core.document("<domain/>"))
    assert.is_nil(result)
    assert.equal("xml_malformed", problems[1].code)
  end)
end)

describe("a document", function()
  it("lists what boots, in its order", function()
    local document = core.document(with_orders("", { sdb = 5, net = 2, sda = 1 }))
    local list = {}
    for i, seat in ipairs(document:boots()) do list[i] = seat.order .. " " .. seat.name end
    assert.same({ "1 sda", "2 interface#7", "5 sdb" }, list)
  end)

  it("has a fingerprint that leaves what boots out", function()
    local function fingerprint(xml, bootless) return core.document(xml):fingerprint(nil, bootless) end
    local by_os, by_devices = with_boots("hd"), with_orders("", { sda = 1, sdb = 2 })
    assert.not_equal(fingerprint(by_os), fingerprint(by_devices))
    assert.equal(fingerprint(by_os, true), fingerprint(by_devices, true))
    assert.not_equal(fingerprint(by_os, true), fingerprint(by_devices:gsub("/sdb", "/other"), true))
  end)

  it("knows whether a kernel of the host's is booted", function()
    assert.is_false(core.document(DOCUMENT):facts().os_kernel)
    assert.is_true(core.document((DOCUMENT:gsub("BOOTS", "<kernel>/vmlinuz</kernel>"))):facts().os_kernel)
  end)
end)
