-- One recipe for many servers: what they share is in a file of its own, and what differs is said on the command line.
--   virtlun apply site_wide.lua -p server=web01 -p release=13
local site = include "include/site.lua"
local server = param "server" {}
local release = param "release" { default = 12 }

domain(server) {
  controller(site.hba { index = 1 }),
  cdrom(site.disc {
    dev = "sda",
    source = site.images .. "/debian-" .. release .. ".iso",
    address = { controller = 1, target = 0, unit = 0 },
  }),
}
