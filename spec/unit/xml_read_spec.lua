-- The reader: what it takes from the documents of a host, what it leaves, and what it refuses without a word on stderr.
local core = require "virtlun.core"
local files = require "support.files"
local virtlun = require "virtlun"

local DRIVER = "<driver name='qemu' type='raw' cache='none' io='native'/>"
local ADDRESS = "<address type='drive' controller='0' bus='0' target='0' unit='5'/>"

local function domain(devices)
  return "<domain type='kvm'><name>web</name><devices>" .. devices .. "</devices></domain>"
end

-- A device of a host, and what the reader takes it for.
local devices = {
  { "an HBA says what is there, no more", "<controller type='scsi' index='3'/>", { kind = "controller", index = 3 } },
  { "a live HBA has an alias of libvirt's", [[
<controller type='scsi' index='0' model='virtio-scsi'>
  <driver queues='4' event_idx='on'/>
  <alias name='scsi0'/>
  <address type='pci' domain='0x0000' bus='0x00' slot='0x0a' function='0x0'/>
</controller>]], { kind = "controller", index = 0, model = "virtio-scsi", queues = 4,
    address = { type = "pci", domain = 0, bus = 0, slot = 10, ["function"] = 0 } } },
  { "a live drive has an alias, an index and a backing chain of its own", [[
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2'/>
  <source file='/top.qcow2' index='2'/>
  <backingStore type='block' index='3'>
    <format type='raw'/>
    <source dev='/dev/base' startupPolicy='optional'><reservations managed='yes'/></source>
    <backingStore/>
  </backingStore>
  <mirror type='file' job='copy'><source file='/mirror'/></mirror>
  <target dev='sda' bus='scsi'/>
  <alias name='scsi0-0-0-5'/>
  ]] .. ADDRESS .. "</disk>", { kind = "disk", dev = "sda", format = "qcow2", source = "/top.qcow2",
    address = { controller = 0, bus = 0, target = 0, unit = 5 } } },
  { "a user's alias is one", "<disk device='cdrom'><target dev='sda' bus='scsi'/><alias name='ua-cd'/></disk>",
    { kind = "cdrom", dev = "sda", alias = "ua-cd" } },
  { "a drive without device is a disk, without bus as its name says", "<disk><target dev='sdc'/></disk>",
    { kind = "disk", dev = "sdc" } },
  { "flags are there or not", "<disk device='cdrom'><target dev='sda' bus='scsi'/><readonly/><shareable/></disk>",
    { kind = "cdrom", dev = "sda", readonly = true, shareable = true } },
  { "a medium that libvirt starts without", "<disk type='file' device='cdrom'><source startupPolicy='optional'/>"
      .. "<target dev='sda' bus='scsi'/></disk>", { kind = "cdrom", dev = "sda", startup_policy = "optional" } },
  { "labels and reservations stand in the source", [[
<disk type='block' device='lun'>
  <source dev='/dev/sdq' startupPolicy='optional'>
    <reservations managed='no'><source type='unix' path='/s' mode='client'/></reservations>
    <seclabel model='dac' relabel='no'/>
  </source>
  <target dev='sda' bus='scsi'/>
</disk>]], { kind = "lun", dev = "sda", source = { dev = "/dev/sdq" }, startup_policy = "optional",
    reservations = { managed = false, type = "unix", path = "/s", mode = "client" },
    seclabel = { model = "dac", relabel = false } } },
  { "hosts and secrets stand in the source", [[
<disk type='network' device='disk'>
  <source protocol='rbd' name='p/i'>
    <host name='a' port='1'/><host name='b'/>
    <snapshot name='s'/>
    <auth username='u'><secret type='ceph' uuid='12345678-9abc-def0-1234-56789abcdef0'/></auth>
  </source>
  <target dev='sda' bus='scsi'/>
</disk>]], { kind = "disk", dev = "sda", source = { protocol = "rbd", name = "p/i",
    hosts = { { name = "a", port = 1 }, { name = "b" } },
    auth = { username = "u", type = "ceph", uuid = "12345678-9abc-def0-1234-56789abcdef0" } } } },
  { "texts may be split, quoted and commented", [=[
<disk device='cdrom'><target dev='sda' bus='scsi'/>
<serial>a<!-- b -->c<![CDATA[d]]>&#101;</serial></disk>]=], { kind = "cdrom", dev = "sda", serial = "acde" } },
  { "a host device of the host", [[
<hostdev mode='subsystem' type='scsi' managed='no'>
  <source><adapter name='scsi_host3'/><address bus='0' target='0x4' unit='0x4000'/></source>
  ]] .. ADDRESS .. "</hostdev>", { kind = "hostdev",
    source = { adapter = "scsi_host3", bus = 0, target = 4, unit = 16384 },
    address = { controller = 0, bus = 0, target = 0, unit = 5 } } },
  { "a vhost target", "<hostdev mode='subsystem' type='scsi_host' model='virtio'>"
      .. "<source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>",
    { kind = "hostdev", model = "virtio", source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" } } },
  { "an unknown word is left out, not taken for another",
    "<disk device='cdrom'><driver name='qemu' io='telepathy'/><target dev='sda' bus='scsi'/></disk>",
    { kind = "cdrom", dev = "sda" } },
  { "a number that is none is left out",
    "<disk device='cdrom'><target dev='sda' bus='scsi'/><address type='drive' controller='0' unit='-1'/></disk>",
    { kind = "cdrom", dev = "sda", address = { controller = 0 } } },
}

-- What is none of ours: it stays out of descriptions, but its names count.
local foreign = {
  "<disk type='file' device='disk'><target dev='sda' bus='sata'/></disk>",
  "<disk type='file' device='disk'><target dev='vda'/></disk>",
  "<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>",
  "<controller type='usb' index='0'/>",
  "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>",
  "<hostdev mode='capabilities' type='storage'/>",
  "<interface type='network'><target dev='sda'/><alias name='ua-net'/></interface>",
  "<graphics type='vnc' passwd='secret'/>",
  "<x:disk xmlns:x='urn:x' device='cdrom'><x:target dev='sda' bus='scsi'/></x:disk>",
}

-- The document that is refused, and the code that says why.
local refused = {
  { "", "xml_malformed" }, { " ", "xml_malformed" }, { "\0", "xml_encoding" }, { "<", "xml_malformed" },
  { "<domain", "xml_malformed" }, { "<domain><devices></domain>", "xml_malformed" },
  { "<domain a='1' a='2'/>", "xml_malformed" }, { "<domain>\xff</domain>", "xml_malformed" },
  { "<domain/>\0", "xml_encoding" }, { "<domain/>\0<domain/>", "xml_encoding" },
  { "<domain><unknown:prefix/></domain><domain/>", "xml_malformed" },
  { "<domain>&x;</domain>", "xml_malformed" }, { "{}", "xml_malformed" },
  { "<!DOCTYPE domain><domain/>", "xml_doctype" },
  { "<!DOCTYPE d [<!ENTITY a '" .. ("b"):rep(1000) .. "'>]><domain>" .. ("&a;"):rep(100) .. "</domain>",
    "xml_doctype" },
  { "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>", "xml_doctype" },
  { ("<a>"):rep(10000), "xml_too_deep" },
  { "<domain><devices>" .. ("<disk>"):rep(260), "xml_too_deep" },
  { "<pool/>", "xml_not_ours" }, { "<html/>", "xml_not_ours" }, { "<x:domain xmlns:x='urn:x'/>", "xml_not_ours" },
}

describe("a device of a host:", function()
  for _, row in ipairs(devices) do
    it(row[1], function()
      assert.same(row[3], (virtlun.read(row[2])))
      local read = assert(virtlun.read(domain(row[2])))
      assert.same({ kind = "domain", name = "web", row[3] }, read)
    end)
  end
end)

-- What is read is written as it was: nothing that a new device would be given is added.
describe("reading and writing", function()
  local whole = {
    "<controller type='scsi' index='3'/>\n",
    "<controller type='scsi' index='0' model='lsilogic'/>\n",
    "<disk type='file' device='cdrom'>\n  <target bus='scsi' dev='sda'/>\n</disk>\n",
    "<disk type='file' device='disk'>\n  <source file='/a'/>\n  <target bus='scsi' dev='sda'/>\n</disk>\n",
    "<disk type='file' device='cdrom'>\n  <source startupPolicy='optional'/>\n"
      .. "  <target bus='scsi' dev='sda'/>\n</disk>\n",
    "<hostdev mode='subsystem' type='scsi'>\n  <source>\n    <adapter name='scsi_host3'/>\n"
      .. "    <address bus='0' target='0' unit='0'/>\n  </source>\n</hostdev>\n",
  }
  for _, xml in ipairs(whole) do
    it(("adds nothing to %s"):format(xml:gsub("%s*\n%s*", "")), function()
      assert.equal(xml, (virtlun.xml((assert(virtlun.read(xml))))))
    end)
  end
end)

describe("what is none of ours", function()
  it("may stand below an element that only leads to a value", function()
    local read = virtlun.read([[<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.x:y/1'>
      <host name='h'/><initiator new='1'><iqn name='iqn.a:b' new='1'><new/></iqn></initiator></source></hostdev>]])
    assert.same({ protocol = "iscsi", name = "iqn.x:y/1", hosts = { { name = "h" } }, initiator = "iqn.a:b" },
      read.source)
  end)

  for _, xml in ipairs(foreign) do
    it(("stays out: %s"):format(xml:match("^<[^>]+>")), function()
      assert.same({ kind = "domain", name = "web" }, (virtlun.read(domain(xml))))
      assert.same({}, core.diff(core.model { kind = "domain", name = "web" }, core.document(domain(xml))))
    end)
  end

  it("keeps its place: devices are counted as the document has them", function()
    local drive = "<disk device='cdrom'>" .. DRIVER .. "<target dev='sdb' bus='scsi'/></disk>"
    local xml = domain(table.concat(foreign) .. drive)
    local document = core.document(xml)
    local model = core.model { kind = "domain", name = "web", { kind = "cdrom", dev = "sdb", source = "/new.iso" } }
    local patched = core.patch(xml, model, document, core.diff(model, document))
    assert.equal("/new.iso", assert(virtlun.read(patched))[1].source)
  end)
end)

describe("a document", function()
  it("says more than its devices", function()
    local document = core.document [[
<domain type='kvm'>
  <name>web &amp; db</name>
  <uuid>01234567-89ab-cdef-0123-456789abcdef</uuid>
  <os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <devices/>
</domain>]]
    assert.same({ name = "web & db", uuid = "01234567-89ab-cdef-0123-456789abcdef", arch = "s390x",
      machine = "s390-ccw-virtio", os_boot = true, os_kernel = false, acpi = true,
      free_ports = 0 }, document:facts())
    assert.same({ os_boot = false, os_kernel = false, acpi = false, free_ports = 0 },
      core.document("<domain/>"):facts())
    assert.equal("3", core.document("<domain id='3'/>"):facts().run)
  end)

  it("has hotplug where ACPI is, and PCIe ports that nothing is in", function()
    local function port(index, model)
      return ("<controller type='pci' index='%d' model='%s'/>"):format(index, model or "pcie-root-port")
    end
    local facts = core.document("<domain><features><acpi/></features><devices>" .. port(0, "pcie-root") .. port(1) ..
      port(2) .. port(3) .. port(255) .. [[
      <controller type='usb' index='9' model='pcie-root-port'/>
      <interface type='user'><address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></interface>
      <controller type='scsi' index='0'><address type='pci' bus='0x03' slot='0x00'/></controller>
      <hostdev><source><address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></source></hostdev>
      </devices></domain>]]):facts()
    assert.same({ true, 2 }, { facts.acpi, facts.free_ports })
  end)

  for _, row in ipairs(refused) do
    it(("is not %q: %s"):format(row[1]:sub(1, 30), row[2]), function()
      for _, read in ipairs { virtlun.read, core.document } do
        local result, problems = read(row[1])
        assert.is_nil(result)
        assert.equal(row[2], problems[1].code)
        assert.equal(1, #problems)
      end
    end)
  end
end)

-- A process of its own, because what libxml2 prints goes past Lua.
describe("the parser", function()
  local function interpreter()
    local i = 0
    while arg[i - 1] do i = i - 1 end
    return arg[i]
  end

  local function script()
    local lines = { ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath) }
    lines[2] = "local core = require 'virtlun.core'"
    lines[3] = "local model, document = core.model { kind = 'domain', name = 'x' }, core.document '<domain/>'"
    for _, row in ipairs(refused) do
      lines[#lines + 1] = ("for _, read in ipairs { core.read, core.document } do read(%q) end"):format(row[1])
      lines[#lines + 1] = ("core.patch(%q, model, document, {})"):format(row[1])
    end
    lines[#lines + 1] = "core.check { kind = 'cdrom', dev = 'sda', raw = '<a><b>&x;' }"
    lines[#lines + 1] = "print 'done'"
    return table.concat(lines, "\n")
  end

  it("prints nothing, whatever it meets", function()
    local path = os.tmpname()
    files.write(path, script())
    local pipe = assert(io.popen(("%s %s 2>&1"):format(interpreter(), path)))
    local output = pipe:read("a")
    pipe:close()
    files.write(path, nil)
    assert.equal("done\n", output)
  end)
end)
