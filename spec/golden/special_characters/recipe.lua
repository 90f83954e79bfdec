-- Names are free: quotes, ampersands, angles, blanks and letters of every script reach libvirt as they are.
domain "R&D <web> 'ü' \"日本\"" {
  cdrom { dev = "sda", source = "/isos/Tom & Jerry's <best> \"of\".iso", address = { controller = 0, unit = 0 } },
  cdrom { dev = "sdb", source = "/isos/Größe/日本語/🎬 1.iso", address = { controller = 0, unit = 1 } },
  cdrom { dev = "sdc", source = { pool = "a&b", volume = "c>d" }, address = { controller = 0, unit = 2 } },
}
