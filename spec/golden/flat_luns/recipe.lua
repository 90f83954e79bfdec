-- The edges of virtio-scsi: targets up to 255, units up to 16383, of which those above 255 are flat LUNs in the guest.
domain "web01" {
  cdrom { dev = "sda", source = false, address = { controller = 0, target = 0, unit = 255 } },
  cdrom { dev = "sdb", source = false, address = { controller = 0, target = 99, unit = 256 } },
  cdrom { dev = "sdc", source = false, address = { controller = 0, target = 100, unit = 16383 } },
  cdrom { dev = "sdd", source = false, address = { controller = 0, target = 255, unit = 0 } },
}
