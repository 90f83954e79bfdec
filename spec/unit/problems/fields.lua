-- Problems of single fields: keys, types, ranges, words, forms.
-- luacheck: no max line length (a problem is one line, however long)
local HOST = "hosts = { { name = \"h\" } }"

return {
  { code = "unknown_key", devices = [[cdrom { dev = "sda", sorce = "/a.iso" }]],
    says = [[case.lua:1: web.sda: unknown key 'sorce' (did you mean 'source'?)]] },
  { code = "unknown_key", devices = [[cdrom { dev = "sda", colour = "red" }]],
    says = [[case.lua:1: web.sda: unknown key 'colour']] },
  { code = "unknown_key", devices = "\ncdrom { dev = \"sda\", source = { file = \"/a.iso\", pol = \"x\" } }",
    says = [[case.lua:2: web.sda.source: unknown key 'pol']] },
  { code = "unknown_key", devices = [[cdrom { dev = "sda", address = { controler = 0 } }]],
    says = [[
case.lua:1: web.sda.address: unknown key 'controler' (did you mean 'controller'?)]] },
  { code = "unknown_key", recipe = [[domain "web" { url = "test:///default" }]],
    says = [[case.lua:1: web: unknown key 'url' (did you mean 'uri'?)]] },
  -- What is a row of the schema but not for recipes is unknown too.
  { code = "unknown_key", devices = [[cdrom { dev = "sda", device = "disk" }]],
    says = [[case.lua:1: web.sda: unknown key 'device']] },

  -- A list has no names; what is said under one must not be lost.
  { code = "wrong_type", recipe = [[domain "web" { prune = { cdrom = true } }]],
    says = [[case.lua:1: web.prune: a table is not true, false or a list]] },
  { code = "wrong_type",
    devices = [[cdrom { dev = "sda", source = { protocol = "rbd", name = "p/i", hosts = { name = "mon1" } } }]],
    says = [[case.lua:1: web.sda.source.hosts: a table is not a list (write: { { ... }, { ... } })]] },

  { code = "moved_key", devices = [[cdrom { dev = "sda", iothread = 1 }]],
    says = [[
case.lua:1: web.sda: 'iothread' has no place here (iothread belongs to the HBA: say it in its controller)]] },
  { code = "moved_key", devices = [[disk { dev = "sda", source = "/a", format = "raw", queues = 4, ioeventfd = true }]],
    says = [[
case.lua:1: web.sda: 'queues' has no place here (queues belong to the HBA: say them in its controller)
case.lua:1: web.sda: 'ioeventfd' has no place here (ioeventfd belongs to the HBA: say it in its controller)]] },
  { code = "moved_key", devices = [[controller { index = 0, event_idx = true }]],
    says = [[
case.lua:1: web.controller0: 'event_idx' has no place here (libvirt drops event_idx on a controller silently; leave it out)]] },

  { code = "unknown_kind", devices = [[{ kind = "cdrmo", dev = "sda" }]],
    says = [[
case.lua:1: web.#1: kind 'cdrmo' is not one of cdrom, disk, lun, hostdev or controller (did you mean 'cdrom'?)]] },
  { code = "no_kind", devices = "cdrom { dev = \"sda\" }, { dev = \"sdb\" }",
    says = [[case.lua:1: web.#2: is no device (write: cdrom { ... })]] },

  { code = "wrong_type", devices = [[controller { index = 1.5 }]],
    says = [[case.lua:1: web.controller#1.index: 1.5 is not an integer]] },
  { code = "wrong_type", devices = [[controller { index = "0x10" }]],
    says = [[case.lua:1: web.controller#1.index: '0x10' is not an integer (write the number without quotes)]] },
  { code = "wrong_type", devices = [[cdrom { dev = 5 }]],
    says = [[case.lua:1: web.cdrom#1.dev: 5 is not text (put it into quotes)]] },
  { code = "wrong_type", devices = [[cdrom { dev = "sda", readonly = "yes" }]],
    says = [[case.lua:1: web.sda.readonly: 'yes' is not true or false]] },
  { code = "wrong_type", devices = [[cdrom { dev = "sda", tray = true }]],
    says = [[case.lua:1: web.sda.tray: true is not open or closed]] },
  { code = "wrong_type", devices = [[cdrom { dev = "sda", source = true }]],
    says = [[case.lua:1: web.sda.source: true is not a path, a table or false]] },
  { code = "wrong_type", devices = [[cdrom { dev = "sda", address = "0:0:0:0" }]],
    says = [[case.lua:1: web.sda.address: '0:0:0:0' is not a table]] },
  { code = "wrong_type", devices = [[cdrom { dev = "sda", source = { protocol = "nbd", hosts = "h" } }]],
    says = [[case.lua:1: web.sda.source.hosts: 'h' is not a list (write: { { ... }, { ... } })]] },
  { code = "wrong_type", devices = [[cdrom { dev = "sda", source = { protocol = "nbd", hosts = { "h" } } }]],
    says = [[case.lua:1: web.sda.source.hosts[1]: 'h' is not a table]] },
  { code = "wrong_type", recipe = "domain \"web\" {\n  cdrom { dev = \"sda\" },\n  \"sdb\",\n}",
    says = [[case.lua:1: web.[2]: 'sdb' is not a device (write: cdrom { ... })]] },
  { code = "wrong_type", recipe = [[domain "web" { prune = "cdrom" }]],
    says = [[case.lua:1: web.prune: 'cdrom' is not true, false or a list]] },
  -- 2^53 is a float that is exact, and an integer in Lua's eyes; 2^63 is none.
  { code = "wrong_type", devices = [[controller { index = 2^63 }]],
    says = [[case.lua:1: web.controller#1.index: 9.2233720368548e+18 is not an integer]] },

  { code = "out_of_range", devices = [[cdrom { dev = "sda", address = { controller = 0, unit = 20000 } }]],
    says = [[case.lua:1: web.sda.address.unit: 20000 is out of range 0..16383]] },
  { code = "out_of_range", devices = [[cdrom { dev = "sda", address = { controller = 0, unit = 2^53 } }]],
    says = [[case.lua:1: web.sda.address.unit: 9007199254740992 is out of range 0..16383]] },
  { code = "out_of_range", devices = [[cdrom { dev = "sda", boot = 0 }]],
    says = [[case.lua:1: web.sda.boot: 0 is out of range 1..2147483647]] },
  { code = "out_of_range", devices = [[cdrom { dev = "sda", iotune = { total_bytes_sec = -1 } }]],
    says = [[case.lua:1: web.sda.iotune.total_bytes_sec: -1 is out of range 0 and more]] },
  { code = "out_of_range",
    devices = [[controller { index = 0, address = { type = "ccw", cssid = 0, ssid = 4, devno = 65536 } }]],
    says = [[
case.lua:1: web.controller0.address.cssid: 0 is out of range 254
case.lua:1: web.controller0.address.devno: 65536 is out of range 0..65535
case.lua:1: web.controller0.address.ssid: 4 is out of range 0..3]] },

  { code = "unknown_word", devices = [[cdrom { dev = "sda", io = "natve" }]],
    says = [[case.lua:1: web.sda.io: 'natve' is not one of native, threads or io_uring (did you mean 'native'?)]] },
  { code = "unknown_word", devices = [[cdrom { dev = "sda", discard = "maybe" }]],
    says = [[case.lua:1: web.sda.discard: 'maybe' is not one of unmap or ignore]] },
  { code = "unknown_word", recipe = [[domain "web" { prune = { "cdrom", "disc" } }]],
    says = [[
case.lua:1: web.prune[2]: 'disc' is not one of cdrom, disk, lun or hostdev (did you mean 'disk'?)]] },

  { code = "bad_form", devices = [[cdrom { dev = "sda1" }]],
    says = [[case.lua:1: web.sda1.dev: 'sda1' is not a drive name such as sda, sdb, ... sdzzzz]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", source = "a.iso" }]],
    says = [[case.lua:1: web.sda.source.file: 'a.iso' is not an absolute path]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", alias = "ua-a.b" }]],
    says = [[
case.lua:1: web.sda.alias: 'ua-a.b' is not ua- followed by letters, digits, '-' or '_', for libvirt drops any other]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", serial = "a/b" }]],
    says = [[case.lua:1: web.sda.serial: 'a/b' is not letters, digits, '_', '.', '+', '-' or space]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", wwn = "5000c50015ea71a" }]],
    says = [[case.lua:1: web.sda.wwn: '5000c50015ea71a' is not 16 hexadecimal digits]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", vendor = "Müller" }]],
    says = [[case.lua:1: web.sda.vendor: 'Müller' is not printable ASCII]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", boot = 1, loadparm = "a-b" }]],
    says = [[case.lua:1: web.sda.loadparm: 'a-b' is not letters, digits, '.' or space]] },
  { code = "bad_form", devices = [[hostdev { source = { adapter = "foo", bus = 0, target = 0, unit = 0 } }]],
    says = [[case.lua:1: web.hostdev#1.source.adapter: 'foo' is not scsi_host followed by a number]] },
  { code = "bad_form", devices = [[hostdev { source = { protocol = "vhost", wwpn = "5000c50015ea71aa" } }]],
    says = [[
case.lua:1: web.hostdev#1.source.wwpn: '5000c50015ea71aa' is not naa. followed by 16 hexadecimal digits]] },
  { code = "bad_form", devices = [[hostdev { source = { protocol = "iscsi", name = "disc/x",
    hosts = { { name = "h", port = 3260 } } } }]],
    says = [[
case.lua:1: web.hostdev#1.source.name: 'disc/x' is not an iSCSI name (iqn., eui. or naa.) and /LUN]] },
  { code = "bad_form",
    devices = ([[cdrom { dev = "sda", source = { protocol = "rbd", name = "a", %s,
      auth = { username = "u", type = "ceph", uuid = "0-1" } } }]]):format(HOST),
    says = [[case.lua:1: web.sda.source.auth.uuid: '0-1' is not a UUID]] },
  { code = "bad_form", devices = [[cdrom { dev = "sda", source = { pool = "", volume = "v" } }]],
    says = [[case.lua:1: web.sda.source.pool: '' is not text]] },

  { code = "bad_length", devices = ([[cdrom { dev = "sda", serial = "%s" }]]):format(("s"):rep(37)),
    says = [[case.lua:1: web.sda.serial: 37 characters are not 1..36]] },
  { code = "bad_length", devices = [[cdrom { dev = "sda", vendor = "123456789", product = "12345678901234567" }]],
    says = [[
case.lua:1: web.sda.vendor: 9 characters are not 1..8
case.lua:1: web.sda.product: 17 characters are not 1..16]] },

  { code = "bad_text", devices = [[cdrom { dev = "sda", source = "/a\0b" }]],
    says = [[case.lua:1: web.sda.source.file: byte 3 is NUL; text must be UTF-8 without control characters]] },
  { code = "bad_text", devices = [[cdrom { dev = "sda", source = "/a\nb" }]],
    says = [[
case.lua:1: web.sda.source.file: byte 3 is a control character; text must be UTF-8 without control characters]] },
  { code = "bad_text", devices = [[cdrom { dev = "sda", source = "/\xc3" }]],
    says = [[case.lua:1: web.sda.source.file: byte 2 is not UTF-8; text must be UTF-8 without control characters]] },

  { code = "bad_xml", devices = [[cdrom { dev = "sda", raw = "<a><b/>" }]],
    says = [[
case.lua:1: web.sda.raw: the XML cannot be used: not well-formed XML: Opening and ending tag mismatch: a line 1 and raw]] },
  { code = "bad_xml", devices = [[cdrom { dev = "sda", raw = "<a/> and more" }]],
    says = [[case.lua:1: web.sda.raw: the XML cannot be used: there is text outside of the elements]] },
  { code = "bad_xml", devices = [[cdrom { dev = "sda", raw = "</raw><a/><raw>" }]],
    says = [[
case.lua:1: web.sda.raw: the XML cannot be used: not well-formed XML: Extra content at the end of the document]] },
  { code = "owned_element", devices = [[cdrom { dev = "sda", raw = "<geometry/><target dev='sdb'/>" }]],
    says = [[case.lua:1: web.sda.raw: <target> has keys of its own and cannot be given as raw XML]] },

  { code = "required", devices = [[cdrom { }]],
    says = [[
case.lua:1: web.cdrom#1: 'dev' is missing (Name of the drive in the domain, such as sda; the guest may give it another.)]] },
  { code = "required", devices = [[controller { }]],
    says = [[
case.lua:1: web.controller#1: 'index' is missing (Number of the HBA; the numbers of all HBAs follow each other without a hole.)]] },
  { code = "required", devices = [[cdrom { dev = "sda", address = { target = 1 } }]],
    says = [[case.lua:1: web.sda.address: 'controller' is missing (Index of the HBA.)]] },
  { code = "required", devices = [[cdrom { dev = "sda", source = { pool = "p" } }]],
    says = [[case.lua:1: web.sda.source: 'volume' is missing (Name of the volume in the pool.)]] },

  { code = "not_here", devices = [[disk { dev = "sda", source = "/a", format = "raw", tray = "open" }]],
    says = [[case.lua:1: web.sda.tray: only where the drive is cdrom; here it is disk]] },
  { code = "not_here", devices = [[cdrom { dev = "sda", rawio = true, reservations = { managed = true } }]],
    says = [[
case.lua:1: web.sda.rawio: only where the drive is lun; here it is cdrom
case.lua:1: web.sda.reservations: only where the drive is lun; here it is cdrom]] },
  { code = "not_here", devices = [[lun { dev = "sda", source = { dev = "/dev/sdb" }, serial = "1", vendor = "v" }]],
    says = [[
case.lua:1: web.sda.serial: only where the drive is cdrom or disk; here it is lun
case.lua:1: web.sda.vendor: only where the drive is cdrom or disk; here it is lun]] },
  { code = "not_here", devices = [[controller { index = 0, model = "lsilogic", queues = 2, iommu = true }]],
    says = [[
case.lua:1: web.controller0.queues: only where model is virtio-scsi, virtio-transitional or virtio-non-transitional; here it is lsilogic
case.lua:1: web.controller0.iommu: only where model is virtio-scsi, virtio-transitional or virtio-non-transitional; here it is lsilogic]] },

  { code = "empty", devices = [[cdrom { dev = "sda", iotune = {} }]],
    says = [[case.lua:1: web.sda.iotune: says nothing (leave it out, or say something in it)]] },
  { code = "not_removable", devices = [[cdrom { dev = false, alias = "ua-a" }]],
    says = [[case.lua:1: web.ua-a.dev: cannot be removed by false (absent = true removes the device)]] },
  { code = "empty", devices = [[cdrom { dev = "sda", iotune = {} }]],
    says = [[case.lua:1: web.sda.iotune: says nothing (leave it out, or say something in it)]] },
  { code = "not_removable", devices = [[controller { index = false, alias = "ua-a" }]],
    says = [[case.lua:1: web.ua-a.index: cannot be removed by false (absent = true removes the device)]] },
  { code = "empty", devices = [[cdrom { dev = "sda", iotune = {} }]],
    says = [[case.lua:1: web.sda.iotune: says nothing (leave it out, or say something in it)]] },
  { code = "not_removable", devices = [[cdrom { dev = "sda", address = false }]],
    says = [[case.lua:1: web.sda.address: cannot be removed by false (absent = true removes the device)]] },

  { code = "no_variant", devices = [[cdrom { dev = "sda", source = { path = "/a.iso" } }]],
    says = [[case.lua:1: web.sda.source: must have one of file, dev, pool or protocol]] },
  { code = "no_variant", devices = [[hostdev { source = { protocol = "nbd" } }]],
    says = [[case.lua:1: web.hostdev#1.source: must have one of protocol = "iscsi", protocol = "vhost" or adapter]] },
  { code = "no_variant", devices = [[controller { index = 0, address = { slot = 1 } }]],
    says = [[
case.lua:1: web.controller0.address: must have one of type = "pci", type = "ccw" or type = "spapr-vio"]] },
}
