-- Another transport than TCP.
domain "db01" {
  disk {
    dev = "sda", format = "qcow2",
    source = {
      protocol = "gluster", name = "volume/db01.qcow2",
      hosts = { { name = "gluster1", port = 24007, transport = "tcp" }, { name = "gluster2", transport = "rdma" } },
    },
    address = { controller = 0 },
  },
}
