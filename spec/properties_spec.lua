-- Properties that hold for every description: what is written is read back as it was, and what is edited becomes so and
-- leaves the rest alone.  VIRTLUN_ROUNDS says how many descriptions are tried, VIRTLUN_SEED where the numbers begin;
-- a failure names its seed, and VIRTLUN_SEED=seed VIRTLUN_ROUNDS=1 tries that one alone.
local core = require "virtlun.core"
local random_model = require "support.random_model"
local text = require "support.text"
local virtlun = require "virtlun"
local walk = require "support.walk"

local rounds = require("support.rounds")(300)
local first = tonumber(os.getenv("VIRTLUN_SEED") or 1)

-- Calls fn(random) for every seed.
local function for_every_seed(fn)
  for seed = first, first + rounds - 1 do
    local good, failure = pcall(fn, random_model.generator(seed))
    if not good then error(("seed %d: %s"):format(seed, failure), 0) end
  end
end

-- Goes into tables, so that a failure shows the one thing that differs.
local function same(expected, found, what)
  if type(expected) == "table" and type(found) == "table" then
    for key in pairs(expected) do same(expected[key], found[key], ("%s, %s"):format(what, key)) end
    for key in pairs(found) do same(expected[key], found[key], ("%s, %s"):format(what, key)) end
  elseif expected ~= found then
    error(("%s:\n  expected %s\n  found    %s"):format(what, text.of(expected), text.of(found)), 0)
  end
end

-- Documents -----------------------------------------------------------------------------------------------------------

local NOISE = [[
    <!-- nobody's business -->
    <disk type="file" device="disk">
      <source file="/foreign.img"/>
      <target dev="hdz" bus="sata"/>
    </disk>
    <graphics type="vnc" passwd="secret"/>
]]

-- A domain's document with these devices, among others that are none of ours.
local function document(devices_xml)
  local indented = devices_xml:gsub("[^\n]+", "    %0")
  local numbers = {}
  for i = 1, 9 do numbers[i] = ("<iothread id='%d'/>"):format(i) end
  return ([[
<domain type="kvm">
  <name>web</name>
  <iothreadids>%s</iothreadids>
  <devices>
%s%s  </devices>
</domain>
]]):format(table.concat(numbers), indented, NOISE)
end

-- What reading can find again of a description: fields that reach XML, without what is "explicitly not".
local function readable(device)
  local result = { kind = device.kind }
  for _, field in ipairs(random_model.shape_of(device).fields) do
    local value = device[field.key]
    local is_there = value or (value == false and field.xml_switch)
    if random_model.is_written(field) and is_there then result[field.key] = value end
  end
  return result
end

-- HBAs by their index, then drives as they come: the order of the XML.
local function in_xml_order(domain)
  local hbas, drives = {}, {}
  for _, device in ipairs(domain) do
    local list = device.kind == "controller" and hbas or drives
    list[#list + 1] = readable(device)
  end
  table.sort(hbas, function(a, b) return a.index < b.index end)
  return table.move(drives, 1, #drives, #hbas + 1, hbas)
end

-- The properties ------------------------------------------------------------------------------------------------------

describe("every description", function()
  it("is written and read back as it was", function()
    for_every_seed(function(random)
      local domain = random_model.domain(random)
      local xml = assert(virtlun.xml(domain))
      local completed = assert(virtlun.complete(domain))
      local read = assert(virtlun.read(document(xml)))
      same(in_xml_order(completed), in_xml_order(read), "read")
      same({}, core.diff(core.model(completed), core.document(document(xml))), "difference")
      same(xml, (virtlun.xml(read)), "written again")
    end)
  end)

  it("sets every field sooner or later", function()
    if rounds < 200 then return end -- too few to meet them all
    local missing = walk.sayable("in XML")
    missing["disk.raw"] = nil -- its content is not read back
    for_every_seed(function(random)
      for _, device in ipairs(random_model.domain(random)) do
        walk.device(device, function(shape, field) missing[shape.name .. "." .. field.key] = nil end)
      end
    end)
    assert.same({}, missing)
  end)
end)

-- Edits ---------------------------------------------------------------------------------------------------------------

-- As much of a device as names it.
local function identity(device)
  local is_disk = device.dev ~= nil
  return { kind = device.kind, index = device.index, dev = device.dev, source = not is_disk and device.source or nil,
    alias = not is_disk and device.alias or nil }
end

local function is_identity(field, device)
  return field.identity or field.key == "alias" or device.kind == "hostdev" and field.key == "source"
end

-- One edit of a device: it goes, or some of its fields are said anew, some of them with false.
local function edited(random, device)
  local edit = identity(device)
  if device.kind ~= "controller" and random.one_in(6) then
    edit.absent = true
    return edit
  end
  for _, field in ipairs(random_model.shape_of(device).fields) do
    if random_model.is_written(field) and not is_identity(field, device) and random.one_in(6) then
      local goes = device[field.key] ~= nil and random.one_in(3)
      if goes then edit[field.key] = false else edit[field.key] = random_model.value(random, field) end
    end
  end
  return edit
end

-- Some devices of the domain edited, the others unsaid, and sometimes a new drive.
local function edits_of(random, domain)
  local edits = { kind = "domain", name = "web", fill_gaps = true }
  for _, device in ipairs(domain) do
    if random.one_in(2) then edits[#edits + 1] = edited(random, device) end
  end
  if random.one_in(2) then edits[#edits + 1] = random_model.drive(random, 700, 1) end
  return edits
end

-- What a plan does with documents, without the plan: the changes, and the document with them.
local function applied(edits, xml)
  local model, found = core.model(edits)
  local host = assert(core.document(xml))
  virtlun.problems(found):append(model:check(host))
  assert(not found:has_errors(), tostring(found))
  model:complete(1, host)
  local changes = core.diff(model, host)
  local patched, problems = core.patch(xml, model, host, changes)
  assert(patched, tostring(virtlun.problems(problems)))
  return patched, changes
end

local function checked_against(xml)
  return function(edits)
    local model, found = core.model(edits)
    found = virtlun.problems(found)
    return found:has_errors() and found or found:append(model:check(core.document(xml)))
  end
end

-- The elements of <devices>, each as its text, in their order.
local function blocks(xml)
  local list = {}
  for line in xml:match("\n  <devices>\n(.*)\n  </devices>"):gmatch("[^\n]+") do
    if line:match("^    %S") and not line:match("^    </") then
      list[#list + 1] = line
    else
      list[#list] = list[#list] .. "\n" .. line
    end
  end
  return list
end

-- Which devices of the document the changes are about, by number.
local function touched(changes)
  local set = {}
  for _, change in ipairs(changes) do
    if change.current then set[change.current] = change end
  end
  return set
end

local function unsaid_stays(before, after, edits)
  for _, edit in ipairs(edits) do
    local function find(domain)
      for _, device in ipairs(domain) do
        local named = identity(device)
        local is_it = device.kind == edit.kind and named.dev == edit.dev and named.index == edit.index
        if is_it and (edit.dev or edit.index or text.of(named.source) == text.of(edit.source)) then return device end
      end
    end
    local was, is = find(before), find(after)
    if was and is then
      for key, value in pairs(was) do
        if edit[key] == nil then same(value, is[key], ("unsaid %s of %s"):format(key, edit.dev or edit.kind)) end
      end
    end
  end
end

describe("every edit", function()
  it("becomes so at once, and leaves alone what it does not name", function()
    for_every_seed(function(random)
      local domain = assert(virtlun.complete(random_model.domain(random)))
      local xml = applied({ kind = "domain", name = "web" }, document((assert(virtlun.xml(domain)))))
      local edits = edits_of(random, assert(virtlun.read(xml)))
      if not random_model.mended(edits, checked_against(xml)) then return end

      local patched, changes = applied(edits, xml)
      local again, left = applied(edits, patched)
      same({}, left, "left to do")
      same(patched, again, "patched again")

      local about, before, after = touched(changes), blocks(xml), {}
      for _, block in ipairs(blocks(patched)) do after[block] = true end
      for i, block in ipairs(before) do
        if not about[i] and not after[block] then error("a device that no change names is another:\n" .. block) end
      end
      unsaid_stays(assert(virtlun.read(xml)), assert(virtlun.read(patched)), edits)
    end)
  end)
end)
