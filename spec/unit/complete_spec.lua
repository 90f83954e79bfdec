-- What a recipe may leave out: defaults of new devices, HBAs that drives need, free addresses; with a host and without.
local core = require "virtlun.core"
local virtlun = require "virtlun"

local function domain(devices, fields)
  local result = fields or {}
  result.kind, result.name = "domain", "web"
  for i, device in ipairs(devices) do result[i] = device end
  return result
end

local function document(devices)
  return assert(core.document("<domain type='kvm'><name>web</name><devices>" .. devices .. "</devices></domain>"))
end

local function hba(index, model)
  return ("<controller type='scsi' index='%d' model='%s'/>"):format(index, model or "virtio-scsi")
end

local function cd(dev, address)
  local place = address and ("<address type='drive' controller='%d' bus='0' target='%d' unit='%d'/>"):format(
    table.unpack(address)) or ""
  return ("<disk type='file' device='cdrom'><target dev='%s' bus='scsi'/>%s<readonly/></disk>"):format(dev, place)
end

local function cdrom(dev, address)
  return { kind = "cdrom", dev = dev, source = "/a.iso", address = address }
end

-- The description, completed against documents of the host if there are any.
local function complete(devices, fields, ...)
  local model, found = core.model(domain(devices, fields))
  assert(#found == 0, tostring(virtlun.problems(found)))
  model:complete(select("#", ...) > 0 and 1 or 0, ...)
  return model:tables()
end

local function places(completed)
  local list = {}
  for _, device in ipairs(completed) do
    local address = device.address
    if device.kind ~= "controller" then
      list[#list + 1] = address
        and ("%d:%d:%d"):format(address.controller, address.target or 0, address.unit or 0) or "-"
    end
  end
  return table.concat(list, " ")
end

local function controllers(completed)
  local list = {}
  for _, device in ipairs(completed) do
    if device.kind == "controller" then list[#list + 1] = ("%d %s"):format(device.index, device.model or "-") end
  end
  table.sort(list)
  return table.concat(list, ", ")
end

-- Drives without a host: what is described, and where they go.
local alone = {
  { "the first drive on an HBA of its own", { cdrom("sda") }, "0:0:0", "0 virtio-scsi" },
  { "one after the other", { cdrom("sda"), cdrom("sdb"), cdrom("sdc") }, "0:0:0 0:0:1 0:0:2", "0 virtio-scsi" },
  { "explicit addresses first", { cdrom("sda"), cdrom("sdb", { controller = 0, unit = 0 }) }, "0:0:1 0:0:0",
    "0 virtio-scsi" },
  { "host devices too", { cdrom("sda"),
    { kind = "hostdev", source = { adapter = "scsi_host0", bus = 0, target = 0, unit = 0 } } }, "0:0:0 0:0:1",
    "0 virtio-scsi" },
  { "on the lowest virtio-scsi HBA", { { kind = "controller", index = 0, model = "lsilogic" },
    { kind = "controller", index = 1, model = "virtio-scsi" },
    { kind = "controller", index = 2, model = "virtio-scsi" }, cdrom("sda") }, "1:0:0",
    "0 lsilogic, 1 virtio-scsi, 2 virtio-scsi" },
  { "on another HBA where no virtio-scsi is",
    { { kind = "controller", index = 0, model = "lsilogic" }, cdrom("sda") }, "0:0:0", "0 lsilogic" },
  { "by target where the units end at once", { { kind = "controller", index = 0, model = "vmpvscsi" },
    cdrom("sda"), cdrom("sdb"), cdrom("sdc") }, "0:0:0 0:1:0 0:2:0", "0 vmpvscsi" },
  { "by target on lsisas1068", { { kind = "controller", index = 0, model = "lsisas1068" },
    cdrom("sda"), cdrom("sdb") }, "0:0:0 0:1:0", "0 lsisas1068" },
  { "never on the HBA itself", { { kind = "controller", index = 0, model = "ibmvscsi" },
    cdrom("sda"), cdrom("sdb"), cdrom("sdc"), cdrom("sdd"), cdrom("sde"), cdrom("sdf"), cdrom("sdg"), cdrom("sdh") },
    "0:0:0 0:0:1 0:0:2 0:0:3 0:0:4 0:0:5 0:0:6 0:0:8", "0 ibmvscsi" },
  { "an HBA that only an address names is a virtio-scsi one", { cdrom("sda", { controller = 0 }) }, "0:0:0",
    "0 virtio-scsi" },
  { "a vhost target where libvirt likes", { { kind = "hostdev",
    source = { protocol = "vhost", wwpn = "naa.5123456789abcde0" } } }, "-", "" },
  { "not what is to go", { { kind = "cdrom", dev = "sda", absent = true }, cdrom("sdb") }, "- 0:0:0",
    "0 virtio-scsi" },
}

-- Gaps: the devices, and the HBAs that come of them with fill_gaps.
local gaps = {
  { "below the lowest, with its model", { { kind = "controller", index = 2, model = "lsisas1078" } },
    "0 lsisas1078, 1 lsisas1078, 2 lsisas1078" },
  { "between two, with the nearest model", { { kind = "controller", index = 0, model = "lsilogic" },
    { kind = "controller", index = 3 } }, "0 lsilogic, 1 lsilogic, 2 virtio-scsi, 3 virtio-scsi" },
  { "below a drive", { cdrom("sda", { controller = 1 }) }, "0 virtio-scsi, 1 virtio-scsi" },
}

-- With a host: its devices, what is described, where the drives are then, and which HBAs are described then.
local hosted = {
  { "a free place, config and live together", hba(0) .. cd("sda", { 0, 0, 0 }), hba(0) .. cd("sdb", { 0, 0, 1 }),
    { cdrom("sdc") }, "0:0:2", "" },
  { "a free place, implied addresses included: sdb is unit 1", hba(0) .. cd("sda") .. cd("sdb"), nil,
    { cdrom("sdc") }, "0:0:2", "" },
  { "a drive of the host keeps its own", hba(0) .. cd("sda", { 0, 3, 3 }), nil, { cdrom("sda") }, "-", "" },
  { "a drive that only the running domain has keeps its own", hba(0), hba(0) .. cd("sda", { 0, 3, 3 }),
    { cdrom("sda") }, "0:3:3", "" },
  { "the lowest virtio-scsi HBA of the host", hba(0, "lsilogic") .. hba(1), nil, { cdrom("sda") }, "1:0:0", "" },
  { "the lowest free index where the host has no HBA", "", nil, { cdrom("sda") }, "0:0:0", "0 virtio-scsi" },
  { "the next index where the address says so", hba(0), nil, { cdrom("sda", { controller = 1 }) }, "1:0:0",
    "1 virtio-scsi" },
  { "not a place that another drive just left", hba(0) .. cd("sda", { 0, 0, 0 }), nil,
    { { kind = "cdrom", dev = "sda", absent = true }, cdrom("sdb") }, "- 0:0:1", "" },
}

describe("without a host drives go", function()
  for _, row in ipairs(alone) do
    it(row[1], function()
      local completed = complete(row[2])
      assert.equal(row[3], places(completed))
      assert.equal(row[4], controllers(completed))
      assert.same(completed, complete(row[2])) -- the same every time
    end)
  end

  it("to the next target after 256 units, and to a new HBA when one is full", function()
    local devices = { { kind = "controller", index = 0, model = "lsilogic" } }
    for i = 1, 8 do devices[#devices + 1] = cdrom(core.dev_name(i - 1)) end
    local completed = complete(devices)
    assert.equal("0:0:0 0:0:1 0:0:2 0:0:3 0:0:4 0:0:5 0:0:6 1:0:0", places(completed))
    assert.equal("0 lsilogic, 1 virtio-scsi", controllers(completed))

    devices = {}
    for i = 1, 257 do devices[i] = cdrom(core.dev_name(i - 1)) end
    assert.truthy(places(complete(devices)):match("0:0:254 0:0:255 0:1:0$"))
  end)

  it("where they can start: what was assigned passes every check", function()
    for _, hba_row in ipairs(core.schema().hbas) do
      if not hba_row.never then
        local devices = { { kind = "controller", index = 0, model = hba_row.model } }
        for i = 1, 40 do devices[#devices + 1] = cdrom(core.dev_name(i - 1)) end
        local good, problems = virtlun.check(complete(devices))
        assert(good, tostring(problems))
      end
    end
  end)
end)

describe("gaps are filled", function()
  for _, row in ipairs(gaps) do
    it(row[1], function() assert.equal(row[3], controllers(complete(row[2], { fill_gaps = true }))) end)
  end

  it("not where the host has the HBAs", function()
    local host = document(hba(0) .. hba(2, "lsilogic"))
    local completed = complete({ { kind = "controller", index = 3 } }, { fill_gaps = true }, host)
    assert.equal("1 virtio-scsi, 3 virtio-scsi", controllers(completed))
  end)
end)

describe("with a host a new drive gets", function()
  for _, row in ipairs(hosted) do
    it(row[1], function()
      local completed = complete(row[4], nil, document(row[2]), row[3] and document(row[3]))
      assert.equal(row[5], places(completed))
      assert.equal(row[6], controllers(completed))
    end)
  end
end)

describe("defaults", function()
  local function of(device) return complete({ device })[1] end

  it("are the seed's for a CD drive with a local medium", function()
    for _, source in ipairs { "/a.iso", { dev = "/dev/sr0" } } do
      local device = of { kind = "cdrom", dev = "sda", source = source }
      assert.same({ "raw", "none", "native", true }, { device.format, device.cache, device.io, device.readonly })
    end
  end)

  it("leave io alone where the medium is not local, or the cache is the host's", function()
    assert.is_nil(of { kind = "cdrom", dev = "sda" }.io)
    assert.is_nil(of { kind = "cdrom", dev = "sda", source = { pool = "p", volume = "v" } }.io)
    assert.is_nil(of { kind = "cdrom", dev = "sda", source = "/a.iso", cache = "writeback" }.io)
    assert.is_nil(of { kind = "cdrom", dev = "sda", source = "/a.iso", cache = false }.io)
  end)

  it("do not overrule what is said", function()
    local device = of { kind = "cdrom", dev = "sda", source = "/a.iso", io = "threads", format = "qcow2" }
    assert.same({ "qcow2", "threads" }, { device.format, device.io })
    assert.is_false(of { kind = "cdrom", dev = "sda", source = "/a.iso", io = false }.io)
  end)

  it("are not for disks and luns", function()
    for _, kind in ipairs { "disk", "lun" } do
      local device = of { kind = kind, dev = "sda", source = { dev = "/dev/sdq" } }
      assert.same({ kind = kind, dev = "sda", source = { dev = "/dev/sdq" },
        address = { controller = 0, bus = 0, target = 0, unit = 0 } }, device)
    end
  end)

  it("are for new devices only", function()
    local host = document(hba(0) .. cd("sda", { 0, 0, 0 }))
    assert.same({ kind = "cdrom", dev = "sda", source = "/b.iso" },
      complete({ { kind = "cdrom", dev = "sda", source = "/b.iso" } }, nil, host)[1])
    assert.same({ kind = "controller", index = 0 }, complete({ { kind = "controller", index = 0 } }, nil, host)[1])
    assert.equal("virtio-scsi", complete({ { kind = "controller", index = 1 } }, nil, host)[1].model)
  end)

  it("of an HBA are said in the XML, so that libvirt never has to choose", function()
    local xml = virtlun.xml { kind = "controller", index = 0 }
    assert.equal("<controller type='scsi' index='0' model='virtio-scsi'/>\n", xml)
  end)
end)
