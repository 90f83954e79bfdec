-- What a plan says of the images that go into drives. What they are is told by functions here; spec/unit/iso_spec looks
-- into real ones.
local host = require("support.host_xml")
local virtlun = require("virtlun")

local devices = { host.hba(0), host.drive("sda", { path = "/old.iso" }) }
local running = { driver = "QEMU", state = "running", active = true, persistent = true }

local function desired(body)
  local domains, problems = virtlun.loadstring(("domain 'web01' {\n%s\n}"):format(body), "r.lua")
  return assert(domains, tostring(problems))[1]
end

-- Plans with a function that looks at images; opts: live, volume.
local function plan(body, image, opts)
  opts = opts or {}
  local facts = { state = "shut off", persistent = true, libvirt = opts.libvirt }
  local documents = { config = host.domain(devices) }
  if opts.live then
    for key, value in pairs(running) do facts[key] = value end
    documents.live = host.domain(devices)
  end
  facts.image, facts.volume = image, opts.volume
  return virtlun.plan(desired(body), documents, facts)
end

local insert = [[cdrom { dev = "sda", source = "/new.iso" }]]
local good = { format = "iso9660", label = "DISC2", bootable = true, size = 1000, platforms = {} }

describe("an image", function()
  local cases = {
    { "that cannot be opened, of a running domain", { nil, "No such file or directory", 2 }, live = true, stops = true,
      said = "r.lua:2: web01.sda.source: /new.iso cannot be opened: No such file or directory" },
    { "that cannot be opened, of a configuration", { nil, "No such file or directory", 2 },
      said = "r.lua:2: web01.sda.source: warning: /new.iso cannot be opened: No such file or directory " ..
        "(it must be there at the next boot)" },
    { "that is not ours to read", { nil, "Permission denied", 13 }, live = true,
      said = "r.lua:2: web01.sda.source: note: /new.iso was not looked at: Permission denied" },
    { "that is empty", { { broken = "empty", size = 0 } }, stops = true,
      said = "r.lua:2: web01.sda.source: /new.iso is no usable image: empty" },
    { "that is truncated", { { broken = "truncated", format = "iso9660", size = 5, expected = 9 } }, stops = true,
      said = "r.lua:2: web01.sda.source: /new.iso is no usable image: truncated" },
    { "that is another container", { { broken = "container", container = "qcow2", size = 5 } }, stops = true,
      said = "r.lua:2: web01.sda.source: /new.iso is no usable image: it is qcow2" },
    { "that is a FIFO", { nil, "it is a FIFO", 0, true }, stops = true,
      said = "r.lua:2: web01.sda.source: /new.iso is no usable image: it is a FIFO" },
    { "that is a block device by another name", { nil, "it is a block device", 0, false },
      said = "r.lua:2: web01.sda.source: note: /new.iso was not looked at: it is a block device" },
    { "that is unknown", { { size = 5 } },
      said = "r.lua:2: web01.sda.source: warning: /new.iso is neither ISO 9660 nor UDF" },
    { "that is a little short", { { format = "udf", short = true, size = 5, expected = 9 } },
      said = "r.lua:2: web01.sda.source: warning: 9 bytes are expected, the file has 5" },
    { "that is good", { good }, said = "" },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. (case.stops and " is refused" or ""), function()
      local looked = {}
      local made, problems = plan(insert, function(path)
        looked[#looked + 1] = path
        return table.unpack(case[2], 1, 4)
      end, { live = case.live })
      assert.equal(case.said, tostring(problems))
      assert.equal(case.stops or false, made == nil)
      assert.equal("/new.iso", looked[1])
    end)
  end

  it("is told by its label in the step", function()
    local made = assert(plan(insert, function() return good end))
    assert.same({ label = "DISC2", format = "iso9660", bootable = true }, made.steps[1].medium)
  end)

  it("is looked at only where it comes into a CD drive", function()
    local function never() error("looked") end
    assert(plan([[cdrom { dev = "sda", source = "/old.iso" }]], never))
    assert(plan([[cdrom { dev = "sda", source = false }]], never))
    assert(plan([[cdrom { dev = "sda", absent = true }]], never))
    assert(plan([[disk { dev = "sdb", source = "/disk.qcow2", format = "qcow2" }]], never))
    assert(plan(insert, nil))
  end)

  it("that is a device has to be there, and to be one of blocks; what is in it is not looked at", function()
    local body = [[cdrom { dev = "sda", source = { dev = "/dev/x" } }]]
    assert.same({}, { select(2, assert(plan(body, function() return nil, "it is a block device" end)))[1] })
    assert.equal("image_broken", select(2, plan(body, function() return nil, "it is a tty", nil, true end))[1].code)
    local _, problems = plan(body, function() return nil, "No such file or directory", 2 end)
    assert.truthy(tostring(problems):find("/dev/x cannot be opened: No such file or directory", 1, true))
  end)

  it("of a format that the drive does not read is refused before the tray opens", function()
    local body = [[cdrom { dev = "sda", source = "/new.iso", format = "qcow2" }]]
    for image, is in pairs { [{ format = "iso9660", size = 5 }] = "iso9660",
      [{ broken = "container", container = "vmdk", size = 5 }] = "vmdk" } do
      local made, problems = plan(body, function() return image end)
      assert.is_nil(made)
      assert.equal(("r.lua:2: web01.sda.source: /new.iso is %s, and the drive reads qcow2 " ..
        "(say format = \"raw\" for an ISO image)"):format(is), tostring(problems))
    end
    assert(plan(body, function() return { size = 5 } end))
  end)

  it("of another format than raw may be that container", function()
    local made = assert(plan([[cdrom { dev = "sdb", source = "/cd.qcow2", format = "qcow2" }]],
      function() return { broken = "container", container = "qcow2", size = 5 } end))
    assert.equal(1, made.changes)
  end)

  it("in a storage pool is looked at where its volume lies", function()
    local looked
    local made = assert(plan([[cdrom { dev = "sda", source = { pool = "iso", volume = "b.iso" } }]],
      function(path) looked = path return good end,
      { volume = function(pool, volume) return ("/pools/%s/%s"):format(pool, volume) end }))
    assert.equal("/pools/iso/b.iso", looked)
    assert.equal("DISC2", made.steps[1].medium.label)
  end)

  it("in a storage pool of another machine is known to be there or not", function()
    local body = [[cdrom { dev = "sda", source = { pool = "iso", volume = "b.iso" } }]]
    local function planned(...)
      local answer = table.pack(...)
      local made, problems = plan(body, nil, { live = true, volume = function() return table.unpack(answer, 1, 3) end })
      return made and made.changes, tostring(problems)
    end
    assert.same({ 1, "" }, { planned("/pools/iso/b.iso") })
    assert.same({ 1, "" }, { planned(nil, "no storage driver") })
    assert.same({ nil, "r.lua:2: web01.sda.source: volume b.iso of pool iso cannot be opened: no such pool" },
      { planned(nil, "no such pool", true) })
  end)
end)
