-- An archive of two hundred discs, one in each of two hundred drives: drive n is target n of one HBA, which has 256.
local DRIVES = 200

-- sda ... sdz, sdaa ... sdzz, as libvirt counts them.
local function name_of(n)
  local last = string.char(97 + n % 26)
  return n < 26 and "sd" .. last or "sd" .. string.char(96 + n // 26) .. last
end

local devices = { controller { index = 1, model = "virtio-scsi" } }
for n = 1, DRIVES do
  devices[n + 1] = cdrom {
    dev = name_of(n),
    source = string.format("/var/lib/libvirt/images/archive-%03d.iso", n),
    address = { controller = 1, target = n, unit = 0 },
  }
end

domain "web01" (devices)
