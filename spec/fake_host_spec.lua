-- The host that lives in memory behaves as libvirt does: each of its manners is there, and is gone when it is left out;
-- and whatever is to go wrong with a call does.
local fake = require("support.fake_host")
local host = require("support.host_xml")
local virtlun = require("virtlun")

local LIVE, CONFIG, BOTH = { live = true }, { config = true }, { live = true, config = true }

-- A host with a domain, the domain as libvirt has it, and as the backend gives it.
local function start(fields, opts)
  local machine = fake.host(opts)
  local domain = machine:add(fields)
  return machine, domain, assert(machine:open("web01"))
end

-- A pc, which lets HBAs come while it runs, with devices.
local function pc(devices, fields)
  fields = fields or {}
  fields.machine, fields.more, fields.devices = "pc", "<features><acpi/></features>", devices
  return fields
end

-- "ok", or the code with which libvirt refused.
local function code(good, problems)
  return good and "ok" or problems[1].cause.code
end

-- The devices of a half in few words: HBAs with their models, drives with their media.
local function devices_of(dom, half)
  local words = {}
  for _, device in ipairs((virtlun.read((assert(dom:document(half)))))) do
    local what = device.kind == "controller" and device.model or device.source or "empty"
    words[#words + 1] = ("%s %s"):format(device.dev or device.index, type(what) == "string" and what or "table")
  end
  table.sort(words)
  return table.concat(words, ", ")
end

local function drive_of(dom, half, dev)
  for _, device in ipairs((virtlun.read((assert(dom:document(half)))))) do
    if device.dev == dev then return device end
  end
end

local cd = host.drive("sda", { path = "/a.iso" })

-- The element of a running drive, as an update wants it, with texts exchanged.
local function live_element(dom, dev, swaps)
  for disk in dom:document("live"):gmatch("<disk.-</disk>") do
    if disk:find(("dev='%s'"):format(dev), 1, true) then
      local text = disk
      for before, after in pairs(swaps or {}) do text = text:gsub(before, after) end
      return text
    end
  end
end

describe("a host that lives in memory", function()
  it("knows its domains by name and UUID, and says what they are", function()
    local machine, _, dom = start({ devices = { host.hba(0) } })
    machine:add { name = "db01", devices = {}, state = "shut off" }
    machine:add { name = "tmp01", live = {}, config = false, state = "paused" }
    local connection = assert(machine:connect())
    local names = {}
    for i, domain in ipairs(connection:domains()) do names[i] = domain.name end
    assert.same({ "db01", "tmp01", "web01" }, names)
    assert.equal("web01", assert(connection:domain(dom.uuid)).name)
    local wanted = { web01 = { "running", true, true }, db01 = { "shut off", false, true },
      tmp01 = { "paused", true, false } }
    for name, facts in pairs(wanted) do
      local found = assert(connection:domain(name):facts())
      assert.same(facts, { found.state, found.active, found.persistent })
    end
    assert.equal("no_such_domain", select(2, connection:domain("web02"))[1].code)
  end)

  it("writes documents as libvirt: aliases and trays where it runs, implied addresses, what a CD drive always has",
    function()
      local bare = "<disk device='cdrom' type='file'><target dev='sdi'/><source file='/i.iso'/></disk>"
      local _, domain, dom = start { devices = { host.hba(0), host.hba(1), bare } }
      domain:guest_eject("sdi")
      local live, config = dom:document("live"), dom:document("config")
      assert.truthy(live:find("<domain type='qemu' id='1'>", 1, true))
      assert.truthy(live:find("<alias name='scsi1-0-0-1'/>", 1, true), live)
      assert.truthy(live:find("<target dev='sdi' bus='scsi' tray='open'/>", 1, true), live)
      assert.falsy(config:find("<alias", 1, true))
      assert.falsy(config:find("tray", 1, true))
      for _, text in ipairs { live, config } do
        assert.truthy(text:find("<readonly/>", 1, true))
        assert.same({ controller = 1, bus = 0, target = 0, unit = 1 }, virtlun.read(text)[1].address)
      end
    end)

  it("refuses what a half that is not there would need, and what no domain may have", function()
    local _, _, dom = start { live = { host.hba(0) }, config = false }
    assert.equal(55, code(dom:attach_device(cd, CONFIG)))
    assert.equal(55, code(dom:attach_device(cd, BOTH)))
    assert.is_nil(drive_of(dom, "live", "sda"))
    _, _, dom = start { devices = { host.hba(0), cd }, state = "shut off" }
    assert.equal(55, code(dom:attach_device(host.drive("sdb"), LIVE)))
    assert.equal(55, code(dom:attach_device(cd, CONFIG)))
    assert.equal(55, code(dom:attach_device(host.drive("sdb"), CONFIG))) -- its place is taken
    assert.equal(67, code(dom:attach_device(host.drive("sdb", { place = { 0, 0, 1 }, inner = "<boot order='1'/>" }),
      CONFIG)))
    assert.equal(27, code(dom:define(host.domain { host.hba(0), cd, cd })))
    assert.equal(67, code(dom:define(host.domain { host.hba(0), cd, host.drive("sdb") })))
    assert.equal(67, code(dom:define(host.domain { host.hba(0), host.hba(0) })))
    assert.equal("0 virtio-scsi, sda /a.iso", devices_of(dom, "config"))
  end)

  it("says of a unit that no HBA has that another drive is there", function()
    local _, _, dom = start { devices = { host.hba(0) } }
    local _, problems = dom:attach_device(host.drive("sda", { place = { 0, 0, 16384 } }), LIVE)
    assert.same({ 55, "VIR_ERR_OPERATION_INVALID" }, { problems[1].cause.code, problems[1].cause.name })
    assert.truthy(problems[1].cause.message:find("already contains a disk with that address", 1, true))
  end)

  it("has no device calls where it is libvirt's test driver", function()
    local _, _, dom = start({ devices = { host.hba(0) } }, { driver = "TEST" })
    for _, call in ipairs { "attach_device", "detach_device", "update_device" } do
      assert.equal(3, code(dom[call](dom, cd, CONFIG)))
    end
    assert.is_true(dom:define(host.domain { host.hba(0), cd }))
  end)

  it("starts and stops: the next boot brings the configuration, a saved state the old devices", function()
    local machine, domain, dom = start { devices = { host.hba(0) } }
    assert(dom:attach_device(cd, CONFIG))
    domain:save()
    assert.is_true(dom:facts().managed_save)
    assert(dom:power "start")
    assert.equal("0 virtio-scsi", devices_of(dom, "live"))
    assert(dom:power "destroy")
    assert(dom:power "start")
    assert.equal("0 virtio-scsi, sda /a.iso", devices_of(dom, "live"))
    assert.same({ "attach sda config", "start", "destroy", "start" }, machine.calls)
  end)

  it("can stand behind the whole library", function()
    local machine = start { devices = { host.hba(0), cd } }
    local connection = machine:within(virtlun.open, "qemu:///system")
    assert(connection:domain("web01"):insert("sda", "/b.iso"))
    assert.same({ "update sda live", "update sda config" }, machine.calls)
  end)
end)

-- A manner: name; on and off: what is seen with it and without it, by what try(machine, domain, dom) returns.
local manners = {
  { name = "makes_hbas", on = "0 virtio-scsi, 1 virtio-scsi, sda /a.iso", off = "0 virtio-scsi", try = function(dom)
    dom:attach_device(host.drive("sda", { path = "/a.iso", place = { 1, 0, 0 } }), LIVE)
    return devices_of(dom, "live")
  end },
  { name = "default_model", on = "0 virtio-scsi, 1 lsilogic, sda /a.iso",
    off = "0 virtio-scsi, 1 virtio-scsi, sda /a.iso", try = function(dom)
      assert(dom:attach_device(host.drive("sda", { path = "/a.iso", place = { 1, 0, 0 } }), CONFIG))
      local attached = devices_of(dom, "config")
      assert(dom:define(host.domain { host.hba(0), host.drive("sda", { path = "/a.iso", place = { 1, 0, 0 } }) }))
      assert.equal(attached, devices_of(dom, "config"))
      return attached
    end },
  { name = "leaves_hbas", on = "0 virtio-scsi, 1 virtio-scsi", off = "0 virtio-scsi", try = function(dom, machine)
    machine.images["/a.iso"] = "broken"
    assert.equal(1, code(dom:attach_device(host.drive("sda", { path = "/a.iso", place = { 1, 0, 0 } }), LIVE)))
    return devices_of(dom, "live")
  end },
  { name = "recreates_hba", on = "ok: 0 lsilogic, sda /a.iso", off = "9: 0 virtio-scsi, sda /a.iso", devices = { cd },
    try = function(dom)
      assert.equal(9, code(dom:detach_device(host.hba(0), LIVE)))
      local answer = code(dom:detach_device(host.hba(0), CONFIG))
      return ("%s: %s"):format(answer, devices_of(dom, "config"))
    end },
  { name = "attach_changes_medium", on = "ok /b.iso", off = "55 /a.iso", devices = { cd }, try = function(dom)
    local answer = code(dom:attach_device(host.drive("sda", { path = "/b.iso", place = { 0, 3, 3 } }), LIVE))
    assert.equal(0, drive_of(dom, "live", "sda").address.unit)
    return ("%s %s"):format(answer, drive_of(dom, "live", "sda").source)
  end },
  { name = "half_done", on = "1 /a.iso open false", off = "1 /a.iso closed /a.iso", devices = { cd },
    try = function(dom, machine, domain)
      machine.images["/b.iso"] = "broken"
      local answer = code(dom:update_device(live_element(dom, "sda", { ["/a.iso"] = "/b.iso" }), LIVE))
      local drive = drive_of(dom, "live", "sda")
      local medium = domain:medium("sda")
      return ("%s %s %s %s"):format(answer, drive.source, drive.tray or "closed", medium and medium:match("/%w+.iso"))
    end },
  { name = "same_is_nothing", on = "ok open", off = "ok closed", devices = { cd }, try = function(dom, _, domain)
    domain:guest_eject("sda")
    local answer = code(dom:update_device(live_element(dom, "sda"), LIVE))
    return ("%s %s"):format(answer, drive_of(dom, "live", "sda").tray or "closed")
  end },
  { name = "tray_unknown", on = "1 /a.iso", off = "ok /b.iso", try = function(dom)
    assert(dom:attach_device(cd, LIVE))
    local element = live_element(dom, "sda", { ["/a.iso"] = "/b.iso" })
    local answer = code(dom:update_device(element, LIVE))
    assert.equal(answer, code(dom:update_device(element, LIVE, true)))
    return ("%s %s"):format(answer, drive_of(dom, "live", "sda").source)
  end },
  { name = "empty_refused", on = "1", off = "ok", try = function(dom)
    return tostring(code(dom:attach_device(host.drive("sda", { path = false }), LIVE)))
  end },
  { name = "name_alone", on = "ok", off = "99", devices = { host.drive("sdb", { bus = "sata", path = "/sata.iso" }) },
    try = function(dom)
      local answer = code(dom:detach_device(host.drive("sdb"), CONFIG))
      assert.equal(answer ~= "ok", dom:document("config"):find("/sata.iso", 1, true) ~= nil)
      return tostring(answer)
    end },
  { name = "loses_password", on = "gone", off = "kept", devices = { "<graphics type='vnc' passwd='secret'/>" },
    try = function(dom)
      local function has() return dom:document("config", { secure = true }):find("passwd='secret'", 1, true) ~= nil end
      assert.is_true(has())
      local open, secure = dom:document("config"), dom:document("config", { secure = true })
      assert.falsy(open:find("passwd", 1, true))
      assert(dom:define(secure))
      assert.is_true(has())
      assert(dom:define(open))
      return has() and "kept" or "gone"
    end },
}

describe("a bad manner of libvirt:", function()
  it("each has its row here", function()
    local names = {}
    for _, manner in ipairs(manners) do names[manner.name] = true end
    for name in pairs(fake.manners) do assert.is_true(names[name], name) end
  end)

  for _, manner in ipairs(manners) do
    for _, state in ipairs { "on", "off" } do
      it(("%s is %s"):format(manner.name, state), function()
        local devices = table.move(manner.devices or {}, 1, 9, 2, { host.hba(0) })
        local machine, domain, dom = start(pc(devices), { manners = { [manner.name] = state == "on" } })
        assert.equal(manner[state], manner.try(dom, machine, domain))
      end)
    end
  end

  it("is gone with the version that has repaired it, and a daemon that comes back has looked at its trays", function()
    local machine, _, dom = start(pc { host.hba(0) })
    assert(dom:attach_device(cd, LIVE))
    machine:die()
    assert.equal("VIR_FROM_RPC", select(2, dom:facts())[1].cause.domain)
    assert.equal("no_host", select(2, machine:open("web01"))[1].code)
    machine:restart()
    dom = assert(machine:open("web01"))
    assert(dom:update_device(live_element(dom, "sda", { ["/a.iso"] = "/b.iso" }), LIVE))
    local known = { [9002000] = { true, true }, [9003000] = { false, true }, [9010000] = { false, false } }
    for version, seen in pairs(known) do
      local found = fake.host({ version = version }).manners
      assert.same(seen, { found.tray_unknown, found.empty_refused })
    end
  end)

  it("a running disk keeps its fields, the configuration takes whatever is said", function()
    local inner = "<serial>ONE</serial>"
    local _, _, dom = start { devices = { host.hba(0), host.drive("sda", { path = "/a.iso", inner = inner }) } }
    local changes = { ["ONE"] = "TWO", ["unit='0'"] = "unit='1'", ["bus='scsi'"] = "bus='scsi' tray='open'" }
    for before, after in pairs(changes) do
      assert.equal(84, code(dom:update_device(live_element(dom, "sda", { [before] = after }), LIVE)))
    end
    local moved = host.drive("sda", { path = "/nowhere.iso", place = { 0, 9, 9 } })
    assert.equal(84, code(dom:update_device(moved, BOTH)))
    assert.equal("/a.iso", drive_of(dom, "config", "sda").source)
    assert(dom:update_device(moved, CONFIG))
    assert.same({ "/nowhere.iso", 9 }, { drive_of(dom, "config", "sda").source,
      drive_of(dom, "config", "sda").address.unit })
    assert.equal(8, code(dom:update_device(host.drive("sdx"), CONFIG)))
    assert.equal(1, code(dom:update_device(host.drive("sdx"), LIVE)))
    assert.equal(84, code(dom:update_device(host.hba(0), CONFIG)))
    assert.equal(67, code(dom:update_device(host.hba(0), LIVE)))
  end)

  it("an update without an address means the implied one", function()
    local _, _, dom = start { devices = { host.hba(0), host.drive("sda", { place = { 0, 3, 3 } }) } }
    assert.equal(84, code(dom:update_device(live_element(dom, "sda", { ["<address[^>]*>"] = "" }), LIVE)))
    assert(dom:update_device(live_element(dom, "sda", { ["<address[^>]*>"] = "" }), CONFIG))
    assert.equal(0, drive_of(dom, "config", "sda").address.unit)
  end)

  it("a detach from both halves fails whole where one of them lacks the drive", function()
    local _, _, dom = start { live = { host.hba(0), cd }, config = { host.hba(0) } }
    assert.equal(99, code(dom:detach_device(cd, BOTH)))
    assert.truthy(drive_of(dom, "live", "sda"))
    assert(dom:attach_device(host.drive("sdb", { place = { 0, 0, 1 } }), CONFIG))
    assert.equal(99, code(dom:detach_device(host.drive("sdb"), BOTH)))
    assert.truthy(drive_of(dom, "config", "sdb"))
  end)
end)

describe("a guest", function()
  it("holds a tray until five seconds are gone, unless it is forced", function()
    local machine, domain, dom = start { devices = { host.hba(0), cd } }
    domain.locked.sda = true
    local element, before = live_element(dom, "sda", { ["/a.iso"] = "/b.iso" }), dom.now()
    assert.equal(9, code(dom:update_device(element, LIVE)))
    assert.same({ 5, "/a.iso" }, { dom.now() - before, drive_of(dom, "live", "sda").source })
    assert(dom:update_device(element, LIVE, true))
    assert.same({ 5, "/b.iso" }, { machine:now() - before, drive_of(dom, "live", "sda").source })
  end)

  -- What is seen of a detach: its answer, whether the drive is there, the events, and all of that a minute later.
  local function detach(answer)
    local machine, domain, dom = start { devices = { host.hba(0), cd } }
    domain.answers["scsi0-0-0-0"] = answer
    local watcher, words = assert(dom:watch()), {}
    local function look()
      words[#words + 1] = drive_of(dom, "live", "sda") and "there" or "gone"
    local event = watcher:next(0)
    while event do
      words[#words + 1] = event.event
      event = watcher:next(0)
    end
    end
    words[1] = tostring(code(dom:detach_device(cd, LIVE)))
    look()
    words[#words + 1] = tostring(code(dom:detach_device(cd, LIVE)))
    machine:advance(60)
    look()
    return table.concat(words, " ")
  end

  it("lets a drive go at once, after a while, never, or refuses", function()
    assert.equal("ok gone removed 99 gone", detach(nil))
    assert.equal("ok gone removed 99 gone", detach(3))
    assert.equal("ok there 1 gone removed", detach(20))
    assert.equal("ok there 1 there", detach("never"))
    assert.equal("9 there removal_failed 9 there removal_failed", detach("refuses"))
  end)

  it("answers whoever waits for it, in no time", function()
    local machine, domain, dom = start { devices = { host.hba(0), cd } }
    domain.answers["*"] = 20
    local watcher = assert(dom:watch())
    assert(dom:detach_device(cd, LIVE))
    assert.is_nil(watcher:next(10))
    assert.equal("removed", watcher:next(10).event)
    assert.equal(1020, machine:now())
    watcher:close()
  end)
end)

describe("what goes wrong with a call:", function()
  local machine, domain, dom
  before_each(function()
    machine, domain, dom = start { devices = { host.hba(0) } }
  end)

  local function is_there()
    if machine.down then machine:restart() end
    return drive_of(assert(machine:open("web01")), "live", "sda") ~= nil
  end

  it("it is refused, and nothing happens", function()
    machine.fault = fake.faults.at(1, { refuse = 9 })
    assert.equal(9, code(dom:attach_device(cd, LIVE)))
    assert.is_false(is_there())
    assert(dom:attach_device(cd, LIVE))
    assert.same({ "attach sda live!", "attach sda live" }, machine.calls)
  end)

  it("the domain is busy for some calls, half a minute each", function()
    machine.fault = fake.faults.busy(1, 2)
    assert.equal(68, code(dom:attach_device(cd, LIVE)))
    assert.equal(68, code(dom:attach_device(cd, LIVE)))
    assert.equal("ok", code(dom:attach_device(cd, LIVE)))
    assert.equal(1060, machine:now())
  end)

  it("the daemon dies, before it is made or when it is", function()
    for moment, made in pairs { before = false, after = true } do
      machine, domain, dom = start { devices = { host.hba(0) } }
      machine.fault = fake.faults.at(1, { lose = moment })
      local _, problems = dom:attach_device(cd, LIVE)
      assert.equal("VIR_FROM_RPC", problems[1].cause.domain)
      assert.equal("VIR_FROM_RPC", select(2, dom:facts())[1].cause.domain)
      assert.equal(made, is_there())
    end
  end)

  it("nobody answers in time, and it comes about or does not", function()
    for moment, made in pairs { before = false, after = true } do
      machine, domain, dom = start { devices = { host.hba(0) } }
      machine.fault = fake.faults.at(1, { silent = moment })
      local _, problems = dom:attach_device(cd, LIVE)
      assert.is_true(problems[1].cause.begun)
      assert.equal(made, is_there())
    end
  end)

  it("somebody else is quicker", function()
    machine.manners.tray_unknown = false
    machine.fault = fake.faults.at(1, { first = function() domain:attach_device(cd, LIVE) end })
    assert.equal("ok", code(dom:attach_device(host.drive("sda", { path = "/b.iso" }), LIVE)))
    assert.equal("/b.iso", drive_of(dom, "live", "sda").source)
  end)

  it("a question gets no answer", function()
    machine.fault = fake.faults.asking(machine.count.asking + 2, { refuse = 38 })
    assert(dom:facts())
    assert.equal(38, code(dom:document("live")))
    assert(dom:document("live"))
  end)
end)
