-- Two more HBAs that share no work: each has queues of its own, and an iothread of the domain serves it.  The domain
-- must have these (<iothreads>2</iothreads>); a recipe that names one that is not there is refused.
domain "web01" {
  controller { index = 1, model = "virtio-scsi", queues = 4, iothread = 1 },
  controller { index = 2, model = "virtio-scsi", queues = 4, iothread = 2 },
  disk {
    dev = "sdb",
    source = "/var/lib/libvirt/images/database.img",
    format = "raw",
    cache = "none",
    io = "native",
    address = { controller = 1, target = 0, unit = 0 },
  },
  disk {
    dev = "sdc",
    source = "/var/lib/libvirt/images/journal.img",
    format = "raw",
    cache = "none",
    io = "native",
    address = { controller = 2, target = 0, unit = 0 },
  },
}
