-- What is done while memory ends: name, run(made), which gives what a user would get, and where that takes more:
--   make()              what run works on, made while nothing fails
--   text(made, ...)     what run gave as text, the same for the same
--   finish(made)        ends what make has begun
--   loses               blocks that are not ours and are never given back: libxml2 2.9 loses its buffer when it cannot
--                       copy a text of more than eight kilobytes
--   only                the objects whose allocations fail, instead of all: libvirt's own glib aborts without memory
--   says                what stands for "memory" in an error that is not ours: Lua's require takes a file that it has
--                       no memory to open for one that is not there
--   again(made)         what a user does after it failed: raises unless that brings all in order
local core = require("virtlun.core")
local fake = require("support.fake_host")
local host = require("support.host_xml")
local iso = require("support.iso")
local text = require("support.text")
local virtlun = require("virtlun")
local failure = require("failure")

local list = {}

local function scenario(name, fields)
  fields.name = name
  fields.make = fields.make or function() end
  fields.text = fields.text or function(_, ...) return text.of { ... } end
  list[#list + 1] = fields
end

-- Recipes -------------------------------------------------------------------------------------------------------------

local RECIPE = [[
local count = param "count" { default = 2 }
domain "web01" {
  uri = "qemu:///system", fill_gaps = true, boot = "devices",
  controller { index = 1, model = "virtio-scsi", queues = 4, address = { type = "pci", bus = 2, slot = 0 } },
  cdrom { dev = "sda", source = "/a.iso", boot = 1, address = { controller = 1, target = 0, unit = count } },
  disk { dev = "sdb", source = { pool = "default", volume = "b" }, serial = "B", raw = "<encryption/>" },
  lun { dev = "sdc", source = { protocol = "iscsi", name = "iqn.2026-01.org.example:a/1",
    hosts = { { name = "h", port = 3260 } } } },
  hostdev { source = { adapter = "scsi_host1", bus = 0, target = 1, unit = 2 } },
}
]]

local MISTAKES = [[
domain "web01" {
  uri = "qemu:///system",
  cdrom { dev = "sda", sorce = "/a.iso", cache = "nune", address = { controller = 0, target = 300, unit = 20000 } },
  cdrom { dev = "sda", source = { fiel = "/a.iso" }, raw = "<source/><a>" },
  disk { dev = "vda", source = "b.iso", iotune = {}, serial = "\7", wwn = "1" },
  lun { dev = "sdc", source = "/c", address = { controller = 0, target = 0, unit = 1 } },
  hostdev { source = { adapter = "scsi1" }, address = { controller = 0, target = 0, unit = 1 } },
  controler { index = 4 }, { kind = "cdrm" }, "what",
}
]]

-- The described domain of a recipe as a table of this state.
local function described(recipe) return assert(virtlun.loadstring(recipe, "r.lua"))[1] end

scenario("loadstring", { run = function() return virtlun.loadstring(RECIPE, "r.lua", { count = 3 }) end })

scenario("loadstring, mistakes", { run = function()
  return virtlun.loadstring(MISTAKES .. "\nx = y\nerror('no')", "r.lua", { unknown = 1 })
end })

scenario("load, include", { run = function()
  return virtlun.load("spec/recipes/site_wide.lua", { server = "web01" })
end })

-- Descriptions and documents ------------------------------------------------------------------------------------------

local function domain_of(count)
  local domain = { kind = "domain", name = "web01" }
  for i = 1, count do
    domain[i] = { kind = "cdrom", dev = core.dev_name(i - 1), source = ("/%d.iso"):format(i) }
  end
  return domain
end

-- What a mistaken recipe would describe, as far as it is data.
local mistaken = { kind = "domain", name = "web01",
  { kind = "cdrom", dev = "sda", sorce = "/a.iso", cache = "nune", address = { controller = 0, target = 300,
    unit = 20000 } },
  { kind = "cdrom", dev = "sda", source = { fiel = "/a.iso" }, raw = "<source/><a>" },
  { kind = "disk", dev = "vda", source = "b.iso", iotune = {}, serial = "\7", wwn = "1" },
  { kind = "lun", dev = "sdc", source = "/c", address = { controller = 0, target = 0, unit = 1 }, raw = "<a>" },
  { kind = "hostdev", source = { adapter = "scsi1" }, address = { controller = 0, target = 0, unit = 1 } },
  { kind = "controler", index = 4 }, { kind = "cdrm" }, "what" }

scenario("check", { make = function() return described(RECIPE) end, run = virtlun.check })

scenario("check, mistakes", { run = function() return virtlun.check(mistaken) end })

scenario("check, 60 drives with a problem each", { make = function()
  local domain = domain_of(60)
  for _, device in ipairs(domain) do device.serial = "\1" end
  return domain
end, run = virtlun.check })

scenario("xml", { make = function() return described(RECIPE) end, run = virtlun.xml })

scenario("xml of 80 drives", { make = function() return domain_of(80) end, run = virtlun.xml })

scenario("complete", { make = function() return described(RECIPE) end, run = virtlun.complete })

local DEVICES = { host.hba(0), host.hba(1, "lsilogic"), host.drive("sda", { path = "/a.iso",
  inner = "<alias name='ua-a'/><boot order='2'/><unknown a='1'><b/></unknown>" }),
  host.drive("sdb", { device = "disk", path = "/b.img", place = { 0, 0, 1 }, inner = "<serial>B</serial><iotune>"
    .. "<total_bytes_sec>1</total_bytes_sec></iotune><backingStore/>" }),
  host.drive("hda", { bus = "ide", place = { 0, 0, 0 } }), host.hostdev(1, 2, { 0, 0, 7 }),
  "<disk type='network' device='lun'><source protocol='iscsi' name='iqn.2026-01.org.example:a/1'><host name='h' "
  .. "port='3260'/><auth username='u'><secret type='iscsi' usage='s'/></auth></source><target dev='sdc' bus='scsi'/>"
  .. "<address type='drive' controller='0' bus='0' target='0' unit='3'/></disk>",
  "<interface type='user'/>", "<graphics type='vnc' passwd='secret'/>" }
local DOCUMENT = host.domain(DEVICES, { more = "<iothreads>2</iothreads><features><acpi/></features>" })

scenario("read a domain", { run = function() return virtlun.read(DOCUMENT) end })
-- So many names that libxml2 has to make room for them in the middle.
local function many_names()
  local elements = {}
  for i = 1, 300 do elements[i] = ("<element%d attribute%d='%d'/>"):format(i, i, i) end
  return host.domain(DEVICES, { more = table.concat(elements) })
end
local NAMES = many_names()

scenario("read a domain of many names", { loses = 2, run = function() return virtlun.read(NAMES) end })
scenario("read a device", { run = function() return virtlun.read(DEVICES[3]) end })
scenario("read what is no document", { run = function() return virtlun.read(DOCUMENT:sub(1, -30) .. "<&\xff") end })
scenario("read a DOCTYPE", { run = function() return virtlun.read("<!DOCTYPE a><domain/>") end })
scenario("read a document of another", { run = function() return virtlun.read("<a:network xmlns:a='b'/>") end })

-- The core's steps ----------------------------------------------------------------------------------------------------

local CHANGED = { kind = "domain", name = "web01",
  { kind = "cdrom", alias = "ua-a", source = "/new.iso", boot = false, serial = "NEW" },
  { kind = "disk", dev = "sdb", iotune = { total_bytes_sec = 5 }, cache = "none" },
  { kind = "lun", dev = "sdc", absent = true },
  { kind = "hostdev", source = { adapter = "scsi_host1", bus = 0, target = 0, unit = 2 }, readonly = true },
  { kind = "cdrom", dev = "sdd", source = { protocol = "https", name = "/d.iso", hosts = { { name = "h" } } } },
  { kind = "controller", index = 2, model = "virtio-scsi", queues = 2 } }

-- Both models of a change, and its list.
local function compared()
  local desired, document = assert(core.model(CHANGED)), assert(core.document(DOCUMENT))
  return { desired = desired, document = document, changes = core.diff(desired, document) }
end

scenario("core.model", { run = function()
  local model, problems = core.model(CHANGED)
  return model, problems
end, text = function(_, model, problems) return text.of { model and model:tables() or false, problems } end })

scenario("core.document", { run = function() return core.document(DOCUMENT) end, text = function(_, model, problems)
  return text.of { model and model:tables() or false, model and model:facts() or false, problems }
end })

scenario("core.diff", { make = function()
  return { desired = assert(core.model(CHANGED)), document = assert(core.document(DOCUMENT)) }
end, run = function(made) return core.diff(made.desired, made.document) end })

scenario("core.diff of documents just read", { run = function()
  return core.diff(core.model(CHANGED), core.document(DOCUMENT))
end })

scenario("core.find", { run = function()
  local desired, document, found = core.model(CHANGED), core.document(DOCUMENT), {}
  for i = 1, #CHANGED do found[i] = core.find(desired, document, i) or false end
  return found, core.matches(desired, document)
end })

scenario("model:check and complete", { run = function()
  local desired, document = core.model(CHANGED), core.document(DOCUMENT)
  local problems = desired:check(document, document)
  desired:complete(1, document, document)
  return problems, desired:tables(), desired:fingerprint(), document:fingerprint({ [2] = true }, true)
end })

scenario("what a model tells", { make = compared, run = function(made)
  local document = made.document
  return document:facts(), document:drives(), document:boots(), document:hbas(), document:foreign(), document:xml(3),
    document:device(3), document:alias(3), document:count()
end })

scenario("core.patch", { make = compared, run = function(made)
  return core.patch(DOCUMENT, made.desired, made.document, made.changes)
end })

scenario("core.patch of many names", { loses = 2, make = function()
  local desired, document = assert(core.model(CHANGED)), assert(core.document(NAMES))
  return { desired = desired, document = document, changes = core.diff(desired, document) }
end, run = function(made) return core.patch(NAMES, made.desired, made.document, made.changes) end })

scenario("core.boot", { make = compared, run = function(made)
  return core.boot(DOCUMENT, made.document, made.desired, 4)
end })

scenario("core.elements", { make = compared, run = function(made)
  return core.elements(DOCUMENT, made.desired, made.document, made.changes)
end })

scenario("core.element", { make = compared, run = function(made)
  return core.element(DOCUMENT, made.document, 3), core.element(DOCUMENT, made.document, made.changes[1], made.desired)
end })

scenario("core.unread", { make = compared, run = function(made) return core.unread(DOCUMENT, made.document) end })

local disc

scenario("core.iso, hash, suggest and lun", { make = function()
  if not disc then
    disc = os.tmpname()
    iso.bootable_x86(disc, "LABEL")
  end
  return disc
end, run = function(path)
  return core.iso(path), core.hash(DOCUMENT), core.suggest("cdrm", { "disk", "cdrom" }), virtlun.lun.wire(256),
    { virtlun.lun.encode(99999) }
end, finish = os.remove })

scenario("schema", { run = function() return virtlun.schema() end })

scenario("import", { run = function()
  return virtlun.import({ config = DOCUMENT, live = DOCUMENT }, { uri = "qemu:///x" })
end })

-- Plans ---------------------------------------------------------------------------------------------------------------

local RUNNING = { driver = "QEMU", state = "running", active = true, persistent = true, libvirt = 9000000 }

local HALF = host.domain({ host.hba(0), host.hba(1), host.drive("sda", { path = "/a.iso" }),
  host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 } }), host.drive("sdc", { path = "/c.iso",
    place = { 0, 0, 2 } }), host.drive("sdd", { device = "disk", path = "/d.img", place = { 0, 0, 3 } }) },
  { more = "<features><acpi/></features>" })

-- A change of every kind.
local WANTED = { kind = "domain", name = "web01", prune = true, fill_gaps = true,
  { kind = "cdrom", dev = "sda", source = "/new.iso" }, { kind = "cdrom", dev = "sdb", source = false },
  { kind = "disk", dev = "sdd", protect = true },
  { kind = "cdrom", dev = "sde", source = "/e.iso", address = { controller = 3, target = 0, unit = 0 } } }

local function plan_text(_, plan, problems)
  return text.of { plan and { plan.steps, plan.changes, plan.fingerprint } or false, problems or false }
end

scenario("plan", { run = function() return virtlun.plan(WANTED, { live = HALF, config = HALF }, RUNNING) end,
  text = plan_text })

scenario("plan of a boot order", { run = function()
  return virtlun.plan({ kind = "domain", name = "web01", boot = "devices", { kind = "cdrom", dev = "sda", boot = 1 } },
    { config = HALF }, { driver = "QEMU", state = "shut off", persistent = true, libvirt = 9000000 })
end, text = plan_text })

scenario("plan that is refused", { run = function()
  return virtlun.plan({ kind = "domain", name = "web01", { kind = "disk", dev = "sdd", protect = true, absent = true },
    { kind = "cdrom", dev = "sda", replace = true, address = { controller = 0, target = 0, unit = 1 } } },
    { live = HALF, config = HALF }, RUNNING)
end, text = plan_text })

-- Applies -------------------------------------------------------------------------------------------------------------

-- A function of the fake host, which has memory of its own; only to ask it and to take its answer takes ours.
local function apart(fn)
  return function(...)
    local answer = table.pack(failure.pause(fn, ...))
    return table.unpack(answer, 1, answer.n)
  end
end

local function new_machine(fault)
  local machine = fake.host { around = apart }
  machine:add { machine = "pc", more = "<features><acpi/></features>", devices = { host.hba(0), host.hba(1),
    host.drive("sda", { path = "/a.iso" }), host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 } }),
    host.drive("sdc", { path = "/c.iso", place = { 0, 0, 2 } }), host.drive("sdd", { device = "disk", path = "/d.img",
      place = { 0, 0, 3 } }) } }
  machine.fault = fault
  return machine
end

local function halves_of(machine)
  local dom = assert(machine:open("web01"))
  local description = assert(dom:describe())
  return text.of { description.live, description.config }
end

-- The drives that are in a half, each as often as it is there.
local function devs_of(devices)
  local names = {}
  for i, device in ipairs(devices) do names[i] = device.dev or "HBA" .. device.index end
  table.sort(names)
  return table.concat(names, " ")
end

-- What apply does not speak of is there whatever happened, and what it speaks of is there once at most.
local function check_devices(machine)
  local description = assert(assert(machine:open("web01")):describe())
  for _, half in ipairs { "live", "config" } do
    local names = devs_of(description[half])
    assert(names:find("sdd", 1, true), half .. " has lost sdd: " .. names)
    assert(not (" " .. names):find("( %w+)%1"), half .. " has a device twice: " .. names)
  end
end

-- The next apply brings all in order, and then there is nothing to do.
local function complete(made)
  made.machine.fault = nil
  check_devices(made.machine)
  local plan, problems = assert(made.machine:open("web01")):plan(made.wanted)
  assert(plan, "it cannot be planned any more: " .. tostring(problems))
  local result, refused = plan:apply()
  assert(result, "the next apply does not complete: " .. tostring(refused))
  plan = assert(assert(made.machine:open("web01")):plan(made.wanted))
  assert(plan.changes == 0, "the next apply leaves something to do")
  local now = halves_of(made.machine)
  assert(now == made.right, "another state than without a failure:\n" .. now .. "\n" .. made.right)
end

-- What a report says of the host must be so.
local function check_report(made, result, problems, ended)
  if result or type(problems) ~= "table" then return end
  if ended and not ended.written and halves_of(made.machine) ~= made.before then
    error("nothing is said to be written, and something is: " .. tostring(problems))
  end
end

local function applying(name, wanted, opts, fault)
  local right, before
  scenario(name, { make = function()
    if not right then
      local machine = new_machine()
      before = halves_of(machine)
      local plan = assert(assert(machine:open("web01")):plan(wanted))
      assert(plan:apply())
      right = halves_of(machine)
    end
    return { machine = new_machine(fault and fault()), wanted = wanted, right = right, before = before }
  end, run = function(made)
    local dom, problems = made.machine:open("web01")
    if not dom then return nil, problems end
    local plan
    plan, problems = dom:plan(wanted, opts)
    if not plan then return nil, problems end
    return plan:apply(opts)
  end, text = function(made, result, problems, ended)
    check_report(made, result, problems, ended)
    return text.of { result or false, problems or false, ended or false } .. halves_of(made.machine)
  end, again = complete })
end

local SHORT = { kind = "domain", name = "web01", { kind = "cdrom", dev = "sda", source = "/new.iso" },
  { kind = "cdrom", dev = "sdc", absent = true },
  { kind = "cdrom", dev = "sde", source = "/e.iso", address = { controller = 2, target = 0, unit = 0 } } }

applying("apply", SHORT)
applying("apply, a step is refused", SHORT, nil,
  function() return fake.faults.at(3, { refuse = 38, message = "no" }) end)
applying("apply, all is undone", SHORT, { undo = "all" },
  function() return fake.faults.at(4, { refuse = 38, message = "no" }) end)
applying("apply by a define", { kind = "domain", name = "web01", boot = "devices", scope = "config",
  { kind = "cdrom", dev = "sda", boot = 1 } })

-- libvirt -------------------------------------------------------------------------------------------------------------

-- A host of libvirt's own test driver, which is a new one for each connection.
local HOST = "test:///proc/self/cwd/spec/failure/host.xml"

-- What a user does with a domain of it, from opening to closing.
local function visit()
  local connection, problems = virtlun.open(HOST, { events = false })
  if not connection then return nil, problems end
  local dom, description, plan, result, left
  dom, problems = connection:domain("web01")
  if not dom then return nil, problems end
  description, problems = dom:describe()
  if not description then return nil, problems end
  plan, problems = dom:plan { kind = "domain", name = "web01", { kind = "cdrom", dev = "sda", source = "/b.iso" },
    { kind = "cdrom", dev = "sdb", source = "/c.iso", address = { controller = 0, target = 0, unit = 1 } } }
  if not plan then return nil, problems end
  result, problems = plan:apply()
  if not result then return nil, problems end
  left, problems = dom:describe()
  if not left then return nil, problems end
  local domains
  domains, problems = connection:domains()
  if not domains then return nil, problems end
  connection:close()
  return description.config, left.config, #domains
end

scenario("libvirt's test driver", { only = { "virtlun/core.so", "virtlun/libvirt.so", "failures" }, run = visit })

-- The same by a fleet, which describes what happens to each domain.
scenario("libvirt's test driver, a fleet", { only = { "virtlun/core.so", "virtlun/libvirt.so", "failures" },
  run = function()
    local function domain(uri) return { kind = "domain", name = "web01", uri = uri,
      { kind = "cdrom", dev = "sda", source = "/b.iso" } } end
    local report = virtlun.apply { domain(HOST), domain((HOST:gsub("self", "./self"))) }
    if report.failed then return nil, report.problems end
    return report.done
  end })

-- The signals that this thread does not get.
local function blocked()
  for line in io.lines("/proc/thread-self/status") do
    local signals = line:match("^SigBlk:%s*(%x+)")
    if signals then return signals end
  end
end
local BLOCKED = blocked()

scenario("what no signal may break", { only = { "virtlun/libvirt.so", "failures" }, run = function()
  return require("virtlun.backend.jobs").unbroken(function() return { 1, 2, 3 }, "a" .. tostring(HOST) end)
end, again = function() assert(blocked() == BLOCKED, "signals are held for ever") end })

-- States --------------------------------------------------------------------------------------------------------------

local COLD = [[
local virtlun = require "virtlun"
local domains, problems = virtlun.loadstring('domain "a" { cdrom { dev = "sda", source = "/a.iso" } }', "r.lua")
if not domains then return tostring(problems) end
local xml, more = virtlun.xml(domains[1])
return xml or tostring(more)
]]

-- What a require that failed leaves behind is no hindrance to the next one.
scenario("require in this state", { says = "not found:", make = function()
  local before = {}
  for name, module in pairs(package.loaded) do
    if name:find("^virtlun") and not name:find("libvirt$") then before[name], package.loaded[name] = module, nil end
  end
  return before
end, run = function()
  require("virtlun.plan")
  return require("virtlun").VERSION
end, again = function(before)
  assert(require("virtlun").VERSION == virtlun.VERSION)
  for name in pairs(package.loaded) do
    if name:find("^virtlun") and not name:find("libvirt$") then package.loaded[name] = before[name] end
  end
end })

scenario("a new state", { says = "not found:", state = COLD })
scenario("require", { says = "not found:", state = [[return require("virtlun").VERSION]] })
scenario("require, all that plans", { says = "not found:", state = [[
  for _, name in ipairs { "plan", "import", "apply", "recipe" } do require("virtlun." .. name) end
  return "loaded"]] })

return list
