-- What changes of a running domain need of the core: one device at a time, its element, its name in events, its tray.
local core = require("virtlun.core")

local function drive(dev, inner, target)
  return ([[<disk type="file" device="cdrom"><driver name="qemu" type="raw"/><source file="/old.iso"/>
      <target dev="%s" bus="scsi"%s/><readonly/>%s</disk>]]):format(dev, target or "", inner or "")
end

local function document(devices, attributes)
  local xml = ('<domain type="kvm"%s><name>web</name><devices>%s</devices></domain>'):format(attributes or "", devices)
  return assert(core.document(xml)), xml
end

local function model(...)
  return (core.model { kind = "domain", name = "web", ... })
end

local RUNNING = ' id="7"'
local insert = { kind = "cdrom", dev = "sdb", source = "/new.iso" }

describe("one described device", function()
  local wanted = model({ kind = "cdrom", dev = "sda", source = "/a.iso" }, insert,
    { kind = "cdrom", dev = "sdc", source = "/c.iso" })
  local host = document(drive "sdb" .. drive "sda")

  it("is compared alone", function()
    assert.equal(3, #core.diff(wanted, host))
    local changes = core.diff(wanted, host, 2)
    assert.same({ 1, 2, 1 }, { #changes, changes[1].desired, changes[1].current })
    assert.has_error(function() core.diff(wanted, host, 4) end)
  end)

  it("is found in a document, or not", function()
    assert.same({ 2, 1 }, { core.find(wanted, host, 1), core.find(wanted, host, 2) })
    assert.is_nil(core.find(wanted, host, 3))
  end)
end)

describe("the element of a device", function()
  local host, xml = document('<rng model="virtio"/>' .. drive("sda", '<serial>A</serial><odd:x xmlns:odd="urn:x"/>') ..
    drive "sdb", RUNNING)

  it("is what stands in the document", function()
    local element = core.element(xml, host, 1)
    assert.truthy(element:find('^<disk type="file".*<serial>A</serial><odd:x xmlns:odd="urn:x"/></disk>$'), element)
    assert.truthy(element:find("/old.iso", 1, true))
  end)

  it("has a change, and keeps the rest", function()
    local wanted = model { kind = "cdrom", dev = "sda", source = "/new.iso" }
    local element = core.element(xml, host, core.diff(wanted, host)[1], wanted)
    assert.equal((core.element(xml, host, 1):gsub("/old%.iso", "/new.iso")), element)
  end)

  it("is found wherever it stands in a long document", function()
    local list = {}
    for i = 0, 499 do list[i + 1] = drive(core.dev_name(i), ("<serial>%s</serial>"):format(("x"):rep(i % 20 + 1))) end
    local long, text = document("<rng/>" .. table.concat(list, "\n<!-- <disk> -->\n"), RUNNING)
    for i = 0, 499 do
      local element = core.element(text, long, i + 1)
      assert.equal(core.dev_name(i), core.read(element).dev)
      assert.equal(("x"):rep(i % 20 + 1), core.read(element).serial)
    end
  end)

  it("is found in a document of another encoding", function()
    local text = '<?xml version="1.0" encoding="ISO-8859-1"?><domain><name>\xe9</name><devices>' ..
      drive("sda", "<serial>\xe9\xe9\xe9</serial>") .. drive "sdb" .. "</devices></domain>"
    local latin = assert(core.document(text))
    assert.equal("sda", core.read(core.element(text, latin, 1)).dev)
    assert.equal("sdb", core.read(core.element(text, latin, 2)).dev)
  end)

  it("is refused from another document", function()
    local element, problems = core.element('<domain><devices><rng model="virtio"/></devices></domain>', host, 1)
    assert.is_nil(element)
    assert.equal("bad_patch", problems[1].code)
  end)

  it("must be that of a change of what is there", function()
    local wanted = model { kind = "cdrom", dev = "sdx", source = "/new.iso" }
    assert.has_error(function() core.element(xml, host, core.diff(wanted, host)[1], wanted) end)
    assert.has_error(function() core.element(xml, host, 9) end)
  end)
end)

describe("the name of a device in events", function()
  it("is libvirt's own, or the user's", function()
    local host = document(drive("sda", '<alias name="scsi0-0-0-0"/>') .. drive("sdb", '<alias name="ua-dvd"/>') ..
      drive "sdc", RUNNING)
    assert.same({ "scsi0-0-0-0", "ua-dvd" }, { host:alias(1), host:alias(2) })
    assert.is_nil(host:alias(3))
    assert.is_nil(host:tables()[1].alias)
  end)
end)

describe("an open tray", function()
  local open = drive("sdb", nil, ' tray="open"')

  local function fields(wanted, attributes)
    local changes = core.diff(wanted, (document(open, attributes)))
    return changes[1] and changes[1].fields or {}
  end

  it("of a running drive that is to hold something is a difference", function()
    local same = model { kind = "cdrom", dev = "sdb", source = "/old.iso" }
    assert.same({ { key = "tray", before = "open", after = "closed", live = true } }, fields(same, RUNNING))
  end)

  it("is none of a configuration, of an unsaid medium, of an empty drive, and where the recipe wants it", function()
    assert.same({}, fields(model { kind = "cdrom", dev = "sdb", source = "/old.iso" }))
    assert.same({}, fields(model { kind = "cdrom", dev = "sdb" }, RUNNING))
    assert.same({}, fields(model { kind = "cdrom", dev = "sdb", source = "/old.iso", tray = "open" }, RUNNING))
    assert.equal(1, #fields(model { kind = "cdrom", dev = "sdb", source = false }, RUNNING))
  end)

  it("is not written into the element: the call that changes the medium closes it", function()
    local host, xml = document(open, RUNNING)
    local wanted = model(insert)
    local element = core.element(xml, host, core.diff(wanted, host)[1], wanted)
    assert.truthy(element:find('tray="open"', 1, true))
    assert.truthy(element:find("/new.iso", 1, true))
  end)
end)

describe("a field", function()
  local host = document(drive "sda" .. drive("sdb"):gsub('device="cdrom"', 'device="disk"'), RUNNING)

  it("tells whether it may change while the domain runs: media of CD drives, and what libvirt updates", function()
    local function live(device)
      local answer = {}
      for _, field in ipairs(core.diff(model(device), host)[1].fields) do answer[field.key] = field.live end
      return answer
    end
    assert.same({ source = true, format = true, startup_policy = true, cache = false, serial = false },
      live { kind = "cdrom", dev = "sda", source = "/n", format = "qcow2", startup_policy = "optional",
        cache = "none", serial = "S" })
    assert.same({ source = false, format = false, startup_policy = true },
      live { kind = "disk", dev = "sdb", source = "/n", format = "qcow2", startup_policy = "optional" })
  end)
end)
