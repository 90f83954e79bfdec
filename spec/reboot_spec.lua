-- What dom:reboot makes of what a host does, with a domain that plays it: events come as they are written down here.
local host = require("support.host_xml")
local reboot = require("virtlun.reboot")
local virtlun = require("virtlun")

local function event(change)
  if change == "reboot" or change == "closed" then return { event = change } end
  return { event = change:find("tray") and "tray" or "lifecycle", change = change }
end

-- A domain. play: states (what facts says, the last for ever), events (what comes), config and live (documents),
-- managed_save, refuses (the call of libvirt that fails).
local function domain(play)
  local dom = { name = "web01", connection = {}, calls = {}, waited = 0 }
  local states = table.move(play.states or { "running" }, 1, 9, 1, {})
  function dom.facts()
    local state = #states > 1 and table.remove(states, 1) or states[1]
    return { state = state, active = state ~= "shut off", persistent = play.config ~= nil,
      managed_save = play.managed_save }
  end
  function dom.look() return dom.facts(), { config = play.config, live = play.live } end
  function dom.describe()
    return { live = virtlun.read(play.live), config = play.config and virtlun.read(play.config) }
  end
  function dom.sights() return {} end
  function dom.now() return 0 end
  function dom:power(word)
    self.calls[#self.calls + 1] = word
    if play.refuses == word then
      return nil, virtlun.problems { { code = "host_refused", severity = "error", message = "no" } }
    end
    return true
  end
  function dom:watch()
    local events = play.events or {}
    local watcher = { at = 0 }
    function watcher.next(w)
      w.at = w.at + 1
      if events[w.at] then return event(events[w.at]) end
      self.waited = self.waited + 1
    end
    function watcher.close() self.closed = true end
    return watcher
  end
  return dom
end

local function refused(dom, opts)
  local result, problems, touched = reboot.reboot(dom, opts)
  assert.is_nil(result, "rebooted")
  return tostring(problems), touched
end

local function live(config_path)
  local function drives(path)
    return { host.hba(0), host.drive("sda", { path = path, inner = "<boot order='1'/>" }),
      host.drive("sdb", { path = "/b.iso", place = { 0, 0, 1 }, inner = "<boot order='2'/>" }) }
  end
  local function xml(list) return host.domain(list, { boot = false }) end
  local swapped = drives(config_path)
  swapped[2] = swapped[2]:gsub("order='1'", "order='3'")
  return { live = xml(drives("/a.iso")), config = xml(swapped) }
end

describe("a reboot", function()
  it("is done when the host says so, and tells of the life of the domain alone", function()
    local dom = domain { events = { "tray opened", "shutdown", "reboot" } }
    local result = assert(reboot.reboot(dom))
    assert.same({ "shutdown", nil }, { result.events[1].change, result.events[2].change })
    assert.same({ "reboot", 2, "reboot", { "reboot" }, true },
      { result.how, #result.events, result.events[2].event, dom.calls, dom.closed })
  end)

  it("waits for the domain to run again where it was halted for it", function()
    local result = assert(reboot.reboot(domain { states = { "running", "paused" }, events = { "reboot", "resumed" } }))
    assert.equal("resumed", result.events[2].change)
  end)

  it("that was not answered in time is a problem, which names the way that does not ask", function()
    local dom = domain {}
    local text, touched = refused(dom, { timeout = 3 })
    assert.equal("web01: the guest has not answered the request to reboot within 3 s (how = \"reset\" does not ask " ..
      "the guest)", text)
    assert.same({ true, 6, true }, { touched, dom.waited, dom.closed })
    assert.equal("web01: the host took the reset but has not shown it within 0.5 s",
      (refused(domain {}, { how = "reset", timeout = 0.5 })))
  end)

  it("that ends the domain is a problem", function()
    local text, touched = refused(domain { events = { "shutdown", "stopped" } })
    assert.same({ "web01: the domain has stopped instead of rebooting (on_reboot and on_poweroff of the domain say " ..
      "what happens then)", true }, { text, touched })
  end)

  it("that the host refuses is told as it says", function()
    assert.equal("no", (refused(domain { refuses = "reset" }, { how = "reset" })))
  end)

  it("is for what runs", function()
    for _, state in ipairs { "paused", "shut off", "in shutdown", "crashed", "pmsuspended" } do
      local dom = domain { states = { state } }
      local text, touched = refused(dom)
      assert.same({ ("web01: is %s: only a running domain can be rebooted (bring it to run first)"):format(state) },
        { text, touched })
      assert.same({}, dom.calls)
    end
  end)

  it("of what is saved would bring it back as it was", function()
    assert.equal("web01: has a saved state, which would be restored with the old devices (start it, or discard the " ..
      "state with: virsh managedsave-remove web01)", (refused(domain { states = { "shut off" }, managed_save = true })))
  end)

  it("is not for those who may only read", function()
    local dom = domain {}
    dom.connection.readonly = true
    assert.equal("web01: the connection is read-only (open it for writing)", (refused(dom)))
  end)
end)

describe("a power-off", function()
  -- The configuration has sdb first, the running domain sda.
  local function play(fields, path)
    local documents = live(path or "/a.iso")
    fields.live, fields.config = documents.live, documents.config
    return domain(fields)
  end

  it("asks the guest, and starts the domain again", function()
    local dom = play { states = { "running", "shut off" }, events = { "shutdown", "stopped", "resumed", "started" } }
    local result = assert(reboot.reboot(dom, { from = "sdb", power_off = true }))
    assert.same({ "power_off", 4, { "shutdown", "start" }, 0 },
      { result.how, #result.events, dom.calls, #result.notes })
  end)

  it("with force does not ask", function()
    local dom = play { states = { "running", "shut off" }, events = { "stopped", "started" } }
    assert(reboot.reboot(dom, { from = "sdb", power_off = true, force = true }))
    assert.same({ "destroy", "start" }, dom.calls)
  end)

  it("that was not answered in time is a problem, and nothing is started", function()
    local dom = play {}
    assert.equal("web01: the guest has not answered the request to shut down within 1 s (force = true does not ask " ..
      "the guest)", (refused(dom, { from = "sdb", power_off = true, timeout = 1 })))
    assert.same({ "shutdown" }, dom.calls)
    assert.equal("web01: the host took the power-off but has not shown it within 1 s",
      (refused(play {}, { from = "sdb", power_off = true, force = true, timeout = 1 })))
  end)

  it("that the domain answers by starting again is a problem", function()
    local dom = play { events = { "reboot" } }
    assert.equal("web01: the domain has started again by itself instead of powering off (force = true powers it off " ..
      "whatever its on_poweroff says)", (refused(dom, { from = "sdb", power_off = true })))
    assert.same({ "shutdown" }, dom.calls)
  end)

  it("after which the domain was not seen to start is a problem", function()
    local dom = play { states = { "running", "shut off" }, events = { "stopped" } }
    assert.equal("web01: the host took the start but has not shown it within 1 s",
      (refused(dom, { from = "sdb", power_off = true, timeout = 1 })))
  end)

  it("is never made where a reboot is enough", function()
    local dom = play { events = { "reboot" } }
    assert.equal("reboot", assert(reboot.reboot(dom, { from = "sda", power_off = true })).how)
    assert.same({ "reboot" }, dom.calls)
  end)

  it("is for the drive that was named, whatever stands before it on another bus", function()
    local foreign = host.drive("vda", { device = "disk", path = "/root.img", bus = "virtio" })
    local documents = live("/a.iso")
    local function with_foreign(xml) return (xml:gsub("<devices>", "<devices>" .. foreign)) end
    local dom = domain { states = { "running", "shut off" }, events = { "stopped", "started" },
      live = with_foreign(documents.live), config = with_foreign(documents.config):gsub("/b.iso", "/c.iso") .. "" }
    local result = assert(reboot.reboot(dom, { from = "sdb", power_off = true }))
    assert.equal("boot_medium", result.notes[1].code)
    dom = domain { live = with_foreign(documents.live:gsub("<source file='/b.iso'/>", "")),
      config = with_foreign(documents.config:gsub("<source file='/b.iso'/>", "")) }
    assert.equal("web01.sdb: has nothing in it to boot from (insert a medium first)",
      (refused(dom, { from = "sdb", power_off = true })))
    assert.same({}, dom.calls)
  end)

  it("is not planned for a domain that has stopped meanwhile", function()
    local dom = domain { states = { "running", "shut off" }, config = live("/a.iso").config }
    assert.equal("web01: is shut off: only a running domain can be rebooted (bring it to run first)",
      (refused(dom, { from = "sdb", power_off = true })))
  end)

  it("is not made without being asked for", function()
    local dom = play {}
    local text, touched = refused(dom, { from = "sdb" })
    assert.equal("web01.sdb: the running domain boots from sda first; its configuration, which has sdb first, " ..
      "counts after a power-off, not after a reboot (power_off = true powers off and starts again)", text)
    assert.is_nil(touched)
    assert.same({}, dom.calls)
  end)

  it("tells of another medium that is in the drive then", function()
    local dom = play { states = { "running", "shut off" }, events = { "stopped", "started" } }
    local documents = live("/a.iso")
    function dom.look()
      return dom.facts(), { live = documents.live, config = documents.config:gsub("/b.iso", "/c.iso") .. "" }
    end
    local result = assert(reboot.reboot(dom, { from = "sdb", power_off = true }))
    assert.equal("web01.sdb: warning: after the power-off it has /c.iso in it, not /b.iso (insert puts a medium " ..
      "into the configuration too)", tostring(result.notes))
  end)
end)
