-- What virtlun writes to the real QEMU driver, on a private daemon: configurations only, nothing is ever started.
local child = require("support.child")
local host = require("support.host_xml")
local iso = require("support.iso")
local session = require("support.session")
local virtlun = require("virtlun")

local why_not = session.missing()

describe("the QEMU driver", function()
  if why_not then
    it("was not asked", function() pending("libvirtd with QEMU: " .. why_not) end)
    print("skipped: define_spec, " .. why_not)
    return
  end

  local daemon, connection

  setup(function()
    daemon = session.start()
    connection = assert(virtlun.open(daemon.uri))
  end)
  teardown(function()
    if connection then connection:close() end
    connection = nil
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
  end)
  after_each(function() daemon:undefine("web01") end)

  -- Defines a domain with these devices.
  local function given(devices, opts)
    opts = opts or {}
    local machine = opts.arch == "s390x" and "s390-ccw-virtio" or "q35"
    local emulator = ("<emulator>/usr/bin/qemu-system-%s</emulator>"):format(opts.arch or "x86_64")
    daemon:define(host.domain({ emulator, table.unpack(devices or {}) },
      { arch = opts.arch, machine = machine, more = opts.more, boot = opts.boot }))
  end

  local function recipe(body)
    local domains, problems = virtlun.loadstring(("domain 'web01' {\n%s\n}"):format(body), "r.lua")
    return assert(domains, tostring(problems))[1]
  end

  local function apply(body)
    local domain = recipe(body)
    local plan, problems = assert(connection:domain("web01")):plan(domain)
    if not plan then return nil, problems end
    local result, failure = plan:apply()
    if not result then return nil, failure end
    local again = assert(connection:domain("web01"):plan(domain))
    assert.equal(0, again.changes)
    return result
  end

  -- Applies, and gives the configuration that there is then.
  local function after(body)
    local result, problems = apply(body)
    assert(result, tostring(problems))
    return daemon:dump("web01")
  end

  -- Index and model of every SCSI HBA of a configuration.
  local function hbas(xml)
    local list = {}
    for index, model in xml:gmatch("<controller type='scsi' index='(%d+)' model='([%w-]+)'") do
      list[#list + 1] = index .. " " .. model
    end
    return table.concat(list, ", ")
  end

  local function disk(xml, dev)
    for element in xml:gmatch("<disk .-</disk>") do
      if element:find(("<target dev='%s'"):format(dev), 1, true) then return element end
    end
  end

  local five = "0 virtio-scsi, 1 virtio-scsi, 2 virtio-scsi, 3 virtio-scsi, 4 virtio-scsi"
  local seed = [[
    fill_gaps = true,
    controller { index = 4, model = "virtio-scsi" },
    cdrom { dev = "sda", source = "/var/lib/libvirt/images/cd.iso",
      address = { controller = 4, target = 0, unit = 0 } },]]

  for _, arch in ipairs { "x86_64", "s390x" } do
    it("stores the seed on " .. arch .. " with five HBAs of one model", function()
      given({}, { arch = arch })
      local xml = after(seed)
      assert.equal(five, hbas(xml))
      assert.falsy(xml:find("lsilogic", 1, true))
      local drive = disk(xml, "sda")
      for _, part in ipairs {
        "<disk type='file' device='cdrom'>", "<source file='/var/lib/libvirt/images/cd.iso'/>",
        "<target dev='sda' bus='scsi'/>", "<readonly/>",
        "<address type='drive' controller='4' bus='0' target='0' unit='0'/>",
      } do
        assert.truthy(drive:find(part, 1, true), drive)
      end
      assert.same({ "cache='none'", "io='native'", "name='qemu'", "type='raw'" }, (function()
        local words = {}
        for word in drive:match("<driver (.-)/>"):gmatch("%S+") do words[#words + 1] = word end
        table.sort(words)
        return words
      end)())
    end)
  end

  describe("keeps what a recipe does not speak of:", function()
    local devices = {
      host.hba(0),
      "<!-- lost by libvirt itself, and no harm -->",
      "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/root.qcow2'/>" ..
        "<target dev='sda' bus='sata'/><serial>ROOT</serial></disk>",
      "<graphics type='vnc' port='-1' autoport='yes' passwd='s3cret'><listen type='address'/></graphics>",
      "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    }
    local more = [[
      <metadata><app:note xmlns:app='http://example.org/app'>keep &lt;me&gt; "so" &amp; ä</app:note></metadata>
      <iothreads>2</iothreads>]]
    local commandline = [[
      <qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <qemu:arg value='-name'/><qemu:arg value='a &amp; b'/><qemu:env name='X' value='1'/>
      </qemu:commandline>]]

    before_each(function() given(devices, { more = more .. commandline }) end)

    -- A configuration without the lines that name the drive.
    local function without(xml, dev)
      local drive = assert(disk(xml, dev))
      local from, to = xml:find("%s*" .. drive:gsub("%p", "%%%0"))
      return xml:sub(1, from - 1) .. xml:sub(to + 1)
    end

    it("a password, a SATA disk, a command line, metadata", function()
      local before = daemon:dump("web01")
      for _, part in ipairs { "passwd='s3cret'", "dev='sda' bus='sata'", "<qemu:env name='X'", "keep &lt;me&gt;" } do
        assert.truthy(before:find(part, 1, true), part .. " is not in " .. before)
      end
      local xml = after [[cdrom { dev = "sdb", source = "/cd.iso", address = { controller = 0, unit = 3 } }]]
      assert.equal(before, without(xml, "sdb"))
      xml = after [[cdrom { dev = "sdb", source = "/other.iso" }]]
      assert.equal(before, without(xml, "sdb"))
      assert.truthy(disk(xml, "sdb"):find("/other.iso", 1, true))
      assert.equal(before, after [[cdrom { dev = "sdb", absent = true }]])
    end)

    for title, drive in pairs {
      ["a CD drive named as the SATA disk is"] = [[cdrom { dev = "sda", source = "/cd.iso" }]],
      ["the removal of a CD drive named as the SATA disk is"] = [[cdrom { dev = "sda", absent = true }]],
    } do
      it(title .. ", which is refused", function()
        local before = daemon:dump("web01")
        local result, problems = apply(drive)
        assert.is_nil(result)
        assert.equal("r.lua:2: web01.sda.dev: sda is already a disk on bus sata of the domain " ..
          "(the next free name is sdb)", tostring(problems))
        assert.equal(before, daemon:dump("web01"))
      end)
    end
  end)

  describe("makes a change of", function()
    local drives = {
      host.hba(0, nil, "type='pci' domain='0x0000' bus='0x00' slot='0x0a' function='0x0'"), host.hba(1),
      host.drive("sda", { driver = "type='raw' cache='none' io='native'", inner = "<serial>S1</serial>" }),
      host.drive("sdb", { place = { 1, 2, 300 } }),
    }
    before_each(function() given(drives) end)

    it("the medium, and of nothing else in the drive", function()
      local before = disk(daemon:dump("web01"), "sda")
      local xml = after [[cdrom { dev = "sda", source = "/new.iso" }]]
      assert.equal(before:gsub("/old%.iso", "/new.iso"), disk(xml, "sda"))
    end)

    it("a full drive to an empty one and back", function()
      local xml = after [[cdrom { dev = "sda", source = false }]]
      assert.falsy(disk(xml, "sda"):find("<source", 1, true))
      assert.truthy(disk(xml, "sda"):find("<serial>S1</serial>", 1, true))
      xml = after [[cdrom { dev = "sda", source = { dev = "/dev/sr0" } }]]
      assert.truthy(disk(xml, "sda"):find("^<disk type='block' device='cdrom'>"))
      assert.truthy(disk(xml, "sda"):find("<source dev='/dev/sr0'/>", 1, true))
    end)

    it("an address", function()
      local xml = after [[cdrom { dev = "sda", address = { controller = 1, target = 255, unit = 16383 } }]]
      assert.truthy(disk(xml, "sda"):find("controller='1' bus='0' target='255' unit='16383'", 1, true))
      assert.truthy(disk(xml, "sdb"):find("controller='1' bus='0' target='2' unit='300'", 1, true))
    end)

    it("the addresses of two drives with each other", function()
      local xml = after [[cdrom { dev = "sda", address = { controller = 1, target = 2, unit = 300 } },
        cdrom { dev = "sdb", address = { controller = 0, target = 0, unit = 0 } }]]
      assert.truthy(disk(xml, "sda"):find("controller='1' bus='0' target='2' unit='300'", 1, true))
      assert.truthy(disk(xml, "sdb"):find("controller='0' bus='0' target='0' unit='0'", 1, true))
    end)

    it("the model of an HBA, which keeps its place", function()
      assert.equal("0 virtio-non-transitional, 1 virtio-scsi",
        hbas(after [[controller { index = 0, model = "virtio-non-transitional", queues = 4 }]]))
      local hba = daemon:dump("web01"):match("<controller type='scsi' index='0'.-</controller>")
      assert.truthy(hba:find("queues='4'", 1, true), hba)
      assert.truthy(hba:find("slot='0x0a'", 1, true), hba)
    end)

    it("a drive and then an HBA to nothing", function()
      local xml = after [[cdrom { dev = "sdb", absent = true }, controller { index = 1, absent = true }]]
      assert.equal("0 virtio-scsi", hbas(xml))
      assert.is_nil(disk(xml, "sdb"))
      assert.truthy(disk(xml, "sda"))
    end)

    it("nothing when it is all so already", function()
      local before, defines = daemon:dump("web01"), 0
      virtlun.log(function(call) if call == "define" then defines = defines + 1 end end)
      local result = apply [[controller { index = 1 }, cdrom { dev = "sda", source = "/old.iso" }]]
      virtlun.log(nil)
      assert.same({ domain = "web01", done = 0, notes = {} }, result)
      assert.equal(0, defines)
      assert.equal(before, daemon:dump("web01"))
    end)

    it("an HBA with a hole below it to nothing that libvirt would fill", function()
      given { host.hba(0), host.hba(1), host.hba(2), host.drive("sda", { place = { 2, 0, 0 } }) }
      local result, problems = apply [[controller { index = 1, absent = true }]]
      assert.is_nil(result, "removed")
      assert.equal("0 virtio-scsi, 1 virtio-scsi, 2 virtio-scsi", hbas(daemon:dump("web01")), tostring(problems))
    end)
  end)

  it("refuses a PCI slot that another device has, with its reason", function()
    given({ host.hba(0, nil, "type='pci' domain='0x0000' bus='0x00' slot='0x0a' function='0x0'") })
    local before = daemon:dump("web01")
    local result, problems = apply [[
      controller { index = 1, address = { type = "pci", domain = 0, bus = 0, slot = 10, ["function"] = 0 } }]]
    assert.is_nil(result)
    assert.equal("host_refused", problems[1].code)
    assert.equal("VIR_ERR_XML_ERROR", problems[1].cause.name)
    assert.equal("r.lua:2: web01.controller1: the host refused: " .. problems[1].cause.message, tostring(problems))
    assert.truthy(problems[1].cause.message:find("0000:00:0a.0", 1, true), problems[1].cause.message)
    assert.equal(before, daemon:dump("web01"))
  end)

  it("is asked and changed by the command as by the library, and what was done is there afterwards", function()
    given({ host.hba(0), host.drive("sda") })
    local disc = iso.data(daemon.folder .. "/new.iso", "NEW")
    local text = ('domain "web01" { uri = "%s", cdrom { dev = "sda", source = "%s" } }'):format(daemon.uri, disc)
    local function run(...) return child.virtlun({ ... }, { stdin = text }) end
    assert.equal(2, run("plan", "--detailed-exitcode", "-").code)
    local result = run("apply", "--yes", "-")
    assert.same({ 0, "web01: [1/1] change sda: done\n" }, { result.code, result.err })
    assert.truthy(disk(daemon:dump("web01"), "sda"):find(disc, 1, true))
    result = run("plan", "--detailed-exitcode", "-")
    assert.same({ 0, "", ("web01  shut off  %s\n  nothing to do\n"):format(daemon.uri) },
      { result.code, result.err, result.out })
    result = run("apply", "--yes", "-")
    assert.same({ 0, "" }, { result.code, result.err })
  end)

  it("denies passwords to a read-only connection, which can plan all the same", function()
    given({ host.hba(0), host.drive("sda"), "<graphics type='vnc' passwd='s3cret'/>" })
    local reader <close> = assert(virtlun.open(daemon.uri, { readonly = true }))
    local plan = assert(reader:domain("web01"):plan(recipe [[cdrom { dev = "sda", source = "/new.iso" }]]))
    assert.equal(1, plan.changes)
    local result, problems = plan:apply()
    assert.is_nil(result)
    assert.equal("web01: the connection is read-only (open it for writing)", tostring(problems))
    local good, failure = reader:domain("web01"):document("config", { secure = true })
    assert.is_nil(good)
    assert.equal("VIR_ERR_OPERATION_DENIED", failure[1].cause.name)
  end)

  it("probes no emulator but the one that is named", function()
    given({ host.hba(0) })
    after [[cdrom { dev = "sda", source = "/cd.iso" }]]
    local probed = child.run({ "sh", "-c", "ls " .. daemon.folder .. "/k/libvirt/qemu/cache/capabilities | wc -l" }).out
    assert.is_true(tonumber(probed) <= 2, probed)
    assert.is_true(tonumber(probed) >= 1, "they are kept elsewhere")
  end)

  it("that was killed is an error with its reason, not a crash", function()
    local other = session.start()
    finally(function() other:stop() end)
    other:define(host.domain({ "<emulator>/usr/bin/qemu-system-x86_64</emulator>", host.hba(0) }))
    -- In a process of its own: writing to a socket that nobody reads any more raises a signal.
    local result = child.script([=[
      local virtlun = require "virtlun"
      local lost = assert(virtlun.open(arg[1]))
      local dom = assert(lost:domain("web01"))
      assert(os.execute("env -u LD_PRELOAD sh spec/support/session.sh stop " .. arg[2]))
      local plan, problems = dom:plan(virtlun.domain "web01" { virtlun.controller { index = 1 } })
      print(plan, problems[1].code, problems[1].cause.message ~= nil)
      print(lost:domains())
      lost:close()
      print("still here")]=], nil, other.uri, other.folder)
    assert.equal("", result.err)
    assert.equal(0, result.code)
    assert.truthy(result.out:find("^nil\thost_refused\ttrue\nnil\t.*\nstill here\n$"), result.out)
    result = child.virtlun({ "plan", "-c", other.uri, "-" }, { stdin = "domain 'web01' {}" })
    assert.equal(1, result.code)
    assert.equal("", result.out)
    assert.truthy(result.err:find("no connection to " .. other.uri .. ": ", 1, true), result.err)
  end)

  describe("undoes what was made before it refuses something:", function()
    local REFUSED = [[ cdrom { dev = "sdz", address = { controller = 0, unit = 9 },
      raw = "<geometry cyls='x' heads='1' secs='1'/>" } ]]

    local function undone(body)
      local plan = assert(connection:domain("web01"):plan(recipe(body .. "," .. REFUSED)))
      local result, problems = plan:apply { undo = "all" }
      assert.is_nil(result)
      assert.equal(1, #problems, tostring(problems))
      return daemon:dump("web01")
    end

    it("the only device with a boot order, whose place libvirt gives to <os><boot>", function()
      given({ host.hba(0), host.drive("sdb", { device = "disk", path = "/d.img", inner = "<boot order='1'/>" }) },
        { boot = false })
      local xml = undone 'disk { dev = "sdb", absent = true }'
      assert.truthy(disk(xml, "sdb"):find("<boot order='1'/>", 1, true))
      assert.is_nil(xml:find("<boot dev", 1, true))
    end)

    it("a drive with cookies", function()
      given { host.hba(0), "<disk type='network' device='cdrom'><driver name='qemu' type='raw'/>"
        .. "<source protocol='https' name='a.iso'><host name='h' port='443'/>"
        .. "<cookies><cookie name='id'>s3cret</cookie></cookies></source><target dev='sdb' bus='scsi'/><readonly/>"
        .. "<address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>" }
      undone 'cdrom { dev = "sdb", absent = true }'
      assert.truthy(daemon:virsh("dumpxml", "web01", "--security-info").out:find("s3cret", 1, true))
    end)
  end)
end)
