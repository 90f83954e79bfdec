-- A LUN of the storage network, given to the guest as it is: the guest's SCSI commands reach it, reservations and all,
-- and it shows its own vendor and model.  A LUN that the host has already is named by its device:
--   source = { dev = "/dev/disk/by-id/wwn-0x600140512345678" }
domain "web01" {
  lun {
    dev = "sdb",
    source = {
      protocol = "iscsi",
      name = "iqn.2026-01.org.example:virtlun/1",
      hosts = { { name = "storage.example.org", port = 3260 } },
    },
    address = { controller = 0, target = 1, unit = 0 },
  },
}
