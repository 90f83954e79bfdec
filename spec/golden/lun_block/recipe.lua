-- A SCSI disk of the host with all its commands; libvirt runs the helper of its reservations. XML only.
domain "db01" {
  lun {
    dev = "sda", source = { dev = "/dev/disk/by-id/wwn-0x5000c50015ea71aa" }, format = "raw",
    sgio = "filtered", rawio = true, reservations = { managed = true }, address = { controller = 0 },
  },
}
