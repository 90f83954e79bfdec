-- How the command makes plans: what it asks, what it says of how they ended, and with which status, where domains
-- change and signals come meanwhile; on domains in memory, and with plans that only pretend.
local cli = require("virtlun.cli")
local fake = require("support.fake_host")
local files = require("support.files")
local host = require("support.host_xml")
local making = require("virtlun.cli.making")
local output = require("virtlun.cli.output")
local virtlun = require("virtlun")

local HBA = host.hba(0)
local RECIPE = [[domain "web01" { cdrom { dev = "sda", source = "/b.iso" } }]]

-- Interrupts this process, as Ctrl-C does.
local function interrupt()
  local stat = assert(io.open("/proc/self/stat"))
  local pid = stat:read("n")
  stat:close()
  io.popen("kill -INT " .. pid):close() -- os.execute would keep the signal away
end

-- Runs the command on a host in memory as on a terminal.  answers: what somebody says to each question, "y" or a
-- function that gives it.  Returns the status, and what was told on standard error.
local function command(machine, line, answers)
  local said, asked, new = {}, 0, output.new
  output.new = function(opts)
    local out = new(opts)
    out.can_ask, out.can_redraw = true, false
    function out.line() end
    function out.tell(_, text) said[#said + 1] = text end
    function out.ask(_, question)
      asked = asked + 1
      said[#said + 1] = question
      local answer = answers[asked]
      if type(answer) == "function" then answer = answer() end
      return answer == "y"
    end
    return out
  end
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  local good, status = pcall(machine.within, machine, cli.main, words)
  output.new = new
  return assert(good and status, status), table.concat(said, "\n")
end

-- A running domain with a CD drive, and the path of a recipe for it.
local function start(recipe)
  local machine = fake.host()
  machine:add { devices = { HBA, host.drive("sda", { path = "/a.iso" }) } }
  local path = os.tmpname()
  files.write(path, recipe or RECIPE)
  finally(function() os.remove(path) end)
  return machine, path
end

-- Somebody else plugs a drive.
local function changed(machine)
  return function()
    local dom = assert(machine:open("web01"))
    local drive = host.drive("sdb", { path = "/c.iso", place = { 0, 0, 1 } })
    assert(dom:attach_device(drive, { live = true, config = true }))
    return "y"
  end
end

describe("apply, where the domain changes while it is asked", function()
  it("asks again, and takes the no", function()
    for _, name in ipairs { "apply ", "remove " } do
      local machine, path = start()
      local status, said = command(machine, name .. path, { changed(machine), "n" })
      assert.equal(1, status, said)
      assert.truthy(said:find("web01 has changed since it was planned, and was planned again", 1, true), said)
      assert.truthy(said:find("web01: of 1 change 1 left", 1, true), said)
      assert.truthy(said:find("nothing was changed", 1, true), said)
    end
  end)

  it("tells what is wrong with the new plan", function()
    local machine, path = start()
    local status, said = command(machine, "apply " .. path, { function()
      changed(machine)()
      machine:find("web01").live, machine:find("web01").state = nil, "shut off"
      machine:forget(machine:find("web01"))
      return "y"
    end })
    assert.equal(1, status, said)
    assert.truthy(said:find("web01: of 1 change 1 left", 1, true), said)
    assert.truthy(said:find("web01", 1, true), said)
  end)
end)

describe("a hint", function()
  it("is in the words of the command line", function()
    local said, out = {}, output.new { json = false }
    function out.tell(_, text) said[#said + 1] = text:match("%((.*)%)$") end
    for _, code in ipairs { "no_acpi", "reboot_ignored", "power_off_due", "shutdown_ignored", "image_format" } do
      out:problems { virtlun.problem { code = code, value = "pc", expected = "1", a = "x", b = "y" } }
    end
    assert.same({ "--config changes its next boot", "--reset does not ask the guest",
      "--power-off powers off and starts again", "--force does not ask the guest",
      'say format = "raw" for an ISO image' }, said)
  end)
end)

describe("apply, where a running domain loses data", function()
  it("says in its question what is on the disk", function()
    local machine, path = start([[domain "web01" { disk { dev = "sdd", absent = true } }]])
    local disk = host.drive("sdd", { device = "disk", path = "/d1.raw", place = { 0, 0, 3 } })
    assert(assert(machine:open("web01")):attach_device(disk, { live = true, config = true }))
    for line, question in pairs {
      ["apply " .. path] = "web01, which runs, loses disk sdd (/d1.raw). Make 1 change? [y/N] ",
      ["detach web01 sdd"] = "Take disk sdd (/d1.raw) from the running domain web01? [y/N] ",
    } do
      local status, said = command(machine, line, { "n" })
      assert.equal(1, status, said)
      assert.truthy(said:find(question, 1, true), said)
    end
  end)
end)

-- What is told of plans that only pretend ---------------------------------------------------------------------

-- An output that keeps what is told.
local function silent()
  local told = {}
  return { can_redraw = true, progress = function(_, text) told[#told + 1] = text end, status = function() end,
    clear = function() end }, told
end

local function no_options() return {} end

-- A plan of one change; begin(tell, step) does what applying it would.
local function pretended(domain, begin)
  local plan = { domain = domain, changes = 1, steps = { { action = "change", kind = "cdrom", device = "sda" } } }
  function plan:apply(opts)
    begin(opts.on_progress, self.steps[1], self)
    return { domain = domain, done = 1, notes = virtlun.problems() }
  end
  return plan
end

local function done(_, step) step.result = "done" end

describe("making plans", function()
  it("says how much was made", function()
    local out, told = silent()
    local made = making.all({ { plan = pretended("a", done) } }, no_options, out)
    assert.same({ "a: 1 change made" }, told)
    out.can_redraw = false
    making.all({ { plan = pretended("b", done) } }, no_options, out)
    assert.same({ "a: 1 change made" }, told)
    assert.same({ false, true, 0 },
      { made.failed, made.changed, making.status(made.failed, made.changed, made.signal) })
  end)

  it("does not end well where a signal has left domains", function()
    local out, told = silent()
    local one = pretended("a", function(_, step)
      interrupt()
      step.result = "done"
    end)
    local two = pretended("b", done)
    local made = making.all({ { plan = one }, { plan = two } }, no_options, out)
    assert.equal(130, making.status(made.failed, made.changed, made.signal))
    assert.equal("b: stopped as asked, after 0 of 1 changes (the same again goes on from there)",
      virtlun.line(made.problems[1]))
    assert.same({ "a: 1 change made", "b: of 1 change 1 left" }, told)
    assert.same({ "done", "left", "left" }, { one.result, two.result, two.steps[1].result })
  end)

  it("that was given up before anything was begun has changed nothing", function()
    local plan = pretended("a", function() error("interrupted!", 0) end)
    local made = making.one(function(opts) return plan:apply(opts) end, {}, { plan = plan }, (silent()))
    assert.equal("a: stopped as asked, after 0 of 1 changes (the same again goes on from there)",
      virtlun.line(made.failure[1]))
    assert.falsy(making.conclude(plan, made.result, made.failure, made.ending))
    assert.same({ "left", "left" }, { plan.result, plan.steps[1].result })
  end)

  it("does not know how a step ended that was begun and given up", function()
    local out, told = silent()
    local plan = pretended("a", function(tell, _, plan)
      local steps = plan.steps
      tell { state = "begin", step = steps[1], domain = "a", number = 1 }
      tell { state = "begin", step = steps[2], domain = "a", number = 2 }
      steps[2].result = "done"
      tell { state = "done", step = steps[2], domain = "a", number = 2 }
      tell { state = "waiting", step = steps[1], domain = "a", number = 1 }
      error("interrupted!", 0)
    end)
    for i = 2, 3 do plan.steps[i] = { action = "add", kind = "cdrom", device = "sdb" } end
    local made = making.all({ { plan = plan } }, no_options, out)
    local results = {}
    for i, step in ipairs(plan.steps) do results[i] = step.result end
    assert.same({ "unknown", "done", "left" }, results)
    assert.equal("a: of 3 changes 1 done, 1 given up, 1 left", told[#told])
    assert.equal("a.sda", made.problems[1].path)
    assert.same({ "partly", true }, { plan.result, made.changed })
  end)
end)
