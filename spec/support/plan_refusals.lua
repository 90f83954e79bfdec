-- What a plan must refuse, and its exact words:
-- { title, body of the domain, devices of the host, said =, facts =, opts = }.
local host = require("support.host_xml")

local hba0, sda = host.hba(0), host.drive("sda")
local running = { driver = "QEMU", state = "running", active = true, persistent = true }
local test = { driver = "test", state = "running", active = true, persistent = true }
local sata = host.drive("sda", { bus = "sata", device = "disk", path = "/root.img" })

local function at(libvirt)
  return { state = "shut off", persistent = true, libvirt = libvirt }
end

return {
  -- Names and kinds of the host.
  { "a dev of another bus", [[cdrom { dev = "sda", source = "/a.iso" }]], { sata },
    said = "r.lua:2: web01.sda.dev: sda is already a disk on bus sata of the domain (the next free name is sdb)" },
  { "a dev of another bus, removed", [[cdrom { dev = "sda", absent = true }]], { sata },
    said = "r.lua:2: web01.sda.dev: sda is already a disk on bus sata of the domain (the next free name is sdb)" },
  { "a dev of another kind", [[cdrom { dev = "sda", source = "/a.iso" }]], { hba0, host.drive("sda",
    { device = "disk" }) },
    said = "r.lua:2: web01.sda.dev: sda is already a disk on bus scsi of the domain (the next free name is sdb)" },
  { "a dev of another kind, removed", [[disk { dev = "sda", absent = true }]], { hba0, sda },
    said = "r.lua:2: web01.sda.dev: sda is already a cdrom on bus scsi of the domain (the next free name is sdb)" },
  { "a dev that only the running domain has", [[cdrom { dev = "sda", source = "/a.iso" }]], { hba0 }, facts = test,
    opts = { live = { hba0, sata } },
    said = "r.lua:2: web01.sda.dev: sda is already a disk on bus sata of the domain (the next free name is sdb)" },
  { "the next free name is free in the recipe too", [[cdrom { dev = "sda", source = "/a" },
cdrom { dev = "sdb", source = "/b" }]], { sata, host.hba(0), host.drive("sdc", { place = { 0, 0, 5 } }) },
    said = "r.lua:2: web01.sda.dev: sda is already a disk on bus sata of the domain (the next free name is sdd)" },
  { "an alias that another device has", [[cdrom { dev = "sdb", source = "/b", alias = "ua-x" }]],
    { hba0, "<interface type='user'><alias name='ua-x'/></interface>" },
    said = "r.lua:2: web01.sdb.alias: ua-x is already the alias of interface#2 in the domain" },
  { "an address that another drive has", [[cdrom { dev = "sdb", source = "/b", address = { controller = 0 } }]],
    { hba0, sda }, said = "r.lua:2: web01.sdb.address: 0:0:0:0 is already the address of sda in the domain" },
  { "an address that a host device has",
    [[cdrom { dev = "sdb", source = "/b", address = { controller = 0, unit = 3 } }]],
    { hba0, host.hostdev(2, 5, { 0, 0, 3 }) },
    said = "r.lua:2: web01.sdb.address: 0:0:0:3 is already the address of hostdev#2 in the domain" },
  { "an alias that nothing has, without a dev", [[cdrom { alias = "ua-x", source = "/b" }]], { hba0 },
    said = "r.lua:2: web01.ua-x: nothing has the alias ua-x, and without 'dev' it cannot be created" },
  -- Boot order.
  { "a boot order where <os> has one", [[cdrom { dev = "sda", boot = 1 }]], { hba0, sda },
    said = "r.lua:2: web01.sda.boot: the domain boots by <os><boot>, which excludes a boot order of devices " ..
      "(boot = \"devices\" of the domain gives its devices a boot order instead)" },
  { "a place in the boot order that is taken", [[cdrom { dev = "sda", boot = 1 }]],
    { hba0, sda, "<interface type='user'><boot order='1'/></interface>" }, opts = { boot = false },
    said = "r.lua:2: web01.sda.boot: 1 is already the place of interface#3 in the boot order of the domain" },
  -- What the host says in a way that cannot be changed.
  { "a source whose kind virtlun cannot read", [[cdrom { dev = "sda", source = false }]],
    { hba0, "<disk type='dir' device='cdrom'><source dir='/d'/><target dev='sda' bus='scsi'/></disk>" },
    said = "r.lua:2: web01.sda: the domain says 'source' twice, or in a way that virtlun cannot read, so it cannot " ..
      "be changed (change it by hand first)" },
  { "an image whose chain would be read with another", [[disk { dev = "sda", source = "/b.qcow2" }]],
    { hba0, host.drive("sda", { device = "disk", path = "/a.qcow2",
      inner = "<backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>" }) },
    said = "r.lua:2: web01.sda: the source cannot be changed: the domain's backingStore belongs to the present one " ..
      "(take backingStore away by hand first)" },
  { "a document of another domain", "", {}, opts = { name = "db01" },
    said = "r.lua:1: web01: the document is that of domain 'db01'" },
  -- HBAs.
  { "a hole below a described HBA", [[controller { index = 2 }]], { hba0 },
    said = "r.lua:2: web01.controller2: the domain has no controller 1, and libvirt would fill the hole with " ..
      "a model of its own choice (fill_gaps = true adds it)" },
  { "a hole below the HBA of a drive", [[cdrom { dev = "sda", source = "/a", address = { controller = 1 } }]], {},
    said = "r.lua:2: web01.sda: the domain has no controller 0, and libvirt would fill the hole with a model " ..
      "of its own choice (fill_gaps = true adds it)" },
  { "a model that the machine lacks", [[controller { index = 0, model = "lsilogic" }]], {}, opts = { arch = "s390x" },
    said = "r.lua:2: web01.controller0.model: model lsilogic does not exist on s390x (use virtio-scsi)" },
  { "an iothread that is not declared", [[controller { index = 0, iothread = 2 }]], { hba0 },
    opts = { more = "<iothreads>1</iothreads>" },
    said = "r.lua:2: web01.controller0.iothread: the domain has no iothread 2" },
  { "an HBA in use", [[controller { index = 0, absent = true }]], { hba0, sda },
    said = "r.lua:2: web01.controller0: is used by sda (an HBA can go only after its drives)" },
  { "an HBA that a host device uses", [[controller { index = 0, absent = true }]], { hba0, host.hostdev(2, 5, { 0, 0,
    3 }) },
    said = "r.lua:2: web01.controller0: is used by hostdev#2 (an HBA can go only after its drives)" },
  { "an HBA that a new drive would use",
    [[controller { index = 1, absent = true }, cdrom { dev = "sdb", source = "/b", address = { controller = 1 } }]],
    { hba0, host.hba(1) },
    said = "r.lua:2: web01.sdb.address.controller: controller 1 is removed by the same recipe" },
  { "an HBA that a drive moves onto",
    [[controller { index = 1, absent = true }, cdrom { dev = "sda", address = { controller = 1 } }]],
    { hba0, host.hba(1), sda },
      said = "r.lua:2: web01.sda.address.controller: controller 1 is removed by the same recipe" },
  -- Protection.
  { "removing what is protected", [[cdrom { dev = "sda", absent = true, protect = true }]], { hba0, sda },
    said = "r.lua:2: web01.sda: is protected, and the recipe would remove it (take protect = true away first)" },
  { "emptying what is protected", [[cdrom { dev = "sda", source = false, protect = true }]], { hba0, sda },
    said = "r.lua:2: web01.sda: is protected, and the recipe would empty it (take protect = true away first)" },
  { "replacing what is in a protected drive", [[cdrom { dev = "sda", source = "/new", protect = true }]], { hba0, sda },
    said = "r.lua:2: web01.sda: is protected, and the recipe would replace what is in it " ..
      "(take protect = true away first)" },
  { "moving what is protected", [[cdrom { dev = "sda", address = { controller = 0, unit = 1 }, protect = true }]],
    { hba0, sda },
    said = "r.lua:2: web01.sda: is protected, and the recipe would move it (take protect = true away first)" },
  { "removing a protected HBA", [[controller { index = 0, absent = true, protect = true }]], { hba0 },
    said = "r.lua:2: web01.controller0: is protected, and the recipe would remove it " ..
      "(take protect = true away first)" },
  -- What this libvirt lacks.
  { "a field of a drive that is too new", [[disk { dev = "sda", source = "/a", format = "raw", removable = true }]],
    { hba0 },
    facts = at(9000000), said = "r.lua:2: web01.sda.removable: needs libvirt 9.6.0; the host has 9.0.0" },
  { "a field of an HBA that is too new", [[controller { index = 0, page_per_vq = true }]], { hba0 },
    facts = at(7008001), said = "r.lua:2: web01.controller0.page_per_vq: needs libvirt 7.9.0; the host has 7.8.1" },
  -- States.
  { "a transient domain", [[cdrom { dev = "sda", source = "/new.iso" }]], { hba0, sda },
    facts = { state = "running", persistent = false },
    said = "r.lua:1: web01: is transient: it has no configuration to change" },
  { "a saved state", [[cdrom { dev = "sda", source = "/new.iso" }]], { hba0, sda },
    facts = { state = "shut off", persistent = true, managed_save = true },
    said = "r.lua:1: web01: has a saved state, which would be restored with the old devices " ..
      "(start it, or discard the state with: virsh managedsave-remove web01)" },
  { "the running half alone of a driver without hotplug", [[scope = "live", cdrom { dev = "sda", source = "/b" }]],
    { hba0, sda }, facts = test, opts = { live = { hba0, sda } },
    said = "r.lua:1: web01: libvirt's driver test cannot change a running domain " ..
      '(scope = "config" changes its next boot)' },
  { "the running half of what is shut off", [[scope = "live", cdrom { dev = "sda", source = "/b" }]], { hba0, sda },
    said = "r.lua:1: web01: is shut off: there is no running domain to change" },
  { "the configuration of a transient domain", [[scope = "config", cdrom { dev = "sda", source = "/b" }]],
    { hba0, sda }, facts = { state = "running", active = true, persistent = false }, opts = { live = { hba0, sda } },
    said = "r.lua:1: web01: is transient: it has no configuration to change" },
  { "a running domain that cannot take orders", [[cdrom { dev = "sda", source = "/b" }]], { hba0, sda },
    facts = { state = "pmsuspended", active = true, persistent = true }, opts = { live = { hba0, sda } },
    said = "r.lua:1: web01: is pmsuspended: nothing can be changed while it is (bring it to run first)" },
  { "what waits for a next boot that a transient domain does not have",
    [[cdrom { dev = "sda", cache = "writeback" }]], {},
    facts = { state = "running", active = true, persistent = false }, opts = { live = { hba0, sda } },
    said = "r.lua:2: web01.sda: cache cannot change while the domain runs, and without a configuration there is no " ..
      "next boot" },
  { "an HBA for a running pc without ACPI", [[controller { index = 1 }]], { hba0 }, facts = running,
    opts = { live = { hba0 }, machine = "pc-i440fx-7.2" },
    said = "r.lua:2: web01.controller1: machine pc-i440fx-7.2 without <features><acpi/></features> has no hotplug " ..
      'of HBAs (scope = "config" changes its next boot)' },
  { "more HBAs than a running q35 has ports", [[controller { index = 1 }, controller { index = 2 }]], { hba0 },
    facts = running, opts = { live = { hba0, "<controller type='pci' index='5' model='pcie-root-port'/>" },
      machine = "pc-q35-7.2" },
    said = "r.lua:2: web01.controller2: the running domain has 1 free pcie-root-ports, and every new HBA needs one " ..
      '(scope = "config" changes its next boot)' },
  { "boot by devices", [[boot = "devices", cdrom { dev = "sda" }]], { hba0, sda },
    said = "r.lua:1: web01: no device would have a place in the boot order, and libvirt would go back to <os><boot> " ..
      "(give a drive boot = 1)" },
  { "several reasons at once",
    [[cdrom { dev = "sda", boot = 1, cache = "none", io = "native", serial = "ß" },
cdrom { dev = "sdb", source = "/b", address = { controller = 0 } }]], { hba0, sda },
    said = "r.lua:2: web01.sda.serial: 'ß' is not letters, digits, '_', '.', '+', '-' or space\n" ..
      "r.lua:2: web01.sda.boot: the domain boots by <os><boot>, which excludes a boot order of devices " ..
      "(boot = \"devices\" of the domain gives its devices a boot order instead)\n" ..
      "r.lua:3: web01.sdb.address: 0:0:0:0 is already the address of sda in the domain" },
}
