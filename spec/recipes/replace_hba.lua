-- HBA 1 came as lsilogic, which libvirt chooses where nobody does and few guests can drive.  A running machine keeps
-- its HBAs: this changes the configuration, and the next power-off brings the new one.  The drives on it stay there.
domain "web01" {
  controller { index = 1, model = "virtio-scsi" },
}
