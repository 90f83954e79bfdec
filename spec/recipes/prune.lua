-- The CD drives that are here are all CD drives of the server: those that somebody else left are taken away.  Disks
-- stay, whether they are here or not; prune = { "cdrom", "disk" } would mean them too.
domain "web01" {
  prune = true,
  cdrom { dev = "sda", source = "/var/lib/libvirt/images/tools.iso" },
}
