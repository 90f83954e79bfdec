-- The known bugs of libvirt, each met on the daemon that is here: its symptom without virtlun, and what virtlun makes
-- of it.  Where the daemon has the repair, the ordinary way must do.  A second daemon speaks another language, because
-- nothing may depend on what messages say.
local files = require("support.files")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local qcow2 = require("support.qcow2")
local session = require("support.session")
local quirks = require("virtlun.plan.quirks")
local virtlun = require("virtlun")

-- The daemon of another release, in a folder of its own, may have no translations.
local translated = session.missing_language("de") == nil

local function quirk(name)
  for _, row in ipairs(quirks.list) do
    if row.name == name then return row end
  end
  error("no quirk is called " .. name)
end

describe("a known bug of libvirt:", function()
  if live.skips_all(live.missing("x86_64")) then return end

  it("every row of the table is met here", function()
    local names = {}
    for i, row in ipairs(quirks.list) do names[i] = row.name end
    -- orphaned and node_taken come of a daemon that dies: recovery_spec.
    assert.same({ "half_done", "locked", "tray_unknown", "empty_hotplug", "orphaned", "node_taken", "not_taken",
      "narrow_schema" },
      names)
  end)

  for _, language in ipairs { "en", "de" } do
    describe(("the daemon says it in %s:"):format(language), function()
      local daemon, vm, connection, dom

      setup(function()
        daemon = session.start { warm = true, language = language }
        local function slot(dev, target)
          return host.drive(dev, { place = { 0, target, 0 }, path = iso.data(daemon.folder .. "/old.iso", "OLD") })
        end
        vm = daemon:boot { devices = { host.hba(0), slot("sda", 0), slot("sdb", 1), slot("sdc", 2) } }
        vm:wait_ready()
        connection = assert(virtlun.open(daemon.uri))
        dom = assert(connection:domain(vm.name))
      end)
      teardown(function()
        connection:close()
        vm:destroy()
        daemon:stop()
      end)

      local function disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end

      local function has(name) return connection.version < (quirk(name).fixed or math.huge) end

      local function label_at(target) return (vm:lun(target, 0) or {}).label end

      -- The device call itself, with the element of a drive in which texts are exchanged for others.
      local function update(dev, swaps)
        local element = live.element(vm, "live", dev)
        for before, after in pairs(swaps) do element = element:gsub(before, after) end
        local good, problems = dom:update_device(element, { live = true })
        return good, not good and problems[1].cause or nil
      end

      local function plug(dev, target)
        assert(dom:attach { kind = "cdrom", dev = dev, source = disc("PLUGGED"),
          address = { controller = 0, target = target, unit = 0 } })
        vm:wait_for(function() return label_at(target) end)
      end

      it("a change that fails half-way", function()
        local broken = qcow2.broken(daemon.folder .. "/broken.qcow2")
        local good, cause = update("sda", { ["<source.-/>"] = ("<source file='%s'/>"):format(broken),
          ["type='raw'"] = "type='qcow2'" })
        local seen = live.drive(dom, "live", "sda")
        assert.same({ false, 1, "open", daemon.folder .. "/old.iso" },
          { good or false, cause and cause.code, seen.tray, seen.source })
        assert.equal(language == "de" and translated, cause.message:find("Interner Fehler", 1, true) ~= nil)
        assert.is_nil(label_at(0))
        -- The old medium again: libvirt says that it is so, and does nothing.
        assert.is_true(update("sda", { ["<source.-/>"] = ("<source file='%s/old.iso'/>"):format(daemon.folder),
          [" tray='open'"] = "" }))
        assert.is_nil(label_at(0))
        assert(dom:insert("sda", daemon.folder .. "/old.iso"))
        assert.equal("OLD", label_at(0))
        local result, problems = dom:insert("sda", broken, { format = "qcow2" })
        assert.is_nil(result)
        assert.same({ "host_refused restored", "OLD" }, { live.code_line(problems), label_at(0) })
      end)

      it("a locked tray", function()
        vm:ask("lock " .. vm:lun(1, 0).blk)
        local good, cause = update("sdb", { ["<source.-/>"] = ("<source file='%s'/>"):format(disc("NEW")) })
        assert.same({ false, 9 }, { good or false, cause and cause.code })
        assert.equal("OLD", label_at(1))
        local result, problems = dom:insert("sdb", disc("NEW"))
        assert.is_nil(result)
        assert.equal("tray_locked", live.code_line(problems))
        vm:ask("unlock " .. vm:lun(1, 0).blk)
        assert(dom:insert("sdb", disc("NEW")))
        assert.equal("NEW", label_at(1))
      end)

      it("a plugged drive whose tray libvirt does not know", function()
        plug("sdd", 3)
        local good, cause = update("sdd", { ["<source.-/>"] = ("<source file='%s'/>"):format(disc("NEW")) })
        if has("tray_unknown") then
          assert.same({ false, 1, "PLUGGED" }, { good or false, cause and cause.code, label_at(3) })
        else
          assert.is_true(good)
        end
        local function effect(device)
          device.kind, device.dev = "cdrom", "sdd"
          return assert(dom:plan { kind = "domain", name = vm.name, device }).steps[1].effect
        end
        local may = has("tray_unknown") and "live, may replace the drive" or "live"
        local other = qcow2.of(daemon.folder .. "/other.qcow2", disc("PLUGGED"))
        assert.same({ may, may, "live" }, { effect { source = other, format = "qcow2" },
          effect { source = disc("NEWER") }, effect { startup_policy = "optional" } })
        assert.equal(has("tray_unknown") and "live, unless the drive was hot-plugged" or "live",
          effect { source = false })
        local result = assert(dom:insert("sdd", disc("NEWER")))
        assert.equal(has("tray_unknown") and "replaced" or "", live.code_line(result.notes))
        vm:wait_for(function() return label_at(3) == "NEWER" end)
        local problems
        result, problems = dom:eject("sdd")
        assert.equal(has("tray_unknown") and "cannot_eject" or "", live.code_line(problems))
        assert.equal(not has("tray_unknown"), result ~= nil)
      end)

      it("an empty drive that is to be plugged", function()
        local empty = host.drive("sde", { place = { 0, 4, 0 }, path = false })
        local good, problems = dom:attach_device(empty, { live = true })
        if has("empty_hotplug") then
          assert.same({ false, 1 }, { good or false, not good and problems[1].cause.code })
        else
          assert.is_true(good)
          assert(dom:detach("sde"))
        end
        local device = { kind = "cdrom", dev = "sde", address = { controller = 0, target = 4, unit = 0 } }
        local plan = assert(dom:plan { kind = "domain", name = vm.name, device })
        assert.equal(has("empty_hotplug") and "live, may be refused" or "live", plan.steps[1].effect)
        local result
        result, problems = plan:apply()
        assert.equal(has("empty_hotplug") and "empty_hotplug" or "", live.code_line(problems))
        assert.equal(not has("empty_hotplug"), result ~= nil)
        assert.equal(not has("empty_hotplug"), live.drive(dom, "live", "sde") ~= nil)
      end)

      it("an address that libvirt does not take and says that another has", function()
        local above = host.drive("sdf", { place = { 0, 5, 16384 }, path = disc("ABOVE") })
        local good, problems = dom:attach_device(above, { live = true })
        assert.same({ false, 55 }, { good or false, problems and problems[1].cause.code })
        -- virtlun's own limits come first: the description cannot say that.
        local result
        result, problems = dom:attach { kind = "cdrom", dev = "sdf", source = disc("ABOVE"),
          address = { controller = 0, target = 5, unit = 16384 } }
        assert.is_nil(result)
        assert.equal("out_of_range", live.code_line(problems))
        assert.equal("not_taken", quirks.name_of("attach", { code = 55, there = false, taken = false }))
      end)

      it("a target that its schema refuses", function()
        local element = host.drive("sdg", { place = { 0, 200, 0 }, path = disc("WIDE") })
        files.write(daemon.folder .. "/valid.xml", host.domain({ host.hba(0), element }, { name = "valid" })
          :gsub("type='kvm'", "type='qemu'") .. "")
        local refused = daemon:virsh("define", daemon.folder .. "/valid.xml", "--validate")
        assert.not_equal(0, refused.code)
        assert.equal("", daemon:virsh("define", daemon.folder .. "/valid.xml").err)
        finally(function() daemon:undefine("valid") end)
        local valid <close> = assert(virtlun.open(daemon.uri))
        local plan = assert(assert(valid:domain("valid")):plan { kind = "domain", name = "valid",
          { kind = "cdrom", dev = "sdh", source = disc("WIDER"),
            address = { controller = 0, target = 255, unit = 0 } } })
        assert(plan:apply())
        assert(dom:attach { kind = "cdrom", dev = "sdg", source = disc("WIDE"),
          address = { controller = 0, target = 200, unit = 0 } })
        assert.equal("WIDE", vm:wait_for(function() return label_at(200) end))
      end)
    end)
  end
end)
