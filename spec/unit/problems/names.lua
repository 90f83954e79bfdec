-- Problems of what must be unique by name: dev, alias, wwn, place in the boot order.
-- luacheck: no max line length (a problem is one line, however long)
local HBA0 = "<controller type='scsi' index='0' model='virtio-scsi'/>"

local function host_disk(bus, dev, more)
  return HBA0 .. ("<disk type='file' device='disk'><source file='/h.img'/><target dev='%s' bus='%s'/>%s</disk>")
    :format(dev, bus, more or "")
end

return {
  { code = "dev_taken", devices = "cdrom { dev = \"sda\" },\ncdrom { dev = \"sdb\" },\ncdrom { dev = \"sda\" }",
    says = [[case.lua:3: web.sda.dev: sda is also the name of another drive (the next free name is sdc)]] },
  { code = "dev_taken", devices = "cdrom { dev = \"sda\" },\ncdrom { dev = \"sda\", absent = true }",
    says = [[case.lua:2: web.sda.dev: sda is also the name of another drive (the next free name is sdb)]] },
  { code = "dev_host_taken", devices = [[cdrom { dev = "sda" }]], host = host_disk("sata", "sda"),
    says = [[case.lua:1: web.sda.dev: sda is already a disk on bus sata of the domain (the next free name is sdb)]] },
  { code = "dev_host_taken", devices = [[cdrom { dev = "sda" }]], host = host_disk("scsi", "sda"),
    says = [[case.lua:1: web.sda.dev: sda is already a disk on bus scsi of the domain (the next free name is sdb)]] },
  { code = "dev_host_taken", devices = [[cdrom { dev = "sda", absent = true }]], host = host_disk("usb", "sda"),
    says = [[case.lua:1: web.sda.dev: sda is already a disk on bus usb of the domain (the next free name is sdb)]] },
  { code = "same_device", devices = [[cdrom { dev = "sda" },
cdrom { alias = "ua-x", absent = true }]],
    host = HBA0 .. [[<disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><alias name='ua-x'/>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>]],
    says = [[case.lua:2: web.sda: is described twice: the domain has one device by these names (first in line 1)]] },
  { code = "alias_taken", devices = [[controller { index = 0, alias = "ua-a" },
cdrom { dev = "sda", alias = "ua-a" }]],
    says = [[case.lua:2: web.sda.alias: ua-a is also the alias of controller0]] },
  { code = "alias_host_taken", devices = [[cdrom { dev = "sda", alias = "ua-a" }]],
    host = HBA0 .. "<interface type='network'><alias name='ua-a'/></interface>",
    says = [[case.lua:1: web.sda.alias: ua-a is already the alias of interface#2 in the domain]] },
  { code = "alias_host_taken", devices = [[cdrom { alias = "ua-a", absent = true }]],
    host = HBA0 .. "<disk type='file' device='disk'><source file='/a.img'/><target dev='sdz' bus='scsi'/>" ..
      "<alias name='ua-a'/></disk>",
    says = [[case.lua:1: web.ua-a.alias: ua-a is already the alias of sdz in the domain]] },
  { code = "wwn_taken", devices = [[cdrom { dev = "sda", wwn = "5000c50015ea71aa" },
cdrom { dev = "sdb", wwn = "5000c50015ea71aa" }]],
    says = [[case.lua:2: web.sdb.wwn: 5000c50015ea71aa is also the wwn of sda]] },
  { code = "wwn_taken", devices = [[cdrom { dev = "sda", wwn = "5000c50015ea71aa" },
cdrom { dev = "sdb", wwn = "0x5000C50015EA71AA" }]],
    says = [[case.lua:2: web.sdb.wwn: 0x5000C50015EA71AA is also the wwn of sda]] },
  { code = "boot_taken", devices = [[cdrom { dev = "sda", boot = 1 },
hostdev { source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 }, boot = 1 }]],
    says = [[case.lua:2: web.hostdev#2.boot: 1 is also the place of sda in the boot order]] },
  { code = "boot_host_taken", devices = [[cdrom { dev = "sda", boot = 2 }]],
    host = HBA0 .. "<interface type='network'><boot order='2'/></interface>",
    says = [[case.lua:1: web.sda.boot: 2 is already the place of interface#2 in the boot order of the domain]] },
  { code = "boot_os", devices = [[cdrom { dev = "sda", boot = 1 }]], host = HBA0, os = "<boot dev='hd'/>",
    says = [[
case.lua:1: web.sda.boot: the domain boots by <os><boot>, which excludes a boot order of devices (boot = "devices" of the domain gives its devices a boot order instead)]] },
  { code = "identity_missing", devices = [[cdrom { alias = "ua-a", source = "/a.iso" }]], host = HBA0,
    says = [[case.lua:1: web.ua-a: nothing has the alias ua-a, and without 'dev' it cannot be created]] },
}
