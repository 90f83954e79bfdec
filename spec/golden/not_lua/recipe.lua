-- A recipe that is not Lua: nothing of it can be read.
domain "web01" {
  cdrom { dev = "sda" source = "/isos/1.iso" },
}
