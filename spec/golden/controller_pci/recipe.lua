-- Two HBAs as two functions of one PCI slot.
domain "web01" {
  controller {
    index = 0, model = "virtio-scsi",
    address = { type = "pci", domain = 0, bus = 0, slot = 5, ["function"] = 0, multifunction = true },
  },
  controller { index = 1, address = { type = "pci", domain = 0, bus = 0, slot = 5, ["function"] = 7 } },
}
