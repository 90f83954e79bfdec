-- Targets of the host's kernel sit on the machine's own bus: pci here, ccw on s390x. XML only: needs vhost-scsi.
domain "backup" {
  hostdev {
    source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" }, model = "virtio-non-transitional",
    address = { type = "pci", domain = 0, bus = 1, slot = 0, ["function"] = 0 },
  },
}
