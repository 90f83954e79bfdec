-- The schema as data: that it has the keys of the design, that every field explains itself, and that what it says of
-- models of HBAs is what was measured.
local core = require "virtlun.core"

local schema = core.schema()

-- What a recipe may say, shape by shape, in the order of the XML.
local keys = {
  domain = "name uri fill_gaps prune boot scope",
  controller = "index model queues cmd_per_lun max_sectors ioeventfd iothread iommu ats packed page_per_vq alias "
    .. "address absent protect replace",
  disk = "rawio sgio snapshot format cache error_policy rerror_policy io copy_on_read discard detect_zeroes source "
    .. "startup_policy reservations seclabel dev tray removable rotation_rate iotune readonly shareable transient "
    .. "serial wwn vendor product boot loadparm logical_block_size physical_block_size alias address raw "
    .. "absent protect replace",
  hostdev = "model sgio rawio source readonly shareable boot alias address absent protect replace",
  file = "file",
  block = "dev",
  volume = "pool volume mode",
  network = "protocol name hosts auth",
  host = "name port transport socket",
  auth = "username type usage uuid",
  adapter = "adapter bus target unit",
  iscsi = "protocol name hosts auth initiator",
  vhost = "protocol wwpn",
  drive = "controller bus target unit",
  pci = "type domain bus slot function multifunction",
  ccw = "type cssid ssid devno",
  spapr_vio = "type reg",
  iotune = "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec "
    .. "total_bytes_sec_max read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max "
    .. "write_iops_sec_max size_iops_sec group_name",
  reservations = "managed type path mode",
  seclabel = "model relabel label",
  other = "",
}

-- Defaults of a new device: those of the seed.
local defaults = {
  ["controller.model"] = "virtio-scsi", ["drive.bus"] = 0, ["drive.target"] = 0, ["drive.unit"] = 0,
  ["disk.format"] = "raw", ["disk.cache"] = "none", ["disk.io"] = "native", ["disk.readonly"] = true,
}

-- Highest target, highest unit, reserved unit: the strictest of libvirt's and QEMU's limits.
local hbas = {
  ["virtio-scsi"] = { 255, 16383 }, ["virtio-transitional"] = { 255, 16383 },
  ["virtio-non-transitional"] = { 255, 16383 }, lsilogic = { 0, 6 }, lsisas1068 = { 8, 1 }, lsisas1078 = { 64, 255 },
  vmpvscsi = { 64, 0 }, ibmvscsi = { 63, 31, 7 }, am53c974 = { 0, 6 }, ncr53c90 = { 0, 6 },
}

local function each_field(visit)
  for _, shape in pairs(schema.shapes) do
    for _, field in ipairs(shape.fields) do visit(shape, field, shape.name .. "." .. field.key) end
  end
end

describe("the schema", function()
  it("has the shapes and the keys of the design", function()
    local found = {}
    for name, shape in pairs(schema.shapes) do
      local list = {}
      for _, field in ipairs(shape.fields) do
        if not field.internal and field.kind ~= "moved" then list[#list + 1] = field.key end
      end
      found[name] = table.concat(list, " ")
    end
    assert.same(keys, found)
  end)

  it("names every key as Lua can write it", function()
    each_field(function(_, field, name) assert.truthy(field.key:match("^%l[%l_]*$"), name) end)
  end)

  it("has one sentence for every key that can be said", function()
    each_field(function(_, field, name)
      if not field.internal then
        assert.truthy(field.doc:match("[^.]%.$"), name)
        assert.falsy(field.doc:match("%. "), name)
      end
    end)
  end)

  it("has a range for every number, a length and a form for every text, words for every word", function()
    each_field(function(_, field, name)
      if field.kind == "integer" then assert.is_truthy(field.min and (field.max or field.min >= 0), name) end
      if field.kind == "text" then
        assert.is_truthy(field.expected, name)
        assert.is_true(field.max_length >= field.min_length, name)
      end
      if field.kind == "word" then assert.is_true(#field.words > 0, name) end
      if field.kind == "table" or field.kind == "list" then
        for _, variant in ipairs(field.variants) do assert.is_truthy(schema.shapes[variant], name) end
      end
    end)
  end)

  it("has the seed's defaults, and no others", function()
    local found = {}
    each_field(function(_, field, name) found[name] = field.default end)
    assert.same(defaults, found)
    each_field(function(shape, field, name)
      local cdrom_only = shape.name == "disk" and field.default ~= nil
      assert.same(cdrom_only and { "cdrom" } or nil, field.default_for, name)
    end)
  end)

  it("has the models of HBAs as they were measured", function()
    local found, never = {}, {}
    for _, hba in ipairs(schema.hbas) do
      if hba.never then never[#never + 1] = hba.model
      else found[hba.model] = { hba.max_target, hba.max_unit, hba.reserved_unit } end
    end
    assert.same(hbas, found)
    assert.same({ "dc390", "buslogic", "auto" }, never)
  end)

  it("is a new table each time, so that nobody can spoil it", function()
    core.schema().shapes.disk.fields = nil
    assert.is_truthy(core.schema().shapes.disk.fields)
  end)

  it("is what the constructors come from", function()
    assert.same({ "cdrom", "disk", "lun", "hostdev", "controller" }, core.kinds)
    local virtlun = require "virtlun"
    for _, kind in ipairs(core.kinds) do assert.equal(kind, virtlun[kind]({}).kind) end
  end)
end)
