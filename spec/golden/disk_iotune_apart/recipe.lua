-- Limits of reading and of writing, each apart; 0 is no limit.
domain "db01" {
  disk {
    dev = "sda", source = "/srv/a.img", format = "raw", address = { controller = 0 },
    iotune = {
      read_bytes_sec = 10485760, write_bytes_sec = 5242880, read_iops_sec = 400, write_iops_sec = 200,
      read_bytes_sec_max = 20971520, write_bytes_sec_max = 10485760, read_iops_sec_max = 800, write_iops_sec_max = 400,
      total_bytes_sec = 0,
    },
  },
}
