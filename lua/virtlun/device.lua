--- What a described device is called, and what tells it from others.  Pure.

local core = require "virtlun.core"
local guest = require "virtlun.guest"
local images = require "virtlun.plan.images"

local device = {}

--- The name that plans and problems call it by: sda, ua-tape, controller0.
function device.label(of)
  return of.dev or of.alias or of.kind .. (of.index or "")
end

--- Every name that a device answers to; an HBA is called as plans call it.
function device.names(of)
  if of.kind == "controller" then return { device.label(of), of.alias } end
  local names = {}
  names[#names + 1] = of.dev
  names[#names + 1] = of.alias
  names[#names + 1] = images.path_of(of.source)
  if type(of.address) == "table" and of.address.controller then names[#names + 1] = guest.address_text(of.address) end
  return names
end

--- A description of no more than what identifies the device.
function device.identity(of)
  return { kind = of.kind, index = of.index, dev = of.dev, alias = of.alias,
    source = of.kind == "hostdev" and of.source or nil }
end

--- What identifies a hostdev without alias, as text.
local function source_text(of)
  return core.model({ kind = "domain", name = "-", { kind = "hostdev", source = of.source } }):fingerprint()
end

--- Whether two descriptions are of one device.
function device.same(a, b)
  if a.kind ~= b.kind then return false end
  if a.alias ~= nil and a.alias == b.alias then return true end
  if a.kind == "hostdev" then return source_text(a) == source_text(b) end
  return a.dev == b.dev and a.index == b.index
end

return device
