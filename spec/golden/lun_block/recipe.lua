-- A block device of the host with all its SCSI commands; libvirt runs the helper of its reservations.
domain "db01" {
  lun {
    dev = "sda", source = { dev = "/dev/disk/by-id/wwn-0x5000c50015ea71aa" }, format = "raw",
    sgio = "filtered", rawio = true, reservations = { managed = true }, address = { controller = 0 },
  },
}
