-- Random hosts with one domain each, random recipes that edit some of its devices, and random faults: what a property
-- of apply is tried on.  Another edit or fault is another row of random_host.edits or random_host.faults.
local core = require("virtlun.core")
local fake = require("support.fake_host")
local host_xml = require("support.host_xml")
local xml = require("support.fake.xml")

local random_host = { THEIRS = "/theirs.iso" } -- what other clients put into their drives

-- Elements ------------------------------------------------------------------------------------------------------------

-- A medium by its name: as a recipe says it.
local sources = {
  cdrom = function(name) return ("/%s.iso"):format(name) end,
  disk = function(name) return { file = ("/%s.img"):format(name) } end,
  lun = function(name) return { dev = "/dev/" .. name } end,
}

local function address(place)
  return ("<address type='drive' controller='%d' bus='0' target='%d' unit='%d'/>"):format(table.unpack(place))
end

local function drive_xml(kind, dev, medium, place, inner)
  local source = sources[kind](medium or "")
  local path = type(source) == "table" and (source.file or source.dev) or source
  local is_block = kind == "lun"
  return table.concat {
    ("<disk type='%s' device='%s'><driver name='qemu' type='raw' cache='none'/>"):format(is_block and "block" or "file",
      kind),
    medium and ("<source %s='%s'/>"):format(is_block and "dev" or "file", path) or "",
    ("<target dev='%s' bus='scsi'/>"):format(dev), inner or "", address(place), "</disk>",
  }
end

-- Domains -------------------------------------------------------------------------------------------------------------

-- A world: host, domain, arch, hbas (model by index), drives (list of { kind, dev, medium, place, name }), media (how
-- many there have been), story (list of lines), touched (names of devices that the recipe names).

local function new_medium(world)
  world.media = world.media + 1
  return "m" .. world.media
end

-- A place that nobody has, on an HBA that takes it; on that of the index, or any where it is nil.
local function free_place(random, world, only)
  for _ = 1, 1000 do
    local index = only or random.upto(#world.hbas + 1) - 1
    local is_virtio = world.hbas[index] == "virtio-scsi"
    local place = { index, is_virtio and random.pick { 0, 0, 1, 255 } or 0,
      is_virtio and random.pick { 0, 1, 2, 7, 300 } or random.upto(6) - 1 }
    local text = table.concat(place, ":")
    if not world.places[text] then
      world.places[text] = true
      return place
    end
  end
  error("no place is free")
end

local function free_dev(random, world)
  while true do
    local dev = core.dev_name(random.upto(20) - 1)
    if not world.devs[dev] then
      world.devs[dev] = true
      return dev
    end
  end
end

local inners = { "", "", "<serial>S1</serial>", "<shareable/>", "<alias name='ua-%s'/>" }

local function add_drive(random, world)
  local kind = random.pick { "cdrom", "cdrom", "cdrom", "disk", "lun", "hostdev" }
  local drive = { kind = kind, place = free_place(random, world) }
  if kind == "hostdev" then
    world.hostdevs = world.hostdevs + 1
    drive.unit = world.hostdevs
    drive.xml = host_xml.hostdev(0, drive.unit, drive.place)
  else
    drive.dev = free_dev(random, world)
    drive.medium = (kind ~= "cdrom" or not random.one_in(5)) and new_medium(world) or nil
    local inner = kind == "lun" and "" or random.pick(inners):format(drive.dev)
    drive.xml = drive_xml(kind, drive.dev, drive.medium, drive.place, inner)
  end
  drive.name = drive.dev or "hostdev" .. drive.unit
  world.drives[#world.drives + 1] = drive
end

-- Disks that are none of ours, one of them under a name that looks so.
local function foreign_disks(random, world)
  local list = {}
  for _, bus in ipairs { "sata", "virtio" } do
    if random.one_in(2) then
      local dev = bus == "sata" and free_dev(random, world) or "vda"
      if bus == "sata" then world.sata = dev end
      list[#list + 1] = ("<disk type='file' device='disk'><source file='/%s.img'/><target dev='%s' bus='%s'/></disk>")
        :format(bus, dev, bus)
    end
  end
  return list
end

local machines = {
  { arch = "x86_64", machine = "pc", more = "<features><acpi/></features>" },
  { arch = "x86_64", machine = "q35", ports = 12 },
  { arch = "s390x", machine = "s390-ccw-virtio" },
}

local states = { "running", "running", "running", "running", "running", "running", "paused", "paused", "transient",
  "shut off", "shut off", "shut off" }
local SELDOM = 25 -- one domain in so many has a saved state, with which nothing can be planned

-- The devices of one half: some drives may be in the other one only.
local function half_of(random, world, fixed, differs)
  local list = table.move(fixed, 1, #fixed, 1, {})
  for _, drive in ipairs(world.drives) do
    if not (differs and random.one_in(6)) then list[#list + 1] = drive.xml end
  end
  return list
end

local function fixed_devices(random, world, machine)
  local list = foreign_disks(random, world)
  for i = 1, machine.ports or 0 do
    list[#list + 1] = ("<controller type='pci' index='%d' model='pcie-root-port'/>"):format(i)
  end
  for index = 0, #world.hbas do list[#list + 1] = host_xml.hba(index, world.hbas[index]) end
  list[#list + 1] = "<graphics type='vnc' passwd='secret'/>"
  return list
end

-- What has happened to the running drives before.
local function live_before(random, world)
  for _, drive in ipairs(world.drives) do
    local running = world.domain.drives[drive.dev]
    if drive.kind == "cdrom" and running then
      running.hot = random.one_in(6) or nil
      if not running.hot and random.one_in(8) then world.domain:guest_eject(drive.dev) end
    end
  end
end

local function new_domain(random, world)
  local machine, state = random.pick(machines), random.pick(states)
  world.arch, world.state = machine.arch, state
  local foreign = machine.arch ~= "s390x" and "lsilogic" or "virtio-scsi"
  world.hbas[0] = "virtio-scsi" -- which has room for all
  for index = 1, random.upto(3) - 1 do world.hbas[index] = random.one_in(3) and foreign or "virtio-scsi" end
  for _ = 1, random.upto(6) do add_drive(random, world) end
  local fixed, differs = fixed_devices(random, world, machine), random.one_in(4)
  local fields = { arch = machine.arch, machine = machine.machine, more = machine.more, boot = not random.one_in(4) }
  fields.config = state ~= "transient" and half_of(random, world, fixed, differs)
  fields.live = state ~= "shut off" and half_of(random, world, fixed, differs)
  if state == "paused" then fields.state = state end
  world.domain = world.host:add(fields)
  if fields.live then live_before(random, world) end
  if fields.live and fields.config and random.one_in(SELDOM) then world.domain:save() end
end

-- Edits ---------------------------------------------------------------------------------------------------------------

-- A drive of some kind that the recipe does not name yet, nil if there is none.
local function pick_drive(random, world, ...)
  local kinds, list = { ... }, {}
  for _, drive in ipairs(world.drives) do
    for _, kind in ipairs(kinds) do
      if drive.kind == kind and not world.touched[drive.name] then list[#list + 1] = drive end
    end
  end
  return list[1] and random.pick(list)
end

local function described(drive)
  if drive.kind ~= "hostdev" then return { kind = drive.kind, dev = drive.dev } end
  return { kind = "hostdev", source = { adapter = "scsi_host0", bus = 0, target = 0, unit = drive.unit } }
end

local function place_of(place) return { controller = place[1], target = place[2], unit = place[3] } end

-- An HBA that no drive is on or above, nil if there is none.
local function free_hba(world)
  local highest = -1
  for _, drive in ipairs(world.drives) do highest = math.max(highest, drive.place[1]) end
  local index = #world.hbas
  if index > highest and index > 0 and not world.touched["controller" .. index] then return index end
end

local function add(kind)
  return function(random, world)
    local index = random.one_in(3) and #world.hbas + random.upto(2) or nil
    for missing = #world.hbas + 1, index or 0 do world.hbas[missing] = "virtio-scsi" end
    local device = { kind = kind, dev = free_dev(random, world), address = place_of(free_place(random, world, index)) }
    if kind ~= "cdrom" or not random.one_in(4) then
      device.source = sources[kind](new_medium(world))
      device.format = kind == "disk" and "raw" or nil
    end
    return device
  end
end

-- What a recipe may say, each a function of the numbers and the world that gives a description, nil where the world has
-- nothing for it.
random_host.edits = {
  { "add a CD drive", add "cdrom" },
  { "add a disk", add "disk" },
  { "add a LUN", add "lun" },
  { "insert", function(random, world)
    local drive = pick_drive(random, world, "cdrom")
    if not drive then return nil end
    local device = described(drive)
    device.source = sources.cdrom(random.one_in(6) and drive.medium or new_medium(world))
    if random.one_in(6) then device.tray = "closed" end
    return device
  end },
  { "eject", function(random, world)
    local drive = pick_drive(random, world, "cdrom")
    if not drive then return nil end
    local device = described(drive)
    device.source = false
    return device
  end },
  { "absent", function(random, world)
    local drive = pick_drive(random, world, "cdrom", "disk", "lun", "hostdev")
    if not drive then return nil end
    local device = described(drive)
    device.absent = true
    return device
  end },
  { "move", function(random, world)
    local drive = pick_drive(random, world, "cdrom", "disk")
    if not drive then return nil end
    local device = described(drive)
    device.address = place_of(free_place(random, world))
    world.moves = true
    return device
  end },
  { "another serial", function(random, world)
    local drive = pick_drive(random, world, "cdrom", "disk")
    if not drive then return nil end
    local device = described(drive)
    device.serial = "S" .. random.upto(9)
    return device
  end },
  { "another format", function(random, world)
    local drive = pick_drive(random, world, "cdrom")
    if not drive or not drive.medium then return nil end
    local device = described(drive)
    device.format = "qcow2"
    return device
  end },
  { "another startup policy", function(random, world)
    local drive = pick_drive(random, world, "cdrom")
    if not drive or not drive.medium then return nil end
    local device = described(drive)
    device.startup_policy = random.pick { "optional", "requisite" }
    return device
  end },
  { "another HBA", function(random, world)
    local index = #world.hbas + 1
    world.hbas[index] = "virtio-scsi"
    return { kind = "controller", index = index, model = "virtio-scsi", queues = random.one_in(2) and 4 or nil }
  end },
  -- What comes to it must be right for the old model too, which runs until the next boot.
  { "another model", function(_, world)
    local index = free_hba(world)
    if not index then return nil end
    return { kind = "controller", index = index, model = "virtio-scsi", queues = 2 }
  end },
  { "an HBA leaves", function(_, world)
    local index = free_hba(world)
    if not index then return nil end
    world.hbas[index] = nil
    return { kind = "controller", index = index, absent = true }
  end },
  { "absent, and what has its name is on another bus", function(random, world)
    local dev = world.sata
    if not dev or not random.one_in(8) then return nil end
    return { kind = random.pick { "cdrom", "disk" }, dev = dev, absent = true }
  end },
  { "boot from it", function(random, world)
    local drive = not world.desired.boot and pick_drive(random, world, "cdrom", "disk")
    if not drive then return nil end
    world.desired.boot = "devices"
    local device = described(drive)
    device.boot = 1
    return device
  end },
}

local function name_of(device)
  if device.kind == "controller" then return "controller" .. device.index end
  return device.dev or "hostdev" .. device.source.unit
end

random_host.name_of = name_of

-- The single operation that does what a description of one device does, nil if there is none.
local function operation_of(world, device)
  local dev, opts = device.dev, { scope = world.desired.scope }
  if not dev then return nil end
  if device.absent then return function(dom) return dom:detach(dev, opts) end end
  if device.format or device.tray or device.serial or device.boot then return nil end
  if device.address and not world.moves then return function(dom) return dom:attach(device, opts) end end
  if device.source then return function(dom) return dom:insert(dev, device.source, opts) end end
  if device.source == false then return function(dom) return dom:eject(dev, opts) end end
end

-- An edit that leaves an HBA must not meet one that needs it: the first says what the world is for those that follow.
local function edit(random, world)
  world.desired = { kind = "domain", name = "web01", fill_gaps = true }
  if random.one_in(6) then world.desired.scope = random.pick { "live", "config" } end
  for _ = 1, random.upto(3) do
    local row = random.pick(random_host.edits)
    local device = row[2](random, world)
    if device then
      world.touched[name_of(device)] = true
      world.desired[#world.desired + 1] = device
    end
  end
  local single = not world.desired[2] and world.desired[1]
  if single and random.one_in(3) then world.operation = operation_of(world, single) end
end

-- How the recipe is planned: world.opts, with which it is planned and applied.
local function choose_opts(random, world)
  local desired, opts = world.desired, world.opts
  if world.operation then return end
  if random.one_in(3) then opts.undo = "all" end
  for _, device in ipairs(desired) do
    local is_easy = device.kind == "cdrom" or device.kind == "controller"
    device.replace = is_easy and random.one_in(4) or nil
  end
  if random.one_in(8) then desired.prune = true end
  if desired[2] and random.one_in(8) and not desired.boot then
    opts.only = { name_of(random.pick(desired)) }
    world.touched = { [opts.only[1]] = true }
  end
end

-- Faults --------------------------------------------------------------------------------------------------------------

local faults = {}

local function at_a_call(random, calls)
  return random.upto(random.one_in(4) and calls + 3 or math.max(calls, 1))
end

local function on_a_call(verdict)
  return function(random, world, calls)
    local number = at_a_call(random, calls)
    world.host.fault = fake.faults.at(number, verdict)
    return ("call %d"):format(number)
  end
end

-- What goes wrong: each row has a name and a function of the numbers, the world and the number of planned changes, that
-- makes it so and tells where; is_met says whether it has shown, where no fault of a call does.
random_host.faults = {
  { "refused", function(random, world, calls)
    local number, code = at_a_call(random, calls), random.pick { 1, 9, 38, 55, 67, 99 }
    world.host.fault = fake.faults.at(number, { refuse = code, message = "no" })
    return ("call %d by error %d"):format(number, code)
  end },
  { "refused although it was made", function(random, world, calls)
    local number, code = at_a_call(random, calls), random.pick { 1, 9, 38, 55, 67, 99 }
    local deny = fake.faults.at(number, { deny = code, message = "no" })
    -- What libvirt has defined and cannot save, it takes back.
    function world.host.fault(call) return call.name ~= "define" and deny(call) or nil end
    return ("call %d by error %d"):format(number, code)
  end },
  { "the domain is busy", function(random, world, calls)
    local number, count = at_a_call(random, calls), random.upto(3)
    world.host.fault = fake.faults.busy(number, count)
    return ("call %d, %d times"):format(number, count)
  end },
  { "the daemon dies before", on_a_call { lose = "before" } },
  { "the daemon dies after", on_a_call { lose = "after" } },
  { "no answer, not made", on_a_call { silent = "before" } },
  { "no answer, made", on_a_call { silent = "after" } },
  { "a question is not answered", function(random, world)
    local number = world.host.count.asking + random.upto(20)
    world.host.fault = fake.faults.asking(number, { refuse = 38 })
    return ("question %d"):format(number)
  end },
  { "somebody else is quicker", function(...) return faults.race(...) end },
  { "the host says yes and does nothing", on_a_call { ignore = true } },
  { "the guest does not let go", function(random, world)
    world.domain.answers["*"] = random.pick { "never", "refuses", 12, 50 }
    return tostring(world.domain.answers["*"])
  end, is_met = function(world) return world:has_called "detach" end },
  { "the guest holds the trays", function(_, world)
    for _, drive in ipairs(world.drives) do if drive.dev then world.domain.locked[drive.dev] = true end end
    return "all"
  end, is_met = function(world) return world:has_called "update" end },
  { "an image cannot be read", function(random, world)
    local what, paths = random.pick { "broken", "broken", "missing" }, {}
    for _, device in ipairs(world.desired) do
      local source = device.kind ~= "hostdev" and device.source
      local path = type(source) == "table" and (source.file or source.dev) or source
      if path then paths[#paths + 1] = path end
    end
    for _, path in ipairs(paths) do world.host.images[path] = what end
    return ("%s: %s"):format(what, table.concat(paths, " "))
  end, is_met = function(world) return next(world.host.images) ~= nil and world:has_called "[au]" end },
}

-- Races ---------------------------------------------------------------------------------------------------------------

-- Whether a race has met the very call, of one of these names, that is about a device of a half: nobody can tell
-- libvirt that what it finds then is another one (facts 7 and 8).
local function is_at(call, names, dev, half)
  if not call.scope[half] then return false end
  for _, name in ipairs(names) do
    if call.text:find(("^%s %s "):format(name, dev)) then return true end
  end
  return false
end

local function each_half(world, fn)
  for _, half in ipairs { "live", "config" } do
    if world.domain[half] then fn(half) end
  end
end

-- A call of another client's, in one half; what libvirt refuses does not come about.
local function try(world, half, name, element)
  pcall(world.domain[name], world.domain, element, { [half] = true })
end

local function theirs(dev, place) return drive_xml("cdrom", dev, "theirs", place) end

-- Says that a disk of a half is to be as it is now, as long as the recipe is applied.
local function expect(world, half, dev)
  local at = world.domain[half]:disk_at(dev)
  world.expected[half .. " " .. dev] = at and xml.text(world.domain[half].devices[at]) or false
end

-- What other clients do, in whatever halves there are, before a call; about contests whatever the recipe says of the
-- very same devices, which may be impossible then.
random_host.races = {
  { "a drive comes to a free place", function(world)
    each_half(world, function(half) try(world, half, "attach_device", theirs("sdzy", { 0, 200, 0 })) end)
  end },
  { "a medium of another drive changes", function(world)
    for _, drive in ipairs(world.drives) do
      if world.domain.config and drive.kind == "cdrom" and not world.touched[drive.name] then
        try(world, "config", "update_device", theirs(drive.dev, drive.place))
      end
    end
  end },
  { "a name is taken", function(world, device, call)
    each_half(world, function(half)
      local is_new = not world.domain[half]:disk_at(device.dev) and not device.absent
      try(world, half, "attach_device", theirs(device.dev, { 0, 201, 0 }))
      is_new = is_new and world.domain[half]:disk_at(device.dev)
      if is_new and not is_at(call, { "attach" }, device.dev, half) then expect(world, half, device.dev) end
    end)
  end, contests = true },
  { "a drive goes", function(world, device, call)
    each_half(world, function(half)
      local was = world.domain[half]:disk_at(device.dev)
      try(world, half, "detach_device", theirs(device.dev, { 0, 0, 0 }))
      local gone = was and not world.domain[half]:disk_at(device.dev)
      -- One that is just being replaced comes back.
      if gone and not is_at(call, { "attach", "detach" }, device.dev, half) then expect(world, half, device.dev) end
    end)
  end, contests = true },
  { "a drive goes, and another one comes under its name", function(world, device, call)
    each_half(world, function(half)
      local was = world.domain[half]:disk_at(device.dev)
      try(world, half, "detach_device", theirs(device.dev, { 0, 0, 0 }))
      if was then try(world, half, "attach_device", theirs(device.dev, { 0, 203, 0 })) end
      local new = was and world.domain[half]:disk_at(device.dev)
      local is_ours = device.absent and not is_at(call, { "detach" }, device.dev, half)
      if new and is_ours then expect(world, half, device.dev) end
    end)
  end, contests = true },
  { "a drive comes to every HBA", function(world)
    for index = 0, #world.hbas do
      local dev = core.dev_name(600 + index)
      each_half(world, function(half)
        if world.domain[half]:hba_at(index) then try(world, half, "attach_device", theirs(dev, { index, 0, 5 })) end
      end)
    end
    world.is_contested = true
  end },
  { "the domain stops", function(world)
    if world.domain.live and world.domain.config then world.domain:stop() end
    world.is_contested = true
  end },
}

-- Lets another client do what a race is about.
local function run_race(world, race, call)
  world:before_race()
  world.is_contested = world.is_contested or world.desired.prune -- which wants theirs away
  if race.contests then
    world.is_contested, world.expected = true, {}
    for _, device in ipairs(world.desired) do
      local is_touched = not world.opts.only or world.touched[device.dev]
      if device.dev and device.dev ~= world.sata and is_touched then race[2](world, device, call) end
    end
  else
    race[2](world)
  end
  world:after_race()
end

-- A define has no way to tell that somebody else was quicker (facts 8), nor has the call by which the configuration
-- loses an HBA: it succeeds although a drive has come there, and libvirt makes another one (facts 3).
local function cannot_tell(call)
  return call.name == "define" or call.text:find("^detach controller%d+ config$") ~= nil
end

function faults.race(random, world, calls)
  local number, race = at_a_call(random, calls), random.pick(random_host.races)
  local at = fake.faults.at(number, { first = function(call) run_race(world, race, call) end })
  world.host.fault = function(call) return not cannot_tell(call) and at(call) or nil end
  return ("call %d, %s"):format(number, race[1])
end

-- The whole -----------------------------------------------------------------------------------------------------------

local World = {}
World.__index = World

-- Whether a call was made whose text begins so.
function World:has_called(pattern)
  for _, text in ipairs(self.host.calls) do
    if text:find("^" .. pattern) then return true end
  end
  return false
end

-- A world whose recipe is not yet made so, and in which nothing is wrong yet.
function random_host.world(random)
  local world = setmetatable({ host = fake.host { version = random.pick { 9000000, 9005000, 11000000 } }, hbas = {},
    drives = {}, places = {}, devs = {}, touched = {}, is_met = {}, expected = {}, opts = {}, media = 0,
    hostdevs = 0 }, World)
  new_domain(random, world)
  edit(random, world)
  choose_opts(random, world)
  return world
end

-- Makes something go wrong from now on, sometimes two things: in words, what.
function random_host.break_something(random, world, calls)
  local words, list = {}, {}
  for i = 1, random.one_in(4) and 2 or 1 do
    local row = random.pick(random_host.faults)
    world.host.fault = nil
    words[i] = ("%s (%s)"):format(row[1], row[2](random, world, calls))
    list[i], world.is_met[i] = world.host.fault or fake.faults.none, row.is_met
  end
  world.host.fault = function(call)
    local verdict = fake.faults.all(list)(call)
    world.has_failed = world.has_failed or verdict ~= nil
    world.is_cut = world.is_cut or verdict and (verdict.lose or verdict.silent)
    world.is_unseen = world.is_unseen or verdict and not call.writes
    world.is_misled = world.is_misled or verdict and verdict.ignore
    world.is_denied = world.is_denied or verdict and verdict.deny
    return verdict
  end
  return table.concat(words, ", ")
end

-- Whether anything of what was to go wrong has.
function random_host.is_met(world)
  for _, is_met in pairs(world.is_met) do
    if is_met(world) then return true end
  end
  return world.has_failed or false
end

-- Mends all that is wrong: the daemon is back, the guest answers, images can be read.
function random_host.mend(world)
  world.host.fault, world.host.images, world.domain.locked = nil, {}, {}
  world.domain:let_go()
  if world.host.down then world.host:restart() end
end

return random_host
