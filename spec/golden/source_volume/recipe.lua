-- A volume of a storage pool, and one of an iSCSI pool.
domain "web01" {
  cdrom { dev = "sda", source = { pool = "isos", volume = "debian 12.iso" }, address = { controller = 0, unit = 0 } },
  lun {
    dev = "sdb", source = { pool = "san", volume = "unit:0:0:1", mode = "direct" },
    address = { controller = 0, unit = 1 },
  },
}
