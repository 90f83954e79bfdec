-- The command on a real daemon with a booted guest, as a user has it: a process for each line, what it prints, how it
-- exits, and what the guest then sees.
local child = require("support.child")
local dkjson = require("dkjson")
local files = require("support.files")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")

describe("the command and a running guest", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, vm

  local function disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end

  setup(function()
    daemon = session.start { warm = true }
    for _, label in ipairs { "TWO", "THREE" } do disc(label) end
    vm = daemon:boot { transient = false, ports = 3,
      devices = { host.hba(0), host.drive("sda", { path = disc "ONE" }) } }
    vm:wait_ready()
  end)
  teardown(function()
    vm:destroy()
    daemon:stop()
  end)

  -- A line of the command, in which @ is the daemon's folder; in what it says, it is so again.
  local function run(line, opts)
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = (word:gsub("@", daemon.folder)) end
    table.insert(words, 2, "-c")
    table.insert(words, 3, daemon.uri)
    opts = opts or {}
    opts.env = { LC_ALL = "C" }
    local result = child.virtlun(words, opts)
    local plain = daemon.folder:gsub("%p", "%%%0")
    for _, key in ipairs { "out", "err" } do result[key] = result[key]:gsub(plain, "@") end
    return result
  end

  local function out_of(line)
    local result = run(line)
    assert.same({ "", 0 }, { result.err, result.code }, line)
    return result.out
  end

  local function label_at(target, lun) return (vm:lun(target, lun) or {}).label end

  -- What the guest's names of a drive are foretold to be, on the only HBA.
  local function names(target, lun)
    local parent = vm:hosts()[1].parent
    return ("guest [H:0:%d:%d] %s-scsi-0:0:%d:%d (uncertain)"):format(target, lun, parent, target, lun)
  end

  it("change media, and find nothing to do afterwards", function()
    assert.equal("guest: sda now holds TWO (@/TWO.iso), live and config; " .. names(0, 0) .. "\n",
      out_of "insert guest sda @/TWO.iso")
    assert.equal("TWO", label_at(0, 0))
    assert.truthy(daemon:dump("guest"):find("/TWO.iso'", 1, true))
    assert.equal("guest: sda holds it already; nothing to do\n", out_of "insert guest sda @/TWO.iso")
    assert.equal("guest: 0:0:0:0 holds it already; nothing to do\n", out_of "insert guest 0:0:0:0 @/TWO.iso")

    assert.equal("guest: sda is now empty, live and config; " .. names(0, 0) .. "\n", out_of "eject guest @/TWO.iso")
    assert.falsy(vm:lun(0, 0).medium)
    assert.equal("guest: sda is empty already; nothing to do\n", out_of "eject guest sda")
  end)

  it("change one half, which show tells, and the other later", function()
    out_of "insert guest sda @/ONE.iso"
    assert.equal("guest: sda now holds TWO (@/TWO.iso), live; " .. names(0, 0) .. "\n",
      out_of "insert guest sda @/TWO.iso --live")
    assert.equal("TWO", label_at(0, 0))
    local shown = out_of "show guest"
    assert.truthy(shown:find("unit 0  cdrom sda  TWO (@/TWO.iso)  tray closed  " .. names(0, 0) ..
      "  [until its next boot]\n", 1, true), shown)
    assert.truthy(shown:find("unit 0  cdrom sda  ONE (@/ONE.iso)  " .. names(0, 0) ..
      "  [from its next boot on]\n", 1, true), shown)
    assert.equal("guest: sda now holds TWO (@/TWO.iso), config, for the next boot; " .. names(0, 0) .. "\n",
      out_of "insert guest sda @/TWO.iso --live --config")
    assert.falsy(out_of("show guest"):find("next boot", 1, true))
  end)

  it("show as data what they draw", function()
    out_of "insert guest sda @/TWO.iso"
    local domain = dkjson.decode(out_of "show guest --json").domains[1]
    local function drive(which)
      for _, device in ipairs(domain[which].devices) do
        if device.dev == "sda" then return device end
      end
    end
    local running, config = drive("live"), drive("config")
    assert.same({ "closed", "TWO", "iso9660", "[H:0:0:0]", "same" },
      { running.tray, running.medium.label, running.medium.format, running.guest.hctl, running.other })
    assert.same({ "TWO", "same" }, { config.medium.label, config.other })
    assert.is_nil(config.tray)
  end)

  it("add and take away drives and HBAs", function()
    local note = "guest.sdb.address.unit: note: unit 300 is LUN 16684 in the guest; "
    local result = run "attach guest cdrom @/ONE.iso --address 0:0:5:300"
    assert.same({ 0, "guest: cdrom sdb added at 0:0:5:300, with ONE (@/ONE.iso), live and config; " ..
      names(5, 16684) .. "\n" }, { result.code, result.out })
    assert.equal(note, result.err:sub(1, #note))
    assert.equal("ONE", vm:wait_for(function() return label_at(5, 16684) end))
    assert.truthy(vm:by_path()[vm:hosts()[1].parent .. "-scsi-0:0:5:16684"])

    assert.equal("guest: controller1 added, HBA virtio-scsi, live and config\n", out_of "attach guest controller")
    assert.equal(2, #vm:wait_for(function() return vm:hosts()[2] and vm:hosts() end))
    assert.equal("guest: HBA controller1 removed, live and config\n", out_of "detach guest controller1")
    assert.equal("guest: cdrom sdb removed, live and config\n", out_of "detach guest sdb")
    assert.is_nil(vm:lun(5, 16684))
    assert.falsy(daemon:dump("guest"):find("sdb", 1, true))
  end)

  it("lose no disk unless somebody says so", function()
    local image = files.write(daemon.folder .. "/disk.img", ("\0"):rep(1 << 20))
    assert(os.execute("chmod 666 " .. image))
    assert.equal(0, run("attach guest disk @/disk.img --format raw").code)
    local result = run "detach guest @/disk.img"
    assert.same({ 64, "", "virtlun: without a terminal, detach of a disk needs --yes\n" },
      { result.code, result.out, result.err })
    result = run "detach guest @/disk.img --json"
    assert.same({ 64, "" }, { result.code, result.out })
    assert.truthy(daemon:dump("guest"):find("/disk.img'", 1, true))
    local line = ("%s detach -c %s guest sdb"):format(child.command, child.quote(daemon.uri))
    result = child.run({ "script", "-qec", line, "/dev/null" }, { stdin = "n\n", env = { LD_PRELOAD = false } })
    local question = ("Take disk sdb (%s) from the running domain guest? [y/N] "):format(image)
    assert.truthy(result.code == 127 or result.out:find(question, 1, true), result.out)
    assert.truthy(daemon:dump("guest"):find("/disk.img'", 1, true))
    assert.equal("guest: disk sdb removed, config, for the next boot\n", out_of "detach guest sdb --config")
    assert.equal("guest: disk sdb removed, live\n", out_of "detach guest @/disk.img --yes")
  end)

  it("tell what goes wrong, and how far it went", function()
    local result = run "insert guest sda @/none.iso"
    assert.same({ 1, "", "guest.sda.source: @/none.iso cannot be opened: No such file or directory\n" },
      { result.code, result.out, result.err })
    result = run "insert guest sda @/none.iso --json"
    local data = dkjson.decode(result.out)
    assert.same({ 1, "", {}, "image_missing" }, { result.code, result.err, data.plans, data.problems[1].code })
    assert.equal(1, run("eject guest sdz").code)
    assert.equal(1, run("detach guest controller0").code)
    assert.equal(1, run("attach guest cdrom @/ONE.iso --dev sda").code)
  end)

  it("stop where a drive cannot come, and exit 3 for what was done before", function()
    -- QEMU may not open it, even where whoever runs the command may.
    assert(os.execute("chmod 000 " .. disc "HIDDEN"))
    local recipe = { stdin = ([[domain "guest" { cdrom { dev = "sdb", source = "%s/ONE.iso" },
      cdrom { dev = "sdc", source = "%s/HIDDEN.iso" } }]]):format(daemon.folder, daemon.folder) }
    local result = run("apply --yes --json -", recipe)
    local data = dkjson.decode(result.out:match("([^\n]+)\n$")) -- the last event is the whole
    assert.same({ 3, "partly", "host_refused", "made_before" },
      { result.code, data.plans[1].result, data.problems[#data.problems - 1].code, data.problems[#data.problems].code })
    assert.same({ "sdb", "done", "sdc", "failed" }, { data.plans[1].steps[1].device, data.plans[1].steps[1].result,
      data.plans[1].steps[2].device, data.plans[1].steps[2].result })
    local shown = out_of "show guest"
    assert.truthy(shown:find("cdrom sdb  ONE", 1, true), shown)
    assert.falsy(shown:find("sdc", 1, true), shown)
    out_of "detach guest sdb"

    -- The HBA that was made for the drive goes with it.
    result = run("attach guest cdrom @/HIDDEN.iso --address 1:0:0:0 --json")
    data = dkjson.decode(result.out)
    assert.same({ 1, "failed" }, { result.code, data.plans[1].result })
    local steps = data.plans[1].steps
    assert.same({ "controller1", "undone", "sdb", "failed" },
      { steps[1].device, steps[1].result, steps[2].device, steps[2].result })
    assert.falsy(out_of("show guest"):find("HBA 1", 1, true))
  end)

  it("lose no drive to a signal in the middle", function()
    -- Below libvirt 9.3 the drive is replaced, and between its going and its coming back nothing may break off.
    out_of "attach guest cdrom @/ONE.iso --dev sdh --address 0:0:9:0"
    local function running() return vm:virsh_ok("domblklist", "guest") end
    for _, signal in ipairs { "INT", "TERM", "HUP" } do
      for delay = 30, 110, 10 do
        local label = running():find("/ONE.iso", 1, true) and "TWO" or "ONE"
        local command = ("%s insert guest sdh %s -c '%s' >/dev/null 2>&1 & sleep 0.%03d; kill -%s $!; wait"):format(
          child.command, disc(label), daemon.uri, delay, signal)
        child.run { "sh", "-c", command }
        assert.truthy(running():find("sdh +%S+/%u+%.iso"), ("%s after %d ms"):format(signal, delay))
      end
    end
    assert.equal(0, run("insert guest sdh @/TWO.iso").code)
    assert.equal("TWO", vm:wait_for(function() return vm:lun(9, 0) end).label)
    out_of "detach guest sdh"
  end)

  it("force a tray that the guest has locked only when told to", function()
    out_of "insert guest sda @/ONE.iso"
    vm:ask("mkdir -p /m; mount -t iso9660 -o ro /dev/sr0 /m")
    finally(function() vm:ask("umount /m") end)
    local result = run "insert guest sda @/TWO.iso"
    assert.same({ 1, "guest.sda: the guest has locked the tray (unmount or eject it in the guest, or use force)\n" },
      { result.code, result.err })
    assert.equal("guest: sda now holds TWO (@/TWO.iso), live and config; " .. names(0, 0) .. "\n",
      out_of "insert guest sda @/TWO.iso --force")
  end)

  it("plan says what is interrupted", function()
    out_of "insert guest sda @/ONE.iso"
    local recipe = { stdin = ('domain "guest" { cdrom { dev = "sda", source = "%s/TWO.iso" } }'):format(daemon.folder) }
    local result = run("plan -", recipe)
    assert.truthy(result.out:find("sda  source @/ONE.iso -> TWO (@/TWO.iso)  live", 1, true), result.out)
    local last = result.out:match("([^\n]+)\n$")
    assert.truthy(last:find("may replace sda", 1, true) or last:find("the guest loses the medium", 1, true), last)
    local narrow = { stdin = recipe.stdin:gsub("{", '{ scope = "config",', 1) }
    assert.truthy(run("plan -", narrow).out:find("next boot", 1, true))
    assert.falsy(run("plan --live --config -", narrow).out:find("next boot", 1, true))
    result = run("plan --config -", recipe)
    assert.truthy(result.out:find("next boot", 1, true))
    assert.truthy(result.out:find("none of it interrupts the running domain", 1, true), result.out)
    assert.equal(0, run("apply --yes --live -", recipe).code)
    assert.equal("TWO", label_at(0, 0))
    assert.truthy(daemon:dump("guest"):find("/ONE.iso'", 1, true))
  end)
end)
