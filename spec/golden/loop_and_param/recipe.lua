-- A recipe is a program: parameters with defaults, loops, tables.
local count = param "drives" { default = 3 }
local devices = { fill_gaps = true }
for i = 1, count do
  devices[i] = cdrom {
    dev = "sd" .. string.char(96 + i), source = string.format("/isos/%02d.iso", i),
    address = { controller = 1, target = i },
  }
end
domain "library" (devices)
