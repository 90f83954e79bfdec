-- One round for each architecture, short enough for `make check`: what virtlun describes is what a guest then sees, at
-- the addresses and with the names that it foretold.
local guest = require("support.guest")
local iso = require("support.iso")
local live = require("support.live")
local session = require("support.session")
local virtlun = require("virtlun")

describe("a described domain", function()
  if live.skips_all(live.missing()) then return end

  local daemon, connection

  setup(function()
    daemon = session.start { warm = true }
    connection = assert(virtlun.open(daemon.uri))
  end)
  teardown(function()
    if connection then connection:close() end
    connection = nil
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
  end)

  local function disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end

  -- What is foretold of every drive of a domain as it runs: LUN and disc, by its name in /dev/disk/by-path.
  local function foretold(vm)
    local description = assert(virtlun.read(vm:virsh_ok("dumpxml", vm.name)))
    local drives = {}
    for place, drive in pairs(virtlun.foretell(description)) do
      drives[drive.by_path] = { drive.lun, description[place].source:match("(%w+)%.iso") }
    end
    return drives
  end

  local function found(vm)
    local devices, drives = {}, {}
    for _, device in ipairs(vm:luns()) do devices[device.blk] = device end
    for name, blk in pairs(vm:by_path()) do drives[name] = { devices[blk].lun, devices[blk].label } end
    return drives
  end

  -- Applies a recipe, and sees that nothing is left to do.
  local function apply(dom, body)
    local domains, problems = virtlun.loadstring(('domain "guest" {\n%s\n}'):format(body), "round.lua")
    local desired = assert(domains, tostring(problems))[1]
    local plan, complaints = dom:plan(desired)
    local result, failure = assert(plan, tostring(complaints)):apply()
    assert(result, tostring(failure))
    assert.equal(0, assert(dom:plan(desired)).changes)
  end

  -- What a description says of its drives, each by its name.
  local function drives(description)
    local list = {}
    for _, device in ipairs(description) do
      if device.kind == "cdrom" then list[device.dev] = device.source .. virtlun.address_text(device.address) end
    end
    return list
  end

  for _, arch in ipairs { "x86_64", "s390x" } do
    it("is what a guest on " .. arch .. " sees", function()
      live.skip_if(guest.missing(arch), pending)
      local vm = daemon:boot { arch = arch, start = false }
      finally(function() vm:destroy() end)
      local dom = assert(connection:domain("guest"))
      apply(dom, ([[
        controller { index = 0 }, controller { index = 1 },
        cdrom { dev = "sda", source = "%s", address = { controller = 0, target = 0, unit = 0 } },
        cdrom { dev = "sdb", source = "%s", address = { controller = 1, target = 5, unit = 300 } },
        cdrom { dev = "sdc", source = "%s", address = { controller = 1, target = 255, unit = 16383 } } ]]):format(
        disc "ONE", disc "TWO", disc "THREE"))

      vm:start()
      vm:wait_ready()
      assert.same(foretold(vm), found(vm))
      assert.equal("THREE", vm:lun(255, 32767).label)

      -- The same domain, while it runs: another disc, a drive that comes, one that goes.
      apply(dom, ([[
        cdrom { dev = "sda", source = "%s" },
        cdrom { dev = "sdb", absent = true },
        cdrom { dev = "sdd", source = "%s", address = { controller = 1, target = 7, unit = 256 } } ]]):format(
        disc "FOUR", disc "FIVE"))
      vm:wait_for(function() return vm:lun(7, 16640) and not vm:lun(5, 16684) end)
      assert.same(foretold(vm), found(vm))
      assert.same({ "FOUR", "FIVE" }, { vm:lun(0, 0).label, vm:lun(7, 16640).label })
      local described = assert(dom:describe())
      assert.same(drives(described.config), drives(described.live))
    end)
  end
end)
