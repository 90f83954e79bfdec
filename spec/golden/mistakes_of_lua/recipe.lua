-- Names that nobody knows are told all at once; what they would have been counts as not written.
-- luacheck: ignore
dvd = "/isos/1.iso"
domain "web01" {
  cdrom { dev = "sda", source = dvd, cache = nope, address = { controller = 0 } },
  cdrum { dev = "sdb" },
}
cdrom { dev = "sdc" }
