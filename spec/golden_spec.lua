-- Each folder of spec/golden is a case: recipe.lua, and beside it what comes of it: expected.xml, expected.err with
-- the problems, or both where there are only notes.  UPDATE=1 rewrites what is expected; read the difference then.
-- Every expected XML is also read back, and given to libvirt's own test driver.
local core = require "virtlun.core"
local files = require "support.files"
local text = require "support.text"
local virtlun = require "virtlun"
local walk = require "support.walk"

local FOLDER = "spec/golden"
local updates = files.updates()

-- The libvirt version since which a case can be said at all; an older one must refuse it.
local since = {
  disk_removable = 9006000, -- until then only USB disks could be removable
}

-- What a libvirt takes and does not tell again; a later one may.
local untold = {
  disk_removable = { version = 12008000, difference = "change sda: removable is nil, said is true" },
}

local function path_of(case, file)
  return ("%s/%s/%s"):format(FOLDER, case, file)
end

-- The domains of a recipe with all that it leaves out filled in, their XML together, and all that was found.
local function render(case)
  local domains, found = virtlun.load(path_of(case, "recipe.lua"))
  if not domains then return nil, nil, tostring(found) end
  local texts, completed = {}, {}
  for i, domain in ipairs(domains) do
    local xml, more = virtlun.xml(domain)
    found:append(more)
    texts[#texts + 1] = xml
    completed[i] = virtlun.complete(domain)
  end
  local whole = #texts == #domains
  return whole and texts or nil, whole and completed or nil, #found > 0 and tostring(found) or nil
end

local function expect(case, file, actual)
  actual = actual and actual:gsub("\n?$", "\n", 1)
  if updates then files.write(path_of(case, file), actual) end
  assert.equal(files.read(path_of(case, file)), actual)
end

local cases = {}
for _, case in ipairs(files.folders(FOLDER)) do
  local texts, domains, problems = render(case)
  cases[#cases + 1] = { name = case, texts = texts, domains = domains, problems = problems }
end

local function each_domain(case, fn)
  for i, xml in ipairs(case.texts or {}) do fn(xml, case.domains[i]) end
end

-- What differs between a description and a document, one line a field.
local function differences(domain, xml)
  local lines = {}
  for _, change in ipairs(core.diff(core.model(domain), core.document(xml))) do
    for _, field in ipairs(change.fields or { {} }) do
      lines[#lines + 1] = ("%s %s: %s is %s, said is %s"):format(change.action, change.device, field.key,
        text.of(field.before), text.of(field.after))
    end
  end
  return lines
end

local function document(devices)
  return ([[
<domain type='test'>
  <name>golden</name>
  <uuid>01234567-89ab-cdef-0123-456789abcdef</uuid>
  <memory>8192</memory>
  <iothreads>4</iothreads>
  <os><type>hvm</type></os>
  <devices>
%s  </devices>
</domain>]]):format(devices)
end

describe("a golden case", function()
  for _, case in ipairs(cases) do
    it(case.name .. " gives what is expected", function()
      expect(case.name, "expected.xml", case.texts and table.concat(case.texts))
      expect(case.name, "expected.err", case.problems)
    end)
  end
end)

-- The user's own elements are XML that virtlun does not know, so reading does not find them again.
local function without_raw(xml, domain)
  for _, device in ipairs(domain) do
    if device.raw then
      local from, to = xml:find("\n  " .. device.raw, 1, true)
      xml = xml:sub(1, from - 1) .. xml:sub(to + 1)
    end
  end
  return xml
end

describe("the XML of a golden case", function()
  for _, case in ipairs(cases) do
    it(case.name .. " is read, and then written as it was", function()
      each_domain(case, function(xml, domain)
        local read = assert(virtlun.read(document(xml)))
        assert.equal(without_raw(xml, domain), (virtlun.xml(read)))
      end)
    end)

    it(case.name .. " is what the description says", function()
      each_domain(case, function(xml, domain)
        assert.same({}, differences(domain, document(xml)))
      end)
    end)
  end
end)

describe("libvirt's test driver", function()
  local jobs = require "virtlun.backend.jobs"
  local connection

  setup(function() connection = assert(virtlun.open("test:///default")) end)
  teardown(function() connection:close() end)

  local function define(to, xml) return jobs.call("define", to.handle, 60, nil, xml) end

  for _, case in ipairs(cases) do
    it("takes and keeps " .. case.name, function()
      each_domain(case, function(xml, domain)
        local handle, failure = define(connection, document(xml))
        if (since[case.name] or 0) > connection.version then
          assert.is_nil(handle)
          return
        end
        assert(handle, failure and failure.message)
        local found, gap = differences(domain, jobs.call("xml", handle, 60, { inactive = true })), untold[case.name]
        local may_differ = gap and connection.version >= gap.version and #found > 0
        assert.same({ may_differ and gap.difference or nil }, found)
      end)
    end)
  end

  it("is opened for writing where nothing else is said", function()
    local other <close> = assert(virtlun.open("test:///default"))
    assert.is_truthy(define(other, document("")))
  end)
end)

describe("the golden cases", function()
  it("say every field of the schema that becomes XML", function()
    local missing = walk.sayable("in XML")
    for _, case in ipairs(cases) do
      for _, domain in ipairs(virtlun.load(path_of(case.name, "recipe.lua")) or {}) do
        if case.texts then
          for _, device in ipairs(domain) do
            walk.device(device, function(shape, field) missing[shape.name .. "." .. field.key] = nil end)
          end
        end
      end
    end
    local names = {}
    for name in pairs(missing) do names[#names + 1] = name end
    table.sort(names)
    assert.same({}, names)
  end)

  it("are many", function() assert.is_true(#cases >= 25) end)
end)

-- IBM's example, on which the project began; the order of attributes does not count.
describe("the seed", function()
  local expected = {
    controller = [[<controller type="scsi" model="virtio-scsi" index="4"/>]],
    disk = [[<disk type="file" device="cdrom"><driver name="qemu" type="raw" io="native" cache="none"/>
      <source file="/var/lib/libvirt/images/cd.iso"/><target dev="sda" bus="scsi"/>
      <address type="drive" controller="4" bus="0" target="0" unit="0"/><readonly/></disk>]],
  }

  -- Every tag with its attributes sorted, and the children of the device sorted too: their order is free (facts 10).
  local function tags(xml)
    local list = {}
    for tag in xml:gmatch("<(.-)/?>") do
      local attributes = {}
      for name, value in tag:gmatch("(%w+)=[\"'](.-)[\"']") do attributes[#attributes + 1] = name .. "=" .. value end
      table.sort(attributes)
      list[#list + 1] = tag:match("^/?%w+") .. " " .. table.concat(attributes, " ")
    end
    table.sort(list)
    return list
  end

  it("has IBM's controller and disk, attribute for attribute", function()
    local xml = assert(files.read(path_of("seed", "expected.xml")))
    local controller = xml:match("<controller[^>]-index='4'[^>]*/>")
    assert.same(tags(expected.controller), tags(controller))
    assert.same(tags(expected.disk), tags(xml:match("<disk.*</disk>")))
  end)
end)
