-- How the command makes plans: what it asks, what it says of how they ended, and with which status, where domains
-- change and signals come meanwhile; on domains in memory, and with plans that only pretend.
local child = require("support.child")
local cli = require("virtlun.cli")
local fake = require("support.fake_host")
local fake_devices = require("support.fake.devices")
local files = require("support.files")
local host = require("support.host_xml")
local output = require("virtlun.cli.output")
local virtlun = require("virtlun")

local HBA = host.hba(0)
local RECIPE = [[domain "web01" { cdrom { dev = "sda", source = "/b.iso" } }]]

local interrupt = child.interrupt_us

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
      assert.truthy(said:find("nothing more was changed", 1, true), said)
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

-- Signals ---------------------------------------------------------------------------------------------------

-- Two domains with a drive each that is to change, and the recipe's path.
local function start_two()
  local machine, path = start([[for _, name in ipairs { "web01", "web02" } do
    domain(name) { cdrom { dev = "sda", source = "/b.iso" } }
  end]])
  machine:add { name = "web02", devices = { HBA, host.drive("sda", { path = "/a.iso" }) } }
  return machine, path
end

-- What is in the CD drive of a running domain.
local function medium_of(machine, name)
  local live = machine:find(name).live
  return fake_devices.path_of(live.devices[live:disk_at("sda")])
end

-- Calls fn before the first call of that name, or that changes something.
local function before_call(machine, name, fn)
  function machine.fault(about)
    if about.name ~= name and not (name == "writing" and about.writes) then return nil end
    machine.fault = nil
    return fn()
  end
end

describe("apply, where a signal comes", function()
  it("ends the step, and leaves the domains that it has not begun", function()
    local machine, path = start_two()
    before_call(machine, "writing", interrupt)
    local status, said = command(machine, "apply --yes " .. path, {})
    assert.equal(130, status, said)
    assert.truthy(said:find("stopped as asked, with 1 of 2 domains left (the same again goes on from there)", 1, true),
      said)
    assert.equal("/b.iso", medium_of(machine, "web01"))
    assert.equal("/a.iso", medium_of(machine, "web02"))
    assert.equal(0, (command(machine, "apply --yes " .. path, {})))
    assert.equal("/b.iso", medium_of(machine, "web02"))
  end)

  it("a second time, does not know how the step ended that it has given up", function()
    local machine, path = start_two()
    before_call(machine, "writing", function()
      interrupt()
      interrupt()
      error("interrupted!", 0) -- what waits raises then
    end)
    local status, said = command(machine, "apply --yes " .. path, {})
    assert.equal(130, status, said)
    assert.truthy(said:find("web01: of 1 change 1 given up", 1, true), said)
    assert.truthy(said:find("web01.sda: was given up while it was changed", 1, true), said)
    assert.truthy(said:find("1 of 2 domains left", 1, true), said)
  end)

  it("twice before anything was begun, has changed nothing", function()
    local machine = start()
    before_call(machine, "look", function()
      interrupt()
      interrupt()
      error("interrupted!", 0)
    end)
    local status, said = command(machine, "insert web01 sda /b.iso", {})
    assert.equal(130, status, said)
    assert.truthy(said:find("stopped as asked, after 0 of 1 changes", 1, true), said)
  end)
end)
