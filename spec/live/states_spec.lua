-- The states of a domain: what is changed by default in each, what is refused and how that is said, and a state that is
-- another one when the plan is applied.
local host = require("support.host_xml")
local guest = require("support.guest")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")
local view = require("virtlun.view.plan")
local virtlun = require("virtlun")

local why_not = session.missing() or guest.missing("x86_64")

describe("a domain that is", function()
  if why_not then
    it("in a state was not seen", function() pending("libvirtd with QEMU: " .. why_not) end)
    print("skipped: states_spec, " .. why_not)
    return
  end

  local daemon, connection

  setup(function()
    daemon = session.start { warm = true }
    connection = assert(virtlun.open(daemon.uri))
  end)
  teardown(function()
    connection:close()
    daemon:stop()
  end)

  local function disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end

  -- Two CD drives, at targets 0 and 1.
  local function devices()
    return { host.hba(0), host.drive("sda", { path = disc("OLD") }),
      host.drive("sdb", { path = false, place = { 0, 1, 0 } }) }
  end

  local function boot(opts)
    local vm = daemon:boot { devices = devices(), transient = opts.transient or false, name = opts.name }
    vm:wait_ready()
    return vm, assert(connection:domain(vm.name))
  end

  local function wish(dom, device)
    device.kind = "cdrom"
    return { kind = "domain", name = dom.name, device }
  end

  -- The lines of a plan as a person reads it, without the first one's URI and the guest's view.
  local function said(plan)
    local lines = view.lines(plan, { paint = function(_, text) return text end })
    local text = table.concat(lines, "\n"):gsub("  qemu:%S+", ""):gsub("  pci%-[^\n]*", ""):gsub("  guest [^\n]*", "")
    return text:gsub(daemon.folder .. "/", ""):gsub("[ \t]+", " "):gsub("^ ", ""):gsub("\n ", "\n"):gsub(" ?\n$", "")
  end

  local function sources(dom, dev)
    local of = { live = false, config = false }
    local description = assert(dom:describe())
    for half in pairs(of) do
      for _, device in ipairs(description[half] or {}) do
        if device.dev == dev and device.source then of[half] = device.source:match("([^/]+)%.iso$") end
      end
    end
    return of
  end

  local function assert_refused(codes, text, result, problems)
    assert.is_nil(result)
    assert.equal(codes, live.code_line(problems))
    assert.truthy(tostring(problems):find(text, 1, true), tostring(problems))
  end

  describe("running", function()
    local vm, dom

    setup(function() vm, dom = boot { name = "running" } end)
    teardown(function() vm:destroy() end)
    before_each(function() assert(dom:insert("sda", disc("OLD"))) end)

    it("is changed live and in its configuration", function()
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("BOTH") })))
      assert.same({ "live and config", 2, "update", "running" }, { plan.steps[1].scope, #plan.steps[1].calls,
        plan.steps[1].calls[1].call, plan.state })
      local old = connection.version < 9003000
      local effect = old and "live, may replace the drive" or "live"
      local felt = old and "now: may replace sda: the guest sees it go and come back"
        or "now: the guest loses the medium that is now in sda"
      assert.equal(("running running\n~ sda source OLD.iso -> BOTH (BOTH.iso) %s\n1 change: 1 to change\n%s"):format(
        effect, felt), said(plan))
      assert(plan:apply())
      assert.same({ live = "BOTH", config = "BOTH" }, sources(dom, "sda"))
      assert.equal("BOTH", vm:lun(0, 0).label)
    end)

    it("is changed in one half where that is asked for, and the next plan mends the other", function()
      assert(dom:insert("sda", disc("HALF"), { scope = "live" }))
      assert.same({ live = "HALF", config = "OLD" }, sources(dom, "sda"))
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("HALF") })))
      assert.same({ 1, "config", "next boot" }, { plan.changes, plan.steps[1].scope, plan.steps[1].effect })
      assert.same({ "update_device" }, (live.writes(function() return assert(plan:apply()) end)))
      assert.same({ live = "HALF", config = "HALF" }, sources(dom, "sda"))
      assert(dom:insert("sda", disc("LATER"), { scope = "config" }))
      assert.same({ live = "HALF", config = "LATER" }, sources(dom, "sda"))
      assert.equal("HALF", vm:lun(0, 0).label)
      plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("LATER") })))
      assert.same({ 1, "live" }, { plan.changes, plan.steps[1].scope })
      assert(plan:apply())
      assert.same({ "LATER", "LATER" }, { vm:lun(0, 0).label, sources(dom, "sda").config })
    end)

    it("keeps its configuration when the live half fails, and the next run makes both equal", function()
      vm:ask("lock " .. vm:lun(0, 0).blk)
      assert_refused("tray_locked", "locked", dom:insert("sda", disc("WAITS")))
      assert.same({ live = "OLD", config = "OLD" }, sources(dom, "sda"))
      vm:ask("unlock " .. vm:lun(0, 0).blk)
      assert(dom:insert("sda", disc("WAITS")))
      assert.same({ live = "WAITS", config = "WAITS" }, sources(dom, "sda"))
    end)

    it("is changed for its next boot where it cannot change at once, which then waits", function()
      local device = { dev = "sdb", serial = "NEXT" }
      local plan = assert(dom:plan(wish(dom, device)))
      assert.same({ "config", "next boot" }, { plan.steps[1].scope, plan.steps[1].effect })
      assert(plan:apply())
      plan = assert(dom:plan(wish(dom, device)))
      assert.same({ 0, 1, "next boot" }, { plan.changes, #plan.pending, plan.pending[1].effect })
    end)

    it("only looked at is planned for, and not changed", function()
      local reader <close> = assert(virtlun.open(daemon.uri, { readonly = true }))
      local seen = assert(reader:domain(vm.name))
      local plan = assert(seen:plan(wish(seen, { dev = "sda", source = disc("NEVER") })))
      assert.equal(1, plan.changes)
      assert.same({}, (live.writes(function() assert_refused("read_only", "read-only", plan:apply()) end)))
      assert_refused("read_only", "open it for writing", seen:insert("sda", disc("NEVER")))
      assert_refused("read_only", "open it for writing", seen:eject("sda"))
      assert.equal(0, assert(seen:insert("sda", disc("OLD"))).done)
      assert.same({ live = "OLD", config = "OLD" }, sources(dom, "sda"))
    end)

    it("changed by another since the plan is planned again", function()
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("MINE") })))
      local other <close> = assert(virtlun.open(daemon.uri))
      assert(assert(other:domain(vm.name)):insert("sda", disc("THEIRS")))
      assert.same({}, (live.writes(function() assert_refused("host_changed", "plan again", plan:apply()) end)))
      assert.same({ live = "THEIRS", config = "THEIRS" }, sources(dom, "sda"))
    end)

    it("paused since the plan is planned again", function()
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("MINE") })))
      vm:virsh_ok("suspend", vm.name)
      finally(function() daemon:virsh("resume", vm.name) end)
      assert.same({}, (live.writes(function() assert_refused("host_changed", "plan again", plan:apply()) end)))
    end)

    it("changed by two at once ends as one of them says, or the other is told", function()
      local other <close> = assert(virtlun.open(daemon.uri))
      local ends, count = {}, 0
      local function change(label, with)
        disc(label)
        virtlun.async(function() return with:domain(vm.name):insert("sda", disc(label)) end, function(result, problems)
          ends[label], count = { result = result, problems = problems }, count + 1
        end)
      end
      change("MINE", connection)
      change("THEIRS", other)
      guest.await(function()
        virtlun.dispatch()
        return count == 2
      end)
      local now = sources(dom, "sda")
      for label, ended in pairs(ends) do
        local right = now.live == label and now.config == label
        assert.truthy(right or now.live ~= label and now.config ~= label or ended.problems,
          label .. " ended half-way, and nobody was told")
        if not ended.result then assert.truthy(#ended.problems > 0) end
      end
      assert(dom:insert("sda", disc("MINE")))
      assert.same({ live = "MINE", config = "MINE" }, sources(dom, "sda"))
    end)

    it("paused is changed like one that runs", function()
      vm:virsh_ok("suspend", vm.name)
      finally(function() daemon:virsh("resume", vm.name) end)
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("PAUSED") })))
      assert.same({ "paused", "live and config" }, { plan.state, plan.steps[1].scope })
      assert(plan:apply())
      assert.equal(0, assert(dom:insert("sda", disc("PAUSED"))).done)
      assert.same({ live = "PAUSED", config = "PAUSED" }, sources(dom, "sda"))
      assert(dom:eject("sdb"))
      assert(dom:insert("sdb", disc("TOO")))
      vm:virsh_ok("resume", vm.name)
      assert.same({ "PAUSED", "TOO" }, { vm:lun(0, 0).label, vm:lun(1, 0).label })
    end)
  end)

  describe("shut off", function()
    local function define(name)
      daemon:define((host.domain(devices(), { name = name }):gsub("type='kvm'", "type='qemu'")))
      finally(function() daemon:undefine(name) end)
      return assert(connection:domain(name))
    end

    it("is changed in its configuration", function()
      local dom = define("off")
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("OFF") })))
      assert.equal("off shut off\n~ sda source OLD.iso -> OFF (OFF.iso) next boot\n1 change: 1 to change", said(plan))
      assert.equal("config", plan.steps[1].scope)
      assert.same({ "update_device" }, (live.writes(function() return assert(plan:apply()) end)))
      assert.same({ live = false, config = "OFF" }, sources(dom, "sda"))
      assert(dom:eject("sda"))
      assert.same({ live = false, config = false }, sources(dom, "sda"))
      assert.same({}, (live.writes(function() return assert(dom:eject("sda")) end)))
    end)

    it("has no running half to change", function()
      local dom = define("nothing")
      assert_refused("not_running", "there is no running domain", dom:insert("sda", disc("OFF"), { scope = "live" }))
      assert.same({ live = false, config = "OLD" }, sources(dom, "sda"))
    end)

    it("may get a medium that is only to come", function()
      local dom = define("early")
      local result = assert(dom:insert("sda", daemon.folder .. "/COMING.iso"))
      assert.equal("image_not_yet", live.code_line(result.notes))
      assert.same({ live = false, config = "COMING" }, sources(dom, "sda"))
    end)

    it("started since the plan is planned again", function()
      local vm, dom = boot { name = "started" }
      finally(function() vm:destroy() end)
      vm:virsh_ok("destroy", vm.name)
      local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("OFF") })))
      vm:virsh_ok("start", vm.name)
      assert.same({}, (live.writes(function() assert_refused("host_changed", "plan again", plan:apply()) end)))
    end)
  end)

  it("transient is changed live, and has nothing else", function()
    local vm, dom = boot { name = "transient", transient = true }
    finally(function() vm:destroy() end)
    local plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("LIVE") })))
    assert.equal("live", plan.steps[1].scope)
    assert(plan:apply())
    assert.equal("LIVE", vm:lun(0, 0).label)
    local insert = function() return dom:insert("sda", disc("NEVER"), { scope = "config" }) end
    assert_refused("no_config", "transient", insert())
    assert_refused("needs_power_off", "serial", dom:plan(wish(dom, { dev = "sda", serial = "NEVER" })))
    assert_refused("needs_power_off", "tray", dom:plan(wish(dom, { dev = "sda", tray = "open" })))
    assert.same({ live = "LIVE", config = false }, sources(dom, "sda"))
    -- Persistent since the plan: it has got a half that nobody planned for.
    plan = assert(dom:plan(wish(dom, { dev = "sda", source = disc("THEN") })))
    daemon:define(vm:virsh_ok("dumpxml", "--inactive", vm.name))
    finally(function()
      daemon:undefine(vm.name)
      vm:destroy()
    end)
    assert.same({}, (live.writes(function() assert_refused("host_changed", "plan again", plan:apply()) end)))
  end)

  it("saved is not changed behind the back of its saved state", function()
    local vm, dom = boot { name = "saved" }
    finally(function() vm:destroy() end)
    vm:virsh_ok("managedsave", vm.name)
    local before = vm:virsh_ok("dumpxml", "--inactive", vm.name)
    assert_refused("managed_save", "virsh managedsave-remove saved", dom:insert("sda", disc("NEVER")))
    assert_refused("managed_save", "saved state", dom:eject("sda"))
    assert_refused("not_running", "no running domain", dom:eject("sda", { scope = "live" }))
    assert_refused("managed_save", "saved state",
      dom:plan(wish(dom, { dev = "sdc", source = disc("NEW"), address = { controller = 0, target = 2, unit = 0 } })))
    assert.equal(0, assert(dom:insert("sda", disc("OLD"))).done)
    assert.equal(before, vm:virsh_ok("dumpxml", "--inactive", vm.name))
    -- Started, it goes on with what it had, and is a running domain like any other.
    vm:virsh_ok("start", vm.name)
    assert(dom:insert("sda", disc("RESTORED")))
    assert.same({ live = "RESTORED", config = "RESTORED" }, sources(dom, "sda"))
    -- Discarded, the state is no obstacle.
    vm:virsh_ok("managedsave", vm.name)
    local plan = dom:plan(wish(dom, { dev = "sda", source = disc("FREE") }))
    assert.is_nil(plan)
    vm:virsh_ok("managedsave-remove", vm.name)
    assert(dom:insert("sda", disc("FREE")))
    assert.same({ live = false, config = "FREE" }, sources(dom, "sda"))
  end)
end)
