-- A disk that the guest cannot write, as it is and as a solid state disk with large blocks.
domain "db01" {
  disk {
    dev = "sda", source = "/srv/base.img", format = "raw", readonly = true, cache = "writethrough", io = "threads",
    rotation_rate = 1, logical_block_size = 512, physical_block_size = 4096, address = { controller = 0 },
  },
}
