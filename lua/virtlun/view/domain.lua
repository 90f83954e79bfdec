--- What a domain has, as data: the devices of both halves with what is known of each beside its description.
--
-- To each device of dom:describe() come guest (what the guest will see of it), medium (what is known of the image in a
-- CD drive), tray ("open" or "closed", of a running CD drive), and, where a domain has both halves, other: what the
-- other half says of it ("same", "different" or "missing").

local virtlun = require "virtlun"
local value = require "virtlun.view.value"

local view = {}

--- A tray is a matter of the running drive alone, and so is the format of a drive that is empty: libvirt forgets it.
local function is_ignored(key, a, b)
  return key == "tray" or key == "format" and not a.source and not b.source
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, inner in pairs(a) do
    if not is_ignored(key, a, b) and not same(inner, b[key]) then return false end
  end
  for key in pairs(b) do
    if not is_ignored(key, a, b) and a[key] == nil then return false end
  end
  return true
end

--- Which device is meant: what both halves agree on, if it is the same one.
local function key_of(device)
  if device.kind == "controller" then return "controller " .. device.index end
  if device.dev then return device.kind .. " " .. device.dev end
  local address = device.address or {}
  return device.kind .. " " .. (device.alias or virtlun.address_text(address))
end

local function by_key(document)
  local devices = {}
  for _, device in ipairs(document) do devices[key_of(device)] = device end
  return devices
end

--- What the other half says of each device.
local function comparisons(document, other)
  local result, there = {}, by_key(other)
  for i, device in ipairs(document) do
    local twin = there[key_of(device)]
    result[i] = not twin and "missing" or same(device, twin) and "same" or "different"
  end
  return result
end

local function medium_of(device, media)
  local source = device.kind == "cdrom" and device.source
  return media and source and media[value.source(source)] or nil
end

local function devices_of(description, which, other)
  local document = description[which]
  if not document then return nil end
  local guests, devices = virtlun.foretell(document), {}
  local compared = description[other] and comparisons(document, description[other]) or {}
  for i, device in ipairs(document) do
    local copy = {}
    for key, inner in pairs(device) do copy[key] = inner end
    copy.guest, copy.medium, copy.other = guests[i], medium_of(device, description.media), compared[i]
    if device.kind == "cdrom" then copy.tray = which == "live" and (device.tray or "closed") or nil end
    devices[i] = copy
  end
  return devices
end

--- { name =, uri =, facts =, live = list of devices, config = list of devices } of what dom:describe() gave.
function view.data(description)
  return {
    name = description.name, uri = description.uri, facts = description.facts,
    live = devices_of(description, "live", "config"), config = devices_of(description, "config", "live"),
  }
end

return view
