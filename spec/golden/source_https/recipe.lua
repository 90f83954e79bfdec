-- An ISO straight from a web server.
domain "web01" {
  cdrom {
    dev = "sda",
    source = { protocol = "https", name = "iso/debian.iso", hosts = { { name = "mirror.example.org", port = 443 } } },
    address = { controller = 0 },
  },
}
