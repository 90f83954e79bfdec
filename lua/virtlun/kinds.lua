--- What kinds of devices have in common.

local kinds = {}

--- Drives that libvirt calls a <disk>.
kinds.IS_DISK = { cdrom = true, disk = true, lun = true }

--- What a guest loses data with.
kinds.HOLDS_DATA = { disk = true, lun = true, hostdev = true }

return kinds
