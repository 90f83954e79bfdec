-- What such a disk is written is thrown away when the domain stops.
domain "db01" {
  disk { dev = "sda", source = "/srv/scratch.img", format = "raw", transient = true, address = { controller = 0 } },
}
