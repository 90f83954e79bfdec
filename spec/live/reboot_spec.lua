-- Rebooting from a disc: guests that boot from their drives are given another disc, another boot order, and a power-off
-- where it takes one.
local child = require("support.child")
local dkjson = require("dkjson")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")
local virtlun = require("virtlun")

describe("dom:reboot", function()
  if live.skips_all(live.missing()) then return end

  local daemon, connection

  setup(function()
    daemon = session.start { warm = true }
    connection = assert(virtlun.open(daemon.uri))
  end)
  teardown(function()
    if connection then connection:close() end
    connection = nil
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
  end)

  local makers = { x86_64 = iso.bootable_x86, s390x = iso.bootable_s390x }

  local function disc(arch, label) return makers[arch](("%s/%s.iso"):format(daemon.folder, label), label) end

  -- A disk whose first sector is that of a bootable disc: a PC writes "BOOTED label" from it, too.
  local function disk(label)
    local sector = files.read(disc("x86_64", label)):sub(24 * 2048 + 1, 24 * 2048 + 510)
    local path = files.write(daemon.folder .. "/" .. label .. ".img", sector .. "\x55\xAA" .. ("\0"):rep(1 << 20))
    assert(os.execute("chmod 666 " .. path))
    return path
  end

  local function boot_order(n) return n and ("<boot order='%d'/>"):format(n) or "" end

  local function cdrom(dev, path, unit, order)
    return host.drive(dev, { path = path, place = { 0, 0, unit }, inner = boot_order(order) })
  end

  local function plain_disk(dev, path, unit, order)
    return host.drive(dev, { device = "disk", path = path, place = { 0, 0, unit }, inner = boot_order(order) })
  end

  local function booted(arch, devices, opts)
    opts = opts or {}
    local vm = daemon:boot { arch = arch, devices = { host.hba(0), table.unpack(devices) }, from_drives = true,
      transient = opts.transient or false, boot = opts.boot, ports = opts.ports }
    finally(function() vm:destroy() end)
    return vm, assert(connection:domain(vm.name))
  end

  -- Waits until the guest that a disc or disk has is there.
  local function await(vm, label)
    if vm.arch == "s390x" then vm:wait_for("GUEST%-READY[^\n]* label=" .. label .. "\n", 120)
    else vm:wait_for("BOOTED " .. label .. "\n", 60)
    end
  end

  -- The same after a power-off: the machine that starts writes its console from the beginning again, over what
  -- was there, so that the label must be another one.
  local function await_start(vm, label)
    vm.seen = 0
    await(vm, label)
  end

  -- What a configuration says of booting: the words of <os>, and the orders of its drives.
  local function boots(xml)
    local list = {}
    for word in xml:gmatch("<boot dev='(%w+)'/>") do list[#list + 1] = word end
    for element in xml:gmatch("<disk .-</disk>") do
      local order = element:match("<boot order='(%d+)'/>")
      if order then list[#list + 1] = element:match("<target dev='(%w+)'") .. "=" .. order end
    end
    return table.concat(list, " ")
  end

  local function changes(result)
    local list = {}
    for i, event in ipairs(result.events) do list[i] = event.change or event.event end
    return list
  end

  local function has(list, word)
    for _, known in ipairs(list) do
      if known == word then return true end
    end
  end

  -- What is refused, as text, and whether the domain was touched.
  local function refused(dom, opts)
    local result, problems, touched = dom:reboot(opts)
    assert.is_nil(result, "rebooted")
    return tostring(problems), touched
  end

  for _, arch in ipairs { "x86_64", "s390x" } do
    it("boots from the disc that was put in, by a reset, on " .. arch, function()
      if arch == "s390x" then live.skip_if(guest.missing(arch), pending) end
      local vm, dom = booted(arch, { cdrom("sda", disc(arch, "ONE"), 0, 1), plain_disk("sdb", disk "DISK", 1, 2) })
      await(vm, "ONE")
      assert(dom:insert("sda", disc(arch, "TWO")))
      local result = assert(dom:reboot { from = "sda", how = "reset" })
      assert.same({ "guest", "reset", true, 0 }, { result.domain, result.how, has(changes(result), "reboot"),
        #result.notes })
      await(vm, "TWO")
      assert.equal("sda=1 sdb=2", boots(daemon:dump(vm.name)))
    end)
  end

  it("is a command, which says how and what it saw", function()
    local vm = booted("x86_64", { cdrom("sda", disc("x86_64", "ONE"), 0, 1) })
    await(vm, "ONE")
    local function run(...) return child.virtlun { "reboot", vm.name, "-c", daemon.uri, ... } end
    local result = run("--from", "sda", "--reset")
    assert.same({ 0, "" }, { result.code, result.err })
    assert.truthy(result.out:find("^guest: reset from sda %(reboot[reboot, ]*%)\n$"), result.out)
    local data = dkjson.decode(run("--reset", "--json").out)
    assert.same({ "guest", "reset", "reboot", 0 }, { data.domain, data.how, data.events[1].event, #data.problems })
    result = run("--from", "sdx")
    assert.same({ 1, "", "guest.sdx: there is no such drive (did you mean 'sda'?)\n" },
      { result.code, result.out, result.err })
    assert.equal("not_there", dkjson.decode(run("--from", "sdx", "--json").out).problems[1].code)
  end)

  it("asks the guest, which goes down and boots again, on s390x", function()
    live.skip_if(guest.missing("s390x"), pending)
    local vm, dom = booted("s390x", { cdrom("sda", disc("s390x", "ONE"), 0, 1) })
    await(vm, "ONE")
    assert(dom:insert("sda", disc("s390x", "TWO")))
    local result = assert(dom:reboot { from = "sda" })
    assert.equal("reboot", result.how)
    await(vm, "TWO")
    assert.equal("running", dom:facts().state)
  end)

  it("powers off and starts from another drive where that is allowed, on s390x", function()
    live.skip_if(guest.missing("s390x"), pending)
    local vm, dom = booted("s390x", { cdrom("sda", disc("s390x", "ONE"), 0), cdrom("sdb", disc("s390x", "TWO"), 1) },
      { boot = "cdrom" })
    await(vm, "ONE")
    assert.equal("guest.sdb: the running domain boots from sda first; what boots changes by a power-off, not by a " ..
      "reboot (power_off = true puts sdb first, powers off and starts again)", (refused(dom, { from = "sdb" })))
    local result = assert(dom:reboot { from = "sdb", power_off = true })
    assert.equal("power_off", result.how)
    local list = changes(result)
    assert.is_true(has(list, "stopped") and has(list, "started"), table.concat(list, " "))
    await_start(vm, "TWO")
    assert.equal("sda=2 sdb=1", boots(daemon:dump(vm.name)))
  end)

  it("turns <os><boot> into a boot order, and says what takes a power-off until then", function()
    local vm, dom = booted("x86_64", { cdrom("sda", disc("x86_64", "ONE"), 0), plain_disk("sdb", disk "DISK", 1) },
      { boot = "hd" })
    await(vm, "DISK")
    local before = daemon:dump(vm.name)
    local text, touched = refused(dom, { from = "sda" })
    assert.same({ "guest.sda: the running domain boots from sdb first; what boots changes by a power-off, not by a " ..
      "reboot (power_off = true puts sda first, powers off and starts again)" }, { text, touched })
    assert.equal(before, daemon:dump(vm.name))

    text, touched = refused(dom, { from = "sda", power_off = true, timeout = 1 })
    assert.same({ "guest: the guest has not answered the request to shut down within 1 s (force = true does not ask " ..
      "the guest)", true }, { text, touched })
    assert.equal("sda=1 sdb=2", boots(daemon:dump(vm.name)))

    assert.equal("guest.sda: the running domain boots from sdb first; its configuration, which has sda first, " ..
      "counts after a power-off, not after a reboot (power_off = true powers off and starts again)",
      (refused(dom, { from = "sda" })))
    local result = assert(dom:reboot { from = "sda", power_off = true, force = true })
    assert.equal("power_off", result.how)
    assert.is_true(has(changes(result), "stopped") and has(changes(result), "started"))
    await_start(vm, "ONE")
    local function without_boot(xml) return (xml:gsub("%s*<boot [^\n]*", "")) end
    assert.equal(without_boot(before), without_boot(daemon:dump(vm.name)))
    assert.equal("reset", assert(dom:reboot { from = "sda", how = "reset" }).how)
    await(vm, "ONE")
  end)

  it("boots from a drive that came to a running domain, after a power-off", function()
    local vm, dom = booted("x86_64", { plain_disk("sda", disk "DISK", 0) }, { boot = "hd" })
    await(vm, "DISK")
    local new = cdrom("sdb", disc("x86_64", "ONE"), 1, 1)
    local told = daemon:virsh("attach-device", vm.name, files.write(daemon.folder .. "/new.xml", new), "--live")
    assert.not_equal(0, told.code, "libvirt takes a boot order beside <os><boot> now")

    local wanted = virtlun.domain(vm.name) { boot = "devices", virtlun.cdrom { dev = "sdb",
      source = disc("x86_64", "ONE"), address = { controller = 0, unit = 1 }, boot = 1 } }
    local plan = assert(dom:plan(wanted))
    local progress = {}
    local result, problems = plan:apply { on_progress = function(p) progress[#progress + 1] = p.state .. p.number end }
    assert(result, tostring(problems))
    assert.same({ "begin1", "begin2", "done1", "done2" }, progress)
    assert.equal("hd", boots(vm:virsh_ok("dumpxml", vm.name)))
    assert.truthy(vm:virsh_ok("dumpxml", vm.name):find("dev='sdb'", 1, true))
    assert.equal("sda=2 sdb=1", boots(daemon:dump(vm.name)))
    plan = assert(dom:plan(wanted))
    assert.same({ 0, 2 }, { plan.changes, #plan.pending })
    assert(dom:reboot { from = "sdb", power_off = true, force = true })
    await_start(vm, "ONE")
    assert.same({ 0, 0 }, { assert(dom:plan(wanted)).changes, #dom:plan(wanted).pending })
  end)

  it("follows a boot order that came to the running domain, but not what <os><boot> would mean now", function()
    local function plugged(vm, element)
      vm:virsh_ok("attach-device", vm.name, files.write(daemon.folder .. "/plugged.xml", element), "--live")
    end
    local two = disc("x86_64", "TWO")
    local vm, dom = booted("x86_64", { cdrom("sdb", disc("x86_64", "ONE"), 1, 2) })
    await(vm, "ONE")
    plugged(vm, cdrom("sda", two, 0, 1))
    local result = assert(dom:reboot { from = two, how = "reset" })
    assert.equal(0, #result.notes)
    await(vm, "TWO")
    vm:virsh_ok("destroy", vm.name)

    local one = cdrom("sdb", disc("x86_64", "ONE"), 1)
    local other = daemon:boot { name = "other", devices = { host.hba(0), one }, from_drives = true, boot = "cdrom" }
    finally(function()
      other:destroy()
      vm:destroy()
    end)
    local its = assert(connection:domain("other"))
    await(other, "ONE")
    plugged(other, cdrom("sda", two, 0))
    result = assert(its:reboot { from = "sda", how = "reset" })
    assert.equal("other.sda: warning: the running domain boots by <os><boot>, which counts only drives that were " ..
      "there when it started", tostring(result.notes))
    await(other, "ONE")
  end)

  it("boots in the same order as before by devices, of which nothing else changes", function()
    daemon:define(host.domain({ "<emulator>/usr/bin/qemu-system-x86_64</emulator>", host.hba(0),
      "<disk type='file' device='disk'><source file='/v.img'/><target dev='vda' bus='virtio'/></disk>",
      cdrom("sda", "/a.iso", 0), cdrom("sdb", "/b.iso", 1), "<interface type='user'/>", "<interface type='user'/>",
      "<graphics type='vnc' port='-1' autoport='yes' passwd='s3cret'/>",
    }):gsub("<boot dev='hd'/>", "<boot dev='network'/><boot dev='cdrom'/><boot dev='hd'/><bootmenu enable='yes'/>"))
    finally(function() daemon:undefine("web01") end)
    local before = daemon:dump("web01")
    local wanted = virtlun.domain "web01" { boot = "devices", virtlun.cdrom { dev = "sdb", boot = 1 } }
    local dom = assert(connection:domain("web01"))
    assert(assert(dom:plan(wanted)):apply())
    local after = daemon:dump("web01")
    assert.equal("vda=4 sda=3 sdb=1", boots(after))
    assert.truthy(after:match("<interface .-</interface>"):find("<boot order='2'/>", 1, true))
    local function without_boot(xml) return (xml:gsub("%s*<boot [^\n]*", "")) end
    assert.equal(without_boot(before), without_boot(after))
    assert.truthy(after:find("passwd='s3cret'", 1, true) and after:find("<bootmenu enable='yes'/>", 1, true))
    assert.equal(0, assert(dom:plan(wanted)).changes)
  end)

  it("refuses what cannot be, with its reason", function()
    local label = iso.data(daemon.folder .. "/data.iso", "DATA")
    local vm, dom = booted("x86_64", { cdrom("sda", disc("x86_64", "ONE"), 0, 1), cdrom("sdb", label, 1) })
    await(vm, "ONE")
    assert.equal("guest: the guest has not answered the request to reboot within 1 s (how = \"reset\" does not ask " ..
      "the guest)", (refused(dom, { timeout = 1 })))
    assert.equal("guest.sdz: there is no such drive (did you mean 'sda'?)", (refused(dom, { from = "sdz" })))
    assert.has_error(function() dom:reboot { how = "softly" } end)

    assert(dom:insert("sda", label))
    local result = assert(dom:reboot { from = "0:0:0:0", how = "reset" })
    assert.equal(("guest.sda: warning: nothing on %s says that it boots"):format(label), tostring(result.notes))
    assert(dom:eject("sda"))
    assert.equal("guest.sda: has nothing in it to boot from (insert a medium first)",
      (refused(dom, { from = "sda", how = "reset" })))

    vm:virsh_ok("suspend", vm.name)
    assert.equal("guest: is paused: only a running domain can be rebooted (bring it to run first)",
      (refused(dom, { how = "reset" })))
    vm:virsh_ok("destroy", vm.name)
    assert.equal("guest: is shut off: only a running domain can be rebooted (bring it to run first)", (refused(dom)))
  end)

  it("never powers a transient domain off, nor one that would lose the drive", function()
    local one, two = cdrom("sda", disc("x86_64", "ONE"), 0, 1), cdrom("sdb", disc("x86_64", "TWO"), 1)
    local vm, dom = booted("x86_64", { one, two }, { transient = true })
    await(vm, "ONE")
    assert.equal("guest: what boots first cannot change while the domain runs, and without a configuration there is " ..
      "no next boot", (refused(dom, { from = "sdb", power_off = true, force = true })))
    assert(dom:reboot { from = "sda", how = "reset" })
    await(vm, "ONE")
    daemon:define(vm:virsh_ok("dumpxml", "--inactive", vm.name):gsub("<disk .-</disk>", function(element)
      return element:find("dev='sdb'", 1, true) and "" or element
    end))
    vm.persistent = true
    assert.equal("guest.sdb: is only in the running domain: after a power-off it would be gone (add it to the " ..
      "configuration first)", (refused(dom, { from = "sdb", power_off = true, force = true })))
    assert.equal("running", dom:facts().state)
  end)

  it("does not promise a drive to a domain that boots a kernel of the host's", function()
    live.skip_if(guest.missing("x86_64"), pending)
    local vm = daemon:boot { devices = { host.hba(0), cdrom("sda", disc("x86_64", "ONE"), 0, 1) } }
    finally(function() vm:destroy() end)
    assert.equal("guest: boots a kernel of the host, whatever its drives have (take <kernel> out of its " ..
      "configuration first)", (refused(assert(connection:domain(vm.name)), { from = "sda" })))
  end)
end)
