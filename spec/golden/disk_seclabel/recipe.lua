-- Security labels of an image: one that is set, and one that must not be touched.
domain "db01" {
  disk {
    dev = "sda", source = "/srv/a.img", format = "raw", address = { controller = 0, unit = 0 },
    seclabel = { model = "selinux", relabel = true, label = "system_u:object_r:svirt_image_t:s0:c1,c2" },
  },
  disk {
    dev = "sdb", source = "/srv/b.img", format = "raw", address = { controller = 0, unit = 1 },
    seclabel = { model = "dac", relabel = false },
  },
}
