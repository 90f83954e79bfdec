-- What is tried with failing calls: each way to change a running guest and domains that are shut off, as descriptions
-- of how the domains are before and how they are to be.  Knows nothing of calls.
--
-- A scenario: name; from = lists of descriptions that are made one after the other; to = what the command is to make;
-- flags = more of its arguments; words = other arguments than those for a recipe; replaced = names of the devices that
-- may be out meanwhile; is_whole = also what comes before the first change is tried.
local files = require("support.files")
local live = require("support.live")

-- Descriptions -----------------------------------------------------------------------------------------------

local function with(device, more)
  for key, value in pairs(more or {}) do device[key] = value end
  return device
end

local function absent(kind, dev) return { kind = kind, dev = dev, absent = true } end

local function no_hba(index) return { kind = "controller", index = index, absent = true } end

local function hba(index, more) return with({ kind = "controller", index = index, model = "virtio-scsi" }, more) end

local function domain(name, ...) return { kind = "domain", name = name, ... } end

local function guest(...) return domain("guest", ...) end

local function off(...) return domain("off1", ...) end

-- A disk's image below the daemon's folder, which its user may write.
local function image(daemon, name)
  local path = ("%s/%s.img"):format(daemon.folder, name)
  if not files.read(path) then
    files.write(path, name .. ("\0"):rep(1 << 20))
    assert(os.execute("chmod 666 " .. path))
  end
  return path
end

local scenarios = { image = image }

--- The scenarios, on a daemon that has the running domain "guest" and "off1" and "off2" that are shut off, all with HBA
-- 0 and a CD drive sda at 0:0:0:0 with the disc ONE.
function scenarios.of(daemon)
  local function cdrom(dev, label, place, more)
    return with(live.cdrom(dev, label and live.disc(daemon, label), place), more)
  end

  local function disk(dev, place)
    return { kind = "disk", dev = dev, source = image(daemon, dev), format = "raw",
      address = { controller = place[1], target = place[2], unit = place[3] } }
  end

  -- How it is before -----------------------------------------------------------------------------------------

  local bare = guest(hba(0, { queues = false }), cdrom("sda", "ONE"), absent("cdrom", "sdb"), absent("disk", "sdc"),
    absent("cdrom", "sdd"), absent("disk", "sde"), no_hba(1))

  local function bare_off(number)
    return domain("off" .. number, hba(0, { queues = false }), cdrom("sda", "ONE"), absent("cdrom", "sdb"),
      absent("disk", "sdc"), no_hba(1))
  end

  -- A drive that the daemon does not know to have a tray has to be plugged anew each time.
  local one_plugged = { { bare }, { guest(cdrom("sdb", "ONE", { 0, 5, 300 })) } }

  local two_plugged = { { bare }, { guest(cdrom("sdb", "ONE", { 1, 5, 300 }), disk("sdc", { 1, 2, 2 })) } }

  local all_plugged = { { bare }, { guest(cdrom("sdb", "ONE", { 0, 5, 300 }), disk("sdc", { 1, 2, 2 })) } }

  local off_plugged = { { bare_off(1) }, { off(cdrom("sdb", "ONE", { 0, 5, 300 })) } }

  -- What is made of it ---------------------------------------------------------------------------------------

  local plugging = { guest(hba(1), cdrom("sdb", "TWO", { 1, 3, 300 }), disk("sdc", { 1, 2, 2 })) }

  local everything = { guest(cdrom("sda", "TWO"), cdrom("sdb", "TWO"), absent("disk", "sdc"), no_hba(1),
    cdrom("sdd", "THREE", { 0, 3, 300 }), disk("sde", { 0, 2, 1 })) }

  local off_everything = { off(hba(1), disk("sdc", { 1, 2, 2 }), cdrom("sda", "TWO"), absent("cdrom", "sdb")) }

  -- So many drives that one define is cheaper than a call for each.
  local function many(make)
    local desired = off()
    for i = 1, 40 do desired[i] = make("sd" .. string.char(98 + i // 26, 97 + i % 26), i) end
    return desired
  end

  local sdb, undo = { sdb = true }, { "--undo-all" }
  return {
    { name = "an attach of an HBA, a CD drive and a disk", from = { { bare } }, to = plugging },
    { name = "a change of medium", is_whole = true, from = { { bare } }, to = { guest(cdrom("sda", "TWO")) } },
    { name = "a change of a hot-plugged drive's medium", from = one_plugged, to = { guest(cdrom("sdb", "TWO")) },
      replaced = sdb },
    { name = "an eject", from = { { bare } }, to = { guest(cdrom("sda", false)) } },
    { name = "a detach", from = two_plugged, to = { guest(absent("cdrom", "sdb"), absent("disk", "sdc")) } },
    { name = "a removal of an HBA and its drives", from = two_plugged,
      to = { guest(absent("cdrom", "sdb"), absent("disk", "sdc"), no_hba(1)) } },
    { name = "an attach of an HBA, a CD drive and a disk, undone", from = { { bare } }, to = plugging, flags = undo },
    { name = "all of it at once", from = all_plugged, to = everything, replaced = sdb },
    { name = "all of it at once, undone", from = all_plugged, to = everything, replaced = sdb, flags = undo },
    { name = "a drive that is replaced", from = one_plugged, replaced = sdb,
      to = { guest(cdrom("sdb", "ONE", { 0, 7, 7 }, { replace = true })) } },
    { name = "an HBA that is replaced", replaced = { controller1 = true },
      from = { { bare }, { guest(hba(1)) } }, to = { guest(hba(1, { queues = 2, replace = true })) } },
    { name = "an HBA's configuration beside an attach", from = { { bare } },
      to = { guest(hba(0, { queues = 2 }), cdrom("sdb", "TWO", { 0, 5, 300 })) } },
    { name = "a domain that is shut off, by device calls", from = off_plugged, to = off_everything },
    { name = "a domain that is shut off, by device calls, undone", from = off_plugged, to = off_everything,
      flags = undo },
    { name = "a domain that is shut off, by a define", from = { { bare_off(1) } },
      to = { off(hba(0, { queues = 2 }), hba(1), disk("sdc", { 1, 2, 2 }), cdrom("sda", "TWO")) } },
    { name = "many changes by a define", from = { { many(function(dev) return absent("cdrom", dev) end) } },
      to = { many(function(dev, i) return cdrom(dev, "TWO", { 0, 20 + i, i }) end) } },
    { name = "several domains", from = { { bare, bare_off(1), bare_off(2) } },
      to = { guest(cdrom("sda", "TWO"), cdrom("sdb", "TWO", { 1, 3, 300 })),
        off(cdrom("sda", "TWO"), hba(0, { queues = 2 })),
        domain("off2", cdrom("sda", "TWO"), disk("sdc", { 0, 2, 2 })) } },
    { name = "the command insert", from = one_plugged, to = { guest(cdrom("sdb", "TWO")) },
      replaced = sdb, words = { "insert", "--json", "guest", "sdb", live.disc(daemon, "TWO") } },
  }
end

return scenarios
