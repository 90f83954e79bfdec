-- Many domains on many hosts: how they are shared out, in which rounds they come, what ends a run and what the report
-- says, with hosts that only pretend; and the whole on hosts that live in memory and in libvirt's test driver.
local child = require("support.child")
local fake = require("support.fake_host")
local host_xml = require("support.host_xml")
local jobs = require("virtlun.jobs")
local poll = require("poll")
local pretended = require("support.pretended_hosts")
local scheduler = require("virtlun.fleet.scheduler")
local virtlun = require("virtlun")

local SILENT = 0.05 -- seconds, so that nobody waits long for who is silent

local hosts, events

before_each(function()
  hosts, events = pretended.new(), {}
  scheduler.SILENT = SILENT
end)

local usual = { silent = scheduler.SILENT, kept = scheduler.KEPT }
after_each(function()
  scheduler.SILENT, scheduler.KEPT = usual.silent, usual.kept
end)

-- Applies on the pretended hosts, and notes the events.
local function run(name, domains, opts)
  opts = opts or {}
  local listener = opts.on_progress
  function opts.on_progress(event)
    events[#events + 1] = event
    if listener then listener(event) end
  end
  return hosts:within(virtlun[name], domains, opts)
end

local function apply(domains, opts) return run("apply", domains, opts) end

-- The results of a report, in one line.
local function results(report)
  local words = {}
  for i, entry in ipairs(report.domains) do words[i] = entry.result end
  return table.concat(words, " ")
end

-- How often something was noted, as a pattern of its beginning.
local function count(what)
  local number = 0
  for _, line in ipairs(hosts.log) do
    if line:find("^" .. what) then number = number + 1 end
  end
  return number
end

-- The noted lines that begin so.
local function logged(what)
  local lines = {}
  for _, line in ipairs(hosts.log) do
    if line:find("^" .. what) then lines[#lines + 1] = line end
  end
  return lines
end

local function codes(found)
  local list = {}
  for i, problem in ipairs(found) do list[i] = problem.code end
  return table.concat(list, " ")
end

-- The states of a sort of event about something, in one line.
local function states(event, uri, domain)
  local words = {}
  for _, one in ipairs(events) do
    if one.event == event and one.uri == uri and one.domain == domain then words[#words + 1] = one.state end
  end
  return table.concat(words, " ")
end

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
      hosts = pretended.new()
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

describe("a host that does not answer", function()
  it("keeps nobody waiting, is named, and comes into a later round", function()
    local rounds = {}
    hosts:at("b").hangs = true
    local report = apply(domains(6, "a", "b", "c"), { confirm = function(round)
      rounds[#rounds + 1] = round
      return true
    end, on_progress = function(event)
      if event.event == "domain" and event.domain == "d6" and event.state == "done" then hosts:at("b").hangs = false end
    end })
    assert.equal("done done done done done done", results(report))
    assert.equal(2, #rounds)
    assert.same({ "b" }, rounds[1].late)
    assert.same({ 4, 2, 1, 2 }, { #rounds[1].plans, #rounds[2].plans, rounds[1].number, rounds[2].number })
    assert.same({}, rounds[2].late)
    assert.equal(1, count("open b"))
    assert.equal("connecting waiting connected answering", states("host", "b"))
  end)

  it("gives its place to another one", function()
    hosts:at("a").hangs, hosts:at("b").hangs = true, true
    local report = apply(domains(4, "a", "b", "c", "d"), { hosts = 1, on_progress = function(event)
      if event.domain == "d4" and event.state == "done" then hosts:at("a").hangs, hosts:at("b").hangs = false, false end
    end })
    assert.equal("done done done done", results(report))
    assert.same({ "make c/d3", "make d/d4" }, { table.unpack(logged("make"), 1, 2) })
  end)

  it("is not waited for where nobody is asked, for longer than patience says", function()
    scheduler.SILENT = 60
    hosts:at("a").hangs = true
    local begun, after = jobs.now(), nil
    apply(domains(2, "a", "b"), { patience = 0.05, on_progress = function(event)
      if event.domain == "d2" and event.state == "done" then
        after = jobs.now() - begun
        hosts:at("a").hangs = false
      end
    end })
    assert.truthy(after < 5, after)
    assert.equal("connecting connected", states("host", "a"))
  end)

  it("is named each second, with how long it has been silent, and when it answers again", function()
    scheduler.SILENT = 0.5
    local seconds = {}
    hosts:at("a").domains.d1 = { plan = function(connection, dom)
      hosts:at("a").hangs = true
      connection.owed, connection.heard = 1, jobs.now()
      while hosts:at("a").hangs do jobs.sleep(0.01) end
      return hosts:plan(dom, {}, connection)
    end }
    apply(domains(1, "a"), { on_progress = function(event)
      if event.state == "waiting" then seconds[#seconds + 1] = event.seconds end
      if event.seconds == 2 then hosts:at("a").hangs = false end
    end })
    assert.same({ 0, 1, 2 }, seconds)
    assert.equal("connecting connected waiting waiting waiting answering", states("host", "a"))
  end)

  it("that is dead in the end fails only its own domains", function()
    local b = hosts:at("b")
    b.hangs, b.opens = true, function() return false end
    local report = apply(domains(4, "a", "b"), { on_progress = function(event)
      if event.domain == "d3" and event.state == "done" then b.hangs = false end
    end })
    assert.equal("done failed done failed", results(report))
    assert.equal("no_host", codes(report.problems))
  end)

  it("leaves its domains where the answer to the question is no", function()
    hosts:at("b").hangs = true
    local report = apply(domains(2, "a", "b"), { confirm = function() return false end })
    assert.equal("left left", results(report))
    assert.same({ 0, false, true }, { count("make"), report.changed, report.failed })
  end)

  it("is no such host while ssh asks on the terminal, where no other question may be asked", function()
    local asking, asked
    hosts:at("a").opens_with = function(opts)
      if opts.tty == false then
        return nil, virtlun.problems { virtlun.problem { code = "no_terminal", value = "a", a = "x", cause = {} } }
      end
      asking = true
      jobs.sleep(0.5)
      asking = false
    end
    local report = apply({ domain("d1", "a"), domain("d2", "b") }, { patience = SILENT, ask = function() end,
      confirm = function(round)
        asked = { asking, round.number, #round.plans, #round.late }
        return true
      end })
    assert.equal("done done", results(report))
    assert.same({ false, 1, 2, 0 }, asked)
  end)

  it("is not closed, which it would not answer either", function()
    hosts:at("b").domains.d2 = { plan = function()
      hosts:at("b").hangs = true
      while true do jobs.sleep(0.01) end
    end }
    local begun = jobs.now()
    apply(domains(2, "a", "b"), { confirm = function() return false end })
    assert.truthy(jobs.now() - begun < 5)
    assert.same({ "close a" }, logged("close"))
  end)
end)

describe("a host that cannot be reached", function()
  it("fails only its own domains, and is told once", function()
    hosts:at("b").opens = function() return false end
    local report = apply(domains(6, "a", "b"))
    assert.equal("done failed done failed done failed", results(report))
    assert.equal("no_host", codes(report.problems))
    assert.same({ 3, true, true, 1 }, { report.done, report.changed, report.failed, count("open b") })
    assert.equal("connecting lost", states("host", "b"))
    local last
    for _, event in ipairs(events) do last = event.domain == "d6" and event or last end
    assert.same({ "failed", "no connection to b: refused" }, { last.state, last.message })
  end)
end)

describe("a lost connection", function()
  it("is opened anew for the domains that did nothing to lose it, at most three times", function()
    for _, case in ipairs { { 1, "done done" }, { 2, "done done" }, { 3, "failed failed" } } do
      hosts = pretended.new()
      local lost, a = 0, hosts:at("a")
      local function make(plan, how)
        if plan.domain == "d1" and lost < case[1] then
          lost = lost + 1
          hosts:lose("a")
        end
        jobs.sleep(0.01)
        if plan.connection.lost then return pretended.lost(plan.domain) end
        return pretended.make(plan, how)
      end
      a.domains = { d1 = { make = make }, d2 = { make = make } }
      local report = apply(domains(2, "a"))
      assert.equal(case[2], results(report))
      assert.equal(math.min(case[1] + 1, 3), count("open a"))
      assert.equal(math.min(case[1] + 1, 3), count("plan a/d2"))
      assert.equal(case[1] == 3, report.failed)
    end
  end)

  it("is opened anew where it is lost by planning", function()
    hosts:at("a").domains.d1 = { plan = function(connection, dom)
      if hosts:at("a").attempts == 1 then hosts:lose("a") end
      if connection.lost then return pretended.lost("d1") end
      return hosts:plan(dom, {}, connection)
    end }
    local report = apply(domains(7, "a"))
    assert.equal(("done "):rep(6) .. "done", results(report))
    assert.equal(2, count("open a"))
  end)

  it("says of no domain that it has changed", function()
    local rounds, lost = {}, false
    hosts:at("a").domains.d1 = { make = function(plan, how)
      if not lost then
        lost = true
        hosts:lose("a")
        return pretended.lost("d1")
      end
      return pretended.make(plan, how)
    end }
    apply(domains(1, "a"), { confirm = function(round)
      rounds[#rounds + 1] = round
      return true
    end })
    assert.equal(2, #rounds)
    assert.same({}, rounds[2].changed)
  end)

  it("fails the domain whose own call has no answer, which is not tried again", function()
    hosts:at("a").domains.d1 = { make = function(plan)
      plan.result = "partly"
      local _, found = pretended.lost("d1", true)
      return nil, found, { done = 1, written = true }
    end }
    local report = apply(domains(2, "a"))
    assert.equal("partly done", results(report))
    assert.same({ 1, 2, true }, { count("make a/d1"), report.done, report.changed })
  end)

  it("that may have changed something says that it has", function()
    hosts:at("a").domains.d1 = { make = function(plan)
      plan.result = "partly"
      local _, found = pretended.lost("d1", true)
      return nil, found, { done = 0, written = true }
    end }
    local report = apply(domains(1, "a"))
    assert.same({ "partly", 0, true, true }, { results(report), report.done, report.changed, report.failed })
  end)

  it("of a host that is then dead leaves partly what was begun, and tells what that was", function()
    local a = hosts:at("a")
    a.opens = function(attempt) return attempt == 1 end
    a.domains.d1 = { changes = 3, make = function(plan)
      hosts:lose("a")
      plan.result = "partly"
      local _, found = pretended.lost("d1")
      return nil, found, { done = 2, written = true }
    end }
    local report = apply({ domain("d1", "a") })
    assert.same({ "partly", "host_refused no_host", 2, true }, { results(report), codes(report.problems), report.done,
      report.changed })
    assert.same({ "left", "left", "left" }, { report.domains[1].plan.steps[1].result,
      report.domains[1].plan.steps[2].result, report.domains[1].plan.steps[3].result })
  end)
end)

describe("connections", function()
  it("beside the first are not tried again and again where they are refused", function()
    hosts.lanes = 5
    local refused, before = 0, nil
    hosts:at("a").opens_with = function(opts)
      if opts.tty ~= false then return nil end
      refused = refused + 1
      jobs.sleep(0.01)
      return nil, virtlun.problems { virtlun.problem { code = "no_terminal", value = "a", a = "x", cause = {} } }
    end
    local report = apply(domains(30, "a"), { ask = function() end, confirm = function()
      before = refused
      return true
    end })
    assert.equal(("done "):rep(29) .. "done", results(report))
    assert.same({ 5, 5 }, { before, refused })
  end)

  it("are at most so many between planning and making, and what is planned anew is made if it is the same", function()
    scheduler.KEPT = 2
    local fingerprints = {}
    for _, uri in ipairs { "a", "b", "c", "d" } do
      hosts:at(uri).domains = setmetatable({}, { __index = function(_, name)
        return { plan = function(connection, dom)
          fingerprints[name] = (fingerprints[name] or 0) + 1
          local is_other = name == "d4" and fingerprints[name] < 3
          return hosts:plan(dom, { fingerprint = is_other and fingerprints[name] or "f" }, connection)
        end }
      end })
    end
    local rounds = {}
    local report = apply(domains(4, "a", "b", "c", "d"), { hosts = 1, confirm = function(round)
      rounds[#rounds + 1] = #round.changed
      return true
    end })
    assert.equal("done done done done", results(report))
    assert.same({ 0, 1 }, rounds)
    assert.same({ 1, 1, 2 }, { count("open a"), count("open b"), count("open c") })
    assert.same({ 1, 1, 2 }, { count("make a"), count("make b"), count("plan c") })
  end)
end)

describe("domains that have changed since they were planned", function()
  local function changing(times)
    local n = 0
    return { make = function(plan, how)
      n = n + 1
      if n > times then return pretended.make(plan, how) end
      plan.result = "failed"
      return nil, virtlun.problems { virtlun.problem { code = "host_changed", path = plan.domain } }
    end }
  end

  it("come into the next round, at most three", function()
    for _, case in ipairs { { 1, "done done", 2 }, { 2, "done done", 3 }, { 3, "failed done", 3 } } do
      hosts = pretended.new()
      hosts:at("a").domains.d1 = changing(case[1])
      local changed = {}
      local report = apply(domains(2, "a"), { confirm = function(round)
        for i, plan in ipairs(round.changed) do changed[#changed + 1] = i .. plan.domain end
        return true
      end })
      assert.equal(case[2], results(report))
      assert.equal(case[3], count("plan a/d1"))
      assert.equal(1, count("make a/d2"))
      assert.equal(case[3] - 1, #changed)
    end
  end)

  it("are left where the second question is answered by no", function()
    hosts:at("a").domains.d1 = changing(1)
    local report = apply(domains(2, "a"), { confirm = function(round) return round.number == 1 end })
    assert.equal("left done", results(report))
    assert.same({ true, true, 1 }, { report.changed, report.failed, report.done })
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
        cause = { name = "VIR_ERR_NO_DOMAIN", domain = "VIR_FROM_QEMU", message = "no" } } }
    end }
    assert.equal("left failed left left", results(apply(domains(4, "a", "b"))))
  end)
end)

describe("batches", function()
  it("are made one after the other, of the domains with changes", function()
    hosts:at("a").domains.d1 = { changes = 0 }
    apply(domains(7, "a"), { batches = { 1, 2, "100%" } })
    local begun = {}
    for _, event in ipairs(events) do
      if event.event == "domain" and (event.state == "begin" or event.state == "done") then
        begun[#begun + 1] = event.state .. event.domain
      end
    end
    assert.equal("doned1 begind2 doned2 begind3 begind4 doned3 doned4 begind5 begind6 begind7 doned5 doned6 doned7",
      table.concat(begun, " "))
  end)

  it("end with the first that fails", function()
    hosts:at("a").domains.d2 = { make = function() return pretended.refused("d2") end }
    local report = apply(domains(4, "a"), { batches = { 1 } })
    assert.equal("done failed left left", results(report))
    assert.equal("host_refused max_fail", codes(report.problems))
    assert.equal("1 domains have failed, and 0 may: no further one was begun", report.problems[2].message)
  end)

  it("go on only when all of one have ended, also where that took a daemon down", function()
    local times, rounds = 0, {}
    hosts:at("a").domains.d1 = { make = function(plan, how)
      times = times + 1
      if times > 1 then return pretended.make(plan, how) end
      hosts:lose("a")
      return pretended.lost("d1")
    end }
    local report = apply(domains(4, "a", "b"), { batches = { 1, "100%" }, confirm = function(round)
      rounds[#rounds + 1] = #round.plans
      return true
    end })
    assert.equal("done done done done", results(report))
    assert.same({ 4, 4 }, rounds)
    assert.same({ "make a/d1", "make a/d1" }, table.move(logged("make"), 1, 2, 1, {}))
  end)

  it("go on where as many may fail", function()
    hosts:at("a").domains.d2 = { make = function() return pretended.refused("d2") end }
    local report = apply(domains(4, "a"), { batches = { 1 }, max_fail = "25%" })
    assert.equal("done failed done done", results(report))
    report = apply(domains(4, "a"), { batches = { 1 }, max_fail = "24%" })
    assert.equal("done failed left left", results(report))
  end)
end)

describe("max_fail", function()
  it("lets no further host be asked when it is exceeded", function()
    hosts:at("a").opens = function() return false end
    apply(domains(3, "a", "b", "c"), { hosts = 1, max_fail = 0 })
    assert.same({ 1, 0, 0 }, { count("open a"), count("open b"), count("open c") })
  end)

  it("ends the run when more have failed, also of those that cannot be reached", function()
    for may = 0, 4 do
      hosts = pretended.new()
      local refuses = { make = function(plan) return pretended.refused(plan.domain) end }
      hosts:at("a").domains = { d1 = refuses, d2 = refuses, d3 = refuses }
      local report = apply(domains(5, "a"), { max_fail = may, batches = { 1 } })
      local failed = math.min(may + 1, 3)
      assert.equal(failed, count("make a/d[123]"))
      assert.equal(may >= 3 and 2 or 0, count("make a/d[45]"))
      assert.equal(may < 3 and 1 or 0, select(2, codes(report.problems):gsub("max_fail", "")))
    end
    hosts = pretended.new()
    hosts:at("b").opens = function() return false end
    assert.equal("left failed left failed", results(apply(domains(4, "a", "b"), { max_fail = 1 })))
    assert.equal("done failed done failed", results(apply(domains(4, "a", "b"), { max_fail = 2 })))
  end)

  it("lets those come to their end that were begun", function()
    hosts:at("a").domains.d1 = { make = function()
      jobs.sleep(0.01)
      return pretended.refused("d1")
    end }
    for i = 2, 9 do hosts:at("a").domains["d" .. i] = { takes = 0.05 } end
    local report = apply(domains(9, "a"), { max_fail = 0 })
    assert.equal("failed done done done done left left left left", results(report))
    assert.same({ 4, true }, { report.done, report.changed })
  end)
end)

describe("a run that is stopped", function()
  it("while it plans makes nothing, and says how many are left", function()
    local stopped
    local report = apply(domains(9, "a"), { stop = function() return stopped end, on_progress = function(event)
      stopped = stopped or event.state == "planning" and event.domain == "d3"
    end })
    assert.equal(("left "):rep(8) .. "left", results(report))
    assert.same({ 3, 0, "stopped_run" }, { count("plan"), count("make"), codes(report.problems) })
    assert.equal("stopped as asked, with 9 of 9 domains left", report.problems[1].message)
    assert.same({ false, true }, { report.changed, report.failed })
  end)

  it("while a host is silent waits for nobody", function()
    hosts:at("b").hangs = true
    local begun, stopped = jobs.now(), nil
    local function stop() return stopped end
    local report = apply(domains(4, "a", "b"), { stop = stop, patience = 60, on_progress = function(event)
      stopped = stopped or event.state == "planned"
    end })
    assert.truthy(jobs.now() - begun < 1.5)
    assert.equal("left left left left", results(report))
  end)

  it("while it makes lets steps come to their end, and leaves the rest", function()
    local stopped
    for i = 1, 9 do hosts:at("a").domains["d" .. i] = { changes = 3, takes = 0.02 } end
    local report = apply(domains(9, "a"), { stop = function() return stopped end, on_progress = function(event)
      stopped = stopped or event.event == "step" and event.number == 2
    end })
    assert.equal("partly partly partly partly partly left left left left", results(report))
    assert.same({ true, true }, { report.changed, report.failed })
    assert.truthy(report.done >= 5 and report.done <= 10, report.done)
    local left = report.problems[#report.problems]
    assert.same({ "stopped_run", "4", "9" }, { left.code, left.value, left.expected })
    assert.same({ "left", "left" }, { report.domains[9].plan.result, report.domains[9].plan.steps[1].result })
  end)

  it("stays so, whatever is said later", function()
    local times = 0
    local report = apply(domains(2, "a"), { stop = function()
      times = times + 1
      return times == 3
    end })
    assert.equal("left left", results(report))
  end)

  it("after all was made is none", function()
    local stopped
    local report = apply(domains(2, "a"), { stop = function() return stopped end, on_progress = function(event)
      stopped = event.domain == "d2" and event.state == "done"
    end })
    assert.same({ "done done", "" }, { results(report), codes(report.problems) })
  end)
end)

describe("what is raised", function()
  it("by who stops stops too, and waits for the end", function()
    local is_out
    hosts:at("a").domains.d1 = { make = function(plan)
      is_out = true
      jobs.sleep(0.5)
      is_out = false
      plan.result = "done"
      return { domain = "d1", done = 1, notes = virtlun.problems {} }
    end }
    assert.same({ false, "wrong" }, { pcall(apply, domains(1, "a"), { stop = function()
      return is_out and error("wrong", 0)
    end }) })
    assert.same({ false, 1 }, { is_out, count("close a") })
  end)

  it("by who listens waits for the end", function()
    assert.has_error(function()
      apply(domains(4, "a", "b"), { on_progress = function() error("listener", 0) end })
    end, "listener")
    assert.same({ 4, 2 }, { count("make"), count("close") })
  end)

  it("by a plan keeps everything from being made, and everybody from being asked", function()
    hosts:at("a").domains.d1 = { plan = function() error({ "plan" }, 0) end }
    assert.has_error(function() apply(domains(6, "a", "b"), { confirm = error }) end, { "plan" })
    assert.equal(0, count("make"))
  end)

  it("by a making lets the others come to their end and begins no more", function()
    hosts:at("a").domains.d1 = { make = function()
      jobs.sleep(0.01)
      error("make", 0)
    end }
    hosts:at("b").domains.d2 = { takes = 0.05 }
    assert.has_error(function() apply(domains(6, "a", "b"), { batches = { 2 } }) end, "make")
    assert.same({ 2, 2 }, { count("make"), count("close") })
    assert.equal(0, hosts.now.hosts)
  end)

  it("by who is asked comes at once", function()
    assert.has_error(function() apply(domains(2, "a"), { confirm = function() error("asked", 0) end }) end, "asked")
    assert.equal(0, count("make"))
  end)
end)

describe("signals", function()
  local interrupt = child.interrupt_us

  it("that come twice give up what waits for a host, and the report comes all the same", function()
    hosts:at("b").hangs = true
    local report
    jobs.interruptible(function()
      report = apply(domains(4, "a", "b"), { stop = virtlun.interrupted, on_progress = function(event)
        if event.state == "planned" and not virtlun.interrupted() then
          interrupt()
          interrupt()
        end
      end })
    end)
    assert.equal("left left left left", results(report))
    assert.equal("stopped_run", codes(report.problems))
  end)

  it("that come twice end a run that nobody stops too", function()
    hosts:at("b").hangs = true
    jobs.interruptible(function()
      assert.has_error(function()
        apply(domains(4, "a", "b"), { on_progress = function(event)
          if event.state == "planned" and not virtlun.interrupted() then
            interrupt()
            interrupt()
          end
        end })
      end, "interrupted!")
    end)
    assert.equal(0, count("make"))
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
