--- Known bugs of libvirt and QEMU, in one table: what each looks like afterwards, and what helps.  Pure.
--
-- The ordinary call is always tried.  What went wrong is judged by libvirt's error code and by what the domain is then
-- seen to be: messages may be translated, and distributions carry repairs back to older versions.  The version in which
-- a bug was repaired only words a plan.  One row is told by QEMU's own words, which nobody translates; it only
-- explains.

local quirks = {}

-- virErrorNumber, where a symptom needs one.
local INTERNAL_ERROR, OPERATION_FAILED, OPERATION_INVALID, XML_INVALID_SCHEMA = 1, 9, 55, 92

local function says(seen, words) return (seen.text or ""):find(words, 1, true) ~= nil end

-- name, of = what was tried, fixed = first libvirt without it, link, doc; shows(seen) tells whether it is that.
-- seen: code = error code; there = the drive is still in the document; same = it has the medium that it had;
-- open = its tray is open, was_open = it was before; taken = another drive has the address; empty = the drive was to be
-- empty; text = what was said.
quirks.list = {
  {
    name = "half_done", of = "media",
    doc = "The new medium could not be opened after the tray was: the drive is empty and open, while the document " ..
      "still shows the old medium, and inserting that again does nothing.  Ejecting makes it true.",
    link = "libvirt: qemuDomainChangeMediaBlockdev",
    shows = function(seen)
      -- A tray that the guest had opened says nothing, but what comes from QEMU comes after the medium was taken out.
      return seen.there and seen.same and seen.open and (not seen.was_open or seen.code == INTERNAL_ERROR)
    end,
  },
  {
    name = "locked", of = "media",
    doc = "The guest holds the tray: after five seconds libvirt gives up, and nothing has changed.  Not a bug, but " ..
      "told by a text alone.",
    link = "libvirt: qemuDomainChangeEjectableMedia, CHANGE_MEDIA_TIMEOUT",
    shows = function(seen) return seen.code == OPERATION_FAILED and seen.there and seen.same and not seen.open end,
  },
  {
    name = "tray_unknown", of = "media", fixed = 9003000,
    doc = "libvirt learns whether a drive has a tray only when the domain starts, so a hot-plugged CD drive can " ..
      "neither change nor lose its medium.  Replacing the drive by one with the new medium helps.",
    link = "https://github.com/autotest/tp-libvirt/pull/5122",
    shows = function(seen) return seen.code == INTERNAL_ERROR and seen.there and seen.same and not seen.open end,
  },
  {
    name = "empty_hotplug", of = "attach", fixed = 9010000,
    doc = "An empty CD drive cannot be hot-plugged.",
    link = "https://github.com/autotest/tp-libvirt/pull/5400",
    shows = function(seen) return seen.code == INTERNAL_ERROR and seen.empty and not seen.there end,
  },
  {
    name = "orphaned", of = "attach",
    doc = "A daemon that died in an attach after QEMU had made the device, and before it had written that down, " ..
      "knows nothing of it when it comes back.  The device stays until QEMU is told to give it up, or ends.",
    link = "spec/live/recovery_spec.lua",
    shows = function(seen)
      return seen.code == INTERNAL_ERROR and not seen.there and says(seen, "Duplicate device ID")
    end,
  },
  {
    name = "node_taken", of = "open",
    doc = "A daemon that died in an attach after QEMU had opened the image gives its name there to the next image, " ..
      "which QEMU refuses.  Every attempt takes another name, so that trying again helps.",
    link = "spec/live/recovery_spec.lua",
    shows = function(seen) return seen.code == INTERNAL_ERROR and not seen.empty end,
  },
  {
    name = "not_taken", of = "attach",
    doc = "\"Domain already contains a disk with that address\" is also what libvirt says of a unit that it does " ..
      "not take.",
    link = "libvirt: virDomainSCSIDriveAddressIsUsed",
    shows = function(seen) return seen.code == OPERATION_INVALID and not seen.there and not seen.taken end,
  },
  {
    name = "narrow_schema", of = "define",
    doc = "libvirt's schema knows targets and controllers of two digits only, so that a define with VALIDATE " ..
      "refuses targets 100..255, which libvirt and QEMU take.  virtlun never asks for that, and checks by itself.",
    link = "libvirt: domaincommon.rng, driveTarget",
    shows = function(seen) return seen.code == XML_INVALID_SCHEMA end,
  },
}

--- The name of what went wrong when `of` was tried, or nil.
function quirks.name_of(of, seen)
  for _, quirk in ipairs(quirks.list) do
    if quirk.of == of and quirk.shows(seen) then return quirk.name end
  end
end

local function may_have(name, facts)
  for _, quirk in ipairs(quirks.list) do
    if quirk.name == name then return facts.libvirt ~= nil and facts.libvirt < quirk.fixed end
  end
end

-- What cannot change without the tray.
local moves_tray = { source = true, format = true, tray = true }

--- The effect of another medium in a running domain's drive.
function quirks.foresee_media(change, facts)
  if not may_have("tray_unknown", facts) then return "live" end
  local effect = "live"
  for _, field in ipairs(change.fields) do
    if field.key == "source" and not field.after then return "live, unless the drive was hot-plugged" end
    if moves_tray[field.key] then effect = "live, may replace the drive" end
  end
  return effect
end

--- The effect of a drive that is added to a running domain.
function quirks.foresee_attach(device, facts)
  local empty = device.kind == "cdrom" and not device.source
  return empty and may_have("empty_hotplug", facts) and "live, may be refused" or "live"
end

return quirks
