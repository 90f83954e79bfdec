-- What a document says of a device and its model does not keep, and which devices are none of virtlun's.
local core = require "virtlun.core"

local function document(devices, running)
  return ("<domain type='kvm'%s><name>web</name><devices>%s</devices></domain>"):format(running and " id='1'" or "",
    devices)
end

-- The places of what was not read of the only device, in one line.
local function unread(device, running)
  local xml = document(device, running)
  local places = {}
  for i, one in ipairs(assert(core.unread(xml, assert(core.document(xml))))[1] or {}) do places[i] = one.place end
  return table.concat(places, " ")
end

local function disk(inner, attributes)
  return ([[<disk type='file' device='disk'%s>
    <target dev='sda' bus='scsi'/>
    %s
    <address type='drive' controller='0' bus='0' target='0' unit='0'/>
  </disk>]]):format(attributes or "", inner)
end

describe("core.unread", function()
  it("finds nothing where all was read", function()
    assert.equal("", unread(disk [[
      <driver name='qemu' type='raw' cache='none'/>
      <source file='/a' startupPolicy='optional'><seclabel model='dac' relabel='no'/></source>
      <iotune><total_bytes_sec>1</total_bytes_sec></iotune>
      <readonly/><serial>A</serial><boot order='1'/><alias name='ua-a'/>]]))
    assert.equal("", unread [[<controller type='scsi' index='0' model='virtio-scsi'>
      <driver queues='2'/><address type='pci' domain='0x0000' bus='0x01' slot='0x02' function='0x0'/></controller>]])
    assert.equal("", unread [[<hostdev mode='subsystem' type='scsi' managed='no'>
      <source protocol='iscsi' name='iqn.2026-01.org.example:a/1'><host name='a' port='1'/>
      <initiator><iqn name='iqn.2026-01.org.example:b'/></initiator></source>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/></hostdev>]])
  end)

  it("does not take constants and empty elements for more than they are", function()
    assert.equal("", unread(disk "<driver name='qemu'/><source/>"))
    assert.equal("", unread(disk("<alias name='scsi0-0-0-0'/>"), true))
  end)

  it("names attributes and elements by their place", function()
    assert.equal("@foo driver@queues source@index source/slices mirror",
      unread(disk([[<driver name='qemu' type='raw' queues='2'/>
        <source file='/a' index='1'><slices><slice/></slices></source><mirror type='file'/>]], " foo='1'")))
    assert.equal("source@dir", unread "<disk type='dir'><source dir='/a'/><target dev='sda' bus='scsi'/></disk>")
    assert.equal("driver@other address/zpci", unread [[<controller type='scsi' index='0'><driver queues='1' other='1'/>
      <address type='pci' slot='0x02'><zpci uid='1'/></address></controller>]])
  end)

  it("names values that cannot be read, and what is said twice", function()
    assert.equal("driver@io address@unit", unread [[<disk type='file'><driver type='raw' io='sideways'/>
      <target dev='sda' bus='scsi'/><address type='drive' controller='0' unit='-1'/></disk>]])
    assert.equal("source/seclabel serial iotune/total_bytes_sec", unread(disk [[<source file='/a'>
      <seclabel model='dac'/><seclabel model='selinux'/></source><serial>A</serial><serial>B</serial>
      <iotune><total_bytes_sec>many</total_bytes_sec><read_iops_sec>1</read_iops_sec></iotune>]]))
    assert.equal("source/host@port", unread [[<disk type='network'><source protocol='nbd'>
      <host name='a' port='1'/><host name='b' port='ssh'/></source><target dev='sda' bus='scsi'/></disk>]])
  end)

  it("does not take an element of another namespace for its own", function()
    assert.equal("driver driver@cache", unread(disk [[<own:driver xmlns:own='urn:a' cache='none'/>
      <driver xmlns:own='urn:a' cache='none' own:cache='none'/>]]))
  end)

  it("gives the XML of elements of the device's own", function()
    local xml = document(disk "<geometry cyls='1'><a>x &amp; y</a></geometry><own:b xmlns:own='urn:a'/>")
    local list = assert(core.unread(xml, assert(core.document(xml))))[1]
    local geometry = '<geometry cyls="1"><a>x &amp; y</a></geometry>'
    assert.same({ { place = "geometry", xml = geometry }, { place = "b" } }, list)
  end)

  it("counts devices as the document does", function()
    local xml = document("<interface><boot order='1'/></interface>" .. disk "<mirror/>" .. [[<disk type='file'>
      <more/><target dev='vda' bus='virtio'/></disk>]] .. disk "" .. disk "<geometry/>")
    local list = assert(core.unread(xml, assert(core.document(xml))))
    assert.same({ [2] = { { place = "mirror", xml = "<mirror/>" } },
      [5] = { { place = "geometry", xml = "<geometry/>" } } }, list)
  end)

  it("refuses a text that is not well-formed", function()
    local list, found = core.unread("<domain>", assert(core.document(document(""))))
    assert.is_nil(list)
    assert.equal("xml_malformed", found[1].code)
  end)
end)

describe("document:foreign", function()
  it("names the devices that are none of virtlun's, and why", function()
    local found = assert(core.document(document(disk "" .. [[
      <disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>
      <controller type='usb' index='0'/><hostdev mode='subsystem' type='pci'/>
      <interface><boot order='1'/></interface>]]))):foreign()
    assert.same({ [2] = { kind = "cdrom", dev = "sdb", why = "sata" }, [3] = { kind = "controller", why = "usb" },
      [4] = { kind = "hostdev", why = "pci" }, [5] = { kind = "other", why = "interface" } }, found)
  end)
end)
