-- Every option of a virtio HBA.
domain "web01" {
  controller {
    index = 0, model = "virtio-scsi", queues = 4, cmd_per_lun = 128, max_sectors = 65535, ioeventfd = true,
    iothread = 2, iommu = true, ats = false, packed = true, page_per_vq = false, alias = "ua-hba0",
  },
  controller { index = 1, model = "virtio-non-transitional", queues = 1022 },
  controller { index = 2, model = "virtio-transitional", ioeventfd = false },
}
