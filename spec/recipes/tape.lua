-- A tape library for the backup: the tape drive and the changer that loads it, as SCSI devices of the host.  What is
-- no disk is given to the guest as hostdev.  A device at an adapter of the host is named by its place there:
--   source = { adapter = "scsi_host2", bus = 0, target = 4, unit = 0 }
local library = "iqn.2026-01.org.example:virtlun"
local hosts = { { name = "storage.example.org", port = 3260 } }

domain "web01" {
  hostdev {
    alias = "ua-tape",
    source = { protocol = "iscsi", name = library .. "/2", hosts = hosts },
    address = { controller = 0, target = 2, unit = 0 },
  },
  hostdev {
    alias = "ua-changer",
    source = { protocol = "iscsi", name = library .. "/3", hosts = hosts },
    address = { controller = 0, target = 2, unit = 1 },
  },
}
