-- Hosts of a fleet that do not answer, cannot be reached or lose their connections, and domains that change meanwhile:
-- nobody else waits for them, and nothing is made on what was not seen.
local runs = require("support.fleet_runs")
local jobs = require("virtlun.backend.jobs")
local pretended = require("support.pretended_hosts")
local scheduler = require("virtlun.fleet.scheduler")
local virtlun = require("virtlun")

local hosts, events
before_each(function() hosts, events = runs.begin() end)
after_each(runs.finish)

local apply, results, count, logged, codes, states =
  runs.apply, runs.results, runs.count, runs.logged, runs.codes, runs.states
local domain, domains = pretended.domain, pretended.domains

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
    local report = apply({ domain("d1", "a"), domain("d2", "b") }, { patience = runs.SILENT, ask = function() end,
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
      hosts = runs.begin()
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
      hosts = runs.begin()
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
