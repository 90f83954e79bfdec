-- A server on this very host: a socket instead of a name and a port.
domain "db01" {
  disk {
    dev = "sda", format = "raw",
    source = { protocol = "nbd", name = "export", hosts = { { transport = "unix", socket = "/run/nbd.sock" } } },
    address = { controller = 0 },
  },
}
