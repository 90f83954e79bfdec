-- An HBA of an s390x server, where the guest sees 0.0.0007.
domain "zlinux" {
  controller { index = 0, model = "virtio-scsi", address = { type = "ccw", cssid = 0xfe, ssid = 0, devno = 7 } },
}
