-- Media of running domains: what is described is in the drive, the guest reads it, and nothing else of the drive has
-- changed.  One guest serves all cases of a group; every case has drives of its own.
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local qcow2 = require("support.qcow2")
local session = require("support.session")
local virtlun = require("virtlun")

-- The first libvirt that finds out whether a hot-plugged drive has a tray.
local KNOWS_TRAYS = 9003000

local CONTENT = [[<iotune><total_iops_sec>4000</total_iops_sec></iotune><serial>CD %s</serial>]]

-- What the cases share: a daemon, and a guest with drives from sda on, each at a target of its own.
local function new_bench(daemon)
  local bench = { daemon = daemon, made = 0, targets = {} }

  function bench.disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end

  function bench.path(name) return ("%s/%s"):format(daemon.folder, name) end

  --- A drive for the boot: its name is the next one. label false: an empty one.
  function bench.slot(label, inner)
    local target = bench.made
    bench.made = target + 1
    local dev = "sd" .. string.char(97 + target)
    bench.targets[dev] = target
    return host.drive(dev, { path = label and bench.disc(label), place = { 0, target, 0 }, inner = inner,
      driver = "type='raw' error_policy='report' rerror_policy='report'" })
  end

  function bench.boot(opts)
    bench.vm = daemon:boot(opts)
    bench.vm:wait_ready()
    bench.connection = assert(virtlun.open(daemon.uri))
    bench.dom = assert(bench.connection:domain(bench.vm.name))
    bench.old = bench.connection.version < KNOWS_TRAYS
  end

  --- What the guest sees of a drive.
  function bench.seen(dev) return bench.vm:lun(bench.targets[dev], 0) end

  --- The label that the guest reads, "open" for an open tray, "empty" for a shut one with nothing in it.
  function bench.reads(dev)
    local seen = bench.vm:wait_for(function() return bench.seen(dev) end)
    return seen.label or seen.tray == "open" and "open" or "empty"
  end

  function bench.source(half, dev) return (live.drive(bench.dom, half, dev) or {}).source or nil end

  --- A drive that is plugged now.
  function bench.plug(dev, target, label)
    bench.targets[dev] = target
    assert(bench.dom:attach { kind = "cdrom", dev = dev, source = bench.disc(label), alias = "ua-" .. dev,
      address = { controller = 0, target = target, unit = 0 } })
    bench.vm:wait_for(function() return bench.seen(dev) end)
  end

  --- Applies the description of one drive: what dom:insert does too, without finding it first.
  function bench.apply(device, opts)
    device.kind = "cdrom"
    local plan, problems = bench.dom:plan({ kind = "domain", name = bench.vm.name, device }, opts)
    if not plan then return nil, problems end
    return plan:apply(opts)
  end

  function bench.close()
    if bench.connection then bench.connection:close() end
    if bench.vm then bench.vm:destroy() end
  end

  return bench
end

-- Both halves have the same medium, or there is no config.
local function assert_equal_halves(bench, dev)
  if not bench.vm.persistent then return end
  assert.same(bench.source("live", dev), bench.source("config", dev))
end

-- Replaced, the same again, ejected, ejected again, inserted.
local function assert_cycle(bench, dev)
  local dom, one_more = bench.dom, bench.vm.persistent and { "update_device", "update_device" } or { "update_device" }
  local frame, before = live.frame(live.element(bench.vm, "live", dev)), bench.reads(dev)
  for _, label in ipairs { "FIRST", "SECOND" } do
    local path = bench.disc(label)
    local calls = live.writes(function() return assert(dom:insert(dev, path)) end)
    assert.same(one_more, calls)
    assert.not_equal(before, bench.reads(dev))
    assert.equal(label, bench.reads(dev))
    assert.equal(path, bench.source("live", dev))
    assert_equal_halves(bench, dev)
    assert.same({}, (live.writes(function() return assert(dom:insert(dev, path)) end)))
  end
  assert.same(one_more, (live.writes(function() return assert(dom:eject(dev)) end)))
  assert.equal("empty", bench.reads(dev))
  assert.is_nil(bench.source("live", dev))
  assert_equal_halves(bench, dev)
  assert.same({}, (live.writes(function() return assert(dom:eject(dev)) end)))
  assert(dom:insert(dev, bench.disc("LAST")))
  assert.equal("LAST", bench.reads(dev))
  assert_equal_halves(bench, dev)
  assert.equal(frame, live.frame(live.element(bench.vm, "live", dev)))
end

-- The same with a drive that was plugged, as far as this libvirt can.
local function assert_plugged_cycle(bench, dev)
  local dom, frame = bench.dom, live.frame(live.element(bench.vm, "live", dev))
  for _, label in ipairs { "PLUG1", "PLUG2" } do
    local path = bench.disc(label)
    local result = assert(dom:insert(dev, path))
    assert.equal(bench.old and "replaced" or "", live.code_line(result.notes))
    assert.equal(bench.old and "live, may replace the drive" or "live", result.plan.steps[1].effect)
    assert.equal(label, bench.reads(dev))
    assert_equal_halves(bench, dev)
    assert.equal(frame, live.frame(live.element(bench.vm, "live", dev)))
    assert.same({}, (live.writes(function() return assert(dom:insert(dev, path)) end)))
  end
  local config, result, problems = bench.source("config", dev), dom:eject(dev)
  if bench.old then
    assert.is_nil(result)
    assert.equal("cannot_eject", live.code_line(problems))
    assert.same({ "PLUG2", bench.path("PLUG2.iso") }, { bench.reads(dev), bench.source("live", dev) })
    assert.same(config, bench.source("config", dev))
  else
    assert(result, tostring(problems))
    assert.equal("empty", bench.reads(dev))
    assert_equal_halves(bench, dev)
  end
end

describe("media of a running domain:", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon

  setup(function() daemon = session.start { warm = true } end)
  teardown(function() daemon:stop() end)

  for _, machine in ipairs { "q35", "pc", "s390-ccw-virtio" } do
    for _, transient in ipairs { true, machine == "pc" and nil or false } do
      local arch = machine == "s390-ccw-virtio" and "s390x" or "x86_64"
      it(("all goes round on %s, %s"):format(machine, transient and "transient" or "persistent"), function()
        live.skip_if(guest.missing(arch), pending)
        local bench = new_bench(daemon)
        finally(bench.close)
        bench.boot { arch = arch, machine = machine, transient = transient,
          devices = { host.hba(0), bench.slot("BOOT", CONTENT:format("1") .. "<alias name='ua-boot'/>"),
            bench.slot(false) } }
        assert_cycle(bench, "sda")
        assert.truthy(live.element(bench.vm, "live", "sda"):find("ua-boot", 1, true))
        assert(bench.dom:insert("sdb", bench.disc("INTO")))
        assert.equal("INTO", bench.reads("sdb"))
        bench.plug("sdc", 5, "PLUGGED")
        assert_plugged_cycle(bench, "sdc")
        assert.truthy(live.element(bench.vm, "live", "sdc"):find("ua-sdc", 1, true))
      end)
    end
  end

  describe("a drive", function()
    local bench, vm, dom
    local A, B, C, D, E, F, G, H, I, J, K, L, M =
      "sda", "sdb", "sdc", "sdd", "sde", "sdf", "sdg", "sdh", "sdi", "sdj", "sdk", "sdl", "sdm"

    setup(function()
      bench = new_bench(daemon)
      local devices = { host.hba(0) }
      for i = 1, 13 do
        local label = i ~= 3 and "OLD" .. i
        devices[#devices + 1] = bench.slot(label, CONTENT:format(i) .. ("<alias name='ua-%d'/>"):format(i))
      end
      devices[#devices + 1] = host.drive("sdz", { bus = "sata", path = bench.disc("SATA") })
      bench.boot { devices = devices, transient = false }
      vm, dom = bench.vm, bench.dom
    end)
    teardown(function() bench.close() end)

    local function push_button(dev)
      vm:ask("eject " .. bench.seen(dev).blk)
      vm:wait_for(function() return (live.drive(dom, "live", dev) or {}).tray == "open" end)
    end

    -- nil and problems of these codes; the guest reads what it read, live and config have what they had.
    local function assert_refused(dev, codes, fn)
      local label, before, config = bench.reads(dev), bench.source("live", dev), live.element(vm, "config", dev)
      local calls, result, problems = live.writes(fn)
      assert.is_nil(result)
      assert.equal(codes, live.code_line(problems))
      assert.same({ label, before, config },
        { bench.reads(dev), bench.source("live", dev), live.element(vm, "config", dev) })
      return calls, problems
    end

    it("whose configuration is otherwise keeps that", function()
      local other = live.element(vm, "config", A):gsub("4000", "5000"):gsub("CD 1<", "CD config<")
      vm:virsh_ok("update-device", vm.name, files.write(bench.path("other.xml"), other), "--config")
      local frames = { live.frame(live.element(vm, "live", A)), live.frame(live.element(vm, "config", A)) }
      assert.not_equal(frames[1]:match("<serial>.-<"), frames[2]:match("<serial>.-<"))
      assert(dom:insert(A, bench.disc("KEPT")))
      assert_equal_halves(bench, A)
      assert.same(frames, { live.frame(live.element(vm, "live", A)), live.frame(live.element(vm, "config", A)) })
    end)

    it("that the guest has opened is shut again with the same medium, and with another", function()
      push_button(B)
      assert.equal("open", bench.reads(B))
      local path = bench.path("OLD2.iso")
      local result = assert(bench.apply { dev = B, source = path })
      assert.same({ 1, "OLD2" }, { result.done, bench.reads(B) })
      assert.same({}, (live.writes(function() return assert(bench.apply { dev = B, source = path }) end)))
      push_button(B)
      assert(dom:insert(B, bench.disc("OTHER")))
      assert.equal("OTHER", bench.reads(B))
      push_button(B)
      assert(dom:eject(B))
      assert.equal("empty", bench.reads(B))
      push_button(B)
      assert.same({}, (live.writes(function() return assert(dom:eject(B)) end)))
      assert(dom:insert(B, bench.disc("OTHER")))
      assert.equal("OTHER", bench.reads(B))
    end)

    it("gets the same file in another format", function()
      local path = qcow2.of(bench.path("both.qcow2"), bench.disc("INSIDE"))
      local problems = select(2, dom:insert(C, path, { format = "raw" }))
      assert.equal("image_broken", live.code_line(problems))
      vm:virsh_ok("change-media", vm.name, C, path, "--update", "--live", "--config")
      assert.equal("closed", bench.seen(C).tray)
      assert.is_nil(bench.seen(C).label)
      assert(dom:insert(C, path, { format = "qcow2" }))
      assert.equal("INSIDE", bench.reads(C))
      assert.same({}, (live.writes(function() return assert(dom:insert(C, path, { format = "qcow2" })) end)))
      assert_refused(C, "image_broken", function() return bench.apply { dev = C, format = "raw" } end)
    end)

    it("that the guest has locked is told to be, and opens when it is forced", function()
      vm:ask("lock " .. bench.seen(D).blk)
      local new = bench.disc("FORCED")
      assert_refused(D, "tray_locked", function() return dom:insert(D, new) end)
      local _, problems = assert_refused(D, "tray_locked", function() return dom:eject(D) end)
      assert.truthy(tostring(problems):find("locked", 1, true))
      assert.equal(9, problems[1].cause.code)
      assert(dom:insert(D, new, { force = true }))
      vm:ask("unlock " .. bench.seen(D).blk)
      assert.equal("FORCED", bench.reads(D))
      assert_equal_halves(bench, D)
    end)

    it("gets back what it had when the change fails half-way, and the reason stays", function()
      local broken = qcow2.broken(bench.path("broken.qcow2"))
      local function insert() return dom:insert(E, broken, { format = "qcow2" }) end
      local calls, problems = assert_refused(E, "host_refused restored", insert)
      assert.same({ "update_device!", "update_device", "update_device" }, calls)
      assert.same({ 1, "error" }, { problems[1].cause.code, problems[1].severity })
      assert.truthy(problems[1].message:find("luster", 1, true), problems[1].message)
      -- The guest's own open tray looks as a half-made change does.
      push_button(E)
      local result
      result, problems = insert()
      assert.is_nil(result)
      assert.equal("host_refused restored", live.code_line(problems))
      assert.equal("OLD5", bench.reads(E))
      assert_equal_halves(bench, E)
      -- Another format of what is in it is seen to be wrong before the tray opens.
      calls = assert_refused(E, "image_format", function() return bench.apply { dev = E, format = "qcow2" } end)
      assert.same({}, calls)
    end)

    it("that a change of somebody else left half-way is found and mended", function()
      local broken = qcow2.broken(bench.path("broken.qcow2"))
      local bad = live.element(vm, "live", F):gsub("<source.->", ("<source file='%s'>"):format(broken))
        :gsub("type='raw'", "type='qcow2'"):gsub("<source([^>]-)[^/]>", "<source%1'/>")
      files.write(bench.path("bad.xml"), bad)
      assert.not_equal(0, daemon:virsh("update-device", vm.name, bench.path("bad.xml"), "--live").code)
      assert.same({ "open", bench.path("OLD6.iso") }, { bench.reads(F), bench.source("live", F) })
      assert(bench.apply { dev = F, source = bench.path("OLD6.iso") })
      assert.equal("OLD6", bench.reads(F))
    end)

    it("that was empty is empty after a change that fails", function()
      assert(dom:eject(G))
      local broken = qcow2.broken(bench.path("broken.qcow2"))
      local result, problems = dom:insert(G, broken, { format = "qcow2" })
      assert.is_nil(result)
      assert.equal("host_refused left_empty", live.code_line(problems))
      assert.is_nil(bench.source("live", G))
      assert(dom:insert(G, bench.disc("AFTER"), { format = "raw" }))
      assert.equal("AFTER", bench.reads(G))
    end)

    it("that is empty has no format to be changed", function()
      assert(dom:eject(G))
      for _, label in ipairs { false, "FILLED", false } do
        local device = { dev = G, source = label and bench.disc(label), format = "raw" }
        assert(bench.apply(device))
        assert.same({}, (live.writes(function() return assert(bench.apply(device)) end)))
        assert.equal(label or "empty", bench.reads(G))
      end
    end)

    it("is not replaced because of a medium that libvirt refuses at once", function()
      local refused = qcow2.over(bench.path("json.qcow2"), 'json:{"driver":')
      local before = bench.seen(H).blk
      local calls = assert_refused(H, "host_refused restored", function()
        return dom:insert(H, refused, { format = "qcow2" })
      end)
      for _, call in ipairs(calls) do assert.equal("update_device", (call:gsub("!", ""))) end
      assert.equal(before, bench.seen(H).blk)
      assert_refused(H, "image_missing", function() return dom:insert(H, bench.path("nowhere.iso")) end)
    end)

    it("keeps its medium when only the rest changes", function()
      vm:ask("lock " .. bench.seen(I).blk) -- whoever opened the tray would wait
      assert.same({ "update_device", "update_device" }, (live.writes(function()
        return assert(bench.apply { dev = I, startup_policy = "optional" })
      end)))
      assert.equal("optional", live.drive(dom, "live", I).startup_policy)
      assert.equal("optional", live.drive(dom, "config", I).startup_policy)
      vm:ask("unlock " .. bench.seen(I).blk)
      assert.equal("OLD9", bench.reads(I))
      assert(dom:insert(I, bench.disc("POLICY")))
      assert.equal("optional", live.drive(dom, "live", I).startup_policy)
      assert.equal("POLICY", bench.reads(I))
    end)

    it("whose tray is to be open gets that at the next boot", function()
      local plan = assert(dom:plan { kind = "domain", name = vm.name, { kind = "cdrom", dev = J, tray = "open" } })
      assert.same({ "next boot", "config" }, { plan.steps[1].effect, plan.steps[1].scope })
      assert(plan:apply())
      assert.same({ "open", "OLD10" }, { live.drive(dom, "config", J).tray, bench.reads(J) })
      -- An open tray in the configuration is no reason to touch the running drive.
      assert.same({}, (live.writes(function() return bench.apply { dev = J, source = bench.path("OLD10.iso") } end)))
      assert(dom:insert(J, bench.disc("NEXT")))
      assert.equal("NEXT", bench.reads(J))
    end)

    it("is found by alias, by the path of its medium and by its address", function()
      local strange = bench.disc("a & <b> 'c' \"d\" \u{e4}\u{f6} ;x,y=1")
      assert(dom:insert("ua-11", { file = strange }))
      assert.equal(strange, bench.source("live", K))
      assert_equal_halves(bench, K)
      assert(dom:insert(strange, bench.disc("BYPATH")))
      assert.equal("BYPATH", bench.reads(K))
      assert(dom:insert("0:0:10:0", bench.disc("BYADDR")))
      assert.equal("BYADDR", bench.reads(K))
      assert(bench.apply { dev = K, alias = "ua-11", source = bench.disc("BOTH") })
      assert.equal("BOTH", bench.reads(K))
    end)

    it("may have the same medium as another, which then has no name by it", function()
      local path = bench.disc("SHARED")
      assert(dom:insert(L, path))
      assert(dom:insert(M, path))
      assert.same({ "SHARED", "SHARED" }, { bench.reads(L), bench.reads(M) })
      local result, problems = dom:eject(path)
      assert.is_nil(result)
      assert.equal("ambiguous", live.code_line(problems))
      assert.same({ "SHARED", "SHARED" }, { bench.reads(L), bench.reads(M) })
    end)

    it("that only the running domain has comes to the configuration with its medium", function()
      vm:virsh_ok("detach-disk", vm.name, K, "--config")
      local result = assert(dom:insert(K, bench.disc("AGAIN")))
      assert.equal(2, result.done)
      assert.equal("AGAIN", bench.reads(K))
      assert_equal_halves(bench, K)
      local ours, theirs = live.drive(dom, "live", K), live.drive(dom, "config", K)
      assert.same({ ours.address, ours.alias, ours.serial }, { theirs.address, theirs.alias, theirs.serial })
      assert.same({}, (live.writes(function() return assert(dom:insert(K, bench.disc("AGAIN"))) end)))
    end)

    it("of another bus is nobody's", function()
      for _, fn in ipairs {
        function() return dom:insert("sdz", bench.disc("NEVER")) end,
        function() return dom:eject("sdz") end,
        function() return bench.apply { dev = "sdz", source = bench.disc("NEVER") } end,
      } do
        local calls, result, problems = live.writes(fn)
        assert.is_nil(result)
        assert.truthy(problems:has_errors())
        assert.same({}, calls)
      end
    end)

    it("shows what an overlay stands on, and lets go of it", function()
      local over = qcow2.over(bench.path("over.qcow2"), bench.disc("BELOW"))
      assert(dom:insert(M, over, { format = "qcow2" }))
      assert.equal("BELOW", bench.reads(M))
      assert(dom:insert(M, bench.disc("PLAIN"), { format = "raw" }))
      assert.equal("PLAIN", bench.reads(M))
      assert(dom:insert(M, over, { format = "qcow2" }))
      assert(dom:eject(M))
      assert(dom:insert(M, bench.disc("PLAIN"), { format = "raw" }))
      assert.equal("PLAIN", bench.reads(M))
    end)

    it("takes a volume of a pool", function()
      local pool = bench.path("pool")
      child.run { "mkdir", "-m", "777", pool }
      local made = daemon:virsh("pool-create-as", "discs", "dir", "--target", pool)
      if made.code ~= 0 then
        pending("no storage driver: " .. made.err)
        return
      end
      finally(function() daemon:virsh("pool-destroy", "discs") end)
      iso.data(pool .. "/volume.iso", "VOLUME")
      daemon:virsh("pool-refresh", "discs")
      local source = { pool = "discs", volume = "volume.iso" }
      assert(dom:insert(L, source))
      assert.equal("VOLUME", bench.reads(L))
      assert.same(source, bench.source("live", L))
      assert_equal_halves(bench, L)
      assert.same({}, (live.writes(function() return assert(dom:insert(L, source)) end)))
      assert(dom:insert(L, bench.disc("FILE")))
      assert.same({ "FILE", bench.path("FILE.iso") }, { bench.reads(L), bench.source("live", L) })
      assert_equal_halves(bench, L)
    end)

    it("takes a block device", function()
      local image, node = bench.disc("BLOCK"), bench.path("block")
      local loop = child.run({ "losetup", "-f", "--show", "-r", image }, { env = { LD_PRELOAD = false } })
      local major, minor
      if loop.code == 0 then
        finally(function() child.run { "losetup", "-d", (loop.out:gsub("%s", "")) } end)
        major, minor = child.run({ "stat", "-c", "%Hr %Lr", (loop.out:gsub("%s", "")) }).out:match("(%d+) (%d+)")
      end
      if not major or child.run({ "mknod", "-m", "666", node, "b", major, minor }).code ~= 0 then
        pending("no loop device: " .. loop.err)
        return
      end
      assert(dom:insert(L, { dev = node }))
      assert.same({ "BLOCK", { dev = node } }, { bench.reads(L), bench.source("live", L) })
      assert_equal_halves(bench, L)
      assert(dom:insert(L, bench.disc("FILE")))
      assert.equal("FILE", bench.reads(L))
    end)

    describe("that was plugged", function()
      it("is not replaced where that is forbidden", function()
        bench.plug("sdn", 20, "STAYS")
        local function insert() return dom:insert("sdn", bench.disc("GOES"), { reattach = false }) end
        if bench.old then
          local calls = assert_refused("sdn", "needs_reattach", insert)
          for _, call in ipairs(calls) do assert.equal("update_device!", call) end
        else
          assert(insert())
          assert.equal("GOES", bench.reads("sdn"))
        end
      end)

      it("comes back as it was when the new medium is refused", function()
        bench.plug("sdo", 21, "BACK")
        local broken = qcow2.broken(bench.path("broken.qcow2"))
        local function insert() return dom:insert("sdo", broken, { format = "qcow2" }) end
        assert_refused("sdo", bench.old and "host_refused restored replaced" or "host_refused restored", insert)
        push_button("sdo")
        local result, problems = insert()
        assert.is_nil(result)
        assert.equal("host_refused restored" .. (bench.old and " replaced" or ""), live.code_line(problems))
        assert.equal("BACK", bench.reads("sdo"))
      end)

      it("changes as any other once the guest has opened it", function()
        bench.plug("sdp", 22, "OPENED")
        push_button("sdp")
        local result = assert(dom:insert("sdp", bench.disc("ONCE")))
        assert.same({ "", "ONCE" }, { live.code_line(result.notes), bench.reads("sdp") })
        push_button("sdp")
        result = assert(dom:insert("sdp", bench.path("ONCE.iso")))
        assert.same({ bench.old and "replaced" or "", "ONCE" }, { live.code_line(result.notes), bench.reads("sdp") })
        -- Where it may not be replaced, it is told that the drive is empty now, which the guest had opened.
        push_button("sdp")
        local problems
        result, problems = dom:insert("sdp", bench.path("ONCE.iso"), { reattach = false })
        assert.equal(bench.old and "needs_reattach not_restored" or "", live.code_line(problems))
        assert.equal(bench.old and "empty" or "ONCE", bench.reads("sdp"))
        assert.equal(not bench.old, result ~= nil)
        assert(dom:insert("sdp", bench.path("ONCE.iso")))
        assert.equal("ONCE", bench.reads("sdp"))
        push_button("sdp")
        assert(dom:eject("sdp"))
        assert.equal("empty", bench.reads("sdp"))
        assert_equal_halves(bench, "sdp")
        assert(dom:insert("sdp", bench.disc("TWICE")))
        assert.equal("TWICE", bench.reads("sdp"))
      end)
    end)
  end)
end)
