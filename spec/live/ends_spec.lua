-- How an apply ends on a running guest: what undo = "all" brings back, a drive that is replaced because its recipe
-- allows it, what prune takes from a guest, a stop between two steps, and a domain that another client keeps busy.
local child = require("support.child")
local files = require("support.files")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

describe("an apply on a running guest", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, connection, vm, dom, first

  local function disc(label) return live.disc(daemon, label) end

  setup(function()
    daemon = session.start { warm = true }
    connection = live.open(daemon)
    vm = daemon:boot { name = "q35", transient = false, ports = 8, devices = { host.hba(0), host.hba(1),
      host.drive("sda", { path = disc "ONE" }), host.drive("sdb", { path = disc "TWO", place = { 0, 0, 1 } }) } }
    dom = assert(connection:domain(vm.name))
    vm:wait_ready()
    first = live.equal_devices(vm)
  end)
  teardown(function()
    connection:close()
    daemon:stop()
  end)

  local function label(target, lun)
    local seen = vm:lun(target, lun)
    return seen and seen.label
  end

  local function see(wanted, target, lun)
    assert.equal(wanted, vm:wait_for(function() return label(target, lun) == wanted and wanted end))
  end

  local function refused_disk()
    local path = files.write(daemon.folder .. "/unusable.qcow2", ("no image "):rep(1000))
    return { kind = "disk", dev = "sdz", source = path, format = "qcow2",
      address = { controller = 0, target = 9, unit = 0 } }
  end

  it("undoes everything that was made when it is to", function()
    local desired = live.describe(vm, { { kind = "controller", index = 2, model = "virtio-scsi" },
      live.cdrom("sda", disc "NEW"), { kind = "cdrom", dev = "sdb", absent = true },
      live.cdrom("sdc", disc "THREE", { 2, 0, 0 }), refused_disk() })
    local plan = assert(dom:plan(desired))
    local result, problems, ended = plan:apply { undo = "all" }
    assert.is_nil(result)
    assert.same({ 0, 4, 1 }, { ended.done, ended.undone, ended.failed }, tostring(problems))
    assert.is_false(ended.written)
    assert.same(first, live.equal_devices(vm))
    see("ONE", 0, 0)
    see("TWO", 0, 1)
  end)

  it("leaves what the guest may use when it is not told to", function()
    local desired = live.describe(vm, { live.cdrom("sda", disc "NEW"), refused_disk() })
    local result, problems, ended = assert(dom:plan(desired)):apply()
    assert.is_nil(result)
    assert.same({ 1, 0, 1, 0 }, { ended.done, ended.undone, ended.failed, ended.left }, tostring(problems))
    see("NEW", 0, 0)
    live.make(dom, live.describe(vm, { live.cdrom("sda", disc "ONE") }))
    see("ONE", 0, 0)
    assert.same(first, live.equal_devices(vm))
  end)

  it("replaces a drive that moves where the recipe allows it", function()
    local moved = live.cdrom("sdb", disc "TWO", { 0, 3, 7 })
    moved.replace = true
    local result, plan = live.make(dom, live.describe(vm, { moved }))
    assert.equal(1, result.done)
    assert.equal("live, replaces the drive", plan.steps[1].effect)
    see("TWO", 3, 7)
    assert.is_nil(vm:lun(0, 1))
    live.equal_devices(vm)
    assert.is_true(live.is_done(dom, live.describe(vm, { moved })))
    moved.address = { controller = 0, target = 0, unit = 1 }
    live.make(dom, live.describe(vm, { moved }))
    see("TWO", 0, 1)
    assert.same(first, live.equal_devices(vm))
  end)

  it("replaces an HBA of another model where nothing is on it", function()
    local hba = { kind = "controller", index = 1, model = "lsisas1068", replace = true }
    local result, plan = live.make(dom, live.describe(vm, { hba }))
    assert.equal(1, result.done)
    assert.equal("live, replaces the HBA", plan.steps[1].effect)
    assert.truthy(live.device_with(live.equal_devices(vm), "index='1' model='lsisas1068'"))
    hba.model = "virtio-scsi"
    live.make(dom, live.describe(vm, { hba }))
    assert.same(first, live.equal_devices(vm))
  end)

  it("prunes a CD drive at once, and a disk only by force", function()
    assert.equal(0, child.run({ "chmod", "666", files.write(daemon.folder .. "/data.img", ("\0"):rep(1 << 20)) }).code)
    live.make(dom, live.describe(vm, { live.cdrom("sdc", disc "THREE", { 0, 5, 0 }),
      { kind = "disk", dev = "sdd", source = daemon.folder .. "/data.img", format = "raw",
        address = { controller = 0, target = 5, unit = 1 } } }))
    local named = { live.cdrom("sda"), live.cdrom("sdb") }
    local pruned = live.describe(vm, named, { prune = { "cdrom", "disk" } })
    local plan, problems = dom:plan(pruned)
    assert.is_nil(plan)
    assert.truthy(live.code_line(problems):find("prune_boot", 1, true)) -- the only disk is what <os><boot> means
    live.make(dom, live.describe(vm, named, { prune = true }))
    assert.truthy(live.device_with(live.equal_devices(vm), "dev='sdd'"))
    assert.falsy(live.device_with(live.equal_devices(vm), "dev='sdc'"))
    live.make(dom, live.describe(vm, { { kind = "disk", dev = "sdd", absent = true } }))
    assert.same(first, live.equal_devices(vm))
  end)

  it("stops between two steps, and the same again goes on from there", function()
    local desired = live.describe(vm, { live.cdrom("sda", disc "NEW"), live.cdrom("sdc", disc "THREE", { 0, 6, 0 }) })
    local asked = 0
    local result, problems, ended = assert(dom:plan(desired)):apply { stop = function()
      asked = asked + 1
      return asked > 1
    end }
    assert.is_nil(result)
    assert.same({ "stopped", 1, 1 }, { live.code_line(problems), ended.done, ended.left })
    live.equal_devices(vm)
    see("NEW", 0, 0)
    live.make(dom, desired)
    see("THREE", 6, 0)
    live.make(dom, live.describe(vm, { live.cdrom("sda", disc "ONE"), { kind = "cdrom", dev = "sdc", absent = true } }))
    assert.same(first, live.equal_devices(vm))
  end)

  it("waits for a domain that another client keeps busy", function()
    local version = connection.version
    live.skip_if(version >= 11000000 and version < 11005000
      and "libvirt 11.0 to 11.4 lets whoever reads a busy domain wait 30 s for each half" or nil, pending)
    local desired = live.describe(vm, { live.cdrom("sda", disc "NEW") })
    local plan = assert(dom:plan(desired))
    local free = daemon:keep_busy(vm.name)
    finally(free)
    local waited = 0
    local result, problems = plan:apply { on_progress = function(event)
      if event.what ~= "busy" then return end
      waited = waited + 1
      free()
    end }
    assert(result, tostring(problems))
    assert.truthy(waited > 0)
    see("NEW", 0, 0)
    live.make(dom, live.describe(vm, { live.cdrom("sda", disc "ONE") }))
    assert.same(first, live.equal_devices(vm))
  end)
end)
