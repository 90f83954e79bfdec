-- What live specs do with virtlun and a guest: say why they cannot be run here, describe, apply, and compare the
-- domain's two halves.
--
-- The halves are compared as texts of virsh, not as virtlun reads them: what virtlun overlooks is to be seen too.
local busted = require("busted")
local files = require("support.files")
local guest = require("support.guest")
local iso = require("support.iso")
local session = require("support.session")
local virtlun = require("virtlun")

local live = {}

-- What this machine lacks ------------------------------------------------------------------------------------

--- Why no guest of these architectures (of none, if none is said: no domain) can be run here; nil if they can.
function live.missing(...)
  local why = session.missing()
  if why then return "libvirtd with QEMU: " .. why end
  for _, arch in ipairs { ... } do
    why = guest.missing(arch)
    if why then return why end
  end
end

-- Level 3 is the spec that asks, which the output names.
local function tell(why)
  print(("skipped: %s, %s"):format(debug.getinfo(3, "S").source:match("([^/]+)%.lua$"), why))
end

--- In a block of specs: whether none of them can be run, which becomes one that is pending.  why: nil if they can.
function live.skips_all(why)
  if not why then return false end
  tell(why)
  busted.pending("was not tried: " .. why)
  return true
end

--- In a spec: ends it as pending if there is a reason why it cannot be run.  pending: busted's, as the spec sees it.
function live.skip_if(why, pending)
  if not why then return end
  tell(why)
  pending(why)
end

-- Descriptions and their apply -------------------------------------------------------------------------------

--- Opens the daemon's connection; what cannot be opened is an error of the spec.
function live.open(daemon, opts)
  local connection, found = virtlun.open(daemon.uri, opts)
  return assert(connection, tostring(found))
end

--- A disc with a label below the daemon's folder; gives its path.
function live.disc(daemon, label)
  local path = ("%s/%s.iso"):format(daemon.folder, label)
  if not files.read(path) then iso.data(path, label) end
  return path
end

--- A CD drive as a recipe has it. place: { controller, target, unit }.
function live.cdrom(dev, source, place)
  local address = place and { controller = place[1], target = place[2], unit = place[3] } or nil
  return { kind = "cdrom", dev = dev, source = source, address = address }
end

--- A description of the guest's domain: the devices, and keys of the domain.
function live.describe(vm, devices, keys)
  local desired = { kind = "domain", name = vm.name }
  for key, value in pairs(keys or {}) do desired[key] = value end
  for i, device in ipairs(devices) do desired[i] = device end
  return desired
end

--- Plans a description and applies it: the result and the plan, or nil and problems.
function live.apply(dom, desired, opts)
  local plan, found = dom:plan(desired, opts)
  if not plan then return nil, found end
  local result, failure = plan:apply(opts)
  if not result then return nil, failure end
  return result, plan
end

--- The same where it has to succeed.
function live.make(dom, desired, opts)
  local result, more = live.apply(dom, desired, opts)
  assert(result, tostring(more))
  return result, more
end

--- Whether nothing is left to be done for a description.
function live.is_done(dom, desired)
  local plan, found = dom:plan(desired)
  assert(plan, tostring(found))
  return plan.changes == 0, plan
end

-- What only a running device has.
local transient = { "<alias name='[^u][^']*'/>", "<backingStore/>", " tray='closed'" }

local function plain(text)
  for _, pattern in ipairs(transient) do text = text:gsub(pattern, "") end
  text = text:gsub("(<source[^>]-) index='%d+'", "%1")
  text = text:gsub("<source/>", "")
  -- libvirt itself forgets the format of a running drive that is emptied, and leaves it open if it dies meanwhile.
  if not text:find("<source", 1, true) then
    text = text:gsub("(<driver name='qemu') type='raw'", "%1"):gsub(" tray='open'", "")
  end
  return (text:gsub("%s*\n%s*", ""))
end

--- The SCSI controllers and all disks of a document, each one line of XML without what only a running device has.
function live.lines(xml)
  local list = {}
  for text in xml:gmatch("<disk .-</disk>") do list[#list + 1] = plain(text) end
  for attributes, rest in xml:gmatch("<controller (type='scsi'[^>]*)>(.-)</controller>") do
    list[#list + 1] = plain(("<controller %s>%s</controller>"):format(attributes, rest))
  end
  table.sort(list)
  return list
end

--- The same of a half of a domain.
function live.devices(vm, half)
  local flags = half == "config" and { "--inactive" } or {}
  return live.lines(vm:virsh_ok("dumpxml", vm.name, table.unpack(flags)))
end

--- The devices of both halves, which have to be equal.
function live.equal_devices(vm)
  local config, running = live.devices(vm, "config"), live.devices(vm, "live")
  require("luassert").same(config, running)
  return running
end

--- The line of the one device in which a text is; nil if there is none, an error if there are several.
function live.device_with(list, text)
  local found
  for _, line in ipairs(list) do
    if line:find(text, 1, true) then
      assert(not found, "twice: " .. text)
      found = line
    end
  end
  return found
end

--- Attaches or detaches by virsh, as another client would.
function live.virsh_device(vm, act, xml, ...)
  vm:virsh_ok(act, vm.name, files.write(vm.daemon.folder .. "/other-client.xml", xml), ...)
end

--- The codes of problems, in order.
function live.codes(found)
  local codes = {}
  for i, problem in ipairs(found) do codes[i] = problem.code end
  return codes
end

--- Calls fn(call, seconds, failure) at every libvirt call that virtlun has made while body() runs.
function live.with_log(fn, body)
  virtlun.log(fn)
  local results = table.pack(pcall(body))
  virtlun.log(nil)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

--- Ends the machine and starts it from its configuration; gives the line with which it says that it is ready.
function live.cold_boot(vm)
  vm:virsh_ok("destroy", vm.name)
  -- The new machine writes from the beginning of its console's file, over what the old one left there.
  assert(io.open(vm.console .. ".out", "w")):close()
  vm.seen = 0
  vm:virsh_ok("start", vm.name)
  return vm:wait_ready()
end

-- Drives and calls -------------------------------------------------------------------------------------------

--- The calls of libvirt that change a domain.
live.is_write = { define = true, attach_device = true, detach_device = true, update_device = true }

--- Calls fn and gives the list of libvirt's calls that would change a domain, and what fn returned; a call that failed
-- ends in "!".
function live.writes(fn)
  local calls = {}
  virtlun.log(function(call, _, failure)
    if live.is_write[call] then calls[#calls + 1] = failure and call .. "!" or call end
  end)
  local results = table.pack(pcall(fn))
  virtlun.log(nil)
  assert(results[1], results[2])
  return calls, table.unpack(results, 2, results.n)
end

--- The drive of that name in a half of the domain, as virtlun reads it.
function live.drive(dom, half, dev)
  for _, device in ipairs(assert(dom:describe())[half] or {}) do
    if device.dev == dev then return device end
  end
end

--- The element of a drive, as libvirt writes it.
function live.element(vm, half, dev)
  local xml = vm:virsh_ok("dumpxml", vm.name, half == "config" and "--inactive" or nil)
  for element in xml:gmatch("<disk.-</disk>") do
    if element:find(("target dev='%s'"):format(dev), 1, true) then return element end
  end
end

--- An element without what may change with the medium.
function live.frame(element)
  return (element:gsub("%s*<source[^>]-/>", ""):gsub("%s*<source.-</source>", ""):gsub("%s*<backingStore/>", ""))
end

--- The codes of problems, in one line.
function live.code_line(problems)
  local codes = {}
  for i, problem in ipairs(problems or {}) do codes[i] = problem.code end
  return table.concat(codes, " ")
end

return live
