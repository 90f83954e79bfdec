-- An HBA of a pSeries server; its unit 7 is the HBA itself.
domain "power" {
  controller { index = 0, model = "ibmvscsi", address = { type = "spapr-vio", reg = 0x2000 } },
  cdrom { dev = "sda", source = false, address = { controller = 0, target = 63, unit = 31 } },
}
