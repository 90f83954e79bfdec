-- Problems of HBAs and of addresses on them.
-- luacheck: no max line length (a problem is one line, however long)
local HBA0 = "<controller type='scsi' index='0' model='virtio-scsi'/>"

-- A CD drive in the document of a host.
local function cd(dev, controller, unit)
  return ("<disk type='file' device='cdrom'><target dev='%s' bus='scsi'/>"
    .. "<address type='drive' controller='%d' bus='0' target='0' unit='%d'/><readonly/></disk>"):format(dev, controller, unit)
end

return {
  { code = "model_never", devices = [[controller { index = 0, model = "dc390" }]],
    says = [[
case.lua:1: web.controller0.model: model dc390 never starts: libvirt asks QEMU for a device that does not exist (virtio-scsi is the model that every feature needs)]] },
  { code = "model_never", devices = [[controller { index = 0, model = "buslogic" }]],
    says = [[
case.lua:1: web.controller0.model: model buslogic never starts: QEMU has no such HBA (virtio-scsi is the model that every feature needs)]] },
  { code = "model_never", devices = [[controller { index = 0, model = "auto" }]],
    says = [[
case.lua:1: web.controller0.model: model auto never starts: which HBA it becomes depends on the host (virtio-scsi is the model that every feature needs)]] },
  { code = "model_index", devices = "controller { index = 0 },\ncontroller { index = 1, model = \"ncr53c90\" }",
    says = [[
case.lua:2: web.controller1.model: model ncr53c90 is built into its machine and exists as index 0 only]] },
  { code = "model_machine", devices = [[controller { index = 0, model = "virtio-transitional" }]], host = "", arch = "s390x",
    says = [[
case.lua:1: web.controller0.model: model virtio-transitional does not exist on s390x (use virtio-scsi)]] },
  { code = "model_machine", devices = [[controller { index = 0, model = "lsilogic" }]], host = "", arch = "s390x",
    says = [[case.lua:1: web.controller0.model: model lsilogic does not exist on s390x (use virtio-scsi)]] },
  { code = "model_machine", devices = [[controller { index = 0, model = "ibmvscsi" }]], host = "", arch = "x86_64",
    says = [[case.lua:1: web.controller0.model: model ibmvscsi does not exist on x86_64 (use virtio-scsi)]] },
  { code = "model_machine", devices = [[controller { index = 0, model = "ncr53c90" }]], host = "",
    says = [[case.lua:1: web.controller0.model: model ncr53c90 does not exist on x86_64 (use virtio-scsi)]] },
  { code = "iothread_address",
    devices = [[controller { index = 0, iothread = 1, address = { type = "spapr-vio", reg = 4096 } }]],
    says = [[case.lua:1: web.controller0.iothread: an iothread needs an HBA with a pci or ccw address]] },
  { code = "iothread_unknown", devices = [[controller { index = 0, iothread = 3 }]], host = HBA0, iothreads = 2,
    says = [[case.lua:1: web.controller0.iothread: the domain has no iothread 3]] },
  { code = "address_pci_zero", devices = [[controller { index = 0, address = { type = "pci", slot = 0 } }]],
    says = [[case.lua:1: web.controller0.address: 0000:00:00.0 is the machine's own]] },
  { code = "model_drives", devices = [[controller { index = 0, model = "lsilogic" }]],
    host = HBA0 .. [[<disk type='file' device='cdrom'><target dev='sda' bus='scsi'/>
      <address type='drive' controller='0' bus='0' target='3' unit='300'/></disk>]],
    says = [[
case.lua:1: web.controller0.model: model lsilogic cannot address sda, which is at 0:0:3:300 (move the drive first)]] },
  { code = "index_taken", devices = "controller { index = 0 },\ncontroller { index = 0 }",
    says = [[case.lua:2: web.controller0.index: index 0 is described twice (first in line 1)]] },
  { code = "controller_hole", devices = "controller { index = 0 },\ncontroller { index = 3 }",
    says = [[
case.lua:2: web.controller3: there is no controller 1 below controller 3 (fill_gaps = true adds it)
case.lua:2: web.controller3: there is no controller 2 below controller 3 (fill_gaps = true adds it)]] },
  { code = "controller_hole", devices = "controller { index = 0 },\ncdrom { dev = \"sda\", address = { controller = 2 } }",
    says = [[case.lua:2: web.sda: there is no controller 1 below controller 2 (fill_gaps = true adds it)]] },
  { code = "controller_below", devices = "\ncontroller { index = 4 }",
    says = [[
case.lua:2: web.controller4: note: controllers below 4 are not described; the domain must have them (fill_gaps = true adds those that are missing)]] },
  { code = "controller_missing", devices = "\ncontroller { index = 2 }", host = HBA0,
    says = [[
case.lua:2: web.controller2: the domain has no controller 1, and libvirt would fill the hole with a model of its own choice (fill_gaps = true adds it)]] },
  { code = "not_here", devices = [[controller { index = 0, queues = 4 }]],
    host = "<controller type='scsi' index='0' model='lsilogic'/>",
    says = [[
case.lua:1: web.controller0.queues: only where model is virtio-scsi, virtio-transitional or virtio-non-transitional; here it is lsilogic]] },

  { code = "address_leaving", devices = [[controller { index = 0, absent = true },
cdrom { dev = "sda", address = { controller = 0 } }]],
    says = [[case.lua:2: web.sda.address.controller: controller 0 is removed by the same recipe]] },
  { code = "address_bus", devices = [[cdrom { dev = "sda", address = { controller = 0, bus = 1 } }]],
    says = [[case.lua:1: web.sda.address.bus: 1 is not a bus: a SCSI HBA has only bus 0]] },
  { code = "address_target",
    devices = [[controller { index = 0, model = "lsilogic" },
cdrom { dev = "sda", address = { controller = 0, target = 1 } }]],
    says = [[case.lua:2: web.sda.address.target: target 1 is out of range 0 of model lsilogic]] },
  { code = "address_target", devices = [[cdrom { dev = "sda", address = { controller = 0, target = 65 } }]],
    host = "<controller type='scsi' index='0' model='vmpvscsi'/>",
    says = [[case.lua:1: web.sda.address.target: target 65 is out of range 0..64 of model vmpvscsi]] },
  { code = "address_unit",
    devices = [[controller { index = 0, model = "lsisas1068" },
cdrom { dev = "sda", address = { controller = 0, unit = 2 } }]],
    says = [[case.lua:2: web.sda.address.unit: unit 2 is out of range 0..1 of model lsisas1068]] },
  { code = "address_reserved",
    devices = [[controller { index = 0, model = "ibmvscsi" },
cdrom { dev = "sda", address = { controller = 0, unit = 7 } }]],
    says = [[case.lua:2: web.sda.address.unit: unit 7 of model ibmvscsi is the HBA itself]] },
  { code = "address_taken",
    devices = [[cdrom { dev = "sda", address = { controller = 0, target = 1, unit = 2 } },
hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 },
  address = { controller = 0, target = 1, unit = 2 } }]],
    says = [[
case.lua:2: web.hostdev#2.address: 0:0:1:2 is also the address of sda (each drive needs an address of its own)]] },
  -- What is out of range already is not also taken.
  { code = "out_of_range",
    devices = [[cdrom { dev = "sda", address = { controller = 0, target = 65536 } },
cdrom { dev = "sdb", address = { controller = 0, target = 0 } }]],
    says = [[case.lua:1: web.sda.address.target: 65536 is out of range 0..255]] },
  { code = "unit_above_255",
    devices = [[cdrom { dev = "sda", address = { controller = 0, unit = 255 } },
cdrom { dev = "sdb", address = { controller = 0, unit = 256 } },
cdrom { dev = "sdc", address = { controller = 0, unit = 257 } }]],
    says = [[
case.lua:2: web.sdb.address.unit: note: unit 256 is LUN 16640 in the guest; guests without flat LUNs cannot see it (units 0..255 are seen by every guest)]] },
  { code = "address_host_taken", devices = [[cdrom { dev = "sda", address = { controller = 0, unit = 1 } }]],
    host = HBA0 .. cd("sdb", 0, 1),
    says = [[case.lua:1: web.sda.address: 0:0:0:1 is already the address of sdb in the domain]] },
  -- A document without an address means the one that libvirt implies: sdi is unit 1 of controller 1.
  { code = "address_host_taken", devices = [[cdrom { dev = "sda", address = { controller = 1, unit = 1 } }]],
    host = HBA0 .. "<controller type='scsi' index='1' model='virtio-scsi'/>"
      .. "<disk type='file' device='cdrom'><target dev='sdi' bus='scsi'/></disk>",
    says = [[case.lua:1: web.sda.address: 1:0:0:1 is already the address of sdi in the domain]] },
  { code = "address_host_taken", devices = [[cdrom { dev = "sda", address = { controller = 0, unit = 1 } }]],
    host = HBA0, live = HBA0 .. cd("sdb", 0, 1),
    says = [[case.lua:1: web.sda.address: 0:0:0:1 is already the address of sdb in the domain]] },
}
