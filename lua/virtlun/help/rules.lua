--- What help tells of the rules between fields, devices and domains: text only, by code, as in recipes.lua.  With
-- `when` a rule needs the document of a host, and the recipe alone is good.

return {
  same_domain = {
    "Two descriptions of one domain could contradict each other, and each would plan without the other.",
    wrong = [[domain "web01" { cdrom { dev = "sda" } }; domain "web01" { cdrom { dev = "sdb" } }]],
    right = [[domain "web01" { cdrom { dev = "sda" }, cdrom { dev = "sdb" } }]],
  },
  -- Controllers.
  model_never = {
    "libvirt accepts the word when it defines the domain, and then the domain does not start (measured).",
    wrong = [[controller { index = 0, model = "buslogic" }]],
    right = [[controller { index = 0, model = "virtio-scsi" }]],
  },
  model_index = {
    "ncr53c90 is soldered to the machines that have it; QEMU can add no second one.",
    wrong = [[controller { index = 0 }, controller { index = 1, model = "ncr53c90" }]],
    right = [[controller { index = 0 }, controller { index = 1 }]],
  },
  model_machine = {
    "QEMU has no such device for this architecture; libvirt says so only when the domain starts.",
    when = "A domain of s390x.",
    wrong = [[controller { index = 0, model = "lsilogic" }]],
    right = [[controller { index = 0, model = "virtio-scsi" }]],
  },
  model_drives = {
    "The new model has fewer targets or units than the old one, and a drive would be left without a place.",
    when = "The domain's HBA 0 is virtio-scsi, and sda is at 0:0:3:300.",
    wrong = [[controller { index = 0, model = "lsilogic" }]],
    right = [[controller { index = 0, model = "virtio-scsi" }]],
  },
  iothread_address = {
    "libvirt serves an HBA by an iothread only where it sits on PCI or on the channels of s390x.",
    wrong = [[controller { index = 0, iothread = 1, address = { type = "spapr-vio", reg = 4096 } }]],
    right = [[controller { index = 0, iothread = 1, address = { type = "pci", slot = 5 } }]],
  },
  iothread_unknown = {
    "Threads belong to the domain as a whole, which virtlun does not change.",
    when = "The domain has <iothreads>2</iothreads>.",
    wrong = [[controller { index = 0, iothread = 3 }]],
    right = [[controller { index = 0, iothread = 2 }]],
  },
  address_pci_zero = {
    "Slot 0 of bus 0 is the host bridge.",
    wrong = [[controller { index = 0, address = { type = "pci", slot = 0 } }]],
    right = [[controller { index = 0, address = { type = "pci", slot = 5 } }]],
  },
  index_taken = {
    "An HBA is found by its index, so there is one of each.",
    wrong = [[controller { index = 0 }, controller { index = 0, queues = 4 }]],
    right = [[controller { index = 0 }, controller { index = 1, queues = 4 }]],
  },
  controller_hole = {
    "libvirt fills a hole below an HBA with a model of its own choice, on x86 with lsilogic, which most guests" ..
      " cannot drive (measured). So holes are filled explicitly.",
    wrong = [[controller { index = 0 }, controller { index = 2 }]],
    right = [[fill_gaps = true, controller { index = 0 }, controller { index = 2 }]],
  },
  controller_below = {
    "The recipe counts on HBAs that it does not describe; whether they are there is seen on the host.",
    wrong = [[controller { index = 4 }]],
    right = [[fill_gaps = true, controller { index = 4 }]],
  },
  controller_missing = {
    "As controller_hole, seen on the host: libvirt would add the missing HBA with a model of its own choice.",
    when = "The domain has only HBA 0.",
    wrong = [[controller { index = 2 }]],
    right = [[fill_gaps = true, controller { index = 2 }]],
  },
  -- Addresses.
  address_leaving = {
    "A drive cannot be on an HBA that the same recipe takes away.",
    wrong = [[controller { index = 0, absent = true }, cdrom { dev = "sda", address = { controller = 0 } }]],
    right = [[controller { index = 0 }, cdrom { dev = "sda", address = { controller = 0 } }]],
  },
  address_bus = {
    "SCSI HBAs of QEMU have one bus; libvirt refuses any other number.",
    wrong = [[cdrom { dev = "sda", address = { controller = 0, bus = 1 } }]],
    right = [[cdrom { dev = "sda", address = { controller = 0, target = 1 } }]],
  },
  address_target = {
    "Each model has its own number of targets (QEMU). Too high a target is seen by libvirt only at the start.",
    wrong = [[controller { index = 0, model = "lsisas1078" }, cdrom { dev = "sda", address = { controller = 0,
  target = 65 } }]],
    right = [[controller { index = 0, model = "virtio-scsi" }, cdrom { dev = "sda", address = { controller = 0,
  target = 65 } }]],
  },
  address_unit = {
    "Each model has its own number of units (QEMU). Too high a unit is seen by libvirt only at the start.",
    wrong = [[controller { index = 0, model = "lsisas1068" }, cdrom { dev = "sda", address = { controller = 0,
  unit = 2 } }]],
    right = [[controller { index = 0, model = "virtio-scsi" }, cdrom { dev = "sda", address = { controller = 0,
  unit = 2 } }]],
  },
  address_reserved = {
    "On this model the HBA itself answers at that number.",
    wrong = [[controller { index = 0, model = "ibmvscsi" }, cdrom { dev = "sda", address = { controller = 0,
  unit = 7 } }]],
    right = [[controller { index = 0, model = "ibmvscsi" }, cdrom { dev = "sda", address = { controller = 0,
  unit = 6 } }]],
  },
  address_taken = {
    "Two drives cannot answer at one LUN.",
    wrong = [[cdrom { dev = "sda", address = { controller = 0 } },
cdrom { dev = "sdb", address = { controller = 0 } }]],
    right = [[cdrom { dev = "sda", address = { controller = 0 } },
cdrom { dev = "sdb", address = { controller = 0, unit = 1 } }]],
  },
  unit_above_255 = {
    "Above 255 a LUN is written by SAM's flat space method. Linux knows it; other guests may not find the drive.",
    wrong = [[cdrom { dev = "sda", address = { controller = 0, unit = 256 } }]],
    right = [[cdrom { dev = "sda", address = { controller = 0, target = 1, unit = 0 } }]],
  },
  address_host_taken = {
    "A device that the recipe does not name is there already, and what is not named stays.",
    when = "The domain has sdb at 0:0:0:1.",
    wrong = [[cdrom { dev = "sda", address = { controller = 0, unit = 1 } }]],
    right = [[cdrom { dev = "sda", address = { controller = 0, unit = 2 } }]],
  },
  -- Names.
  identity_missing = {
    "By its alias a drive can be found, but a new one needs a name.",
    when = "No device of the domain has the alias ua-tools.",
    wrong = [[cdrom { alias = "ua-tools", source = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sda", alias = "ua-tools", source = "/iso/a.iso" }]],
  },
  dev_taken = {
    "A drive is found by its dev, so each has its own (libvirt refuses two).",
    wrong = [[cdrom { dev = "sda" }, cdrom { dev = "sda", source = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sda" }, cdrom { dev = "sdb", source = "/iso/a.iso" }]],
  },
  dev_host_taken = {
    "The domain has a drive of that name on another bus or of another kind. That is never replaced: it may be the" ..
      " disk that the guest lives on.",
    when = "The domain has a SATA disk sda.",
    wrong = [[cdrom { dev = "sda", source = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sdb", source = "/iso/a.iso" }]],
  },
  same_device = {
    "Two descriptions, one by dev and one by alias, mean one device of the domain.",
    when = "The domain's sda has the alias ua-tools.",
    wrong = [[cdrom { dev = "sda" }, cdrom { alias = "ua-tools", source = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sda", source = "/iso/a.iso" }]],
  },
  alias_taken = {
    "An alias names one device of a domain, of whatever kind.",
    wrong = [[cdrom { dev = "sda", alias = "ua-a" }, cdrom { dev = "sdb", alias = "ua-a" }]],
    right = [[cdrom { dev = "sda", alias = "ua-a" }, cdrom { dev = "sdb", alias = "ua-b" }]],
  },
  alias_host_taken = {
    "A device that the recipe does not name has the alias already.",
    when = "A network interface of the domain has the alias ua-a.",
    wrong = [[cdrom { dev = "sda", alias = "ua-a" }]],
    right = [[cdrom { dev = "sda", alias = "ua-b" }]],
  },
  wwn_taken = {
    "A world wide name is one drive's in the whole world; the guest would take two for one with two paths.",
    wrong = [[cdrom { dev = "sda", wwn = "5000c50015ea71aa" }, cdrom { dev = "sdb", wwn = "5000c50015ea71aa" }]],
    right = [[cdrom { dev = "sda", wwn = "5000c50015ea71aa" }, cdrom { dev = "sdb", wwn = "5000c50015ea71ab" }]],
  },
  boot_taken = {
    "Each place in the boot order is one device's (libvirt refuses two).",
    wrong = [[cdrom { dev = "sda", boot = 1 }, cdrom { dev = "sdb", boot = 1 }]],
    right = [[cdrom { dev = "sda", boot = 1 }, cdrom { dev = "sdb", boot = 2 }]],
  },
  boot_host_taken = {
    "A device that the recipe does not name has that place already.",
    when = "A network interface of the domain has boot order 1.",
    wrong = [[cdrom { dev = "sda", boot = 1 }]],
    right = [[cdrom { dev = "sda", boot = 2 }]],
  },
  boot_os = {
    "libvirt knows two ways to say what boots, and refuses both at once. A domain that says neither gets <os><boot>.",
    when = "The domain has <os><boot dev='hd'/></os>.",
    wrong = [[cdrom { dev = "sda", boot = 1 }]],
    right = [[boot = "devices", cdrom { dev = "sda", boot = 1 }]],
  },
  -- What is in a drive.
  source_missing = {
    "Only a CD drive can be empty.",
    wrong = [[disk { dev = "sda", format = "raw" }]],
    right = [[disk { dev = "sda", source = "/images/a.img", format = "raw" }]],
  },
  source_shared = {
    "Two guests, or two drives, that write one image without knowing of each other destroy it.",
    wrong = [[disk { dev = "sda", source = "/a.img", format = "raw" },
disk { dev = "sdb", source = "/a.img", format = "raw" }]],
    right = [[disk { dev = "sda", source = "/a.img", format = "raw", shareable = true },
disk { dev = "sdb", source = "/a.img", format = "raw", shareable = true }]],
  },
  source_hosts = {
    "Each protocol has its own number of hosts, and some need a name of the image (libvirt, QEMU).",
    wrong = [[cdrom { dev = "sda", source = { protocol = "https", name = "a.iso" } }]],
    right = [[cdrom { dev = "sda", source = { protocol = "https", name = "a.iso",
  hosts = { { name = "iso.example" } } } }]],
  },
  iscsi_lun = {
    "An iSCSI name is that of a target; which of its LUNs is meant stands behind a slash.",
    wrong = [[cdrom { dev = "sda", source = { protocol = "iscsi", name = "iqn.2026-01.org.example:disc",
  hosts = { { name = "h" } } } }]],
    right = [[cdrom { dev = "sda", source = { protocol = "iscsi", name = "iqn.2026-01.org.example:disc/0",
  hosts = { { name = "h" } } } }]],
  },
  host_socket = {
    "A socket is a path on this machine, a name is another machine: a host is reached by one of them.",
    wrong = [[cdrom { dev = "sda", source = { protocol = "nbd", hosts = { { transport = "unix" } } } }]],
    right = [[cdrom { dev = "sda", source = { protocol = "nbd", hosts = { { transport = "unix",
  socket = "/run/nbd.sock" } } } }]],
  },
  auth_secret = {
    "libvirt keeps the secret itself, and finds it by one of two names.",
    wrong = [[cdrom { dev = "sda", source = { protocol = "rbd", name = "iso/a", auth = { username = "u",
  type = "ceph" } } }]],
    right = [[cdrom { dev = "sda", source = { protocol = "rbd", name = "iso/a", auth = { username = "u",
  type = "ceph", usage = "iso" } } }]],
  },
  format_unsaid = {
    "libvirt does not look into an image for its format (a guest could forge it): unsaid is raw.",
    wrong = [[disk { dev = "sda", source = "/images/a.qcow2" }]],
    right = [[disk { dev = "sda", source = "/images/a.qcow2", format = "qcow2" }]],
  },
  io_cache = {
    "Native asynchronous I/O of Linux needs a file that is opened without the host's cache (QEMU).",
    wrong = [[cdrom { dev = "sda", io = "native", cache = "writeback" }]],
    right = [[cdrom { dev = "sda", io = "native", cache = "none" }]],
  },
  readonly_cdrom = {
    "libvirt makes every CD drive read-only, whatever is said.",
    wrong = [[cdrom { dev = "sda", readonly = false }]],
    right = [[cdrom { dev = "sda" }]],
  },
  copy_on_read_readonly = {
    "What was read is to be written into the image, which a read-only one forbids (libvirt).",
    wrong = [[disk { dev = "sda", source = "/a.qcow2", format = "qcow2", readonly = true, copy_on_read = true }]],
    right = [[disk { dev = "sda", source = "/a.qcow2", format = "qcow2", copy_on_read = true }]],
  },
  lun_source = {
    "The guest's commands go to the device itself, so there has to be one.",
    wrong = [[lun { dev = "sda", source = "/images/a.img" }]],
    right = [[lun { dev = "sda", source = { dev = "/dev/disk/by-id/wwn-0x5000c50015ea71aa" } }]],
  },
  lun_format = {
    "A real device has no format that QEMU could interpret.",
    wrong = [[lun { dev = "sda", source = { dev = "/dev/sdq" }, format = "qcow2" }]],
    right = [[lun { dev = "sda", source = { dev = "/dev/sdq" } }]],
  },
  startup_source = {
    "libvirt looks whether the image is there before it starts the domain, which it can do only on its own host.",
    wrong = [[cdrom { dev = "sda", startup_policy = "optional",
  source = { protocol = "nbd", hosts = { { name = "h" } } } }]],
    right = [[cdrom { dev = "sda", startup_policy = "optional", source = "/iso/a.iso" }]],
  },
  startup_requisite = {
    "requisite empties the drive where the image is missing after a migration; only a CD drive can be empty.",
    wrong = [[disk { dev = "sda", source = "/a.img", format = "raw", startup_policy = "requisite" }]],
    right = [[disk { dev = "sda", source = "/a.img", format = "raw", startup_policy = "mandatory" }]],
  },
  transient_disk = {
    "Changes are kept in a file beside the image, which takes a file, and one that may be written.",
    wrong = [[disk { dev = "sda", source = { dev = "/dev/sdq" }, format = "raw", transient = true }]],
    right = [[disk { dev = "sda", source = "/a.img", format = "raw", transient = true }]],
  },
  shareable_format = {
    "A container such as qcow2 has tables that two writers would destroy.",
    wrong = [[disk { dev = "sda", source = "/a.qcow2", format = "qcow2", shareable = true }]],
    right = [[disk { dev = "sda", source = "/a.img", format = "raw", shareable = true }]],
  },
  rotation_rate_gap = {
    "In the SCSI answer 1 means not rotating, 2..1024 mean nothing (SBC).",
    wrong = [[disk { dev = "sda", source = "/a.img", format = "raw", rotation_rate = 1024 }]],
    right = [[disk { dev = "sda", source = "/a.img", format = "raw", rotation_rate = 1 }]],
  },
  block_size = {
    "QEMU takes powers of two only.",
    wrong = [[disk { dev = "sda", source = "/a.img", format = "raw", logical_block_size = 1000 }]],
    right = [[disk { dev = "sda", source = "/a.img", format = "raw", logical_block_size = 4096 }]],
  },
  iotune_total = {
    "A limit of the sum and one of a part of it contradict each other (libvirt).",
    wrong = [[cdrom { dev = "sda", iotune = { total_iops_sec = 100, read_iops_sec = 50 } }]],
    right = [[cdrom { dev = "sda", iotune = { read_iops_sec = 50, write_iops_sec = 50 } }]],
  },
  iotune_group = {
    "A group shares limits, so there has to be one.",
    wrong = [[cdrom { dev = "sda", iotune = { group_name = "slow" } }]],
    right = [[cdrom { dev = "sda", iotune = { group_name = "slow", total_iops_sec = 100 } }]],
  },
  reservations_helper = {
    "Where libvirt does not run the helper itself, it has to be told how to reach it.",
    wrong = [[lun { dev = "sda", source = { dev = "/dev/sdq" }, reservations = { managed = false } }]],
    right = [[lun { dev = "sda", source = { dev = "/dev/sdq" }, reservations = { managed = true } }]],
  },
  loadparm_boot = {
    "It chooses an entry of what is booted, so the drive has to be booted from.",
    wrong = [[cdrom { dev = "sda", loadparm = "2" }]],
    right = [[cdrom { dev = "sda", boot = 1, loadparm = "2" }]],
  },
  serial_long = {
    "Older QEMUs hand only 20 characters to the guest, and /dev/disk/by-id then has the shorter name.",
    wrong = [[cdrom { dev = "sda", serial = "123456789012345678901" }]],
    right = [[cdrom { dev = "sda", serial = "12345678901234567890" }]],
  },
  -- Host devices.
  hostdev_one_host = {
    "QEMU logs in at one portal.",
    wrong = [[hostdev { source = { protocol = "iscsi", name = "iqn.2026-01.org.example:a/1", hosts = {} } }]],
    right = [[hostdev { source = { protocol = "iscsi", name = "iqn.2026-01.org.example:a/1",
  hosts = { { name = "h", port = 3260 } } } }]],
  },
  hostdev_port = {
    "For a disk libvirt knows the usual port; for a host device it hands QEMU port 0 (measured).",
    wrong = [[hostdev { source = { protocol = "iscsi", name = "iqn.2026-01.org.example:a/1",
  hosts = { { name = "h" } } } }]],
    right = [[hostdev { source = { protocol = "iscsi", name = "iqn.2026-01.org.example:a/1",
  hosts = { { name = "h", port = 3260 } } } }]],
  },
  hostdev_address = {
    "A vhost target is an HBA of its own and sits in the machine; any other device sits on an HBA.",
    wrong = [[hostdev { source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" },
  address = { controller = 0 } }]],
    right = [[hostdev { source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" },
  address = { type = "pci", slot = 7 } }]],
  },
  hostdev_vhost = {
    "A vhost target is an HBA of the host's kernel: it has no commands to filter and no place in the boot order.",
    wrong = [[hostdev { source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" }, boot = 1 }]],
    right = [[hostdev { source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" } }]],
  },
  hostdev_model = {
    "Only a vhost target is a device of the machine of which there are several models.",
    wrong = [[hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 }, model = "virtio" }]],
    right = [[hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 } }]],
  },
  hostdev_twice = {
    "A device of the host can be handed out once (libvirt refuses two).",
    wrong = [[hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 } },
hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 } }]],
    right = [[hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 } },
hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 1 } }]],
  },
}
