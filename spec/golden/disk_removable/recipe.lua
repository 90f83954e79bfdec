-- A disk that the guest takes for removable, as libvirt 9.6.0 and newer can say.
domain "db01" {
  disk { dev = "sda", source = "/srv/stick.img", format = "raw", removable = true, address = { controller = 0 } },
}
