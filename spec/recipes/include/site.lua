-- What all servers of this site have in common.  A recipe includes this file and gets what it returns.
local site = { images = "/var/lib/libvirt/images" }

local function with(defaults, said)
  for key, value in pairs(defaults) do
    if said[key] == nil then said[key] = value end
  end
  return said
end

-- An HBA as we want them, with what else is said of it.
function site.hba(said)
  return with({ model = "virtio-scsi", queues = 4, cmd_per_lun = 64 }, said)
end

-- A disc that the server can do without: it starts also where the image is gone.
function site.disc(said)
  return with({ startup_policy = "optional", error_policy = "report" }, said)
end

return site
