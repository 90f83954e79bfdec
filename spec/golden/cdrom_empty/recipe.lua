-- A drive without a medium is said as false; io = "native" is for local media only, so it is not among the defaults.
domain "web01" {
  cdrom { dev = "sda", source = false, address = { controller = 0 } },
}
