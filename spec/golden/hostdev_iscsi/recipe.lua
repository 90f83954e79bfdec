-- An iSCSI LUN as a SCSI device of the guest.
domain "backup" {
  hostdev {
    source = {
      protocol = "iscsi", name = "iqn.2026-01.org.example:changer/1",
      hosts = { { name = "san.example.org", port = 3260 } },
      auth = { username = "chap", type = "iscsi", usage = "san" }, initiator = "iqn.2026-01.org.example:backup",
    },
    rawio = false, address = { controller = 0 },
  },
}
