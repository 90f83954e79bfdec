-- Problems of what is in a drive and how it behaves, and of host devices.
-- luacheck: no max line length (a problem is one line, however long)
local RAW = [[disk { dev = "sda", source = "/a.img", format = "raw", %s }]]
local ISCSI = [[hostdev { source = { protocol = "iscsi", name = "iqn.2026-01.org.example:a/1", %s } }]]
local VHOST = [[hostdev { source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" }, %s }]]
local ADAPTER = [[source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 }]]

local function network(fields)
  return ([[cdrom { dev = "sda", source = { %s } }]]):format(fields)
end

return {
  { code = "source_missing", devices = [[disk { dev = "sda", format = "raw" }]],
    says = [[case.lua:1: web.sda.source: a disk cannot be empty: 'source' is missing]] },
  { code = "source_missing", devices = [[lun { dev = "sda", source = false }]],
    says = [[case.lua:1: web.sda.source: a lun cannot be empty: 'source' is missing]] },
  { code = "source_shared", devices = "disk { dev = \"sda\", source = \"/a.img\", format = \"raw\" },\n"
      .. "disk { dev = \"sdb\", source = \"/a.img\", format = \"raw\" }",
    says = [[
case.lua:2: web.sdb.source: /a.img is also written by sda (shareable = true on both if they really share it)]] },
  { code = "source_shared", recipe = "domain \"web\" { disk { dev = \"sda\", source = \"/a.img\", format = \"raw\" } }\n"
      .. "domain \"db\" { lun { dev = \"sdb\", source = { dev = \"/dev/sdq\" } } }\n"
      .. "domain \"log\" { disk { dev = \"sda\", source = { dev = \"/dev/sdq\" }, format = \"raw\" } }",
    says = [[
case.lua:3: log.sda.source: /dev/sdq is also written by db.sdb (shareable = true on both if they really share it)]] },
  { code = "source_hosts", devices = network [[protocol = "https", name = "a.iso"]],
    says = [[case.lua:1: web.sda.source.hosts: protocol https needs exactly one host]] },
  { code = "source_hosts", devices = network [[protocol = "nbd", hosts = { { name = "a" }, { name = "b" } }]],
    says = [[case.lua:1: web.sda.source.hosts: protocol nbd needs exactly one host]] },
  { code = "source_hosts", devices = network [[protocol = "gluster", name = "v/a"]],
    says = [[case.lua:1: web.sda.source.hosts: protocol gluster needs at least one host]] },
  { code = "source_hosts", devices = network [[protocol = "https", hosts = { { name = "a" } }]],
    says = [[case.lua:1: web.sda.source.name: protocol https needs a name]] },
  { code = "host_socket", devices = network [[protocol = "nbd", hosts = { { transport = "unix" } }]],
    says = [[case.lua:1: web.sda.source.hosts[1]: a socket goes with transport = "unix", and only with it]] },
  { code = "host_socket", devices = network [[protocol = "rbd", name = "a/b", hosts = { { name = "a" }, { socket = "/s" } }]],
    says = [[case.lua:1: web.sda.source.hosts[2]: a socket goes with transport = "unix", and only with it]] },
  { code = "auth_secret", devices = network [[protocol = "rbd", name = "a/b", auth = { username = "u", type = "ceph" }]],
    says = [[case.lua:1: web.sda.source.auth: the secret is named by either usage or uuid]] },
  { code = "format_unsaid", devices = [[disk { dev = "sda", source = "/a.img" }]],
    says = [[
case.lua:1: web.sda.format: warning: without format the image is raw, whatever it contains (say format = "raw" or "qcow2")]] },
  { code = "io_cache", devices = [[cdrom { dev = "sda", io = "native", cache = "writeback" }]],
    says = [[case.lua:1: web.sda.io: io = "native" needs cache = "none" or "directsync"; cache is writeback]] },
  { code = "io_cache", devices = RAW:format [[io = "native"]],
    says = [[case.lua:1: web.sda.io: io = "native" needs cache = "none" or "directsync"; cache is default]] },
  -- What is said must fit what stays unsaid on the host.
  { code = "io_cache", devices = [[cdrom { dev = "sda", cache = "writeback" }]],
    host = "<controller type='scsi' index='0' model='virtio-scsi'/><disk type='file' device='cdrom'>"
      .. "<driver name='qemu' type='raw' cache='none' io='native'/><target dev='sda' bus='scsi'/><readonly/></disk>",
    says = [[case.lua:1: web.sda.io: io = "native" needs cache = "none" or "directsync"; cache is writeback]] },
  { code = "readonly_cdrom", devices = [[cdrom { dev = "sda", readonly = false }]],
    says = [[case.lua:1: web.sda.readonly: a CD drive is always read-only]] },
  { code = "copy_on_read_readonly", devices = RAW:format [[readonly = true, copy_on_read = true]],
    says = [[case.lua:1: web.sda.copy_on_read: copy_on_read needs a disk that can be written]] },
  { code = "lun_source", devices = [[lun { dev = "sda", source = "/a.img" }]],
    says = [[
case.lua:1: web.sda.source: a lun needs a block device, an iSCSI LUN or a volume, not a file]] },
  { code = "lun_source",
    devices = [[lun { dev = "sda", source = { protocol = "nbd", hosts = { { name = "a" } } } }]],
    says = [[case.lua:1: web.sda.source: a lun needs a block device, an iSCSI LUN or a volume, not a nbd]] },
  { code = "lun_format", devices = [[lun { dev = "sda", source = { dev = "/dev/sdq" }, format = "qcow2" }]],
    says = [[case.lua:1: web.sda.format: a lun is always raw, not qcow2]] },
  { code = "startup_source",
    devices = [[cdrom { dev = "sda", startup_policy = "optional",
      source = { protocol = "nbd", hosts = { { name = "a" } } } }]],
    says = [[case.lua:1: web.sda.startup_policy: startup_policy is for files, block devices and volumes]] },
  { code = "startup_requisite", devices = RAW:format [[startup_policy = "requisite"]],
    says = [[case.lua:1: web.sda.startup_policy: startup_policy = "requisite" is for CD drives]] },
  { code = "transient_disk", devices = RAW:format [[transient = true, readonly = true]],
    says = [[case.lua:1: web.sda.transient: transient needs a file that can be written]] },
  { code = "transient_disk", devices = [[disk { dev = "sda", source = { dev = "/dev/sdq" }, format = "raw", transient = true }]],
    says = [[case.lua:1: web.sda.transient: transient needs a file that can be written]] },
  { code = "shareable_format", devices = [[disk { dev = "sda", source = "/a", format = "qcow2", shareable = true }]],
    says = [[case.lua:1: web.sda.shareable: a shareable disk that is written must be raw, not qcow2]] },
  { code = "rotation_rate_gap", devices = RAW:format [[rotation_rate = 1024]],
    says = [[case.lua:1: web.sda.rotation_rate: 1024 is neither 1 nor 1025..65534]] },
  { code = "block_size", devices = RAW:format [[logical_block_size = 1000, physical_block_size = 4095]],
    says = [[
case.lua:1: web.sda.logical_block_size: 1000 is not a power of two
case.lua:1: web.sda.physical_block_size: 4095 is not a power of two]] },
  { code = "iotune_total",
    devices = RAW:format [[iotune = { total_bytes_sec = 1, read_bytes_sec = 1, total_iops_sec_max = 2, write_iops_sec_max = 2 }]],
    says = [[
case.lua:1: web.sda.iotune: total_bytes_sec excludes read_bytes_sec (say the total, or reading and writing apart)
case.lua:1: web.sda.iotune: total_iops_sec_max excludes write_iops_sec_max (say the total, or reading and writing apart)]] },
  { code = "iotune_group", devices = RAW:format [[iotune = { group_name = "slow" }]],
    says = [[case.lua:1: web.sda.iotune: group_name alone limits nothing]] },
  { code = "iscsi_lun", devices = [[cdrom { dev = "sda",
  source = { protocol = "iscsi", name = "iqn.2026-01.org.example:disc", hosts = { { name = "h" } } } }]],
    says = [[
case.lua:1: web.sda.source.name: 'iqn.2026-01.org.example:disc' names no LUN (write iqn.2026-01.org.example:disc/0 for the first)]] },
  { code = "reservations_helper",
    devices = [[lun { dev = "sda", source = { dev = "/dev/sdb" }, reservations = { managed = false } }]],
    says = [[case.lua:1: web.sda.reservations: a helper of one's own needs type, path and mode]] },
  { code = "loadparm_boot", devices = [[cdrom { dev = "sda", loadparm = "2" }]],
    says = [[case.lua:1: web.sda.loadparm: loadparm needs boot]] },
  { code = "serial_long", devices = [[cdrom { dev = "sda", serial = "123456789012345678901" }]],
    says = [[case.lua:1: web.sda.serial: note: 21 characters; guests may show only the first 20]] },

  { code = "hostdev_one_host", devices = ISCSI:format [[hosts = { { name = "a" }, { name = "b" } }]],
    says = [[case.lua:1: web.hostdev#1.source.hosts: an iSCSI host device has exactly one host, not 2]] },
  { code = "hostdev_one_host", devices = ISCSI:format [[hosts = {}]],
    says = [[case.lua:1: web.hostdev#1.source.hosts: an iSCSI host device has exactly one host, not 0]] },
  { code = "hostdev_port", devices = ISCSI:format [[hosts = { { name = "a" } }]],
    says = "case.lua:1: web.hostdev#1.source.hosts[1].port: the host of an iSCSI host device needs its port: " ..
      "libvirt would give QEMU port 0 (the usual one is 3260)" },
  { code = "hostdev_address", devices = VHOST:format [[address = { controller = 0 }]],
    says = [[case.lua:1: web.hostdev#1.address: a vhost target needs an address of type pci or ccw]] },
  { code = "hostdev_address", devices = ([[hostdev { %s, address = { type = "pci", slot = 1 } }]]):format(ADAPTER),
    says = [[case.lua:1: web.hostdev#1.address: a SCSI device needs an address of type drive]] },
  { code = "hostdev_vhost", devices = VHOST:format [[rawio = true, boot = 1]],
    says = [[
case.lua:1: web.hostdev#1.rawio: 'rawio' is not for a vhost target
case.lua:1: web.hostdev#1.boot: 'boot' is not for a vhost target]] },
  { code = "hostdev_model", devices = ([[hostdev { %s, model = "virtio" }]]):format(ADAPTER),
    says = [[case.lua:1: web.hostdev#1.model: 'model' is only for a vhost target]] },
  { code = "hostdev_twice", devices = ("hostdev { %s, absent = true },\nhostdev { %s }"):format(ADAPTER, ADAPTER),
    says = [[case.lua:2: web.hostdev#2.source: the same device is already given to the guest by hostdev#1]] },
  { code = "hostdev_twice", devices = ("hostdev { %s },\nhostdev { %s }"):format(ADAPTER, ADAPTER),
    says = [[case.lua:2: web.hostdev#2.source: the same device is already given to the guest by hostdev#1]] },
}
