-- Persistent reservations by a helper of our own.
domain "db01" {
  lun {
    dev = "sda", source = { dev = "/dev/sdq" }, rawio = false,
    reservations = { managed = false, type = "unix", path = "/run/pr-helper.sock", mode = "client" },
    address = { controller = 0 },
  },
}
