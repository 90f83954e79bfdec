-- A LUN that QEMU reaches by itself, and the secret that libvirt keeps for it.
domain "db01" {
  lun {
    dev = "sda",
    source = {
      protocol = "iscsi", name = "iqn.2026-01.org.example:disc/2",
      hosts = { { name = "san.example.org", port = 3260 } },
      auth = { username = "chap", type = "iscsi", usage = "san" },
    },
    address = { controller = 0 },
  },
}
