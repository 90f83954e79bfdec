-- The patcher: it changes what a change names, and not one byte else.  Every case says which text of the document
-- becomes which; the whole rest is compared as it was.
local core = require "virtlun.core"
local virtlun = require "virtlun"

-- A document as the patcher itself prints one, so that a patch without changes gives it back byte for byte.
local DOCUMENT = [=[
<!-- This file is not for editing. -->
<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0" type="kvm" id="7">
  <name>web</name>
  <uuid>01234567-89ab-cdef-0123-456789abcdef</uuid>
  <metadata>
    <app:note xmlns:app="urn:example:app" app:mood="good">Tom &amp; Jerry &lt;3 &#13; ü日本🎬</app:note>
  </metadata>
  <devices>
    <!-- the HBA -->
    <controller type="scsi" index="0" model="virtio-scsi">
      <driver queues="4" event_idx="on"/>
      <address type="pci" domain="0x0000" bus="0x00" slot="0x05" function="0x0"/>
    </controller>
    <disk type="file" device="cdrom">
      <!-- a drive with much that nobody knows -->
      <driver name="qemu" type="raw" cache="none" io="native" iothread="9"/>
      <source file="/old.iso" startupPolicy="optional" index="3">
        <slices><slice type="storage" offset="0" size="9"/></slices>
      </source>
      <backingStore type="file"><source file="/base.iso"/></backingStore>
      <target dev="sda" bus="scsi" tray="closed" unheard="of"/>
      <iotune>
        <total_bytes_sec>1000</total_bytes_sec>
        <unheard_of>5</unheard_of>
      </iotune>
      <readonly/>
      <shareable/>
      <serial>CD &amp; 1</serial>
      <boot order="1" loadparm="2"/>
      <encryption format="luks"/>
      <alias name="ua-cd"/>
      <address type="drive" controller="0" bus="0" target="0" unit="0"/>
    </disk>
    <disk type="block" device="lun" rawio="yes">
      <source dev="/dev/sdq">
        <reservations managed="yes"/>
      </source>
      <target dev="sdb" bus="scsi"/>
      <address type="drive" controller="0" bus="0" target="0" unit="1"/>
    </disk>
    <disk type="network" device="disk">
      <driver name="qemu" type="raw"/>
      <source protocol="rbd" name="pool/image">
        <host name="mon1" port="6789"/>
        <snapshot name="before"/>
        <auth username="u"><secret type="ceph" usage="s"/></auth>
      </source>
      <target dev="sdc" bus="scsi"/>
      <address type="drive" controller="0" bus="0" target="0" unit="2"/>
    </disk>
    <disk device="cdrom"><target dev="sdd" bus="scsi"/><address type="drive" controller="0" unit="3"/></disk>
    <disk type="file" device="disk">
      <source file="/sata.img"/>
      <target dev="sde" bus="sata"/>
    </disk>
    <graphics type="vnc" passwd="it's a &quot;secret&quot;"/>
  </devices>
  <qemu:commandline>
    <qemu:arg value="-global"/>
  </qemu:commandline>
</domain>
]=]

local SOURCE = [[<source file="/old.iso" startupPolicy="optional" index="3">]]
local WHOLE_SOURCE = SOURCE .. [[

        <slices><slice type="storage" offset="0" size="9"/></slices>
      </source>]]
local LIMITS = [[
      <iotune>
        <total_bytes_sec>1000</total_bytes_sec>
        <unheard_of>5</unheard_of>
      </iotune>
]]
-- The chain below the present image, which is of no use to another.
local CHAIN = "\n      " .. [[<backingStore type="file"><source file="/base.iso"/></backingStore>]]
local SDA = [[<disk type="file" device="cdrom">
      <!-- a]]
local SDD = [[<disk device="cdrom"><target dev="sdd" bus="scsi"/>]]
  .. [[<address type="drive" controller="0" unit="3"/></disk>]]
local HOST_AND_USER = [[<host name="mon1" port="6789"/>
        <snapshot name="before"/>
        <auth username="u"><secret type="ceph" usage="s"/></auth>]]

-- What is said of the domain, and pairs of text: what stood there, what stands there now.
local cases = {
  { "nothing said changes nothing", {} },
  { "what is so already changes nothing", { virtlun.cdrom { dev = "sda", source = "/old.iso", serial = "CD & 1" } } },
  { "another medium", { virtlun.cdrom { dev = "sda", source = "/new & 'shiny'.iso" } },
    SOURCE, [[<source startupPolicy="optional" index="3" file="/new &amp; 'shiny'.iso">]], CHAIN, "" },
  { "another medium by alias", { virtlun.cdrom { alias = "ua-cd", source = "/new.iso" } },
    SOURCE, [[<source startupPolicy="optional" index="3" file="/new.iso">]], CHAIN, "" },
  { "a medium in an empty drive, on one line as its neighbours are",
    { virtlun.cdrom { dev = "sdd", source = "/new.iso" } },
    SDD, [[<disk device="cdrom" type="file"><target dev="sdd" bus="scsi"/>]]
      .. [[<address type="drive" controller="0" unit="3"/><source file="/new.iso"/></disk>]] },
  { "no medium; how to start without one stays said", { virtlun.cdrom { dev = "sda", source = false } },
    WHOLE_SOURCE, [[<source startupPolicy="optional"/>]], CHAIN, "" },
  { "no medium, and how to start without one said again",
    { virtlun.cdrom { dev = "sda", source = false, startup_policy = "optional" } },
    WHOLE_SOURCE, [[<source startupPolicy="optional"/>]], CHAIN, "" },
  { "no medium, and no word on how to start",
    { virtlun.cdrom { dev = "sda", source = false, startup_policy = false } }, "\n      " .. WHOLE_SOURCE, "",
    CHAIN, "" },
  { "from a file to a block device", { virtlun.cdrom { dev = "sda", source = { dev = "/dev/sr0" } } },
    SDA, (SDA:gsub("file", "block")), SOURCE, [[<source startupPolicy="optional" index="3" dev="/dev/sr0">]],
    CHAIN, "" },
  { "from a file to a block device, and something else away",
    { virtlun.cdrom { dev = "sda", source = { dev = "/dev/sr0" }, iotune = false } },
    SDA, (SDA:gsub("file", "block")), SOURCE, [[<source startupPolicy="optional" index="3" dev="/dev/sr0">]],
    LIMITS, "", CHAIN, "" },
  { "from a block device to a volume", { virtlun.lun { dev = "sdb", source = { pool = "p", volume = "v" } } },
    [[<disk type="block" device="lun" rawio="yes">]], [[<disk type="volume" device="lun" rawio="yes">]],
    [[<source dev="/dev/sdq">]], [[<source pool="p" volume="v">]] },
  { "from the network to a file", { virtlun.disk { dev = "sdc", source = "/a.img" } },
    [[<disk type="network" device="disk">]], [[<disk type="file" device="disk">]],
    [[<source protocol="rbd" name="pool/image">]], [[<source file="/a.img">]],
    HOST_AND_USER, [[<snapshot name="before"/>]] },
  { "another host of the same image; the user stays as he is",
    { virtlun.disk { dev = "sdc", source = { protocol = "rbd", name = "pool/image", hosts = { { name = "mon2" } } } } },
    HOST_AND_USER, [[<snapshot name="before"/>
        <host name="mon2"/>
        <auth username="u">
      <secret type="ceph" usage="s"/>
    </auth>]] },
  { "an attribute of an element that is there",
    { virtlun.cdrom { dev = "sda", discard = "ignore", cache = "directsync" } },
    [[cache="none" io="native" iothread="9"/>]], [[cache="directsync" io="native" iothread="9" discard="ignore"/>]] },
  { "an attribute of an element that is not there, with its constants",
    { virtlun.lun { dev = "sdb", cache = "none" } },
    [[target="0" unit="1"/>]], [[target="0" unit="1"/>]] .. "\n      " .. [[<driver name="qemu" cache="none"/>]] },
  { "an element of its own", { virtlun.cdrom { dev = "sda", wwn = "5000c50015ea71aa" } },
    [[target="0" unit="0"/>]], [[target="0" unit="0"/>]] .. "\n      <wwn>5000c50015ea71aa</wwn>" },
  { "the text of an element", { virtlun.cdrom { dev = "sda", serial = "CD-2" } },
    "<serial>CD &amp; 1</serial>", "<serial>CD-2</serial>" },
  { "no serial", { virtlun.cdrom { dev = "sda", serial = false } }, "\n      <serial>CD &amp; 1</serial>", "" },
  { "no alias", { virtlun.cdrom { dev = "sda", alias = false } }, "\n      " .. [[<alias name="ua-cd"/>]], "" },
  { "another alias", { virtlun.cdrom { dev = "sda", alias = "ua-2" } },
    [[<alias name="ua-cd"/>]], [[<alias name="ua-2"/>]] },
  { "no attribute", { virtlun.cdrom { dev = "sda", io = false, tray = false } },
    [[ io="native"]], "", [[ tray="closed"]], "" },
  { "no place in the boot order", { virtlun.cdrom { dev = "sda", boot = false, loadparm = false } },
    "\n      " .. [[<boot order="1" loadparm="2"/>]], "" },
  { "a flag less", { virtlun.cdrom { dev = "sda", shareable = false } }, "\n      <shareable/>", "" },
  { "a flag more", { virtlun.disk { dev = "sdc", readonly = true } },
    [[target="0" unit="2"/>]], [[target="0" unit="2"/>]] .. "\n      <readonly/>" },
  { "another address", { virtlun.cdrom { dev = "sda", address = { controller = 0, target = 5, unit = 300 } } },
    [[bus="0" target="0" unit="0"/>]], [[bus="0" target="5" unit="300"/>]] },
  { "some limits more; those of others stay", { virtlun.cdrom { dev = "sda", iotune = { total_iops_sec = 7 } } },
    "<total_bytes_sec>1000</total_bytes_sec>\n        <unheard_of>5</unheard_of>",
    "<unheard_of>5</unheard_of>\n        <total_bytes_sec>1000</total_bytes_sec>\n"
      .. "        <total_iops_sec>7</total_iops_sec>" },
  { "options of an HBA", { virtlun.controller { index = 0, queues = 8, iommu = true } },
    [[<driver queues="4" event_idx="on"/>]], [[<driver queues="8" event_idx="on" iommu="on"/>]] },
  { "a device less, and the blanks before it", { virtlun.cdrom { dev = "sdd", absent = true } },
    "\n    " .. SDD, "" },
  { "what is not there cannot go", { virtlun.cdrom { dev = "sdz", absent = true } } },
  { "a device more, indented as its neighbours are",
    { virtlun.cdrom { dev = "sdf", source = "/f.iso", address = { controller = 0, unit = 9 } } },
    [[secret&quot;"/>]], [[
secret&quot;"/>
    <disk type="file" device="cdrom">
      <driver name="qemu" type="raw" cache="none" io="native"/>
      <source file="/f.iso"/>
      <target bus="scsi" dev="sdf"/>
      <readonly/>
      <address type="drive" controller="0" bus="0" target="0" unit="9"/>
    </disk>]] },
}

local function patch(xml, devices)
  local desired = { kind = "domain", name = "web" }
  for i, device in ipairs(devices) do desired[i] = device end
  local model, found = core.model(desired)
  assert(#found == 0, tostring(virtlun.problems(found)))
  local document = assert(core.document(xml))
  model:complete(1, document)
  return core.patch(xml, model, document, core.diff(model, document))
end

-- Replaces a text that stands in the document exactly once.
local function swapped(xml, before, after)
  local from, to = xml:find(before, 1, true)
  assert(from, "the case speaks of what is not there: " .. before)
  assert(not xml:find(before, to + 1, true), "the case speaks of what is there twice: " .. before)
  return xml:sub(1, from - 1) .. after .. xml:sub(to + 1)
end

describe("a patch:", function()
  for _, case in ipairs(cases) do
    it(case[1], function()
      local expected = DOCUMENT
      for i = 3, #case, 2 do expected = swapped(expected, case[i], case[i + 1]) end
      assert.equal(expected, (patch(DOCUMENT, case[2])))
    end)

    it(case[1] .. ", and then nothing is left to do", function()
      local patched = patch(DOCUMENT, case[2])
      assert.equal(patched, (patch(patched, case[2])))
    end)
  end
end)

describe("a patch of one device", function()
  local ONE = [[<disk type="file" device="cdrom"><source file="/a"/><target dev="sda" bus="scsi"/><readonly/></disk>]]

  it("changes it as in its domain", function()
    assert.equal(swapped(ONE, "/a", "/b") .. "\n", patch(ONE, { virtlun.cdrom { dev = "sda", source = "/b" } }))
  end)

  it("with another format takes away the chain that libvirt found in a running domain", function()
    local chained = ('<domain type="kvm"%s><name>web</name><devices>' .. swapped(ONE, "<readonly/>", "<backingStore/>")
      .. "</devices></domain>\n")
    local device = { virtlun.cdrom { dev = "sda", format = "qcow2" } }
    assert.truthy(patch(chained:format(""), device):find("<backingStore/>", 1, true))
    assert.falsy(patch(chained:format(' id="7"'), device):find("<backingStore/>", 1, true))
  end)

  it("changes nothing where nothing is said", function() assert.equal(ONE .. "\n", patch(ONE, {})) end)
end)

describe("a patch of what is no document of a host", function()
  local model = core.model { kind = "domain", name = "web" }

  for _, xml in ipairs { "", "<domain", "<!DOCTYPE domain><domain/>" } do
    it(("is refused: %q"):format(xml), function()
      local result, problems = core.patch(xml, model, core.document "<domain/>", {})
      assert.is_nil(result)
      assert.equal(1, #problems)
    end)
  end
end)

-- Two changes of one device would be a removal and a change of what is removed.
describe("a device that is described twice", function()
  local twice = {
    { virtlun.cdrom { alias = "ua-cd", absent = true }, virtlun.cdrom { dev = "sda", source = "/new.iso" } },
    { virtlun.cdrom { alias = "ua-cd", source = "/one.iso" }, virtlun.cdrom { dev = "sda", source = "/two.iso" } },
  }

  for i, devices in ipairs(twice) do
    it(("by name and by alias is refused (%d)"):format(i), function()
      local model = core.model { kind = "domain", name = "web", table.unpack(devices) }
      assert.is_true(virtlun.problems(model:check(core.document(DOCUMENT))):has_errors())
    end)
  end
end)

-- Whoever gives the patcher such changes all the same must not reach freed memory (the sanitizers watch).
describe("two changes of one device", function()
  it("are refused by the patcher", function()
    local model = core.model { kind = "domain", name = "web",
      virtlun.cdrom { alias = "ua-cd", absent = true }, virtlun.cdrom { dev = "sda", serial = "CD-2" } }
    local document = core.document(DOCUMENT)
    local good, result = pcall(core.patch, DOCUMENT, model, document, core.diff(model, document))
    assert.falsy(good and result)
  end)
end)

describe("changes that do not come from a diff", function()
  local model = core.model { kind = "domain", name = "web", { kind = "cdrom", dev = "sda", source = "/b" } }
  local document = core.document(DOCUMENT)
  local wrong = {
    { action = "add" }, { action = "add", desired = 2 }, { action = "add", desired = 1, current = 1 },
    { action = "change", desired = 1 }, { action = "change", desired = 1, current = 99 },
    { action = "change", desired = 1, current = 1, rows = -1 }, { action = "burn", desired = 1, current = 1 }, "text",
  }

  for i, change in ipairs(wrong) do
    it(("raise (%d)"):format(i), function()
      assert.has_error(function() core.patch(DOCUMENT, model, document, { change }) end)
    end)
  end
end)
