-- Twelve mistakes, one a line; each is told, at its line, in this order.
domain "web01" { prun = true,
  controller { index = 0, model = "virtio-scsy" },
  controller { index = 100 },
  cdrom { dev = "sda", sorce = "/isos/1.iso" },
  cdrom { dev = "sdA", source = "/isos/2.iso" },
  cdrom { dev = "sdc", source = "isos/3.iso" },
  cdrom { dev = "sdd", address = { controller = 0, unit = 20000 } },
  cdrom { dev = "sde", boot = "1" },
  disk { dev = "sdf", source = "/srv/a.img", format = "raw", tray = "open" },
  disk { dev = "sdg", format = "raw" },
  lun { dev = "sdh", source = "/srv/b.img" },
  cdrom { dev = "sda", alias = "ua-x" },
}
