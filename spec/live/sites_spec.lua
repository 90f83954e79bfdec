-- Many hosts on one machine, which the specs of many domains take for granted: each answers for itself, whatever
-- happens to another, and keeps what it was told; and a domain that is busy.
local child = require("support.child")
local guest = require("support.guest")
local live = require("support.live")
local sites = require("support.sites")
local virtlun = require("virtlun")

local function names_at(uri, opts)
  local connection <close> = assert(virtlun.open(uri, opts))
  local names = {}
  for i, dom in ipairs(assert(connection:domains())) do names[i] = dom.name end
  return names
end

describe("hosts of the test driver", function()
  if live.skips_all(sites.missing("test")) then return end

  local hosts

  setup(function()
    hosts = sites.start { count = 3 }
    hosts:fill(2)
  end)
  teardown(function() hosts:stop() end)

  it("have domains of their own, whoever comes and goes", function()
    for _ = 1, 2 do
      assert.same({ "test", "vm001", "vm002" }, names_at(hosts[1].uri))
      assert.same({ "test", "vm005", "vm006" }, names_at(hosts[3].uri))
    end
  end)

  it("are described one after the other", function()
    local list = hosts:describe(function(name) return { live.cdrom("sda", ("/%s.iso"):format(name)) } end)
    local seen = {}
    for i, domain in ipairs(list) do seen[i] = domain.name .. domain[1].source end
    assert.same({ "vm001/vm001.iso", "vm003/vm003.iso", "vm005/vm005.iso", "vm002/vm002.iso", "vm004/vm004.iso",
      "vm006/vm006.iso" }, seen)
    assert.same({ hosts[2].uri, "domain" }, { list[2].uri, list[2].kind })
  end)

  it("answer while another is halted, which goes on with what it had", function()
    hosts[2]:stop_daemon()
    finally(function() hosts[2]:continue_daemon() end)
    local connection, problems = virtlun.open(hosts[2].uri, { timeout = 0.3 })
    assert.is_nil(connection)
    assert.equal("no_host", live.code_line(problems))
    assert.same({ "test", "vm001", "vm002" }, names_at(hosts[1].uri))
    hosts[2]:continue_daemon()
    assert.same({ "test", "vm003", "vm004" }, names_at(hosts[2].uri))
  end)

  it("answer while another refuses connections, which comes back empty", function()
    hosts[3]:kill_daemon()
    local connection, problems = virtlun.open(hosts[3].uri)
    assert.is_nil(connection)
    assert.truthy(problems[1].cause.message:find("refused", 1, true), tostring(problems))
    assert.same({ "test", "vm001", "vm002" }, names_at(hosts[1].uri))
    hosts[3]:restart_daemon()
    assert.same({ "test" }, names_at(hosts[3].uri))
    hosts[3]:fill(hosts[3].names)
    assert.same({ "test", "vm005", "vm006" }, names_at(hosts[3].uri))
  end)

  it("are gone with their owner, also those that are halted", function()
    local result = child.script([[
      local hosts = require("support.sites").start { count = 2 }
      hosts[2]:stop_daemon()
      io.write(hosts[1].folder, "\n", hosts[2].folder, "\n")
      io.stdout:flush()
      os.execute("kill -KILL $PPID")]])
    local folders = {}
    for folder in result.out:gmatch("/tmp/vl%w+") do folders[#folders + 1] = folder end
    assert.equal(2, #folders, result.err)
    for _, folder in ipairs(folders) do
      guest.await(function() return not os.rename(folder, folder) end, 15)
      assert.equal("", child.run({ "sh", "-c", "ps ax -o args | grep [l]ibvirt | grep " .. folder }).out)
    end
  end)
end)

describe("hosts of QEMU", function()
  if live.skips_all(sites.missing("qemu")) then return end

  local hosts, connection, running

  setup(function()
    hosts = sites.start { count = 2, driver = "qemu" }
    hosts:fill(2)
    hosts[1]:fill({ "running" }, { running = true })
    connection = live.open(hosts[1])
    running = assert(connection:domain("running"))
  end)
  teardown(function()
    connection:close()
    hosts:stop()
  end)

  it("know their domains also after they were killed", function()
    hosts[2]:kill_daemon()
    assert.is_nil((virtlun.open(hosts[2].uri)))
    hosts[2]:restart_daemon()
    assert.same({ "vm003", "vm004" }, names_at(hosts[2].uri))
  end)

  it("have domains that are changed as they run", function()
    local path = live.disc(hosts[1], "DISC")
    local plan = assert(running:plan(live.describe(running, { live.cdrom("sda", path, { 0, 1, 0 }) })))
    assert.same({ "paused", "live and config" }, { plan.state, plan.steps[1].scope })
    assert(plan:apply())
    local other = live.disc(hosts[1], "OTHER")
    assert(running:insert("sda", other))
    assert.equal(other, live.drive(running, "live", "sda").source)
  end)

  local function control() return hosts[1]:virsh("domcontrol", "running").out end
  local function is_free() return control():find("ok", 1, true) end

  it("have a domain that is busy until it is freed", function()
    local free = hosts[1]:keep_busy("running")
    finally(free)
    assert.truthy(control():find("occupied", 1, true))
    free()
    guest.await(is_free)
  end)

  it("have a domain that is busy for so many seconds", function()
    local begun = guest.now()
    hosts[1]:keep_busy("running", 2)
    guest.await(is_free)
    assert.truthy(guest.now() - begun > 1.9)
  end)

end)
