-- A CD drive moves to an HBA of its own.  A drive cannot move while it is plugged: replace = true allows that it is
-- taken out and put back at the new place, with its disc.  Without it, it moves at the next boot.  A disk, which the
-- guest may be using, moves while the server runs only with force.
domain "web01" {
  controller { index = 1, model = "virtio-scsi", iothread = 1 },
  cdrom {
    dev = "sdb",
    address = { controller = 1, target = 0, unit = 0 },
    replace = true,
  },
}
