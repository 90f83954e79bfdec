-- The backend on libvirt's own test driver: connections, domains, plan and apply, the log of calls, and errors.
-- The test driver lives in this process and forgets everything when its last connection closes.
local child = require("support.child")
local virtlun = require("virtlun")

local TEST = "test:///default"

local function recipe(body, name)
  local domains, problems = virtlun.loadstring(("domain '%s' {\n%s\n}"):format(name or "test", body), "r.lua")
  return assert(domains, tostring(problems))[1]
end

local seed = [[
  fill_gaps = true,
  controller { index = 4, model = "virtio-scsi" },
  cdrom {
    dev = "sda", source = "/var/lib/libvirt/images/cd.iso", address = { controller = 4, target = 0, unit = 0 },
  },]]

-- Runs fn and returns the names of the libvirt calls that were made meanwhile.
local function calls_of(fn)
  local calls = {}
  virtlun.log(function(call, seconds, failure)
    assert.is_true(math.type(seconds) == "float" and seconds >= 0 and seconds < 60)
    calls[#calls + 1] = failure and call .. "!" or call
  end)
  local good, message = pcall(fn)
  virtlun.log(nil)
  assert(good, message)
  return calls
end

local function count(calls, name)
  local n = 0
  for _, call in ipairs(calls) do if call == name then n = n + 1 end end
  return n
end

describe("a connection", function()
  it("knows its URI, its driver and the version of its libvirt", function()
    local connection <close> = assert(virtlun.open(TEST))
    assert.equal(TEST, connection.uri)
    assert.equal("TEST", connection.driver:upper())
    assert.is_true(connection.version >= 7000000)
  end)

  it("without a URI is to libvirt's own default", function()
    local result = child.script('local c = assert(require("virtlun").open()) print(c.uri)',
      { env = { LIBVIRT_DEFAULT_URI = TEST } })
    assert.same({ TEST .. "\n", "" }, { result.out, result.err })
  end)

  it("lists domains by name, and finds one by name and by UUID", function()
    local connection <close> = assert(virtlun.open(TEST))
    local domains = assert(connection:domains())
    assert.equal(1, #domains)
    assert.equal("test", domains[1].name)
    local uuid = assert(domains[1]:describe()).config.uuid or "6695eb01-f6a4-8304-79aa-97f2502e193f"
    assert.equal("test", assert(connection:domain("test")).name)
    assert.equal("test", assert(connection:domain(uuid)).name)
    assert.equal("test", assert(connection:domain(uuid:upper())).name)
  end)

  it("to nowhere is a problem with libvirt's own words, and nothing on standard error", function()
    for _, uri in ipairs { "qemu:///session?socket=/nonexistent", "nonsense:///", "::", "test:///no/such/file.xml" } do
      local result = child.script([[
        local connection, problems = require("virtlun").open(arg[1])
        local p = problems[1]
        print(connection, #problems, p.code, p.path, p.value, p.cause.name, math.type(p.cause.code), p.cause.domain)
        io.write(tostring(problems), "\n", p.cause.message)]], nil, uri)
      assert.equal("", result.err)
      assert.equal(0, result.code)
      local first, text, message = result.out:match("^([^\n]*)\n([^\n]*)\n(.*)$")
      local name = first:match("\t(VIR_ERR_[%u_]+)\tinteger\tVIR_FROM_%u+$")
      assert.truthy(name, first)
      assert.equal(("nil\t1\tno_host\t\t%s\t%s"):format(uri, name), first:match("^(.*)\tinteger"))
      assert.equal(("no connection to %s: %s"):format(uri, message), text)
    end
  end)

  it("has no domain of another name, and knows the nearest", function()
    local connection <close> = assert(virtlun.open(TEST))
    local cases = {
      tset = "tset: test:///default has no domain 'tset' (did you mean 'test'?)",
      something_else = "something_else: test:///default has no domain 'something_else'",
      ["00000000-0000-0000-0000-000000000000"] =
        "00000000-0000-0000-0000-000000000000: test:///default has no domain '00000000-0000-0000-0000-000000000000'",
    }
    for name, said in pairs(cases) do
      local dom, problems = connection:domain(name)
      assert.is_nil(dom)
      assert.equal(said, tostring(problems))
      assert.equal("no_such_domain", problems[1].code)
      assert.same({ 42, "VIR_ERR_NO_DOMAIN", "VIR_FROM_TEST" },
        { problems[1].cause.code, problems[1].cause.name, problems[1].cause.domain })
      assert.equal("string", type(problems[1].cause.message))
    end
  end)

  it("may be closed twice, and is then misused if used", function()
    local connection = assert(virtlun.open(TEST))
    connection:close()
    connection:close()
    assert.has_error(function() connection:domains() end)
  end)

  it("may be collected at any time, also before its domains", function()
    for _ = 1, 20 do
      local connection = assert(virtlun.open(TEST))
      local dom = assert(connection:domain("test"))
      connection:close()
      connection = nil -- luacheck: ignore
      collectgarbage()
      assert.equal("test", dom.name)
      dom = nil -- luacheck: ignore
      collectgarbage()
    end
    -- What a finalizer makes while Lua closes is never finalized itself, so there the leak detector has a reason.
    local result = child.script([[
      local v = require "virtlun"
      local c = v.open "test:///default"
      local kept = { c:domain "test", c:domains() }
      setmetatable({}, { __gc = function() print(pcall(c.domains, c)) end })]],
      { env = { ASAN_OPTIONS = "detect_leaks=0" } })
    assert.same({ "", 0 }, { result.err, result.code })
  end)
end)

describe("plan and apply", function()
  local connection, dom
  before_each(function()
    connection = assert(virtlun.open(TEST))
    dom = assert(connection:domain("test"))
  end)
  after_each(function()
    connection:close()
    dom = nil
    collectgarbage()
  end)

  it("makes the seed so, believes it when it is read, and has nothing to do then", function()
    local plan = assert(dom:plan(recipe(seed)))
    assert.equal(6, plan.changes)
    assert.equal(TEST, plan.uri)
    assert.equal("running", plan.state)
    local told = {}
    local calls = calls_of(function()
      local result = assert(plan:apply { on_progress = function(e) told[#told + 1] = e.state .. e.number end })
      assert.same({ domain = "test", done = 6, notes = {} }, result)
    end)
    assert.equal(1, count(calls, "define"))
    assert.equal("xml", calls[#calls]) -- The last word has the host.
    assert.same({ "begin1", "begin2", "begin3", "begin4", "begin5", "begin6", "done1", "done2", "done3", "done4",
      "done5", "done6" }, told)

    local described = assert(dom:describe())
    local drive
    for _, device in ipairs(described.config) do if device.dev == "sda" then drive = device end end
    assert.equal("4:0:0:0", virtlun.address_text(drive.address))
    for key, value in pairs { kind = "cdrom", source = "/var/lib/libvirt/images/cd.iso", format = "raw", cache = "none",
      io = "native", readonly = true } do
      assert.equal(value, drive[key], key)
    end
    local again = assert(dom:plan(recipe(seed)))
    assert.equal(0, again.changes)
    assert.equal(2, #again.pending) -- What the recipe names: HBA 4 and the drive.
    calls = calls_of(function() assert.same({ domain = "test", done = 0, notes = {} }, again:apply()) end)
    assert.equal(0, count(calls, "define"))
  end)

  it("changes nothing while it only plans", function()
    local calls = calls_of(function() assert(dom:plan(recipe(seed))) end)
    for _, call in ipairs(calls) do
      assert.equal("look", call)
    end
    assert.equal(6, assert(dom:plan(recipe(seed))).changes)
  end)

  it("changes a medium, a place, an HBA, and takes away", function()
    assert(dom:plan(recipe(seed)):apply())
    local steps = {
      [[cdrom { dev = "sda", source = "/other.iso" }]], [[cdrom { dev = "sda", source = false }]],
      [[cdrom { dev = "sda", address = { controller = 2, target = 7, unit = 300 } }]],
      [[controller { index = 4, queues = 3 }]], [[cdrom { dev = "sda", absent = true }]],
      [[controller { index = 4, absent = true }]],
    }
    for _, step in ipairs(steps) do
      local plan = assert(dom:plan(recipe(step)))
      assert.equal(1, plan.changes, step)
      assert(plan:apply())
      assert.equal(0, dom:plan(recipe(step)).changes, step)
    end
  end)

  it("is refused when the host has changed since", function()
    local plan = assert(dom:plan(recipe(seed)))
    assert(dom:plan(recipe [[controller { index = 0 }]]):apply())
    local result
    local calls = calls_of(function()
      local problems
      result, problems = plan:apply()
      assert.equal("test: the domain has changed since it was planned (plan again)", tostring(problems))
      assert.equal("host_changed", problems[1].code)
    end)
    assert.is_nil(result)
    assert.equal(0, count(calls, "define"))
  end)

  it("tells what the host refused, with its cause, and the domain stays as it was", function()
    -- libvirt knows that a boot order excludes <os><boot>, and here nobody has asked virtlun's rules.
    local jobs = require("virtlun.backend.jobs")
    local function xml() return assert(jobs.call("xml", dom.handle, 60, { inactive = true })) end
    local before = xml()
    local good, failure = jobs.call("define", connection.handle, 60, nil, "<domain type='test'><name>x</name></domain>")
    assert.is_nil(good)
    assert.same({ "number", "string", "string" }, { type(failure.code), type(failure.name), type(failure.message) })
    local bad
    bad, failure = dom:define(before:gsub("<uuid>.-</uuid>", "<uuid>11111111-2222-3333-4444-555555555555</uuid>"))
    assert.is_nil(bad)
    assert.equal("host_refused", failure[1].code)
    assert.equal("test: the host refused: " .. failure[1].cause.message, tostring(failure))
    assert.same({ "VIR_ERR_OPERATION_FAILED", 9 }, { failure[1].cause.name, failure[1].cause.code })
    assert.equal(before, xml())
  end)

  it("believes the host, not the call: what was not made is told", function()
    local plan = assert(dom:plan(recipe(seed)))
    local define = getmetatable(dom).__index.define
    rawset(dom, "define", function(self, xml) return define(self, (xml:gsub("<disk .-</disk>", ""))) end)
    local result, problems = plan:apply()
    assert.is_nil(result)
    assert.equal("not_made", problems[1].code)
    assert.equal("r.lua:4: test.sda: the host took the change but does not have it: not there (plan again)\n" ..
      "test: note: 5 of 6 changes were made before, and stay (the next apply goes on from there)", tostring(problems))
    local ends = {}
    for i, step in ipairs(plan.steps) do ends[i] = step.result end
    assert.same({ "done", "done", "done", "done", "done", "failed" }, ends)
  end)

  it("writes only to the domain that was read: its uuid goes along", function()
    local define, sent = getmetatable(dom).__index.define, nil
    rawset(dom, "define", function(self, xml)
      sent = xml
      return define(self, xml)
    end)
    assert(dom:plan(recipe(seed)):apply())
    assert.truthy(sent:find("<uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>", 1, true))
  end)
end)

describe("the log of calls", function()
  it("names failures too", function()
    local calls = calls_of(function() virtlun.open("nonsense:///") end)
    assert.same({ "open!" }, calls)
  end)

  it("goes to standard error with VIRTLUN_TRACE, and nowhere without", function()
    local text = 'local v = require "virtlun" local c = v.open "test:///default" c:domain "test" v.open "nonsense:///"'
    local result = child.script(text, { env = { VIRTLUN_TRACE = "1" } })
    assert.equal("", result.out)
    local seen = {}
    for line in result.err:gmatch("[^\n]+") do
      local call = line:match("^virtlun: +%d+%.%d%d%d ms  (%w+)")
      assert.truthy(call, line)
      seen[call] = true
    end
    assert.is_true(seen.open and seen.lookup and seen.uri)
    assert.truthy(result.err:find("ms  open  [^\n]+\n$"), result.err)
    assert.equal("", child.script(text).err)
  end)
end)
