-- The keys that only a disk has, and those of the image.
domain "db01" {
  disk {
    dev = "sda",
    source = "/var/lib/libvirt/images/db01.qcow2",
    format = "qcow2",
    cache = "none",
    io = "io_uring",
    discard = "unmap",
    detect_zeroes = "unmap",
    error_policy = "stop",
    rerror_policy = "ignore",
    copy_on_read = true,
    startup_policy = "optional",
    snapshot = "external",
    rotation_rate = 7200,
    protect = true,
    replace = false,
    address = { controller = 0, unit = 0 },
  },
}
