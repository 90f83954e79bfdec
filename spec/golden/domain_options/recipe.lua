-- What is said of a domain as a whole is no XML; devices that are to go are not written.
domain "web01" {
  uri = "test:///default",
  fill_gaps = true,
  prune = { "cdrom", "lun" },
  boot = "devices",
  scope = "config",
  cdrom { dev = "sda", source = "/isos/1.iso", boot = 1, address = { controller = 1 } },
  cdrom { dev = "sdb", absent = true },
}
