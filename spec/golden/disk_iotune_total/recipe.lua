-- Limits of reading and writing together, shared by a group.
domain "db01" {
  disk {
    dev = "sda", source = "/srv/a.img", format = "raw", address = { controller = 0 },
    iotune = {
      total_bytes_sec = 10485760, total_bytes_sec_max = 20971520,
      total_iops_sec = 500, total_iops_sec_max = 1000,
      size_iops_sec = 4096, group_name = "slow disks",
    },
  },
}
