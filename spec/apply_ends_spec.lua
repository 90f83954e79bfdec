-- How an apply ends: the result of each step, patience with a busy domain, a stop between steps, what is undone, and
-- what becomes of a device that had to be replaced; on a domain in memory.
local apply = require("virtlun.apply")
local fake = require("support.fake_host")
local host = require("support.host_xml")
local virtlun = require("virtlun")

-- A running domain with two HBAs and these devices; opts as for fake.host.
local function start(devices, opts)
  local machine = fake.host(opts)
  machine:add { machine = "pc", more = "<features><acpi/></features>",
    devices = table.move(devices, 1, #devices, 3, { host.hba(0), host.hba(1) }) }
  return machine, assert(machine:open("web01"))
end

local function planned(dom, opts, ...)
  local plan, problems = apply.plan(dom, { kind = "domain", name = "web01", ... }, opts)
  return assert(plan, tostring(problems))
end

local function results(plan)
  local list = {}
  for i, step in ipairs(plan.steps) do list[i] = ("%s %s: %s"):format(step.action, step.device, step.result or "-") end
  return list
end

local function cdrom(dev, source, unit)
  return { kind = "cdrom", dev = dev, source = source, address = unit and { controller = 0, target = 0, unit = unit } }
end

local function texts(dom) return { dom:document("live"), dom:document("config") } end

-- The devices of documents by their names: what comes back may stand in another place of the text.
local function devices_of(documents)
  local result = {}
  for i, xml in ipairs(documents) do
    result[i] = {}
    for _, device in ipairs(assert(virtlun.read(xml))) do result[i][device.dev or "HBA " .. device.index] = device end
  end
  return result
end

local sda = host.drive("sda", { path = "/a.iso" })

describe("the steps of a plan", function()
  it("are done when all went well", function()
    local _, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1))
    assert(plan:apply())
    assert.same({ "change sda: done", "add sdb: done" }, results(plan))
  end)

  it("are done, failed or left where one fails", function()
    local machine, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1), cdrom("sdc", "/d.iso", 2))
    machine.fault = fake.faults.at(3, { refuse = 38, message = "no" })
    local result, problems, ended = plan:apply()
    assert.is_nil(result)
    assert.same({ "change sda: done", "add sdb: failed", "add sdc: left" }, results(plan))
    assert.same({ written = true, done = 1, failed = 1, unknown = 0, undone = 0, left = 1 }, ended)
    assert.same({ "host_refused", "made_before" }, { problems[1].code, problems[2].code })
  end)

  it("are told one by one as they begin and end", function()
    local _, dom = start { sda }
    local heard = {}
    assert(planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1)):apply {
      on_progress = function(event)
        heard[#heard + 1] = ("%s %d/%d %s"):format(event.state, event.number, event.total, event.step.device)
      end,
    })
    assert.same({ "begin 1/2 sda", "done 1/2 sda", "begin 2/2 sdb", "done 2/2 sdb" }, heard)
  end)
end)

describe("a domain that another client keeps busy", function()
  it("is waited for", function()
    local machine, dom = start { sda }
    machine.fault = fake.faults.busy(1, 2)
    local waited = 0
    assert(planned(dom, nil, cdrom("sda", "/b.iso")):apply { on_progress = function(event)
      if event.state == "waiting" and event.what == "busy" then waited = waited + 1 end
    end })
    assert.equal(2, waited)
    assert.same({ "update sda live!", "update sda live!", "update sda live", "update sda config" }, machine.calls)
  end)

  it("is given up when the time of the step is up", function()
    local machine, dom = start { sda }
    machine.fault = fake.faults.busy(1, 99)
    local before, began = texts(dom), machine:now()
    local result, problems, ended = planned(dom, nil, cdrom("sda", "/b.iso")):apply { timeout = 100 }
    assert.is_nil(result)
    assert.equal(68, problems[1].cause.code)
    assert.is_true(machine:now() - began < 100 + 31)
    assert.equal(0, ended.done)
    assert.same(before, texts(dom))
  end)

  it("is not waited for where nobody has answered: that may still come about", function()
    local machine, dom = start { sda }
    machine.fault = fake.faults.at(1, { silent = "after" })
    local result, _, ended = planned(dom, nil, cdrom("sda", "/b.iso")):apply()
    assert.is_nil(result)
    assert.is_true(ended.written)
    assert.equal(1, #machine.calls)
  end)

  it("is waited for before it is planned, too", function()
    local machine, dom = start { sda }
    local asked = 0
    function machine.fault(call)
      if call.name ~= "look" then return nil end
      asked = asked + 1
      return asked == 1 and { refuse = 68, message = "cannot acquire state change lock" } or nil
    end
    assert.equal(1, planned(dom, nil, cdrom("sda", "/b.iso")).changes)
  end)
end)

describe("an apply that is stopped", function()
  local function stop_after(count)
    local asked = 0
    return function()
      asked = asked + 1
      return asked > count
    end
  end

  it("ends after the step in flight, and the same again goes on from there", function()
    local machine, dom = start { sda }
    local wishes = { cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1) }
    local plan = planned(dom, nil, table.unpack(wishes))
    local result, problems, ended = plan:apply { stop = stop_after(1) }
    assert.is_nil(result)
    assert.equal("web01: stopped as asked, after 1 of 2 changes (the same again goes on from there)",
      tostring(problems))
    assert.same({ written = true, done = 1, failed = 0, unknown = 0, undone = 0, left = 1 }, ended)
    assert.same({ "change sda: done", "add sdb: left" }, results(plan))
    assert.same({ "update sda live", "update sda config" }, machine.calls)
    assert.same({ "add sdb: -" }, results(planned(dom, nil, table.unpack(wishes))))
  end)

  it("gives the configuration what the running domain has by then", function()
    local machine, dom = start { sda }
    local moved = { kind = "cdrom", dev = "sda", replace = true, address = { controller = 1, target = 0, unit = 5 } }
    local plan = planned(dom, nil, moved, cdrom("sdb", "/c.iso", 1))
    assert.is_nil(plan:apply { stop = stop_after(1) })
    assert.same({ "change sda: done", "add sdb: left" }, results(plan))
    assert.same({ "detach sda live", "attach sda live", "define" }, machine.calls)
  end)

  it("undoes nothing, whatever is to be undone on failure", function()
    local _, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1))
    assert.is_nil(plan:apply { stop = stop_after(1), undo = "all" })
    assert.same({ "change sda: done", "add sdb: left" }, results(plan))
  end)
end)

describe("undo = \"all\"", function()
  -- Everything that a plan does before its last step, which is refused.
  local function fail_at_the_end(devices, opts, ...)
    local machine, dom = start(devices, opts)
    local before = texts(dom)
    local wishes = { ... }
    wishes[#wishes + 1] = cdrom("sdz", "/z.iso", 30)
    local plan = planned(dom, nil, table.unpack(wishes))
    function machine.fault(call) return call.text:find("attach sdz", 1, true) and { refuse = 38, message = "no" } end
    local result, problems, ended = plan:apply { undo = "all" }
    assert.is_nil(result)
    return plan, before, texts(dom), problems, ended
  end

  local second = host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 } })
  local cases = {
    ["a medium"] = { { sda }, cdrom("sda", "/new.iso") },
    ["an ejected medium"] = { { sda }, cdrom("sda", false) },
    ["a new drive"] = { { sda }, cdrom("sdc", "/c.iso", 3) },
    ["a new HBA and its drive"] = { { sda }, { kind = "controller", index = 2, model = "virtio-scsi" },
      { kind = "cdrom", dev = "sdc", source = "/c.iso", address = { controller = 2, target = 0, unit = 0 } } },
    ["a drive that has left"] = { { sda, second }, { kind = "cdrom", dev = "sda", absent = true } },
    ["all of that"] = { { sda, second }, { kind = "cdrom", dev = "sda", absent = true }, cdrom("sdb", "/new.iso"),
      cdrom("sdc", "/c.iso", 3) },
    ["a drive that was replaced"] = { { sda },
      { kind = "cdrom", dev = "sda", replace = true, address = { controller = 1, target = 0, unit = 5 } } },
  }
  for name, case in pairs(cases) do
    it("brings back what was before: " .. name, function()
      local plan, before, after, problems = fail_at_the_end(case[1], { manners = { tray_unknown = false } },
        table.unpack(case, 2))
      assert.same(devices_of(before), devices_of(after), tostring(problems))
      for i, step in ipairs(plan.steps) do
        local is_last = i == #plan.steps
        assert.equal(is_last and "failed" or "undone", step.result, step.device)
      end
    end)
  end

  it("takes a drive away again that came to the place which the configuration has it at", function()
    local machine = fake.host()
    machine:add { machine = "pc", live = { host.hba(0) }, config = { host.hba(0), sda } }
    local dom = assert(machine:open("web01"))
    machine.fault = fake.faults.at(2, { refuse = 38, message = "no" })
    local before = texts(dom)
    local desired = { kind = "domain", name = "web01", boot = "devices", { kind = "cdrom", dev = "sda", boot = 1 } }
    assert.is_nil(assert(apply.plan(dom, desired)):apply { undo = "all" })
    assert.same({ "attach sda live", "define!", "detach sda live" }, machine.calls)
    assert.same(devices_of(before), devices_of(texts(dom)))
  end)

  it("brings a drive back by a define with all that virtlun does not know of it", function()
    local strange = "<geometry cyls='2' heads='3' secs='4'/>"
    local machine = fake.host()
    machine:add { config = { host.hba(0), host.drive("sda", { path = "/a.iso", inner = strange }) } }
    local dom = assert(machine:open("web01"))
    local before = dom:document("config")
    -- Somebody takes the new drive away before it is seen, so that the step has failed.
    local has_come = false
    function machine.fault(call)
      if call.writes or machine.calls[1] ~= "define" or has_come then return nil end
      has_come = true
      return { first = function()
        machine:find("web01"):detach_device(host.drive("sdz", { place = { 0, 0, 30 } }), { config = true })
      end }
    end
    local plan = planned(dom, nil, { kind = "controller", index = 0, queues = 4 },
      { kind = "cdrom", dev = "sda", absent = true }, cdrom("sdz", "/z.iso", 30))
    local result, problems = plan:apply { undo = "all" }
    assert.is_nil(result)
    assert.same({ "define", "define" }, { machine.calls[1], machine.calls[#machine.calls] })
    assert.same(devices_of { before }, devices_of { dom:document("config") }, tostring(problems))
    assert.truthy(dom:document("config"):gsub('"', "'"):find(strange, 1, true))
  end)

  it("leaves a drive that another client has put in the place of the one that left", function()
    local machine, dom = start { sda }
    local theirs = host.drive("sda", { path = "/theirs.iso", place = { 1, 0, 9 } })
    machine.fault = fake.faults.at(1, { first = function()
      machine:find("web01"):detach_device(sda, { config = true })
      machine:find("web01"):attach_device(theirs, { config = true })
    end })
    local result, problems = planned(dom, nil, { kind = "cdrom", dev = "sda", absent = true }):apply { undo = "all" }
    assert.is_nil(result)
    assert.equal("host_changed", problems[1].code)
    local there = devices_of(texts(dom))
    assert.same({ "/a.iso", "/theirs.iso", 9 },
      { there[1].sda.source, there[2].sda.source, there[2].sda.address.unit })
  end)

  describe("leaves what another client has done meanwhile:", function()
    -- The last step is refused, and before it somebody else does something.
    local function ended_after(devices, theirs, ...)
      local machine, dom = start(devices, { manners = { tray_unknown = false } })
      local wishes = { ... }
      wishes[#wishes + 1] = cdrom("sdz", "/z.iso", 30)
      local plan = planned(dom, nil, table.unpack(wishes))
      function machine.fault(call)
        if not call.text:find("attach sdz", 1, true) then return nil end
        theirs(machine:find("web01"))
        return { refuse = 38, message = "no" }
      end
      local result, problems = plan:apply { undo = "all" }
      assert.is_nil(result)
      return devices_of(texts(dom)), problems, plan
    end
    local both = { live = true, config = true }

    it("a drive under the name of one that has left", function()
      local there = ended_after({ sda }, function(domain)
        domain:attach_device(host.drive("sda", { path = "/other.iso" }), both)
      end, { kind = "cdrom", dev = "sda", absent = true })
      assert.same({ "/other.iso", "/other.iso" }, { there[1].sda.source, there[2].sda.source })
    end)

    it("another medium than the one that was put in", function()
      local there, problems = ended_after({ sda }, function(domain)
        domain:update_device(host.drive("sda", { path = "/third.iso" }), both)
      end, cdrom("sda", "/b.iso"))
      assert.same({ "/third.iso", "/third.iso" }, { there[1].sda.source, there[2].sda.source })
      assert.truthy(tostring(problems):find("source is not as it was made, so another client has changed it", 1, true))
    end)

    it("a drive at the very place of one that was to come", function()
      local machine, dom = start { sda }
      local plan = planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1))
      machine.fault = fake.faults.at(2, { first = function()
        machine:find("web01"):attach_device(host.drive("sdb", { path = "/other.iso", place = { 0, 0, 1 } }), both)
      end })
      local result, problems = plan:apply { undo = "all" }
      assert.is_nil(result)
      assert.equal("host_changed", problems[1].code)
      local there = devices_of(texts(dom))
      assert.same({ "/a.iso", "/other.iso" }, { there[1].sda.source, there[1].sdb.source })
    end)
  end)

  it("tells what could not be undone", function()
    local machine, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sda", "/new.iso"), cdrom("sdz", "/z.iso", 30))
    function machine.fault(call)
      local later = call.text:find("update", 1, true) and call.number > 3
      return (later or call.text:find("attach sdz", 1, true)) and { refuse = 38, message = "no" } or nil
    end
    local result, problems, ended = plan:apply { undo = "all" }
    assert.is_nil(result)
    assert.truthy(tostring(problems):find("not everything that was made could be undone", 1, true))
    assert.same({ "change sda: done", "add sdz: failed" }, results(plan))
    assert.is_true(ended.written)
  end)
end)

describe("a drive that is replaced", function()
  local moved = { kind = "cdrom", dev = "sda", replace = true, address = { controller = 1, target = 0, unit = 5 } }

  it("is put back where the new one is refused", function()
    local machine, dom = start { sda }
    local before = texts(dom)
    machine.fault = fake.faults.at(2, { refuse = 38, message = "no" })
    local result, problems, ended = planned(dom, nil, moved):apply()
    assert.is_nil(result)
    assert.same({ "host_refused", "put_back" }, { problems[1].code, problems[2].code })
    assert.same({ "detach sda live", "attach sda live!", "attach sda live" }, machine.calls)
    assert.same(devices_of(before), devices_of(texts(dom)))
    assert.equal(0, ended.done)
  end)

  it("is told to be away later where the guest takes too long, and is there after the next apply", function()
    local machine, dom = start({ sda })
    machine:find("web01").answers["*"] = 50
    local result, problems = planned(dom, nil, moved):apply()
    assert.is_nil(result)
    assert.same({ "unplug_pending", "away_later" }, { problems[1].code, problems[2].code })
    machine:advance(60)
    assert.falsy(dom:document("live"):find("dev='sda'", 1, true))
    assert(planned(dom, nil, moved):apply())
    assert.equal(0, planned(dom, nil, moved).changes)
  end)

  it("is not put in twice where nobody has said that it is there again", function()
    local machine, dom = start { sda }
    machine.fault = fake.faults.at(2, { silent = "after" })
    local result, problems = planned(dom, nil, moved):apply()
    assert.is_nil(result)
    assert.same({ "host_refused", "unseen", "unanswered" },
      { problems[1].code, problems[2].code, problems[3].code })
    assert.same({ "detach sda live", "attach sda live!" }, machine.calls)
  end)

  it("is not taken out where its image is an overlay that goes with it", function()
    local disk = host.drive("sdd", { device = "disk", path = "/d.img", place = { 0, 0, 3 }, inner = "<transient/>" })
    local machine, dom = start { disk }
    local wish = { kind = "disk", dev = "sdd", cache = "none", replace = true }
    local result, problems = planned(dom, { force = true }, wish):apply()
    assert.is_nil(result)
    assert.same({ "overlaid", 0 }, { problems[1].code, #machine.calls })
  end)

  it("is told to be lost where it does not come back either, and is there again after the next apply", function()
    local machine, dom = start { sda }
    function machine.fault(call) return call.text == "attach sda live" and { refuse = 38, message = "no" } or nil end
    local result, problems = planned(dom, nil, moved):apply()
    assert.is_nil(result)
    assert.same({ "host_refused", "lost" }, { problems[1].code, problems[2].code })
    machine.fault = nil
    assert(planned(dom, nil, moved):apply())
    assert.equal(0, planned(dom, nil, moved).changes)
  end)
end)

describe("a listener that raises an error", function()
  it("is heard when the drive that was out is in again", function()
    local machine, dom = start { sda }
    machine:find("web01").answers["*"] = 8
    local moved = { kind = "cdrom", dev = "sda", replace = true, address = { controller = 1, target = 0, unit = 5 } }
    local plan = planned(dom, nil, moved)
    local good, message = pcall(plan.apply, plan, { on_progress = function(event)
      if event.state == "waiting" then error("no more", 0) end
    end })
    assert.same({ false, "no more" }, { good, message })
    assert.equal(0, planned(dom, nil, moved).changes)
  end)
end)

describe("a plan that is applied twice", function()
  it("has the results of the second time", function()
    local machine, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1))
    machine.fault = fake.faults.at(1, { refuse = 38, message = "no" })
    assert.is_nil(plan:apply())
    assert.same({ "change sda: failed", "add sdb: left" }, results(plan))
    machine.fault = fake.faults.at(4, { refuse = 38, message = "no" })
    assert.is_nil(plan:apply())
    assert.same({ "change sda: done", "add sdb: failed" }, results(plan))
  end)

  it("is refused where its steps were edited", function()
    local machine, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sda", "/b.iso"), cdrom("sdb", "/c.iso", 1))
    table.remove(plan.steps, 1)
    local result, problems = plan:apply()
    assert.same({ nil, "plan_edited", 0 }, { result, problems[1].code, #machine.calls })
  end)
end)

describe("a call that nobody answers", function()
  it("leaves its step unknown", function()
    local machine, dom = start { sda }
    machine.fault = fake.faults.at(1, { silent = "after" })
    local plan = planned(dom, nil, cdrom("sda", "/b.iso"))
    local result, problems, ended = plan:apply()
    assert.is_nil(result)
    assert.same({ "change sda: unknown" }, results(plan))
    assert.equal(1, ended.unknown)
    assert.equal("unanswered", problems[#problems].code)
  end)
end)

describe("a medium that is read in another format", function()
  it("is put back, and told, where the host says that it is in the drive again and it is not", function()
    local machine, dom = start { sda }
    machine.fault = fake.faults.at(2, { ignore = true })
    local result, problems = planned(dom, nil, { kind = "cdrom", dev = "sda", format = "qcow2" }):apply()
    assert.is_nil(result)
    assert.same({ "not_made", "restored" }, { problems[1].code, problems[2].code })
    assert.equal("/a.iso", devices_of(texts(dom))[1].sda.source)
  end)
end)

describe("a plan of a domain that has changed since", function()
  it("is refused, and nothing is changed", function()
    local machine, dom = start { sda }
    local plan = planned(dom, nil, cdrom("sdb", "/c.iso", 1))
    assert(planned(dom, nil, cdrom("sda", "/other.iso")):apply())
    local calls = #machine.calls
    local result, problems, ended = plan:apply()
    assert.same({ nil, "host_changed", nil, calls }, { result, problems[1].code, ended, #machine.calls })
  end)
end)
