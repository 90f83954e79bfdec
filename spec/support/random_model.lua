-- Random descriptions, driven by the schema: every field that becomes XML is set sooner or later, with values of its
-- kind, range, words and form.  Rules that span fields are not known here: what the checks complain of is mended.
local core = require "virtlun.core"
local virtlun = require "virtlun"

local random_model = {}

local shapes = core.schema().shapes
local disk_kinds = { cdrom = true, disk = true, lun = true }

-- Numbers -------------------------------------------------------------------------------------------------------------

-- A generator of its own for each seed (xorshift64), so that a seed means the same in every Lua.
function random_model.generator(seed)
  local state = seed * 0x9E3779B97F4A7C15 | 1
  local random = {}

  -- 1..n
  function random.upto(n)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return (state >> 1) % n + 1
  end

  function random.one_in(n) return random.upto(n) == 1 end

  function random.pick(list) return list[random.upto(#list)] end

  return random
end

-- Values --------------------------------------------------------------------------------------------------------------

local letters = { "a", "b", "c", "X", "Y", "Z", "0", "7" }
local signs = { " ", "&", "<", ">", "'", '"', "/", "ü", "日", "🎬", "%", "\\", "]]>", "&amp;" }

local function text(random, length, ...)
  local parts, alphabets = {}, { ... }
  for i = 1, length do parts[i] = random.pick(random.pick(alphabets)) end
  return table.concat(parts)
end

local function hexadecimal(random, length)
  local parts = {}
  for i = 1, length do parts[i] = ("%x"):format(random.upto(16) - 1) end
  return table.concat(parts)
end

-- Text of every form; dev and alias are given by number, as they must differ.
local forms = {
  text = function(random) return text(random, random.upto(12), letters, signs) end,
  path = function(random) return "/" .. text(random, random.upto(30), letters, signs) end,
  alias = function(random) return "ua-" .. text(random, 12, letters, { "-", "_" }) end,
  serial = function(random, longest)
    return text(random, random.upto(longest), letters, { " ", "_", ".", "+", "-" })
  end,
  printable = function(random, longest)
    return text(random, random.upto(longest), letters, { " ", "&", "<", "'", '"' })
  end,
  loadparm = function(random, longest) return text(random, random.upto(longest), letters, { ".", " " }) end,
  wwn = function(random) return (random.one_in(2) and "0x" or "") .. hexadecimal(random, 16) end,
  naa = function(random) return "naa." .. hexadecimal(random, 16) end,
  adapter = function(random) return "scsi_host" .. random.upto(99) end,
  iscsi_name = function(random) return "iqn.2026-01.org.example:" .. hexadecimal(random, 8) end,
  iscsi_lun = function(random)
    return "iqn.2026-01.org.example:" .. hexadecimal(random, 8) .. "/" .. random.upto(9)
  end,
  uuid = function(random)
    local parts = {}
    for i, length in ipairs { 8, 4, 4, 4, 12 } do parts[i] = hexadecimal(random, length) end
    return table.concat(parts, "-")
  end,
  dev = function(random) return core.dev_name(1000 + random.upto(100000)) end,
}

-- Edges are where mistakes live.
local function integer(random, field)
  local max = math.min(field.max or 2^31 // 1 | 0, field.min + 2^40 // 1 | 0)
  if random.one_in(3) then return random.pick { field.min, max } end
  return field.min + random.upto(math.min(max - field.min + 1, random.pick { 8, 300, 1 << 40 })) - 1
end

local record

local kinds = {
  integer = integer,
  boolean = function(random) return random.one_in(2) end,
  word = function(random, field) return random.pick(field.words) end,
  constant = function(_, field) return field.text end,
  text = function(random, field) return forms[field.form](random, field.max_length) end,
  table = function(random, field) return record(random, shapes[random.pick(field.variants)]) end,
  list = function(random, field)
    local list = {}
    for i = 1, random.upto(3) do list[i] = record(random, shapes[field.variants[1]]) end
    return list
  end,
}

-- Whether a recipe can say the field, and reading finds it again.
function random_model.is_written(field)
  return field.xml and not field.internal and kinds[field.kind]
end

function random_model.value(random, field)
  return kinds[field.kind](random, field)
end

local function counts_here(field, shape, values)
  if not field.when then return true end
  local word = values[field.when.key] or field.when.key == "device" and values.kind
  for _, other in ipairs(shape.fields) do
    if other.key == field.when.key then word = word or other.default end
  end
  for _, wanted in ipairs(field.when.words) do
    if wanted == word then return true end
  end
  return false
end

-- Two fields of one table can exclude or need each other; here it is said how, as mending would lose the whole table.
local tidy = {
  auth = function(auth)
    if auth.usage then auth.uuid = nil end
    if not auth.uuid then auth.usage = auth.usage or "usage" end
  end,
  host = function(host, random)
    host.transport, host.socket = nil, nil
    if random.one_in(3) then host.transport, host.socket = "unix", forms.path(random) end
  end,
}

-- A table of that shape; values may hold some fields already.
function record(random, shape, values)
  values = values or {}
  for _, field in ipairs(shape.fields) do
    local wanted = field.required or field.kind == "constant" or random.one_in(3)
    if wanted and values[field.key] == nil and random_model.is_written(field) and counts_here(field, shape, values) then
      values[field.key] = random_model.value(random, field)
    end
  end
  if tidy[shape.name] then tidy[shape.name](values, random) end
  if next(values) == nil then return record(random, shape, values) end -- a table that says nothing is refused
  return values
end

-- Devices and domains -------------------------------------------------------------------------------------------------

function random_model.shape_of(device)
  return disk_kinds[device.kind] and shapes.disk or shapes[device.kind]
end

-- A drive that is called after its number.
function random_model.drive(random, number, highest_hba)
  local kind = random.pick { "cdrom", "cdrom", "disk", "lun", "hostdev" }
  local drive = { kind = kind, dev = disk_kinds[kind] and core.dev_name(number) or nil }
  record(random, random_model.shape_of(drive), drive)
  if drive.address and drive.address.controller then
    drive.address.controller = random.upto(highest_hba + 1) - 1
    drive.address.bus = random.one_in(2) and 0 or nil
  end
  return drive
end

-- A source that no rule refuses.
local function plain_source(device, number)
  if device.kind == "cdrom" then return nil end
  if device.kind == "hostdev" then return { adapter = "scsi_host0", bus = 0, target = number, unit = 0 } end
  return { dev = "/dev/plain" .. number }
end

-- Takes away what a problem complains of: the field it names, else the device.
local function mend(domain, problem, round)
  local number = problem.line
  local device = domain[number]
  local key = problem.path:match("^web%.[^.]+%.([%l_]+)")
  if not device then return end
  if not key or round > 8 then
    domain[number] = { kind = "cdrom", dev = device.dev or core.dev_name(500000 - number) }
  elseif key == "source" then
    device.source = plain_source(device, number)
  else
    device[key] = nil
  end
end

-- Mends until check(domain) finds no error; false if that does not come to an end.
function random_model.mended(domain, check)
  for round = 1, 12 do
    for i, device in ipairs(domain) do device.line = i end
    local problems = check(domain)
    local errors = 0
    for _, problem in ipairs(problems) do
      if problem.severity == "error" then
        errors = errors + 1
        mend(domain, problem, round)
      end
    end
    if errors == 0 then return true end
  end
  return false
end

-- A domain with HBAs without a hole, and drives on them.
function random_model.domain(random)
  local domain = { kind = "domain", name = "web", fill_gaps = true }
  local hbas = random.upto(3)
  for i = 1, hbas do
    domain[i] = { kind = "controller", index = i - 1 }
    record(random, shapes.controller, domain[i])
  end
  for i = 1, random.upto(6) do domain[hbas + i] = random_model.drive(random, i - 1, hbas - 1) end
  local good = random_model.mended(domain, function(described) return select(2, virtlun.check(described)) end)
  assert(good, "the checks refuse whatever is tried")
  return domain
end

return random_model
