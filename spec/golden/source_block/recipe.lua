-- The host's own CD drive, given to the guest.
domain "web01" {
  cdrom { dev = "sda", source = { dev = "/dev/sr0" }, address = { controller = 0 } },
}
