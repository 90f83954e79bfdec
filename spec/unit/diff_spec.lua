-- The difference between a description and a document: which device of the host is meant, and what is not as said.
local core = require "virtlun.core"
local text = require "support.text"
local virtlun = require "virtlun"

local HOST = [[
<domain type='kvm'>
  <name>web</name>
  <devices>
    <controller type='scsi' index='0' model='virtio-scsi'><driver queues='4'/></controller>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw' cache='none' io='native'/>
      <source file='/a.iso' startupPolicy='optional'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
      <serial>CD-1</serial>
      <boot order='1' loadparm='ABC'/>
      <alias name='ua-cd'/>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='rbd' name='p/i'>
        <host name='mon1' port='1'/><host name='mon2' transport='rdma'/>
        <auth username='u'><secret type='ceph' usage='s'/></auth>
      </source>
      <target dev='sdb' bus='scsi'/>
      <iotune><total_bytes_sec>5</total_bytes_sec></iotune>
      <address type='drive' controller='0' bus='0' target='0' unit='1'/>
    </disk>
    <disk type='file' device='disk'><source file='/s.img'/><target dev='sdc' bus='sata'/></disk>
    <hostdev mode='subsystem' type='scsi'>
      <source><adapter name='scsi_host1'/><address bus='0' target='0' unit='0'/></source>
      <address type='drive' controller='0' bus='0' target='0' unit='2'/>
    </hostdev>
    <hostdev mode='subsystem' type='scsi'>
      <source protocol='iscsi' name='iqn.2026-01.org.example:a/1'><host name='san' port='3260'/></source>
      <alias name='ua-san'/>
      <address type='drive' controller='0' bus='0' target='0' unit='3'/>
    </hostdev>
  </devices>
</domain>]]

local ADAPTER = { adapter = "scsi_host1", bus = 0, target = 0, unit = 0 }
local RBD = { protocol = "rbd", name = "p/i" }

-- What is said, and the changes that come of it.
local cases = {
  { "nothing said is nothing to do", {}, {} },
  { "unsaid stays", { virtlun.cdrom { dev = "sda" }, virtlun.controller { index = 0 } }, {} },
  { "what is so stays", { virtlun.cdrom { dev = "sda", source = { file = "/a.iso" }, readonly = true, boot = 1,
    address = { controller = 0 }, startup_policy = "optional" } }, {} },
  { "a field", { virtlun.cdrom { dev = "sda", source = "/b.iso" } }, { [[change sda source: "/a.iso" to "/b.iso"]] } },
  { "fields, in the order of the XML", { virtlun.cdrom { dev = "sda", serial = "CD-2", cache = "directsync" } },
    { [[change sda cache: "none" to "directsync"]], [[change sda serial: "CD-1" to "CD-2"]] } },
  { "false is explicitly not", { virtlun.cdrom { dev = "sda", source = false, serial = false, vendor = false } },
    { [[change sda source: "/a.iso" to false]], [[change sda serial: "CD-1" to false]] } },
  { "a flag that is off is not there", { virtlun.cdrom { dev = "sda", shareable = false, readonly = true } }, {} },
  { "a flag that is to go", { virtlun.disk { dev = "sdb", readonly = true } }, { "change sdb readonly: nil to true" } },
  { "a switch that is off is not the same as unsaid", { virtlun.disk { dev = "sdb", copy_on_read = false } },
    { "change sdb copy_on_read: nil to false" } },
  { "capitals where libvirt makes them", { virtlun.cdrom { dev = "sda", loadparm = "abc" } }, {} },
  { "another variant of the source", { virtlun.cdrom { dev = "sda", source = { dev = "/dev/sr0" } } },
    { [[change sda source: "/a.iso" to { dev = "/dev/sr0" }]] } },
  { "unsaid parts of a source stay", { virtlun.disk { dev = "sdb", source = RBD } }, {} },
  { "hosts are compared one by one", { virtlun.disk { dev = "sdb",
    source = { protocol = "rbd", name = "p/i", hosts = { { name = "mon1" }, { name = "mon2" } } } } }, {} },
  { "hosts in another order are others", { virtlun.disk { dev = "sdb",
    source = { protocol = "rbd", name = "p/i", hosts = { { name = "mon2" }, { name = "mon1" } } } } },
    { "change sdb source" } },
  { "tcp is meant where no transport stands", { virtlun.disk { dev = "sdb", source = { protocol = "rbd", name = "p/i",
    hosts = { { name = "mon1", transport = "tcp" }, { name = "mon2", transport = "rdma" } } } } }, {} },
  { "a limit more", { virtlun.disk { dev = "sdb", iotune = { total_bytes_sec = 5, total_iops_sec = 1 } } },
    { [[change sdb iotune: { total_bytes_sec = 5 } to { total_bytes_sec = 5, total_iops_sec = 1 }]] } },
  { "no limit is 0", { virtlun.disk { dev = "sdb", iotune = { total_iops_sec = 0 } } }, {} },
  { "the bus of an address is 0",
    { virtlun.cdrom { dev = "sda", address = { controller = 0, bus = 0, target = 0, unit = 0 } } }, {} },
  { "a move", { virtlun.cdrom { dev = "sda", address = { controller = 0, unit = 7 } } },
    { "change sda address: { bus = 0, controller = 0, target = 0, unit = 0 } to { controller = 0, unit = 7 }" } },

  { "by alias, whatever the name", { virtlun.cdrom { alias = "ua-cd", dev = "sdx" } },
    { [[change sdx dev: "sda" to "sdx"]] } },
  { "a new alias of a drive known by name", { virtlun.cdrom { dev = "sda", alias = "ua-new" } },
    { [[change sda alias: "ua-cd" to "ua-new"]] } },
  { "another kind is another drive", { virtlun.disk { dev = "sda", source = "/x" } }, { "add sda" } },
  { "another bus is another drive", { virtlun.disk { dev = "sdc", source = "/s.img" } }, { "add sdc" } },
  { "a host device by its source", { virtlun.hostdev { source = ADAPTER, readonly = true } },
    { "change hostdev#1 readonly: nil to true" } },
  { "a host device by its alias", { virtlun.hostdev { alias = "ua-san", rawio = true } },
    { "change ua-san rawio: nil to true" } },
  { "a host device by what it is, however it is reached", { virtlun.hostdev { readonly = true, source = {
    protocol = "iscsi", name = "iqn.2026-01.org.example:a/1",
    hosts = { { name = "san", port = 3260, transport = "tcp" } } } } },
    { "change hostdev#1 readonly: nil to true" } },
  { "another initiator of the same host device", { virtlun.hostdev { source = {
    protocol = "iscsi", name = "iqn.2026-01.org.example:a/1", initiator = "iqn.2026-01.org.example:me",
    hosts = { { name = "san", port = 3260 } } } } },
    { "change hostdev#1 source" } },
  { "another source is another host device",
    { virtlun.hostdev { source = { adapter = "scsi_host1", bus = 0, target = 0, unit = 1 } } },
    { "add hostdev#1" } },
  { "an HBA by its index", { virtlun.controller { index = 0, queues = 8 } }, { "change controller0 queues: 4 to 8" } },
  { "a new HBA", { virtlun.controller { index = 1 } }, { "add controller1" } },
  { "a new drive", { virtlun.cdrom { dev = "sdd" } }, { "add sdd" } },
  { "a removal", { virtlun.cdrom { dev = "sda", absent = true } }, { "remove sda" } },
  { "a removal of what is not there", { virtlun.cdrom { dev = "sdz", absent = true } }, {} },
  { "a removal of another kind of that name", { virtlun.lun { dev = "sda", absent = true } }, {} },
  { "what is Lua's alone", { virtlun.cdrom { dev = "sda", protect = true, replace = true, absent = false } }, {} },
  { "raw XML, which counts at creation only", { virtlun.cdrom { dev = "sda", raw = "<geometry/>" } }, {} },
}

local function diff(devices)
  local desired = { kind = "domain", name = "web" }
  for i, device in ipairs(devices) do desired[i] = device end
  local model, found = core.model(desired)
  assert(#found == 0, tostring(virtlun.problems(found)))
  return core.diff(model, core.document(HOST))
end

describe("a difference:", function()
  for _, case in ipairs(cases) do
    it(case[1], function()
      local lines = {}
      for _, change in ipairs(diff(case[2])) do
        for _, field in ipairs(change.fields or { {} }) do
          local line = ("%s %s %s: %s to %s"):format(change.action, change.device, field.key or "",
            text.of(field.before), text.of(field.after))
          local short = case[3][#lines + 1] or ""
          -- A case may leave the end out where it would be long.
          lines[#lines + 1] = line:sub(1, #short) == short and short ~= "" and short or line
        end
      end
      assert.same(case[3], lines)
    end)
  end
end)

describe("the HBAs of a document", function()
  it("are known by the numbers of their devices, other devices counted", function()
    local document = core.document [[<domain><devices>
      <disk type='file' device='disk'><source file='/s.img'/><target dev='sda' bus='sata'/></disk>
      <controller type='pci' index='3' model='pcie-root'/>
      <controller type='scsi' index='5' model='virtio-scsi'/>
      <controller type='scsi' index='0' model='virtio-scsi'/></devices></domain>]]
    local found = {}
    for index in pairs(document:hbas()) do
      local model = core.model { kind = "domain", name = "web", virtlun.controller { index = index } }
      found[index] = core.find(model, document, 1)
    end
    assert.same(document:hbas(), found)
    assert.same({ [0] = true, [5] = true }, { [0] = found[0] ~= nil, [5] = found[5] ~= nil, [3] = found[3] })
  end)
end)

describe("a transient disk", function()
  local OVERLAID = [[<domain%s><devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='/t.img.TRANSIENT-web'/>
      <backingStore type='file'><format type='raw'/><source file='/t.img'/></backingStore>
      <target dev='sda' bus='scsi'/>%s<address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk></devices></domain>]]

  local function fields(id, flag)
    local model = core.model { kind = "domain", name = "web",
      virtlun.disk { dev = "sda", source = "/t.img", format = "raw", cache = "none" } }
    local change, keys = core.diff(model, core.document(OVERLAID:format(id, flag)))[1], {}
    for i, field in ipairs(change.fields) do keys[i] = field.key end
    return keys
  end

  it("has an overlay of libvirt's while it runs, which is no other image", function()
    assert.same({ "cache" }, fields(" id='1'", "<transient/>"))
  end)

  it("and any other with a chain is told from those without, so that no chain is copied", function()
    local function has_chain(id, flag, chain)
      return core.document(OVERLAID:format(id, flag):gsub("<backingStore.*</backingStore>", chain or "%0")):has_chain(1)
    end
    assert.is_true(has_chain(" id='1'", "<transient/>"))
    assert.is_true(has_chain(" id='1'", "<transient/>", "<backingStore/>"))
    assert.is_true(has_chain(" id='1'", ""))
    assert.is_false(has_chain(" id='1'", "", "<backingStore/>"))
    assert.is_false(has_chain("", "<transient/>"))
  end)

  it("has its own image in the configuration, as every disk has", function()
    assert.same({ "format", "cache", "source" }, fields("", "<transient/>"))
    assert.same({ "format", "cache", "source" }, fields(" id='1'", ""))
  end)
end)

describe("a change", function()
  local function only(device) return diff { device }[1] end

  it("says where it was described, what was there, and which two devices it is about", function()
    local change = only(virtlun.cdrom { dev = "sda", source = "/b.iso" })
    assert.same({ "change", "cdrom", "sda", false }, { change.action, change.kind, change.device, change.assigned })
    assert.equal("spec/unit/diff_spec.lua", change.file)
    assert.equal(debug.getinfo(1, "l").currentline - 3, change.line)
    assert.equal("/a.iso", change.before.source)
    assert.same({ 1, 2 }, { change.desired, change.current })
  end)

  it("has what will be there where something is new", function()
    local change = only(virtlun.cdrom { dev = "sdd", source = "/b.iso" })
    assert.same({ "/b.iso", "cdrom" }, { change.after.source, change.after.kind })
    assert.is_nil(change.before)
  end)

  it("of a device that nobody described is marked as assigned", function()
    local model = core.model { kind = "domain", name = "web",
      { kind = "cdrom", dev = "sdd", source = "/d.iso", address = { controller = 1 } } }
    local document = core.document(HOST)
    model:complete(1, document)
    local changes = core.diff(model, document)
    assert.same({ "sdd", "controller1" }, { changes[1].device, changes[2].device })
    assert.same({ false, true }, { changes[1].assigned, changes[2].assigned })
  end)
end)

describe("the medium of a running drive:", function()
  -- What differs, each with whether it can change at once.
  local function fields_of(inner, device)
    local xml = ("<domain type='kvm' id='7'><name>web</name><devices><disk type='file' device='cdrom'>%s</disk>" ..
      "</devices></domain>"):format(inner)
    device.dev = "sda"
    local model = core.model { kind = "domain", name = "web", virtlun.cdrom(device) }
    local keys = {}
    local change = core.diff(model, assert(core.document(xml)))[1]
    for i, field in ipairs(change and change.fields or {}) do keys[i] = field.key .. (field.live and " live" or "") end
    return keys
  end

  local EMPTY = "<driver name='qemu'/><target dev='sda' bus='scsi'/>"
  local FULL = "<driver name='qemu' type='raw'/><source file='/a.iso'/><target dev='sda' bus='scsi'%s/>"

  it("an empty drive has no format", function()
    assert.same({}, fields_of(EMPTY, { source = false, format = "raw" }))
    assert.same({}, fields_of(EMPTY, { format = "raw" }))
    assert.same({ "format live", "source live" }, fields_of(EMPTY, { source = "/a.iso", format = "raw" }))
    assert.same({ "format live" }, fields_of(FULL:format(""), { format = "qcow2" }))
  end)

  it("a tray is shut at once, and opened at the next boot", function()
    assert.same({ "tray" }, fields_of(FULL:format(""), { tray = "open" }))
    assert.same({ "tray live" }, fields_of(FULL:format(" tray='open'"), { tray = "closed" }))
    assert.same({ "tray live" }, fields_of(FULL:format(" tray='open'"), { source = "/a.iso" }))
  end)
end)

describe("a fingerprint", function()
  local function fingerprint(from, to)
    local at, last = HOST:find(from or "<name>", 1, true)
    return core.document(HOST:sub(1, at - 1) .. (to or from or "<name>") .. HOST:sub(last + 1)):fingerprint()
  end
  local base = fingerprint()

  it("is the same for the same devices, whatever else changes", function()
    assert.equal(base, fingerprint("<name>web</name>", "<name>web</name><memory>5</memory><!-- x -->"))
    assert.equal(base, fingerprint("<readonly/>", "<readonly/><unheard_of/>"))
  end)

  it("is another when a device, the boot order or the identity does", function()
    local others = {
      fingerprint("/a.iso", "/b.iso"), fingerprint("unit='3'", "unit='4'"), fingerprint("<readonly/>", ""),
      fingerprint("<devices>", "<os><boot dev='hd'/></os><devices>"),
      fingerprint("<devices>", "<uuid>x</uuid><devices>"),
      fingerprint("bus='sata'", "bus='scsi'"),
    }
    local seen = { [base] = true }
    for i, other in ipairs(others) do
      assert.is_nil(seen[other], i)
      seen[other] = true
    end
  end)
end)
