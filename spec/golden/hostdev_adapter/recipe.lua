-- A tape drive of the host; its unit is the host's own number, to which nothing is mapped. XML only: needs a SCSI host.
domain "backup" {
  hostdev {
    source = { adapter = "scsi_host3", bus = 0, target = 4, unit = 1074151456 },
    sgio = "filtered", rawio = true, readonly = true, shareable = true, boot = 2, alias = "ua-tape",
    address = { controller = 0, bus = 0, target = 1, unit = 300 },
  },
}
