-- Recipes of domains that are there: they plan to nothing there, a domain without drives becomes the same by them, and
-- what cannot be said stands in comments.
local child = require("support.child")
local core = require "virtlun.core"
local dkjson = require("dkjson")
local files = require("support.files")
local host = require("support.host_xml")
local jobs = require "virtlun.backend.jobs"
local random_model = require("support.random_model")
local text = require("support.text")
local virtlun = require "virtlun"

local rounds = require("support.rounds")(300)
local first = tonumber(os.getenv("VIRTLUN_SEED") or 1)

-- What a recipe has to do -------------------------------------------------------------------------------------------

-- The recipe of documents, and the domain that it describes.
local function import(documents, opts)
  local recipe, found = virtlun.import(documents, opts)
  assert(recipe, tostring(found))
  local domains
  domains, found = virtlun.loadstring(recipe)
  assert(domains and virtlun.check(domains), tostring(found) .. "\n" .. recipe)
  return recipe, domains[1]
end

local function plan_of(domain, documents, driver)
  local facts = { active = documents.live ~= nil, persistent = documents.config ~= nil, driver = driver }
  local plan, found = virtlun.plan(domain, documents, facts)
  assert(plan, tostring(found))
  return plan
end

-- A document without the devices that virtlun describes.
local function without_devices(xml)
  for _, pattern in ipairs { "<disk.-</disk>", "<controller type='scsi'[^>]*/>",
    "<controller type='scsi'[^>]*[^/]>.-</controller>", "<hostdev.-</hostdev>" } do
    xml = xml:gsub(pattern, "")
  end
  return xml
end

-- The document after what a plan would do to it.
local function applied(domain, xml)
  local model, found = core.model(domain)
  local document = assert(core.document(xml))
  virtlun.problems(found):append(model:check(document))
  assert(not found:has_errors(), tostring(found))
  model:complete(1, document)
  return assert(core.patch(xml, model, document, core.diff(model, document)))
end

-- Devices as text, without their place in the machine: HBAs by their index, then drives as they come.
local function plain(description)
  local list = {}
  for i, device in ipairs(description) do
    if device.address and device.address.type then device.address = nil end
    list[i] = ("%s %05d %s"):format(device.kind == "controller" and "a" or "b", device.index or i, text.of(device))
  end
  table.sort(list)
  for i, line in ipairs(list) do list[i] = line:gsub("^%l %d+ ", "") end
  return list
end

-- The recipe of a configuration; it plans to nothing there, and makes the same of a domain without drives.
local function round_trip(xml, opts)
  local recipe, domain = import({ config = xml }, opts)
  local plan = plan_of(domain, { config = xml })
  assert.same({}, plan.steps, recipe)
  assert.same({}, plan.pending, recipe)
  assert.same(plain(virtlun.read(xml)), plain(virtlun.read(applied(domain, without_devices(xml)))), recipe)
  return recipe, domain
end

-- All comments of a recipe, but those of places in the machine.
local function comments(recipe)
  local list = {}
  for line in ("\n" .. recipe):gmatch("\n *%-%- ([^\n]*)") do
    if not line:find("^only in this machine: ") then list[#list + 1] = line end
  end
  return list
end

-- Documents ---------------------------------------------------------------------------------------------------------

-- A domain's document with these devices and as many iothreads as they want.
local function document(devices, iothreads)
  local ids = {}
  for i, id in ipairs(iothreads or { 1, 2, 3, 4 }) do ids[i] = ("<iothread id='%d'/>"):format(id) end
  return ([[<domain type='kvm'>
  <name>web</name>
  <uuid>01234567-89ab-cdef-0123-456789abcdef</uuid>
  <memory>8192</memory>
  <iothreads>4</iothreads>
  <iothreadids>%s</iothreadids>
  <os><type>hvm</type></os>
  <devices>
%s  </devices>
</domain>]]):format(table.concat(ids), devices)
end

describe("the recipe of random domains", function()
  it("is a round trip, and needs no comment", function()
    for seed = first, first + rounds - 1 do
      local domain, iothreads = random_model.domain(random_model.generator(seed)), {}
      for _, device in ipairs(domain) do iothreads[#iothreads + 1] = device.iothread end
      local good, failure = pcall(function()
        local recipe = round_trip(document(assert(virtlun.xml(domain)), iothreads))
        assert.same({}, comments(recipe))
      end)
      if not good then error(("seed %d: %s"):format(seed, text.of(failure)), 0) end
    end
  end)
end)

-- The documents of the golden cases: { name =, xml = }.
local function golden_documents()
  local list = {}
  for _, case in ipairs(files.folders("spec/golden")) do
    for i, domain in ipairs(virtlun.load(("spec/golden/%s/recipe.lua"):format(case)) or {}) do
      local xml = virtlun.xml(domain)
      if xml then list[#list + 1] = { name = i > 1 and case .. " " .. i or case, xml = document(xml) } end
    end
  end
  return list
end

describe("the recipe of the golden case", function()
  local connection

  setup(function() connection = assert(virtlun.open("test:///default")) end)
  teardown(function() connection:close() end)

  local function define(xml)
    local handle, failure = jobs.call("define", connection.handle, 60, nil, xml)
    assert(handle, failure and failure.message)
    return assert(connection:domain("web"))
  end

  local function config_of(dom) return select(2, assert(dom:look())).config end

  local function plan_on(dom, domain)
    local plan, found = dom:plan(domain)
    assert(plan, tostring(found))
    return plan
  end

  for _, case in ipairs(golden_documents()) do
    it(case.name .. " is a round trip", function()
      local recipe = round_trip(case.xml)
      assert.same({}, comments(recipe))
    end)

    -- What the test driver's machine or an older libvirt cannot have.
    local refused = { controller_spapr = "model_machine" }
    local since = { disk_removable = 9006000 }

    it(case.name .. " is one on libvirt's test driver", function()
      if (since[case.name] or 0) > connection.version then return end
      local dom = define(case.xml)
      local before = config_of(dom)
      local recipe, domain = import({ config = before }, { uri = connection.uri })
      assert.same({}, plan_on(dom, domain).steps, recipe)

      local fresh = define(without_devices(case.xml))
      assert.equal(0, #virtlun.read(config_of(fresh)))
      if refused[case.name] then
        local plan, found = fresh:plan(domain)
        assert.same({ nil, refused[case.name] }, { plan, found[1].code })
        return
      end
      assert(plan_on(fresh, domain):apply())
      assert.same(plain(virtlun.read(before)), plain(virtlun.read(config_of(fresh))), recipe)
    end)
  end
end)

-- Domains as libvirt writes them ------------------------------------------------------------------------------------

-- What virt-manager and libvirt 9 make of a q35: the running half.
local Q35 = [[
<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"/></metadata>
  <memory unit='KiB'>1048576</memory>
  <iothreads>2</iothreads>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><bootmenu enable='yes'/></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/var/lib/libvirt/images/web.qcow2' index='5'/>
      <backingStore type='file' index='6'>
        <format type='qcow2'/>
        <source file='/var/lib/libvirt/images/base.qcow2'/>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <boot order='2'/>
      <alias name='virtio-disk0'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='/iso/debian &amp; "friends".iso' index='4' startupPolicy='optional'/>
      <backingStore/>
      <target dev='sda' bus='scsi' tray='open'/>
      <readonly/>
      <boot order='1'/>
      <alias name='scsi0-0-0-0'/>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu'/>
      <target dev='sdb' bus='scsi'/>
      <readonly/>
      <alias name='scsi0-0-0-1'/>
      <address type='drive' controller='0' bus='0' target='0' unit='1'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw' cache='none' io='native'/>
      <source dev='/dev/mapper/data' index='3'/>
      <backingStore/>
      <target dev='sdc' bus='scsi'/>
      <shareable/>
      <serial>DATA</serial>
      <wwn>5000c500a0b1c2d3</wwn>
      <alias name='ua-data'/>
      <address type='drive' controller='1' bus='0' target='3' unit='300'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback'/>
      <auth username='libvirt'>
        <secret type='ceph' uuid='2a5b08e4-3dca-4ff9-9a1d-40389758d081'/>
      </auth>
      <source protocol='rbd' name='pool/image' index='2'>
        <host name='mon1.example.org' port='6789'/>
        <host name='mon2.example.org' port='6789'/>
      </source>
      <target dev='sdd' bus='scsi'/>
      <alias name='scsi1-0-4-0'/>
      <address type='drive' controller='1' bus='0' target='4' unit='0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sde' bus='sata'/>
      <readonly/>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk>
    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
    <controller type='scsi' index='1' model='virtio-scsi'>
      <driver queues='4' iothread='2' iommu='on'/>
      <alias name='scsi1'/>
      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>
    </controller>
    <controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>
    <controller type='pci' index='1' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='1' port='0x10'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0' multifunction='on'/>
    </controller>
    <controller type='scsi' index='0' model='virtio-scsi'>
      <alias name='scsi0'/>
      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>
    </controller>
    <controller type='sata' index='0'/>
    <interface type='network'><source network='default'/><boot order='3'/><alias name='net0'/></interface>
    <hostdev mode='subsystem' type='usb' managed='yes'><source><vendor id='0x1'/></source></hostdev>
    <hostdev mode='subsystem' type='scsi' managed='no' sgio='filtered'>
      <source><adapter name='scsi_host2'/><address bus='0' target='1' unit='2'/></source>
      <alias name='hostdev1'/>
      <address type='drive' controller='1' bus='0' target='5' unit='1'/>
    </hostdev>
  </devices>
  <seclabel type='dynamic' model='dac' relabel='yes'/>
  <qemu:commandline><qemu:arg value='-no-hpet'/></qemu:commandline>
</domain>
]]

-- A running domain's document as that of its configuration: without what libvirt adds to it as it runs.
local function config_of(xml)
  xml = xml:gsub(" id='%d+'", "", 1):gsub("<backingStore type.-</backingStore>", ""):gsub("<backingStore/>", "")
  xml = xml:gsub("(<source [^>]-) index='%d+'", "%1"):gsub("<alias name='[^u].-/>", ""):gsub(" tray='open'", "")
  return (xml:gsub("<driver name='qemu'/>", "<driver name='qemu' type='raw'/>"))
end

describe("the recipe of a q35", function()
  local config = config_of(Q35)

  it("reads as if a person had written it", function()
    local recipe = round_trip(config, { uri = "qemu:///system" })
    assert.equal([[
domain "web" {
  uri = "qemu:///system",
  boot = "devices",
  -- only in this machine: address = { type = "pci", domain = 0, bus = 5, slot = 0, ["function"] = 0 }
  controller { index = 0, model = "virtio-scsi" },
  -- only in this machine: address = { type = "pci", domain = 0, bus = 6, slot = 0, ["function"] = 0 }
  controller { index = 1, model = "virtio-scsi", queues = 4, iothread = 2, iommu = true },
  cdrom {
    dev = "sda",
    cache = false,
    source = '/iso/debian & "friends".iso',
    startup_policy = "optional",
    boot = 1,
    address = { controller = 0, target = 0, unit = 0 },
  },
  cdrom {
    dev = "sdb",
    cache = false,
    source = false,
    address = { controller = 0, target = 0, unit = 1 },
  },
  disk {
    dev = "sdc",
    format = "raw",
    cache = "none",
    io = "native",
    source = { dev = "/dev/mapper/data" },
    shareable = true,
    serial = "DATA",
    wwn = "5000c500a0b1c2d3",
    alias = "ua-data",
    address = { controller = 1, target = 3, unit = 300 },
  },
  disk {
    dev = "sdd",
    format = "raw",
    cache = "writeback",
    source = {
      protocol = "rbd",
      name = "pool/image",
      hosts = {
        { name = "mon1.example.org", port = 6789 },
        { name = "mon2.example.org", port = 6789 },
      },
    },
    address = { controller = 1, target = 4, unit = 0 },
    raw = '<auth username="libvirt"><secret type="ceph" uuid="2a5b08e4-3dca-4ff9-9a1d-40389758d081"/></auth>',
  },
  hostdev {
    source = { adapter = "scsi_host2", bus = 0, target = 1, unit = 2 },
    sgio = "filtered",
    address = { controller = 1, target = 5, unit = 1 },
  },
  -- not SCSI, and so not described here: disk vda (virtio), cdrom sde (sata), hostdev (usb)
}
]], recipe)
  end)

  local closed = Q35:gsub(" tray='open'", "")

  it("describes its configuration, and says nothing of a running half that is the same", function()
    local documents = { config = config, live = closed }
    local recipe, domain = import(documents, { uri = "qemu:///system" })
    assert.equal(round_trip(config, { uri = "qemu:///system" }), recipe)
    local plan = plan_of(domain, documents)
    assert.same({ {}, {} }, { plan.steps, plan.pending })
  end)

  it("describes the running half where that is asked for, or is all there is", function()
    for _, xml in ipairs { closed, Q35 } do
      local recipe, domain = import({ live = xml })
      assert.equal(recipe, (import({ live = xml }, { live = true })))
      assert.same({}, plan_of(domain, { live = xml }).steps, recipe)
      assert.same({ "not SCSI, and so not described here: disk vda (virtio), cdrom sde (sata), hostdev (usb)" },
        comments(recipe))
    end
    assert.truthy(import({ live = Q35 }):find('tray = "open"', 1, true))
    assert.falsy(import({ config = config, live = closed }, { live = true }):find("scope", 1, true))
  end)

  it("tells of an open tray, which only a change of the running domain would shut", function()
    local documents = { config = config, live = Q35 }
    local recipe, domain = import(documents)
    assert.equal("config", domain.scope)
    assert.same({ "This is the configuration; the running domain differs, as the comments say.",
      'in the running domain: tray = "open"' }, table.move(comments(recipe), 1, 2, 1, {}))
    assert.truthy(recipe:find('tray = "open"\n  cdrom {\n    dev = "sda"', 1, true), recipe)
    assert.equal(3, #comments(recipe))
    assert.same({}, plan_of(domain, documents).steps)
  end)
end)

describe("the recipe of an s390x", function()
  local options = { arch = "s390x", machine = "s390-ccw-virtio-7.2", boot = false }
  local hba = host.hba(0, "virtio-scsi", "type='ccw' cssid='0xfe' ssid='0x0' devno='0x0007'")
  local vhost = [[<hostdev mode='subsystem' type='scsi_host' managed='no'>
    <source protocol='vhost' wwpn='naa.5001405df3e54061'/><alias name='ua-fc'/>
    <address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0009'/></hostdev>]]

  it("leaves the channel's addresses to the machine, and keeps the boot entry", function()
    local xml = host.domain({ hba, host.drive("sda", { driver = "type='raw' cache='none' io='native'",
      inner = "<boot order='1' loadparm='PROMPT'/>" }), vhost }, options)
    local recipe, domain = round_trip(xml)
    assert.equal([[
domain "web01" {
  boot = "devices",
  -- only in this machine: address = { type = "ccw", cssid = 254, ssid = 0, devno = 7 }
  controller { index = 0, model = "virtio-scsi" },
  cdrom {
    dev = "sda",
    source = "/old.iso",
    boot = 1,
    loadparm = "PROMPT",
    address = { controller = 0, target = 0, unit = 0 },
  },
  -- only in this machine: address = { type = "ccw", cssid = 254, ssid = 0, devno = 9 }
  hostdev { source = { protocol = "vhost", wwpn = "naa.5001405df3e54061" }, alias = "ua-fc" },
}
]], recipe)
    -- A domain that boots by <os><boot> takes the boot order too.
    local other = without_devices(host.domain({}, { arch = "s390x", machine = "s390-ccw-virtio-7.2" }))
    local plan = plan_of(domain, { config = other })
    assert.same({ "domain", "controller", "cdrom", "hostdev" },
      { plan.steps[1].kind, plan.steps[2].kind, plan.steps[3].kind, plan.steps[4].kind })
  end)
end)

-- What cannot be said -----------------------------------------------------------------------------------------------

-- A document with one HBA and these drives.
local function with(...)
  return host.domain({ host.hba(0), ... }, { boot = false })
end

local function disk(dev, inner, unit)
  return ([[<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/%s.img'/>
    <target dev='%s' bus='scsi'/>%s<address type='drive' controller='0' bus='0' target='0' unit='%s'/></disk>]]):format(
    dev, dev, inner or "", unit or "0")
end

describe("what a recipe cannot say", function()
  -- The comments of the recipe of a configuration, which plans to nothing; and the recipe.
  local function told(xml)
    local recipe, domain = import({ config = xml })
    local plan = plan_of(domain, { config = xml })
    assert.same({ {}, {} }, { plan.steps, plan.pending }, recipe)
    plan_of(domain, { config = without_devices(xml) })
    return comments(recipe), recipe, domain
  end

  it("is named where it stands deeper in a device", function()
    assert.same({ "not said here: driver@queues, source@tls, source/slices" },
      (told(with((disk("sda"):gsub("<driver ", "%0queues='2' "):gsub("<source file='/sda.img'/>",
        "<source file='/sda.img' tls='yes'><slices><slice/></slices></source>"))))))
  end)

  it("is what newer libvirts write", function()
    local xml = with((disk("sda", "<throttlefilters><throttlefilter group='a'/></throttlefilters>"):gsub("<driver ",
      "%0discard_no_unref='on' "):gsub("bus='scsi'", "%0 dpofua='on'")))
    local recipe = round_trip(xml)
    assert.same({ "not said here: driver@discard_no_unref, target@dpofua" }, comments(recipe))
    local raw = "raw = '<throttlefilters><throttlefilter group=\"a\"/></throttlefilters>'"
    assert.truthy(recipe:find(raw, 1, true), recipe)
  end)

  it("goes to another domain as raw XML where it is an element of a drive", function()
    local luks = "<encryption format='luks'>\n  <secret type='passphrase' uuid='u'/>\n</encryption>"
    local xml = with(disk("sda", luks .. "<geometry cyls='1' heads='2' secs='3'/>"))
    local recipe, domain = round_trip(xml)
    assert.same({}, comments(recipe))
    assert.truthy(recipe:find([[raw = '<encryption format="luks"><secret type="passphrase" uuid="u"/></encryption>]] ..
      [[<geometry cyls="1" heads="2" secs="3"/>',]], 1, true), recipe)
    local made = applied(domain, without_devices(xml))
    assert.truthy(made:find('<encryption format="luks"><secret type="passphrase" uuid="u"/></encryption>', 1, true))
    assert.equal(recipe, (import({ config = made })))
  end)

  it("is the chain of images that libvirt found, but not one that is configured", function()
    local chain = "<backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>"
    local xml = with(disk("sda", chain))
    assert.truthy(round_trip(xml):find("raw = '<backingStore", 1, true))
    local recipe = import({ live = xml:gsub("<domain", "%0 id='1'", 1) })
    assert.falsy(recipe:find("backingStore", 1, true))
  end)

  it("is a copy that is under way", function()
    local xml = with(disk("sda", "<mirror type='file' job='copy'><source file='/b'/></mirror>"))
    assert.same({ "not said here: mirror" }, (told(xml)))
  end)

  it("is an element of an HBA or a host device", function()
    local hba = "<controller type='scsi' index='0' model='virtio-scsi'><driver queues='2' new='1'/><new/></controller>"
    assert.same({ "not said here: driver@new, new" }, (told(host.domain({ hba }, { boot = false }))))
  end)

  it("is a value that virtlun cannot read or would not take", function()
    local comment, _, domain = told(with(disk("sda", "<serial>with/slash</serial>", "-1"),
      (disk("sdb", "", 1):gsub("type='raw'", "%0 io='sideways' cache='none'"))))
    assert.same({
      "not said here: address = { controller = 0, bus = 0, target = 0 }: address@unit cannot be read",
      "not said here: serial = \"with/slash\": 'with/slash' is not letters, digits, '_', '.', '+', '-' or space",
      "not said here: driver@io",
    }, comment)
    assert.same({ "/sda.img", nil }, { domain[2].source, domain[2].serial })
    comment = told(with(disk("sda", "", 20000)))
    assert.same({ "not said here: address = { controller = 0, bus = 0, target = 0, unit = 20000 }: 20000 is out of "
      .. "range 0..16383" }, comment)
    comment, _, domain = told(with((disk("sda", "", 20000):gsub("target='0'", "target='300'"))))
    assert.same({ 1, 2 }, { #comment, #domain })
  end)

  it("is a value that other fields exclude, and then it is not denied either", function()
    local comment, _, domain = told(with(host.drive("sda", { driver = "type='raw' cache='writeback' io='native'" })))
    assert.same({ 'not said here: io = "native": ' ..
      'io = "native" needs cache = "none" or "directsync"; cache is writeback' }, comment)
    assert.same({ "writeback", nil }, { domain[2].cache, domain[2].io })
  end)

  it("is what stands twice", function()
    local twice = with((disk("sda"):gsub("<source file='/sda.img'/>",
      "<source file='/sda.img'><seclabel model='dac'/><seclabel model='selinux'/></source>")))
    assert.same({ "not said here: source/seclabel", 'not said here: seclabel = { model = "dac" }: ' ..
      "the domain says it twice, or in a way that virtlun cannot read" }, (told(twice)))
    assert.same({ "not said here: serial", 'not said here: serial = "A": the domain says it twice, or in a way that ' ..
      "virtlun cannot read" }, (told(with(disk("sda", "<serial>A</serial><serial>B</serial>")))))
    local drivers = host.drive("sda"):gsub("<driver.-/>", "<driver cache='unsafe'/><driver cache='none'/>")
    assert.same({ "not said here: driver", 'not said here: cache = "unsafe": the domain says it twice, or in a way ' ..
      "that virtlun cannot read" }, (told(with(drivers))))
  end)

  it("is a kind of source that virtlun does not know, of which a CD drive can do without", function()
    local cdrom = "<disk type='dir' device='cdrom'><source dir='/a'/><target dev='sdb' bus='scsi'/><readonly/></disk>"
    local comment, recipe = told(with(cdrom))
    assert.same({ "not said here: source@dir" }, comment)
    assert.falsy(recipe:find("source =", 1, true))
    comment, recipe = told(with((cdrom:gsub("cdrom", "disk"))))
    assert.same({ "not described here: a disk cannot be empty: 'source' is missing", "not said here: source@dir",
      'disk { dev = "sdb", readonly = true },' }, comment)
    assert.truthy(recipe:find('\n  -- disk { dev = "sdb", readonly = true },\n', 1, true), recipe)
  end)

  it("is an HBA above a hole, which libvirt would fill", function()
    local comment, _, domain = told(host.domain({ host.hba(0), host.hba(2) }, { boot = false }))
    assert.same({ "not described here: there is no controller 1 below controller 2",
      'controller { index = 2, model = "virtio-scsi" },' }, comment)
    assert.equal(1, #domain)
    comment, _, domain = told(host.domain({ host.hba(1) }, { boot = false }))
    assert.same({ "not described here: controllers below 1 are not described; the domain must have them",
      'controller { index = 1, model = "virtio-scsi" },' }, comment)
    assert.equal(0, #domain)
  end)

  it("is a device whose name is none", function()
    assert.equal("not described here: 'sd9' is not a drive name such as sda, sdb, ... sdzzzz",
      told(with((disk("sda"):gsub("'sda'", "'sd9'"))))[1])
  end)

  it("is a name that is no text: the UUID stands for it", function()
    local xml = with(disk("sda")):gsub("<name>.-</name>", "<name>" .. ("x"):rep(300) .. "</name>")
    local comment, _, domain = told(xml)
    assert.same({ {}, "6695eb01-f6a4-8304-79aa-97f2502e193f" }, { comment, domain.name })
    local recipe, found = virtlun.import({ config = xml:gsub("<uuid>.-</uuid>", "") })
    assert.same({ nil, "bad_length" }, { recipe, found[1].code })
  end)

  it("is what two drives cannot both have", function()
    local comment, recipe = told(with(disk("sda", "<wwn>5000c500a0b1c2d3</wwn>"),
      disk("sdb", "<wwn>5000C500A0B1C2D3</wwn>", 1)))
    assert.equal("not described here: 5000C500A0B1C2D3 is also the wwn of sda", comment[1])
    assert.truthy(recipe:find('\n  --   wwn = "5000C500A0B1C2D3",\n', 1, true), recipe)
  end)
end)

describe("what a new device would get by itself", function()
  it("is left out, and denied where the domain has it not", function()
    local function cdrom(driver)
      local recipe = round_trip(with(host.drive("sda", { driver = driver })))
      return recipe:match("\n  cdrom.*")
    end
    assert.falsy(cdrom("type='raw' cache='none' io='native'"):find("io"))
    assert.falsy(cdrom("type='raw' cache='none' io='native'"):find("cache"))
    assert.truthy(cdrom("type='raw' cache='none'"):find("io = false", 1, true))
    assert.truthy(cdrom("type='raw'"):find("cache = false", 1, true))
    assert.truthy(cdrom("type='raw' cache='directsync' io='native'"):find('cache = "directsync"', 1, true))
    assert.falsy(cdrom("type='raw' cache='directsync' io='native'"):find("io"))
    assert.truthy(cdrom("type='raw' io='threads'"):find('cache = false,\n    io = "threads"', 1, true))
  end)
end)

-- Both halves -------------------------------------------------------------------------------------------------------

describe("a running domain that is not as its configuration", function()
  local function running(xml) return (xml:gsub("<domain", "%0 id='3'", 1)) end

  local config = with(disk("sda", "<serial>A</serial>"), host.drive("sdb", { path = "/a.iso", place = { 0, 0, 1 } }),
    host.drive("sdc", { place = { 0, 0, 2 } }))
  local live = running(with(disk("sda"), host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 } }),
    host.drive("sdd", { place = { 0, 0, 3 } })))
  local documents = { config = config, live = live }

  it("is described as it is configured, with what runs in comments", function()
    local recipe, domain = import(documents)
    assert.same({
      "This is the configuration; the running domain differs, as the comments say.",
      "in the running domain: serial = false",
      'in the running domain: source = "/b.iso"',
      "not in the running domain",
      "only in the running domain", "cdrom {", '  dev = "sdd",', "  cache = false,", '  source = "/old.iso",',
      "  address = { controller = 0, target = 0, unit = 3 },", "},",
    }, comments(recipe))
    assert.same({ "config", "/a.iso" }, { domain.scope, domain[3].source })
    assert.same({}, plan_of(domain, documents).steps)
  end)

  it("is described as it runs where that is asked for", function()
    local recipe, domain = import(documents, { live = true })
    assert.same({
      "This is the running domain; the configuration differs, as the comments say.",
      'in the configuration: serial = "A"',
    }, table.move(comments(recipe), 1, 2, 1, {}))
    assert.same({ "live", "/b.iso" }, { domain.scope, domain[3].source })
    assert.same({}, plan_of(domain, documents).steps)
  end)

  it("needs no limit where a plan would do nothing to the other half", function()
    -- Only what waits for the next boot differs, or what the recipe does not name.
    local more = running(with(disk("sda", "<serial>B</serial>"), disk("sdb", "", 1)))
    local recipe, domain = import({ config = with(disk("sda", "<serial>A</serial>")), live = more })
    assert.is_nil(domain.scope)
    assert.same({ 'in the running domain: serial = "B"', "only in the running domain" },
      table.move(comments(recipe), 1, 2, 1, {}))
    assert.same({}, plan_of(domain, { config = with(disk("sda", "<serial>A</serial>")), live = more }).steps)
  end)

  it("has an overlay of libvirt's own over a transient disk", function()
    local transient = disk("sda", "<transient/>")
    local overlay = running(with((transient:gsub("/sda.img", "/sda.img.TRANSIENT"))))
    local recipe, domain = import({ config = with(transient), live = overlay })
    assert.same({}, comments(recipe))
    assert.same({}, plan_of(domain, { config = with(transient), live = overlay }).steps)
  end)
end)

-- Text --------------------------------------------------------------------------------------------------------------

describe("virtlun.recipe.import", function()
  -- The recipe of a disk with that source, out of a description, and the source that it says.
  local function source_of(path)
    local description = { kind = "domain", name = "d", { kind = "disk", dev = "sda", source = path, format = "raw" } }
    local recipe, found = virtlun.import(description)
    assert(recipe, tostring(found))
    local domains = virtlun.loadstring(recipe)
    return domains and domains[1][1] and domains[1][1].source, recipe
  end

  it("writes any text so that it is read back", function()
    for _, path in ipairs { '/a"b', "/a'b", "/a\"'b", "/a\\b", "/a]]b", "/-- a", "/ü日🎬", "/%d\\n" } do
      assert.equal(path, (source_of(path)))
    end
  end)

  it("keeps a comment one, whatever was found", function()
    for _, path in ipairs { "/a\nb", "/a\r\tb", "/a\0b", "/a\x1b[1mb", "/a\xffb", "/a\u{9b}1mb" } do
      local _, recipe = source_of(path)
      assert.truthy(utf8.len(recipe))
      assert.falsy(recipe:find("[%z\1-\9\11-\31\127]"), recipe)
      assert.falsy(recipe:find("\u{9b}", 1, true), recipe)
      for line in recipe:gmatch("[^\n]+") do
        assert.truthy(line:find("^domain") or line:find("^  ") or line:find("^}"), recipe)
      end
    end
    local _, recipe = source_of("/a\nb")
    assert.truthy(recipe:find('\n  -- disk { dev = "sda", format = "raw", source = "/a\\nb" },\n', 1, true), recipe)
    assert.truthy(virtlun.loadstring(recipe))
  end)

  it("says the same of the same", function()
    local xml = config_of(Q35)
    assert.equal(virtlun.import(xml), virtlun.import { config = xml })
    assert.equal(virtlun.import(xml), virtlun.import(xml))
  end)

  it("takes a description too, of which it knows no more", function()
    local xml = config_of(Q35)
    local recipe = assert(virtlun.import(virtlun.read(xml), { uri = "test:///default" }))
    local domain = assert(virtlun.loadstring(recipe))[1]
    assert.same({ "test:///default", "web" }, { domain.uri, domain.name })
    assert.same({}, comments(recipe))
    assert.same({}, plan_of(domain, { config = xml }).steps)
  end)

  it("leaves the description as it was", function()
    local description = virtlun.read(config_of(Q35))
    local before = text.of(description)
    assert(virtlun.import(description))
    assert.equal(before, text.of(description))
  end)

  it("tells what of a description no recipe may say", function()
    local recipe = virtlun.import { kind = "domain", name = "d", { kind = "cdrom", dev = "sda", sorce = "/a.iso" } }
    assert.truthy(recipe:find("-- not described here: unknown key 'sorce'", 1, true), recipe)
  end)

  it("is nothing without a device, and nothing without a domain", function()
    assert.equal('domain "web01" {}\n', (virtlun.import(host.domain({}))))
    local recipe, found = virtlun.import("<disk type='file'><target dev='sda' bus='scsi'/></disk>")
    assert.same({ nil, "required" }, { recipe, found[1].code })
    recipe, found = virtlun.import("<disk type='file'><target dev='sd9' bus='scsi'/></disk>")
    assert.same({ nil, "required" }, { recipe, found[1].code })
    recipe, found = virtlun.import("<network/>")
    assert.same({ nil, "xml_not_ours" }, { recipe, found[1].code })
    recipe, found = virtlun.import({ config = host.domain({}) }, { live = true })
    assert.same({ nil, "not_running" }, { recipe, found[1].code })
  end)

  it("refuses options that it does not know at the place of the caller", function()
    local good, failure = pcall(function() virtlun.import("<domain/>", { url = "test:///default" }) end)
    assert.is_false(good)
    assert.truthy(failure:find("^spec/import_spec.lua:%d+: unknown option 'url' %(did you mean 'uri'%?%)"), failure)
  end)
end)

-- The command -------------------------------------------------------------------------------------------------------

describe("virtlun import", function()
  local folder, uri

  local function run(line, opts)
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    return child.virtlun(words, opts)
  end

  -- A host of libvirt's test driver that outlives a process: its domains are in a file.
  local RUNNING, SHUT_OFF = 1, 5 -- virDomainState

  setup(function()
    folder = child.folder()
    local function domain(name, devices)
      return ("<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>%s</name>" ..
        "<memory>8192</memory><os><type>hvm</type></os><devices>%s</devices>" ..
        "<test:runstate>%d</test:runstate></domain>"):format(name, devices, name == "db" and SHUT_OFF or RUNNING)
    end
    local seed = virtlun.xml(assert(virtlun.load("spec/recipes/dvd.lua"))[1])
    local domains = domain("web", seed .. disk("sdb", "<serial>A</serial>")) .. domain("db", host.hba(0))
    uri = "test://" .. files.write(folder .. "/node.xml", "<node>" .. domains .. "</node>")
  end)
  teardown(function() child.remove(folder) end)

  it("prints a recipe that plans to nothing", function()
    local result = run("import -c " .. uri .. " web")
    assert.same({ "", 0 }, { result.err, result.code })
    assert.equal(('domain "web" {\n  uri = "%s",\n'):format(uri), result.out:match("^.-,\n"))
    local plan = run("plan -", { stdin = result.out })
    assert.same({ "", 0 }, { plan.err, plan.code })
    assert.truthy(plan.out:find("\n  nothing to do\n$"), plan.out)
  end)

  it("prints several domains as one recipe", function()
    local result = run("import -c " .. uri .. " web db")
    assert.same({ "", 0 }, { result.err, result.code })
    assert.truthy(result.out:find('\n}\n\ndomain "db" {\n', 1, true), result.out)
    local plan = run("plan -", { stdin = result.out })
    assert.equal(2, select(2, plan.out:gsub("nothing to do", "")), plan.out)
  end)

  it("prints data with --json", function()
    local result = run("import --json -c " .. uri .. " db")
    local data = assert(dkjson.decode(result.out))
    assert.same({ 1, {}, "db", uri }, { data.format_version, setmetatable(data.problems, nil), data.domains[1].domain,
      data.domains[1].uri })
    assert.equal(run("import -c " .. uri .. " db").out, data.domains[1].recipe)
  end)

  it("prints what it can, and fails where a domain is not there", function()
    local result = run("import -c " .. uri .. " nobody db")
    assert.equal(1, result.code)
    assert.equal("nobody: " .. uri .. " has no domain 'nobody'\n", result.err)
    assert.truthy(result.out:find('^domain "db" {'), result.out)
    assert.equal(1, run("import -c test:///nonexistent db").code)
    assert.equal(64, run("import -c " .. uri).code)
  end)

  it("describes what runs with --live", function()
    local result = run("import --live -c " .. uri .. " web")
    assert.same({ "", 0 }, { result.err, result.code })
    assert.equal(run("import -c " .. uri .. " web").out, result.out)
    result = run("import --live -c " .. uri .. " db")
    assert.same({ "", "db: is shut off: there is no running domain to change\n", 1 },
      { result.out, result.err, result.code })
  end)
end)
