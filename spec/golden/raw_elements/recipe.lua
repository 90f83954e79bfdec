-- Elements that virtlun has no key for.
domain "web01" {
  disk {
    dev = "sda", source = "/srv/a.img", format = "raw", address = { controller = 0 },
    raw = "<geometry cyls='16383' heads='16' secs='63' trans='lba'/>",
  },
}
