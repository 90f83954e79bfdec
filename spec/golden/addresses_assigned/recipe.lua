-- Without addresses: explicit ones come first, each drive gets the first free place, units up to 255 before targets.
domain "web01" {
  controller { index = 0, model = "vmpvscsi" },
  controller { index = 1, model = "virtio-scsi" },
  cdrom { dev = "sda", source = "/isos/1.iso" },
  cdrom { dev = "sdb", source = "/isos/2.iso", address = { controller = 1, unit = 0 } },
  cdrom { dev = "sdc", source = "/isos/3.iso" },
  cdrom { dev = "sdd", source = "/isos/4.iso", address = { controller = 1, unit = 2 } },
  hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 } },
}
