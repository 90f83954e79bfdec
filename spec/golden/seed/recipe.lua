-- The seed: one CD drive on HBA 4 of a server that may lack the HBAs below it.
domain "web01" {
  fill_gaps = true,
  controller { index = 4, model = "virtio-scsi" },
  cdrom {
    dev = "sda",
    source = "/var/lib/libvirt/images/cd.iso",
    address = { controller = 4, target = 0, unit = 0 },
  },
}
