--- Media of a running domain's CD drives: insert, replace and eject as one state machine.
--
-- A drive is looked at, the ordinary call is made, the drive is looked at again.  What libvirt gets is the host's own
-- element with only the medium changed.  What is then still not so is named by quirks.lua, and has one remedy here.

local core = require "virtlun.core"
local hotplug = require "virtlun.hotplug"
local problems = require "virtlun.problems"
local quirks = require "virtlun.quirks"

local media = {}

local function source_field(change)
  for _, field in ipairs(change.fields) do
    if field.key == "source" then return field end
  end
end

--- Whether the drive is to be empty.
local function empties(change)
  local field = source_field(change)
  return field ~= nil and not field.after
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- What the drive is like after a call that failed: see quirks.list.
local function look(host, change, failure)
  local seen = { code = failure[1].cause.code }
  for _, device in ipairs(host.live.document:tables()) do
    if device.kind == change.kind and device.dev == change.before.dev then
      seen.there = true
      seen.same = same(device.source, change.before.source)
      seen.open = device.tray == "open" and change.before.tray ~= "open"
    end
  end
  return seen
end

--- The failed call's own problem, with what is to be told beside it.
local function with(host, change, failure, more)
  local cause = failure[1].cause
  return host:fail(change, { code = "host_refused", a = cause.message, cause = cause }, { host:problem(change, more) })
end

--- What is told of the medium that was in the drive before.
local function put_back(good, failure)
  return good and { code = "restored" } or { code = "not_restored", a = failure[1].message }
end

--- Takes out whatever is in the drive, also what libvirt only believes to be in it.
local function eject(host, change, opts)
  local drive = { kind = change.kind, dev = change.before.dev, source = false }
  local wanted = core.model { kind = "domain", name = host.dom.name, drive }
  local difference = core.diff(wanted, host.live.document)[1]
  if not difference then return true end
  local xml, found = core.element(host.xml.live, host.live.document, difference, wanted)
  if not xml then return nil, problems.list(found) end
  return host:write("update_device", xml, { live = true }, opts.force)
end

-- Remedies: what is done when the ordinary call has failed so.  before: the element as it was. ---------------

local remedies = {}

function remedies.locked(host, change, failure)
  return host:fail(change, { code = "tray_locked", cause = failure[1].cause })
end

--- Empties the drive, which makes the document true again, and puts back what was in it.
function remedies.half_done(host, change, failure, opts, before)
  local good, again = eject(host, change, opts)
  if good and change.before.source then
    good, again = host:write("update_device", before, { live = true }, opts.force)
  end
  return with(host, change, failure, put_back(good, again))
end

--- Replaces the drive by one with the new medium; where that cannot be, the drive comes back as it was.
function remedies.tray_unknown(host, change, failure, opts, before)
  local cause = failure[1].cause
  if empties(change) then return host:fail(change, { code = "cannot_eject", a = cause.message, cause = cause }) end
  if opts.reattach == false then
    return host:fail(change, { code = "needs_reattach", a = cause.message, cause = cause })
  end
  local element, found = host:element("live", host:change("live", change.desired))
  if not element then return nil, found end
  local good, again = hotplug.take_out(host, "live", change, opts)
  if not good then return nil, again end
  good, again = host:write("attach_device", element, { live = true })
  if not good then return with(host, change, again, put_back(host:write("attach_device", before, { live = true }))) end
  host.notes:append { host:problem(change, { code = "replaced" }) }
  return true
end

-- The machine ----------------------------------------------------------------------------------------------

--- Makes a call; one that fails is followed by a look at the drive, a name for what is seen, and its remedy.
local function try(host, change, opts, call)
  local before, found = host:element("live", change.current)
  if not before then return nil, found end
  local good, failure = call()
  local seen, lost = host:refresh("live")
  if not seen then return nil, failure or lost end
  if good then return true end
  if not failure[1].cause then return nil, failure end
  if not host:change("live", change.desired) then return true end
  local remedy = remedies[quirks.name_of("media", look(host, change, failure))]
  if not remedy then return nil, failure end
  good, failure = remedy(host, change, failure, opts, before)
  seen, lost = host:refresh("live")
  return good and seen, failure or lost
end

--- Sends the host's own element with the change.
local function send(host, change, opts)
  return try(host, change, opts, function()
    local element, found = host:element("live", change)
    if not element then return nil, found end
    return host:write("update_device", element, { live = true }, opts.force)
  end)
end

--- The same medium again does nothing to an open tray or another format: the drive is emptied first (facts 7).
local function reseat(host, change, opts)
  local good, failure = try(host, change, opts, function() return eject(host, change, opts) end)
  if not good then return nil, failure end
  local rest = host:change("live", change.desired)
  return not rest or send(host, rest, opts)
end

--- Makes a running CD drive have the medium that is described.  opts: force (a locked tray), reattach = false (never
-- replace the drive by another).  true, or nil and problems.
function media.change(host, change, opts)
  local again = not source_field(change) and change.before.source
  return (again and reseat or send)(host, change, opts)
end

return media
