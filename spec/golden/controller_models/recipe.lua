-- Every model that can start, each with a drive at the far end of what it can address.
local far = {
  { "virtio-scsi", 255, 16383 }, { "virtio-transitional", 255, 16383 }, { "virtio-non-transitional", 255, 16383 },
  { "lsilogic", 0, 6 }, { "lsisas1068", 8, 1 }, { "lsisas1078", 64, 255 }, { "vmpvscsi", 64, 0 }, { "am53c974", 0, 6 },
}
local devices = {}
for i, row in ipairs(far) do
  devices[#devices + 1] = controller { index = i - 1, model = row[1] }
  devices[#devices + 1] = cdrom {
    dev = "sd" .. string.char(96 + i), source = false, address = { controller = i - 1, target = row[2], unit = row[3] },
  }
end
domain "museum" (devices)
