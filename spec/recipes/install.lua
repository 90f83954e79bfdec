-- A server is installed from a DVD, and then needs the disc of drivers: the same recipe with another disc.
--   virtlun apply install.lua
--   virtlun apply install.lua -p disc=drivers
-- The first adds the drive, the second only changes what is in it, while the server runs.  The drive gets the first
-- free place when it comes, and keeps it.
local disc = param "disc" { default = "installer" }

domain "web01" {
  cdrom { dev = "sda", source = "/var/lib/libvirt/images/" .. disc .. ".iso" },
}
