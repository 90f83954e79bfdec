--- A running device taken out and put back otherwise: where it cannot be changed, and the recipe or a remedy has it so.
--
-- What was there comes back if the new one does not.  No signal breaks it: what is between two calls would be lost.

local changes = require "virtlun.plan.changes"
local hotplug = require "virtlun.apply.hotplug"
local problems = require "virtlun.problems"
local quirks = require "virtlun.plan.quirks"
local tray = require "virtlun.apply.tray"

local replace = {}

--- Takes the device out, and tells where it may leave yet when nobody waits any more.
local function take_out(host, change, opts)
  local before = host.wrote.live
  local good, failure = hotplug.take_out(host, "live", change, opts)
  if not good and host.wrote.live > before and failure[1].code ~= "unplug_refused" then
    failure:append { host:problem(change, { code = "away_later" }) }
  end
  return good, failure
end

--- Whether the device is out, and still to come back: nobody has put another one in its place meanwhile, or taken it
-- out of the configuration too.  What cannot be seen is no reason to leave it out.
local function is_ours(host, change, was_configured)
  if host:find("live", change.desired) then return false end
  return not was_configured or not host:refresh("config") or host:find("config", change.desired) ~= nil
end

--- Replaces the device that is there by what element says.  True; or nil, problems, and how it ended: nil where the
-- device has not left, "back" where it came back as it was, "unseen" where nobody has answered, "lost" where it did not
-- come back, with what was said then.
function replace.by(host, change, element, as_it_was, opts)
  local was_configured = host.config and host:find("config", change.desired) ~= nil
  local good, failure = take_out(host, change, opts)
  if not good then return nil, failure end
  if not is_ours(host, change, was_configured) then return host:fail(change, { code = "host_changed" }) end
  good, failure = host:write("attach_device", element, { live = true })
  if good then return true end
  if host:is_unanswered(failure) then return nil, failure, "unseen" end
  local back, again = host:write("attach_device", as_it_was, { live = true })
  if back then return nil, failure, "back" end
  return nil, failure, "lost", again[1].message
end

--- The element of the device as it stands, and as it will be; for a CD drive with its tray shut.
local function elements_of(host, change)
  local is = change.kind == "cdrom" and change.before.tray or nil
  local as_it_was, found = tray.set(host, change, is, "closed", host:element("live", change.current))
  if not as_it_was then return nil, found end
  local element
  is = change.kind == "cdrom" and changes.after(change, "tray") or is
  element, found = tray.set(host, change, is, "closed", host:element("live", change))
  if not element then return nil, found end
  return element, as_it_was
end

--- Whether the device as it will be is an empty CD drive which this libvirt may not plug: it would go, and not come
-- back.
local function may_not_come(host, change)
  local source = changes.after(change, "source")
  if source == nil then source = change.before.source end
  return quirks.foresee_attach({ kind = change.kind, source = source }, host.facts) ~= "live"
end

local ENDS = { back = "put_back", lost = "lost", unseen = "unseen" }

local function run(host, change, opts)
  if change.before.transient then return host:fail(change, { code = "overlaid" }) end
  if may_not_come(host, change) then
    return host:fail(change, { code = "empty_hotplug", a = "it would have to leave first, and would not come back" })
  end
  local element, as_it_was = elements_of(host, change)
  if not element then return nil, as_it_was end
  local good, failure, ended, why = replace.by(host, change, element, as_it_was, opts)
  local seen, lost = host:refresh("live")
  if good then return seen, lost end
  local cause = failure[1].cause
  if not ended or not cause then return nil, failure end
  local told = problems.list { host:problem(change, { code = ENDS[ended], a = why }) }
  return host:fail(change, { code = "host_refused", a = cause.message, cause = cause }, told)
end

--- Makes a change of a running device that may be replaced: true, or nil and problems.
function replace.device(host, change, opts)
  return host.dom.unbroken(run, host, change, opts)
end

return replace
