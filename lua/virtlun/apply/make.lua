--- Makes one move so: on what was just read, and believed only when it is seen.

local forbid = require "virtlun.plan.forbid"
local guest = require "virtlun.guest"
local hotplug = require "virtlun.apply.hotplug"
local media = require "virtlun.apply.media"
local replace = require "virtlun.apply.replace"

local make = {}

--- Changes a half of a device that stays.
local function change_half(host, name, change, opts)
  if name == "live" and change.replace then return replace.device(host, change, opts) end
  if name == "live" and change.kind == "cdrom" then return media.change(host, change, opts) end
  local element, found = host:element(name, change)
  if not element then return nil, found end
  local good, failure = host:write("update_device", element, { [name] = true }, opts.force)
  if not good then return nil, failure end
  return host:refresh(name)
end

local function each_half(halves, fn)
  for _, name in ipairs { "live", "config" } do
    if halves[name] then
      local good, failure = fn(name, halves[name])
      if not good then return nil, failure end
    end
  end
  return true
end

local makers = {}

function makers.add(host, halves, opts)
  return hotplug.add(host, halves, opts)
end

--- Looks again at a device that is to leave, because the guest may have taken its time over what left before: what is
-- to be done now, nil if nothing is; or nil and problems.  What has come to another place since it was planned is not
-- what was to leave, and an HBA that somebody has begun to use in this half stays.
local function look_again(host, name, planned)
  local good, failure = host:refresh()
  if not good then return nil, failure end
  local change = host:change(name, planned.desired)
  if not change then return nil end
  if change.kind ~= "controller" then
    if guest.same_place(planned.before.address, change.before.address) then return change end
    return host:fail(change, { code = "host_changed" })
  end
  local code, user = forbid.removal_of_hba(host[name].document:drives(), change.before.index)
  if code then return host:fail(change, { code = code, a = user }) end
  return change
end

function makers.remove(host, halves, opts, move)
  return each_half(halves, function(name)
    local change, failure = look_again(host, name, move[name])
    if not change then return not failure, failure end
    return hotplug.take_out(host, name, change, opts)
  end)
end

function makers.change(host, halves, opts)
  return each_half(halves, function(name, change) return change_half(host, name, change, opts) end)
end

--- What of a move is still to be done by calls of its own, as the halves were last read.
local function rest_of(host, move)
  local rest = {}
  if move.live then rest.live = host:change("live", move.desired) end
  if move.config and not move.define then rest.config = host:change("config", move.desired) end
  return rest
end

--- Whether a move that the host has refused is made all the same: that is not believed, but looked for.
local function is_made(host, move, failure)
  if not failure[1].cause or host:is_unanswered(failure) or not host:refresh() then return false end
  return next(rest_of(host, move)) == nil
end

--- A step is done when the host says so, not when a call has returned.
local function verify(host, move)
  local rest = rest_of(host, move)
  local change = rest.live or rest.config
  if not change then return true end
  return host:fail(change, { code = "not_made", a = move.step.why })
end

--- Looks again whether the name of a drive that is to come is still free: where it is taken by now, an attach would
-- change the medium of whatever is there (facts 7).
local function look_before(host, move)
  local change = move.live
  if not change or change.action ~= "add" or change.kind == "controller" then return true end
  if host:has_just_seen("live") then return true end
  return host:refresh("live")
end

--- Makes what of a move its own calls make, not the define at the end: true, or nil and problems.  opts: force,
-- reattach, timeout.
function make.move(host, move, opts)
  local seen, lost = look_before(host, move)
  if not seen then return nil, lost end
  local rest = rest_of(host, move)
  local change = rest.live or rest.config
  if not change then return true end
  local good, failure = host:check_planned(move, rest)
  if not good then return nil, failure end
  good, failure = makers[change.action](host, rest, opts, move)
  if not good and not is_made(host, move, failure) then return nil, failure end
  return verify(host, move)
end

return make
