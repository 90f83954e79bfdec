--- Reboots a domain, from a certain drive if one is named.
--
-- What a machine boots from is settled when it is powered on: a reboot follows the boot order of the running domain,
-- and another one takes a power-off.  That is never done without being asked for.

local boot = require "virtlun.plan.boot"
local core = require "virtlun.core"
local devices = require "virtlun.device"
local drives = require "virtlun.drives"
local hosts = require "virtlun.apply.host"
local images = require "virtlun.plan.images"
local problems = require "virtlun.problems"

local reboot = {}

local SECONDS = 60 -- for a guest to reboot or to shut down
local LOOK_SECONDS = 0.5 -- between looks where no event comes

local is_way = { reboot = true, reset = true }

local function fail(dom, fields, name)
  fields.path = name and ("%s.%s"):format(dom.name, name) or dom.name
  return problems.fail(fields)
end

-- What boots -----------------------------------------------------------------------------------------------

--- How a document boots: { names = in their order, first = whether the drive is the first, device = its description,
-- by_os = whether <os> says so }, device nil if it is not there.  Nil and problems.
local function look(dom, xml, description)
  local document, found = core.document(xml)
  if not document then return nil, problems.list(found) end
  if document:facts().os_kernel then return fail(dom, { code = "boot_kernel" }) end
  local names, first = boot.order(xml, document, description)
  if not names then return nil, first end
  local number = core.find(description, document, 1)
  return { names = names, first = first, device = number and document:device(number),
    by_os = document:facts().os_boot }
end

--- What is known of the medium in a drive: an error if there is none, a warning if nothing could boot from it.
local function judge_medium(dom, device, name, notes)
  if device.kind == "cdrom" and not device.source then return fail(dom, { code = "boot_empty" }, name) end
  local path, see = images.path_of(device.source), dom:sights().image
  local image = device.kind == "cdrom" and path and see and see(path)
  if image and image.bootable == false then
    notes:append { problems.new { code = "not_bootable", path = ("%s.%s"):format(dom.name, name), value = path } }
  end
  return true
end

--- Tells if the drive has something else in it after a power-off than it has now.
local function compare_media(dom, live, config, name, notes)
  local now, then_ = images.path_of(live.device and live.device.source), images.path_of(config.device.source)
  if now and then_ and now ~= then_ then
    local path = ("%s.%s"):format(dom.name, name)
    notes:append { problems.new { code = "boot_medium", path = path, value = now, a = then_ } }
  end
end

--- Makes the configuration boot from the drive first, by one define; everything else that boots comes behind it.
local function put_first(dom, drive)
  local plan, failure = dom:plan({ kind = "domain", name = dom.name, boot = "devices", drive },
    { scope = "config", first = 1 })
  if not plan then return nil, failure end
  return plan:apply { scope = "config", first = 1 }
end

--- A drive that the running domain boots from first: a reboot is enough.
local function stay_up(dom, live, name, notes)
  local good, failure = judge_medium(dom, live.device, name, notes)
  if not good then return nil, failure end
  if live.by_os then
    notes:append { problems.new { code = "boot_by_os", path = ("%s.%s"):format(dom.name, name) } }
  end
  return "reboot"
end

--- A drive that only a power-off makes the first: "power_off" if that is allowed and makes sense, and true as the
-- third value if the configuration was written for it.  Nil and problems.
local function go_down(dom, identity, live, config, opts, notes)
  local name = opts.name
  if not config.device then return fail(dom, { code = "boot_live_only" }, name) end
  if not opts.power_off then
    local code = config.first and "power_off_due" or "power_off_order"
    return fail(dom, { code = code, a = live.names[1] or "no device", b = name }, name)
  end
  local good, failure = judge_medium(dom, config.device, name, notes)
  if not good then return nil, failure end
  compare_media(dom, live, config, name, notes)
  if config.first then return "power_off" end
  local written
  good, failure, written = put_first(dom, identity)
  if not good then return nil, failure, written end
  return "power_off", nil, true
end

--- What it takes to boot from a drive: "reboot" or "power_off", and more as go_down says.
local function prepare(dom, opts, notes)
  local seen, failure = hosts.look(dom)
  if not seen then return nil, failure end
  local drive
  drive, failure = drives.find(dom, seen, opts.from)
  if not drive then return nil, failure end
  local documents = seen.documents
  local name, identity = devices.label(drive), devices.identity(drive)
  local description = core.model { kind = "domain", name = dom.name, identity }
  if not documents.live then return fail(dom, { code = "not_up", value = seen.facts.state }) end
  local live, config
  live, failure = look(dom, documents.live, description)
  if not live then return nil, failure end
  if live.first then return stay_up(dom, live, name, notes) end
  if not documents.config then return fail(dom, { code = "needs_power_off", a = "what boots first" }) end
  config, failure = look(dom, documents.config, description)
  if not config then return nil, failure end
  return go_down(dom, identity, live, config, { name = name, power_off = opts.power_off }, notes)
end

-- What happens then ----------------------------------------------------------------------------------------

--- Waits for an event, and notes all that tell of the domain's life: the word that fn gave for it, nil if the time was
-- up before.
local function await(watcher, events, seconds, fn)
  while seconds > 0 do
    local event = watcher:next(math.min(seconds, LOOK_SECONDS))
    if not event then seconds = seconds - LOOK_SECONDS end
    if event and event.event == "closed" then return nil end
    if event and (event.event == "lifecycle" or event.event == "reboot") then
      events[#events + 1] = event
      local word = fn(event)
      if word then return word end
    end
  end
end

local function change_is(change)
  return function(event) return event.change == change and change or nil end
end

local function seconds_text(seconds)
  return ("%g s"):format(seconds)
end

local function rebooted(event)
  return event.event == "reboot" and "rebooted" or event.change == "stopped" and "stopped" or nil
end

--- Asks for a reboot, or resets, and waits until the host says that it has come about.
local function make_reboot(dom, how, seconds, watcher, events)
  local good, failure = dom:power(how)
  if not good then return nil, failure end
  local outcome = await(watcher, events, seconds, rebooted)
  if outcome == "stopped" then return fail(dom, { code = "reboot_stopped" }) end
  local facts
  facts, failure = dom:facts()
  if not facts then return nil, failure end
  if outcome and facts.state ~= "running" then await(watcher, events, seconds, change_is "resumed") end
  if outcome then return true end
  return fail(dom, { code = how == "reset" and "reset_unseen" or "reboot_ignored", a = how,
    expected = seconds_text(seconds) })
end

--- Powers the domain off and starts it again.
local function make_power_off(dom, force, seconds, watcher, events)
  local good, failure = dom:power(force and "destroy" or "shutdown")
  if not good then return nil, failure end
  if await(watcher, events, seconds, rebooted) == "rebooted" then return fail(dom, { code = "shutdown_restarted" }) end
  local facts
  facts, failure = dom:facts()
  if not facts then return nil, failure end
  if facts.active then
    return fail(dom, { code = force and "reset_unseen" or "shutdown_ignored", a = "power-off",
      expected = seconds_text(seconds) })
  end
  if facts.managed_save then return fail(dom, { code = "managed_save", value = dom.name }) end
  good, failure = dom:power("start")
  if not good then return nil, failure end
  if await(watcher, events, seconds, change_is "started") then return true end
  return fail(dom, { code = "reset_unseen", a = "start", expected = seconds_text(seconds) })
end

--- Only what runs can be rebooted, and what is saved would come back as it was.
local function judge_state(dom, facts)
  if facts.state == "running" then return true end
  if not facts.active and facts.managed_save then return fail(dom, { code = "managed_save", value = dom.name }) end
  return fail(dom, { code = "not_up", value = facts.state })
end

--- dom:reboot(opts) -> { domain =, how = "reboot", "reset" or "power_off", events = list of lifecycle events,
-- notes = }; or nil, problems, and whether anything was done to the domain by then.
-- opts: from = the drive to boot from (dev, alias, path of its medium, or address): where the running domain does not
-- boot from it first, that takes a power-off, which power_off = true allows; how = "reboot", which asks the guest, or
-- "reset", which does not; force = true powers off without asking the guest; timeout = seconds for each wait (60).
function reboot.reboot(dom, opts)
  opts = opts or {}
  local how, seconds, notes, events = opts.how or "reboot", opts.timeout or SECONDS, problems.list(), {}
  if not is_way[how] then error("how is \"reboot\" or \"reset\"", 2) end
  if dom.connection.readonly then return fail(dom, { code = "read_only" }) end
  local facts, failure = dom:facts()
  if not facts then return nil, failure end
  local good, written
  good, failure = judge_state(dom, facts)
  if not good then return nil, failure end
  local way = "reboot"
  if opts.from then way, failure, written = prepare(dom, opts, notes) end
  if not way then return nil, failure, written end
  local watcher
  watcher, failure = dom:watch()
  if not watcher then return nil, failure, written end
  if way == "reboot" then good, failure = make_reboot(dom, how, seconds, watcher, events)
  else good, failure = make_power_off(dom, opts.force, seconds, watcher, events)
  end
  watcher:close()
  if not good then return nil, failure:append(notes), true end
  return { domain = dom.name, how = way == "reboot" and how or way, events = events, notes = notes }
end

return reboot
