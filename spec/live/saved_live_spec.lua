-- Saved plans and remove on a host that lives on: a plan is saved, another client changes the domain, and what a recipe
-- names comes and goes.
local child = require("support.child")
local files = require("support.files")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

describe("on a host that lives on", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, vm

  setup(function()
    daemon = session.start { warm = true }
    vm = daemon:boot { transient = false, ports = 3,
      devices = { host.hba(0), host.drive("sda", { path = live.disc(daemon, "ONE") }) } }
    vm:wait_ready()
    live.disc(daemon, "TWO")
    local image = files.write(daemon.folder .. "/disk.img", ("\0"):rep(1 << 20))
    assert(os.execute("chmod 666 " .. image))
    files.write(daemon.folder .. "/recipe.lua", ([[
      domain "guest" {
        uri = "%s",
        controller { index = 0 },
        controller { index = 1, model = "virtio-scsi" },
        cdrom { dev = "sdb", source = "@/TWO.iso", address = { controller = 1, target = 3, unit = 0 } },
        disk { dev = "sdc", source = "@/disk.img", format = "raw", address = { controller = 0, target = 4, unit = 0 } },
      }]]):gsub("@", daemon.folder):format(daemon.uri))
  end)
  teardown(function()
    vm:destroy()
    daemon:stop()
  end)

  -- A line of the command, in which @ is the daemon's folder; in what it says, it is so again.
  local function run(line)
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = (word:gsub("@", daemon.folder)) end
    local result = child.virtlun(words, { env = { LC_ALL = "C" } })
    for _, key in ipairs { "out", "err" } do result[key] = result[key]:gsub(daemon.folder, "@") end
    return result
  end

  local function both() return daemon:virsh("dumpxml", "guest").out .. daemon:dump("guest") end

  local function label_at(target) return (vm:lun(target, 0) or {}).label end

  it("a saved plan keeps to the half that it was made for", function()
    assert.equal(0, run("plan -q --config --out @/narrow.json @/recipe.lua").code)
    local result = run("apply -q --yes --plan @/narrow.json")
    assert.same({ 0, "" }, { result.code, result.err })
    assert.truthy(daemon:dump("guest"):find("sdb", 1, true))
    assert.falsy(daemon:virsh("dumpxml", "guest").out:find("sdb", 1, true))
    assert.equal(0, run("remove -q --yes --config @/recipe.lua").code)
    assert.falsy(daemon:dump("guest"):find("sdb", 1, true))
  end)

  it("a saved plan is refused after another client's change, and good when it is made again", function()
    assert.equal(0, run("plan -q --out @/plan.json @/recipe.lua").code)
    assert.equal(0, daemon:virsh("change-media", "guest", "sda", "--eject", "--config").code)
    local before = both()
    local result = run("apply --yes --plan @/plan.json")
    assert.same({ 1, "", "guest: the domain has changed since it was planned (plan again)\n" },
      { result.code, result.out, result.err })
    assert.equal(before, both())

    assert.equal(0, run("plan -q --out @/plan.json @/recipe.lua").code)
    result = run("apply -q --yes --plan @/plan.json")
    assert.same({ 0, "" }, { result.code, result.err })
    assert.equal("TWO", vm:wait_for(function() return label_at(3) end))
    assert.equal(0, run("plan -q --detailed-exitcode @/recipe.lua").code)
    assert.equal(1, run("apply -q --yes --plan @/plan.json").code)
  end)

  it("remove takes away what the recipe names, and no HBA that others need", function()
    run("apply -q --yes @/recipe.lua")
    local line = ("%s remove %s/recipe.lua"):format(child.command, daemon.folder)
    local asked = child.run({ "script", "-qec", line, "/dev/null" }, { stdin = "n\n", env = { LD_PRELOAD = false } })
    local question = ("guest, which runs, loses disk sdc (%s/disk.img). Make 3 changes? [y/N] "):format(daemon.folder)
    assert.truthy(asked.code == 127 or asked.out:find(question, 1, true), asked.out)
    local result = run("remove @/recipe.lua")
    assert.equal(64, result.code)
    assert.truthy(result.err:find("guest.controller0: note: stays: sda is on it\n", 1, true), result.err)
    assert.truthy(result.out:find("3 changes: 3 to remove\n  now: the guest loses ", 1, true), result.out)

    assert.equal(0, run("remove -q --yes @/recipe.lua").code)
    vm:wait_for(function() return not label_at(3) end)
    local text = both()
    for _, gone in ipairs { "sdb", "sdc", "type='scsi' index='1'" } do assert.falsy(text:find(gone, 1, true), gone) end
    assert.truthy(text:find("type='scsi' index='0'", 1, true))
  end)

  it("a second remove does nothing", function()
    run("remove -q --yes @/recipe.lua")
    local before = both()
    local result = run("remove @/recipe.lua")
    assert.equal(0, result.code)
    assert.truthy(result.out:find("\n  nothing to do\n$"), result.out)
    assert.equal(before, both())
  end)
end)
