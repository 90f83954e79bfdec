-- Two domains may write the same image if both say so.
domain "node1" {
  disk { dev = "sda", source = "/srv/quorum.img", format = "raw", shareable = true, address = { controller = 0 } },
}
domain "node2" {
  disk { dev = "sda", source = "/srv/quorum.img", format = "raw", shareable = true, address = { controller = 0 } },
}
