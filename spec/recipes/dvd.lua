-- One DVD on HBA 4 of libvirt's own test domain.  The HBAs below 4 are added too, because the server lacks them.
domain "test" {
  uri = "test:///default",
  fill_gaps = true,
  controller { index = 4, model = "virtio-scsi" },
  cdrom {
    dev = "sda",
    source = "/var/lib/libvirt/images/cd.iso",
    address = { controller = 4, target = 0, unit = 0 },
  },
}
