-- What ends a fleet's run before all is made: batches and limits of failures, somebody who stops it, what is raised,
-- and signals.
local child = require("support.child")
local runs = require("support.fleet_runs")
local jobs = require("virtlun.backend.jobs")
local pretended = require("support.pretended_hosts")
local virtlun = require("virtlun")

local hosts, events
before_each(function() hosts, events = runs.begin() end)
after_each(runs.finish)

local apply, results, count, logged, codes = runs.apply, runs.results, runs.count, runs.logged, runs.codes
local domains = pretended.domains

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
      hosts = runs.begin()
      local refuses = { make = function(plan) return pretended.refused(plan.domain) end }
      hosts:at("a").domains = { d1 = refuses, d2 = refuses, d3 = refuses }
      local report = apply(domains(5, "a"), { max_fail = may, batches = { 1 } })
      local failed = math.min(may + 1, 3)
      assert.equal(failed, count("make a/d[123]"))
      assert.equal(may >= 3 and 2 or 0, count("make a/d[45]"))
      assert.equal(may < 3 and 1 or 0, select(2, codes(report.problems):gsub("max_fail", "")))
    end
    hosts = runs.begin()
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
