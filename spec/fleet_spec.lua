-- Many domains on many hosts: how they are shared out, in which rounds they come, what is asked and what the report
-- says, with hosts that only pretend; and the whole on hosts that live in memory.
local fake = require("support.fake_host")
local runs = require("support.fleet_runs")
local host_xml = require("support.host_xml")
local jobs = require("virtlun.backend.jobs")
local poll = require("poll")
local pretended = require("support.pretended_hosts")
local virtlun = require("virtlun")

local hosts, events
before_each(function() hosts, events = runs.begin() end)
after_each(runs.finish)

local run, apply, results, count, logged, codes, states =
  runs.run, runs.apply, runs.results, runs.count, runs.logged, runs.codes, runs.states
local domain, domains = pretended.domain, pretended.domains

describe("a fleet", function()
  it("has one connection to each host, from its plans to its end", function()
    local report = apply(domains(12, "a", "b", "c"))
    assert.equal(("done "):rep(11) .. "done", results(report))
    for _, uri in ipairs { "a", "b", "c" } do
      assert.same({ 1, 4, 4, 1 }, { count("open " .. uri), count("plan " .. uri), count("make " .. uri),
        count("close " .. uri) })
    end
    assert.same({ 12, true, false, "" }, { report.done, report.changed, report.failed, tostring(report.problems) })
  end)

  it("plans all before it makes anything", function()
    apply(domains(8, "a", "b"))
    local made
    for _, line in ipairs(hosts.log) do
      made = made or line:find("^make")
      assert.falsy(made and line:find("^plan"), table.concat(hosts.log, "\n"))
    end
  end)

  it("has at most ten hosts at once, and five domains of each", function()
    local uris = {}
    for i = 1, 14 do uris[i] = "h" .. i end
    apply(domains(14 * 7, table.unpack(uris)))
    assert.equal(10, hosts.most.hosts)
    for _, uri in ipairs(uris) do assert.equal(5, hosts.most[uri]) end
    for name, most in pairs(hosts.most) do
      if name:find("/") then assert.equal(1, most, name) end
    end
  end)

  it("has five connections to a host where libvirt bears one call of each, and plans nothing twice for that", function()
    hosts.lanes = 5
    local report = apply(domains(40, "a", "b"))
    assert.is_false(report.failed)
    assert.same({ 5, 5, 40 }, { count("open a"), count("open b"), count("plan") })
    assert.equal(5, hosts.most.a)
  end)

  it("makes do with the first connection where a host gives no other", function()
    hosts.lanes = 5
    hosts:at("a").opens = function(attempt) return attempt == 1 end
    local report = apply(domains(10, "a"))
    assert.same({ false, 10 }, { report.failed, count("make") })
  end)

  it("has at most so many hosts at once as are said", function()
    for _, number in ipairs { 1, 3 } do
      hosts = runs.begin()
      apply(domains(12, "a", "b", "c", "d", "e", "f"), { hosts = number })
      assert.equal(number, hosts.most.hosts)
    end
  end)

  it("takes the uri of its options where a domain says none, and libvirt's default without", function()
    local report = apply({ domain("d1"), domain("d2", "a") }, { uri = "b" })
    assert.same({ "b", "a" }, { report.domains[1].uri, report.domains[2].uri })
    assert.same({ 1, 1 }, { count("open b"), count("open a") })
    assert.equal("", apply({ domain("d1") }).domains[1].uri)
  end)

  it("is empty without domains", function()
    assert.same({ domains = {}, problems = {}, done = 0, failed = false, changed = false }, apply({}))
    assert.same({}, hosts.log)
  end)

  it("leaves alone what is as described", function()
    hosts:at("a").domains.d1 = { changes = 0 }
    local report = apply(domains(2, "a"))
    assert.equal("done done", results(report))
    assert.same({ "make a/d2" }, logged("make"))
    assert.equal(1, report.done)
    assert.equal("planning planned done", states("domain", "a", "d1"))
    assert.equal("planning planned begin done", states("domain", "a", "d2"))
  end)

  it("tells the numbers of changes and steps of a domain, and its steps with their host", function()
    hosts:at("a").domains.d1 = { changes = 3 }
    apply(domains(1, "a"))
    local last = events[#events]
    assert.same({ "domain", "done", 3, 3 }, { last.event, last.state, last.changes, last.made })
    assert.equal("begin done begin done begin done", states("step", "a", "d1"))
    assert.equal("connecting connected", states("host", "a"))
  end)

  it("hands on the options of a plan and its making, and those of connections", function()
    apply(domains(1, "a"), { force = true, timeout = 3, scope = "live", readonly = true })
    assert.same({ true, 3, "live", nil }, { hosts.how.force, hosts.how.timeout, hosts.how.scope, hosts.how.hosts })
    assert.same({ readonly = true, timeout = 10, tty = false }, hosts.opts)
  end)

  it("plans by the way that it is told", function()
    local seen = {}
    apply(domains(2, "a"), { plan = function(dom, described, opts)
      seen[#seen + 1] = dom.name == described.name and opts.force and described.name
      return dom:plan(described, opts)
    end, force = true })
    assert.same({ "d1", "d2" }, seen)
  end)

  it("only plans where that is asked", function()
    hosts:at("a").domains.d2 = { changes = 0 }
    local report = run("plans", domains(3, "a", "b"))
    assert.same({ 0, false, false }, { report.done, report.changed, report.failed })
    assert.same({ 3, 0, 2 }, { count("plan"), count("make"), count("close") })
    assert.equal(1, report.domains[1].plan.changes)
  end)
end)

describe("two names", function()
  it("for one domain make neither", function()
    hosts:at("a").domains = { d1 = { uuid = "same" }, d2 = { uuid = "same" } }
    local report = apply(domains(2, "a"))
    assert.equal("left failed", results(report))
    assert.same({ "same_domain", 0 }, { codes(report.problems), count("make") })
  end)

  it("for one domain never make it twice, also where one of them comes late", function()
    local function look_up()
      while count("make") == 0 do jobs.sleep(0.005) end
    end
    hosts:at("a").domains = { d1 = { uuid = "same", look_up = look_up }, d2 = { uuid = "same" } }
    local report = apply(domains(2, "a"))
    assert.equal("failed done", results(report))
    assert.same({ "make a/d2" }, logged("make"))
  end)

  it("that are the same on two hosts are two domains, and problems say which", function()
    local twins = { domain("d", "a"), domain("d", "b"), domain("e", "b") }
    assert.equal("done done done", results(apply(twins)))
    hosts:at("b").domains = { d = { make = function() return pretended.refused("d.sda") end },
      e = { make = function() return pretended.refused("e.sda") end } }
    local report = apply(twins)
    assert.same({ "done failed failed", "b d.sda", "e.sda" }, { results(report), report.problems[1].path,
      report.problems[2].path })
  end)
end)

describe("a question", function()
  it("is asked once for a round, with all that is to be made and all that is wrong", function()
    local rounds = {}
    hosts:at("a").domains.d1 = { plan = function(connection, dom)
      local plan = hosts:plan(dom, {}, connection)
      return plan, virtlun.problems { virtlun.problem { code = "not_bootable", path = "d1", value = "x" } }
    end }
    hosts:at("b").opens = function() return false end
    apply(domains(4, "a", "b"), { confirm = function(round)
      rounds[#rounds + 1] = round
      assert.same({}, logged("make"))
      return true
    end })
    assert.equal(1, #rounds)
    assert.same({ "d1", "d3" }, { rounds[1].plans[1].domain, rounds[1].plans[2].domain })
    assert.same({ "not_bootable no_host", 1, 0, 0 }, { codes(rounds[1].problems), rounds[1].number, #rounds[1].late,
      #rounds[1].changed })
  end)

  it("that is answered by no makes nothing, and is no failure of anybody", function()
    local report = apply(domains(2, "a"), { confirm = function() return false end })
    assert.same({ "left left", 0, "", true, false }, { results(report), count("make"), codes(report.problems),
      report.failed, report.changed })
    assert.same({ "left", "left" }, { report.domains[1].plan.result, report.domains[1].plan.steps[1].result })
  end)
end)

describe("a mistake in a description", function()
  before_each(function()
    hosts:at("b").domains.d2 = { plan = function() return pretended.mistake("d2") end }
  end)

  it("keeps everything from being made, without a question", function()
    local report = apply(domains(4, "a", "b"), { confirm = error })
    assert.equal("left failed left left", results(report))
    assert.same({ 0, "dev_taken" }, { count("make"), codes(report.problems) })
  end)

  it("counts as one failure where so many may fail", function()
    local report = apply(domains(4, "a", "b"), { max_fail = 1 })
    assert.equal("done failed done done", results(report))
    report = apply(domains(4, "a", "b"), { max_fail = 0 })
    assert.equal("left failed left left", results(report))
    assert.equal("dev_taken max_fail", codes(report.problems))
  end)

  it("is not what a host says", function()
    hosts:at("b").domains.d2 = { plan = function() return pretended.refused("d2") end }
    assert.equal("done failed done done", results(apply(domains(4, "a", "b"))))
  end)

  it("is a name that the host does not know", function()
    hosts:at("b").domains.d2 = { plan = function()
      return nil, virtlun.problems { virtlun.problem { code = "no_such_domain", path = "d2", value = "d2",
        a = "b", cause = { name = "VIR_ERR_NO_DOMAIN", domain = "VIR_FROM_QEMU", message = "no" } } }
    end }
    assert.equal("left failed left left", results(apply(domains(4, "a", "b"))))
  end)
end)

describe("virtlun.apply in virtlun.async", function()
  local function pump(enough)
    local limit = jobs.now() + 10
    while not enough() do
      assert(jobs.now() < limit, "ten seconds, and still not there")
      assert(poll(virtlun.fd(), 5), "nothing to dispatch for five seconds")
      virtlun.dispatch()
    end
  end

  it("lets others go on, and gives its report", function()
    local report, ticks, over = nil, 0, nil
    hosts:within(function()
      virtlun.async(function()
        report = virtlun.apply(domains(20, "a", "b"), {})
        return report.done
      end, function(done) over = done end)
      virtlun.async(function()
        while not over do
          jobs.sleep(0.002)
          ticks = ticks + 1
        end
      end)
      pump(function() return over end)
    end)
    assert.equal(20, over)
    assert.truthy(ticks > 3, ticks)
    pump(function() return not poll(virtlun.fd(), 0.1) end)
  end)

  it("goes on with nobody when it has ended, whoever has not answered by then", function()
    hosts:at("b").hangs = true
    local report, heard
    hosts:within(function()
      virtlun.async(function()
        report = virtlun.apply(domains(40, "a", "b"), { confirm = function() return false end,
          on_progress = function(event) heard = report and event or heard end })
      end)
      pump(function() return report end)
      hosts:at("b").hangs = false
      local till = jobs.now() + 0.2
      while jobs.now() < till do
        poll(virtlun.fd(), 0.05)
        virtlun.dispatch()
      end
    end)
    assert.is_nil(heard)
    assert.same({ 0, 0 }, { count("plan b"), count("make") })
  end)
end)

describe("a fleet on hosts in memory", function()
  local function machine_with(names)
    local machine = fake.host()
    for _, name in ipairs(names) do machine:add { name = name, devices = { host_xml.hba(0) } } end
    return machine
  end

  local function described(names, source)
    local list = {}
    for i, name in ipairs(names) do
      list[i] = { kind = "domain", name = name, uri = "qemu+ssh://fake/system",
        { kind = "cdrom", dev = "sda", source = source or "/a.iso" } }
    end
    return list
  end

  it("is made, and the second time nothing is left to do", function()
    local names = { "d1", "d2", "d3", "d4" }
    local machine = machine_with(names)
    local report = machine:within(virtlun.apply, described(names))
    assert.same({ "done done done done", 4, "" }, { results(report), report.done, tostring(report.problems) })
    local writes = #machine.calls
    report = machine:within(virtlun.apply, described(names))
    assert.same({ "done done done done", 0, false }, { results(report), report.done, report.changed })
    assert.equal(writes, #machine.calls)
  end)

  it("does not change a domain that somebody else has changed since, but after a second question", function()
    local machine, asked = machine_with { "d1", "d2" }, {}
    local report = machine:within(virtlun.apply, described { "d1", "d2" }, { confirm = function(round)
      asked[#asked + 1] = #round.plans
      if #asked == 1 then
        local dom = assert(machine:open("d1"))
        assert(dom:attach_device(host_xml.drive("sdb", { path = "/c.iso", place = { 0, 0, 1 } }),
          { live = true, config = true }))
      end
      return true
    end })
    assert.equal("done done", results(report))
    assert.same({ 2, 1 }, asked)
  end)

  it("ends with all made wherever the daemon dies, when the same is run again", function()
    local names = { "d1", "d2", "d3" }
    for moment = 1, 12 do
      local machine = machine_with(names)
      machine.fault = fake.faults.at(moment, { lose = moment % 2 == 0 and "after" or "before" })
      machine:within(virtlun.apply, described(names))
      machine.fault = nil
      machine:restart()
      local report = machine:within(virtlun.apply, described(names))
      assert.equal("done done done", results(report))
      report = machine:within(virtlun.plans, described(names))
      for _, entry in ipairs(report.domains) do assert.equal(0, entry.plan.changes) end
    end
  end)
end)
