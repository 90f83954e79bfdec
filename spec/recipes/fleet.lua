-- One drive for every virtual server of a site: virtlun apply -p iso=/iso/other.iso fleet.lua
local hosts = {
  param "kvm1" { default = "qemu+ssh://kvm1/system" },
  param "kvm2" { default = "qemu+ssh://kvm2/system" },
}
local iso = param "iso" { default = "/var/lib/libvirt/images/tools.iso" }

for i, uri in ipairs(hosts) do
  for number = 2 * i - 1, 2 * i do
    domain(("web%02d"):format(number)) { uri = uri, cdrom { dev = "sda", source = iso } }
  end
end
