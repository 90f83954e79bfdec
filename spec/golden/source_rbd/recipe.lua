-- Several hosts serve the image, and the secret is named by its UUID.
domain "db01" {
  disk {
    dev = "sda", format = "raw",
    source = {
      protocol = "rbd", name = "pool/db01",
      hosts = { { name = "mon1.example.org", port = 6789 }, { name = "2001:db8::2", port = 6789 }, { name = "mon3" } },
      auth = { username = "libvirt", type = "ceph", uuid = "12345678-9abc-def0-1234-56789abcdef0" },
    },
    address = { controller = 0 },
  },
}
