-- A CD drive that takes no part in snapshots.
domain "web01" {
  cdrom { dev = "sda", source = "/isos/1.iso", snapshot = "no", address = { controller = 0 } },
}
