-- Recipes of running guests whose devices were plugged while they ran: they plan to nothing, whichever half they
-- describe, and a domain without drives becomes the same by them.
local bench = require("support.bench")
local guest = require("support.guest")
local host = require("support.host_xml")
local live = require("support.live")
local qcow2 = require("support.qcow2")
local session = require("support.session")
local virtlun = require("virtlun")

describe("the recipe of a running guest", function()
  if live.skips_all(live.missing()) then return end

  local daemon

  setup(function() daemon = session.start { warm = true } end)
  teardown(function()
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
  end)

  local function disk(name, dev, unit, more)
    local path = qcow2.write(("%s/%s.qcow2"):format(daemon.folder, name), 4, name)
    assert(os.execute("chmod 666 " .. path))
    local device = { kind = "disk", dev = dev, source = path, format = "qcow2",
      address = { controller = 1, target = 2, unit = unit } }
    for key, value in pairs(more or {}) do device[key] = value end
    return device
  end

  -- What a guest gets while it runs: an HBA, drives of its own on it, and what another client plugs.
  local function plug(here)
    here:apply {
      { kind = "controller", index = 1, model = "virtio-scsi", queues = 2 },
      disk("one", "sdb", 300, { serial = "ONE", alias = "ua-one", cache = "none", discard = "unmap" }),
      disk("two", "sdc", 1, { iotune = { total_bytes_sec = 1 << 20 }, error_policy = "report" }),
    }
    for _, half in ipairs { "--live", "--config" } do
      live.virsh_device(here.vm, "attach-device",
        host.drive("sdd", { path = live.disc(daemon, "OTHER"), place = { 0, 7, 2 } }), half)
    end
  end

  local function documents(here) return (select(2, assert(here.dom:look()))) end

  -- The recipe of a half, and what it describes; it plans to nothing. drift: something waits for the next boot.
  local function recipe(here, half, drift)
    local text = assert(virtlun.import(documents(here), { uri = daemon.uri, live = half == "live" }))
    local domains, found = virtlun.loadstring(text)
    assert(domains, tostring(found))
    local plan, refused = here.dom:plan(domains[1])
    assert(plan, tostring(refused) .. text)
    assert.same({ 0, 0 }, { plan.changes, drift and 0 or #plan.pending }, text)
    return text, domains[1]
  end

  -- What a description says of devices, without where HBAs sit in their machine.
  local function plain(description)
    local devices = {}
    for i, device in ipairs(description) do
      if device.kind == "controller" then device.address = nil end
      devices[i] = device
    end
    return devices
  end

  for _, arch in ipairs { "x86_64", "s390x" } do
    describe("on " .. arch, function()
      if live.skips_all(guest.missing(arch)) then return end

      local here

      setup(function()
        local first = live.disc(daemon, "FIRST")
        here = bench.boot(daemon, { arch = arch, transient = false, ports = arch == "x86_64" and 3 or nil,
          devices = { host.hba(0), host.drive("sda", { path = first }) } })
        plug(here)
      end)
      teardown(function() here:close() end)

      it("says what was plugged, and plans to nothing", function()
        local text, domain = recipe(here)
        assert.equal(6, #domain, text)
        assert.is_nil(domain.scope)
        for comment in text:gmatch("%-%-([^\n]*)") do
          assert.truthy(comment:find("^ only in this machine: address = { type = \"" ..
            (arch == "s390x" and "ccw" or "pci")), comment)
        end
        local _, running = recipe(here, "live")
        assert.same(#domain, #running)
      end)

      it("makes the same of a domain without drives", function()
        local _, domain = recipe(here)
        local xml = documents(here).config:gsub("<name>.-</name>", "<name>other</name>", 1):gsub("<uuid>.-</uuid>", "")
        for _, element in ipairs { "disk", "controller type='scsi'" } do
          xml = xml:gsub("<" .. element .. ".-</" .. element:match("%a+") .. ">", "")
        end
        daemon:define(xml)
        domain.name = "other"
        local other = assert(here.connection:domain("other"))
        assert.equal(0, #assert(other:describe()).config)
        live.make(other, domain)
        assert.same(plain(assert(here.dom:describe()).config), plain(assert(other:describe()).config))
        daemon:undefine("other")
      end)

      it("tells what only one half has, and leaves the other alone", function()
        local hot = host.drive("sde", { path = live.disc(daemon, "HOT"), place = { 0, 3, 1 } })
        live.virsh_device(here.vm, "attach-device", hot, "--live")
        local text = recipe(here)
        assert.truthy(text:find('\n  -- only in the running domain\n  -- cdrom {\n  --   dev = "sde"', 1, true), text)

        local cold = host.drive("sdf", { path = live.disc(daemon, "COLD"), place = { 0, 3, 2 } })
        live.virsh_device(here.vm, "attach-device", cold, "--config")
        local domain
        text, domain = recipe(here, "config", true)
        assert.equal("config", domain.scope)
        assert.truthy(text:find('\n  -- not in the running domain\n  cdrom {\n    dev = "sdf"', 1, true), text)
        text, domain = recipe(here, "live", true)
        assert.equal("live", domain.scope)
        assert.truthy(text:find('\n  -- only in the configuration\n  -- cdrom {\n  --   dev = "sdf"', 1, true), text)
      end)
    end)
  end
end)
