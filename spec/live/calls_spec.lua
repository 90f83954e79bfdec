-- Each libvirt call of the command failed, or the daemon killed at that point, while it changes a running guest and
-- domains that are shut off: afterwards no drive is lost and none doubled, each half is as it was or as it is to be,
-- the report says so, and the next run completes it.
--
-- By default a call or two of each scenario fail in each way; `make failures-live` tries every call.
local calls = require("support.calls")
local files = require("support.files")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")
local verdict = require("support.verdict")
local virtlun = require("virtlun")

local IS_ALL = os.getenv("VIRTLUN_CALLS") == "all"
local ONLY = os.getenv("VIRTLUN_SCENARIO") -- a part of its name, to try one alone

describe("a call of libvirt that fails", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, machines, vm, connection, originals
  local figures = { scenarios = 0, runs = 0, failed = 0, killed = 0, boots = 0, orphans = 0 }

  local function disc(label) return live.disc(daemon, label) end

  local function image(name)
    local path = ("%s/%s.img"):format(daemon.folder, name)
    if not files.read(path) then
      files.write(path, name .. ("\0"):rep(1 << 20))
      assert(os.execute("chmod 666 " .. path))
    end
    return path
  end

  -- Devices of descriptions ----------------------------------------------------------------------------------

  local function cdrom(dev, label, place, more)
    local device = live.cdrom(dev, label and disc(label), place)
    for key, value in pairs(more or {}) do device[key] = value end
    return device
  end

  local function disk(dev, name, place)
    return { kind = "disk", dev = dev, source = image(name), format = "raw",
      address = { controller = place[1], target = place[2], unit = place[3] } }
  end

  local function absent(kind, dev) return { kind = kind, dev = dev, absent = true } end
  local function no_hba(index) return { kind = "controller", index = index, absent = true } end
  local function hba(index, more)
    local device = { kind = "controller", index = index, model = "virtio-scsi" }
    for key, value in pairs(more or {}) do device[key] = value end
    return device
  end

  local function domain(name, ...)
    return { kind = "domain", name = name, ... }
  end

  -- Domains --------------------------------------------------------------------------------------------------

  local function theirs(number)
    return host.drive("sdz", { path = disc("THEIRS" .. number), place = { 0, 9, 9 }, inner = "<serial>THEIRS</serial>" })
  end

  local function secret_disk()
    return "<disk type='network' device='disk'><driver name='qemu' type='raw'/><auth username='ann'>"
      .. "<secret type='iscsi' usage='none'/></auth><source protocol='iscsi' name='iqn.2013-07.com.example:iscsi/1'>"
      .. "<host name='example.com' port='3260'/></source><target dev='sdy' bus='scsi'/>"
      .. "<address type='drive' controller='0' bus='0' target='8' unit='8'/></disk>"
  end

  local PASSWORD = "<graphics type='vnc' passwd='pa55'><listen type='socket'/></graphics>"

  local function boot_guest()
    return daemon:boot { name = "guest", transient = false, ports = 20, devices = { host.hba(0),
      host.drive("sda", { path = disc "ONE" }), theirs(0), PASSWORD,
      host.drive("sdy", { device = "disk", path = image "SDY", place = { 0, 8, 8 } }) } }
  end

  local function define_off(number)
    return daemon:boot { name = "off" .. number, start = false, ports = 20, from_drives = true, devices = { host.hba(0),
      host.drive("sda", { path = disc "ONE" }), theirs(number), secret_disk(), PASSWORD } }
  end

  local function connect()
    if connection then connection:close() end
    connection = live.open(daemon)
  end

  setup(function()
    daemon = session.start { warm = true }
    vm = boot_guest()
    machines = { vm, define_off(1), define_off(2) }
    vm:wait_ready()
    connect()
    originals = {}
    for _, machine in ipairs(machines) do
      originals[machine.name] = daemon:dump(machine.name)
      assert.truthy(originals[machine.name]:find("pa55", 1, true))
    end
  end)
  teardown(function()
    connection:close()
    vm:destroy()
    daemon:stop()
    print(("calls_spec: %d scenarios, %d runs of the command, %d calls failed, %d kills of the daemon; the guest was "
      .. "started anew %d times, %d of them because QEMU had a device that libvirt had lost"):format(figures.scenarios,
      figures.runs, figures.failed, figures.killed, figures.boots, figures.orphans))
  end)

  -- Applies descriptions on the spec's own connection, as the next run of a program does. A daemon that has just come
  -- back is still finding out about its domains, so that a plan may be out of date at once.
  local function apply(desired)
    local result, found
    for _ = 1, 20 do
      local dom = assert(connection:domain(desired.name))
      result, found = live.apply(dom, desired, { force = true })
      if result or found[1].code ~= "host_changed" then break end
    end
    return result, found
  end

  local function start_anew()
    figures.boots = figures.boots + 1
    live.cold_boot(vm)
    connect()
  end

  -- The one state that no call of libvirt's leads out of: QEMU has a device that libvirt does not know. It has to be
  -- told, and the domain begins anew.
  local function complete(desired)
    local result, found = apply(desired)
    if not result and found[1].code == "orphaned" then
      figures.orphans = figures.orphans + 1
      start_anew()
      result, found = apply(desired)
    end
    return result, found
  end

  -- Scenarios ------------------------------------------------------------------------------------------------
  -- name; from: lists of descriptions that are made one after the other; to: what the command is to make; flags: more
  -- of its arguments; words: other arguments than those for a recipe.

  -- As many drives as make a define cheaper than device calls.
  local function many(make)
    local desired = domain("off1")
    for i = 1, 40 do desired[i] = make("sd" .. string.char(98 + i // 26, 97 + i % 26), i) end
    return { desired }
  end

  local function everything()
    return { domain("guest", cdrom("sda", "TWO"), cdrom("sdb", "TWO"), absent("disk", "sdc"), no_hba(1),
      cdrom("sdd", "THREE", { 0, 3, 300 }), disk("sde", "SDE", { 0, 2, 1 })) }
  end

  local function before_everything()
    return { { domain("guest", absent("cdrom", "sdb"), absent("cdrom", "sdd"), absent("disk", "sde")) },
      { domain("guest", cdrom("sda", "ONE"), cdrom("sdb", "ONE", { 0, 5, 300 }), disk("sdc", "SDC", { 1, 2, 2 })) } }
  end

  local function two_plugged()
    return { { domain("guest", cdrom("sda", "ONE"), absent("cdrom", "sdb")) },
      { domain("guest", cdrom("sdb", "ONE", { 1, 5, 300 }), disk("sdc", "SDC", { 1, 2, 2 })) } }
  end

  local function one_plugged()
    return { { domain("guest", cdrom("sda", "ONE"), absent("cdrom", "sdb"), absent("disk", "sdc"), no_hba(1)) },
      { domain("guest", cdrom("sdb", "ONE", { 0, 5, 300 })) } }
  end

  local function bare()
    return { { domain("guest", cdrom("sda", "ONE"), absent("cdrom", "sdb"), absent("disk", "sdc"),
      absent("cdrom", "sdd"), absent("disk", "sde"), no_hba(1)) } }
  end

  local function off_bare(number)
    return domain("off" .. (number or 1), hba(0, { queues = false }), cdrom("sda", "ONE"), absent("cdrom", "sdb"),
      absent("disk", "sdc"), no_hba(1))
  end

  local scenarios = {
    {
      name = "an attach of an HBA, a CD drive and a disk", from = bare,
      to = function()
        return { domain("guest", hba(1), cdrom("sdb", "TWO", { 1, 3, 300 }), disk("sdc", "SDC", { 1, 2, 2 })) }
      end,
    },
    { name = "a change of medium", is_whole = true, from = bare, to = function() return { domain("guest", cdrom("sda", "TWO")) } end },
    {
      name = "a change of a hot-plugged drive's medium", from = one_plugged, replaced = { sdb = true },
      to = function() return { domain("guest", cdrom("sdb", "TWO")) } end,
    },
    { name = "an eject", from = bare, to = function() return { domain("guest", cdrom("sda", false)) } end },
    {
      name = "a detach", from = two_plugged,
      to = function() return { domain("guest", absent("cdrom", "sdb"), absent("disk", "sdc")) } end,
    },
    {
      name = "a removal of an HBA and its drives", from = two_plugged,
      to = function() return { domain("guest", absent("cdrom", "sdb"), absent("disk", "sdc"), no_hba(1)) } end,
    },
    {
      name = "an attach of an HBA, a CD drive and a disk, undone", from = bare, flags = { "--undo-all" },
      to = function()
        return { domain("guest", hba(1), cdrom("sdb", "TWO", { 1, 3, 300 }), disk("sdc", "SDC", { 1, 2, 2 })) }
      end,
    },
    { name = "all of it at once", from = before_everything, to = everything, replaced = { sdb = true } },
    {
      name = "all of it at once, undone", from = before_everything, to = everything, replaced = { sdb = true },
      flags = { "--undo-all" },
    },
    {
      name = "a drive that is replaced", from = one_plugged, replaced = { sdb = true },
      to = function() return { domain("guest", cdrom("sdb", "ONE", { 0, 7, 7 }, { replace = true })) } end,
    },
    {
      name = "an HBA that is replaced", replaced = { controller1 = true }, from = function()
        return { { domain("guest", absent("cdrom", "sdb"), absent("disk", "sdc"), hba(1, { queues = false,
          replace = true })) } }
      end,
      to = function() return { domain("guest", hba(1, { queues = 2, replace = true })) } end,
    },
    {
      name = "an HBA's configuration beside an attach", from = function()
        local list = bare()
        list[1][1][#list[1][1] + 1] = hba(0, { queues = false })
        return list
      end,
      to = function() return { domain("guest", hba(0, { queues = 2 }), cdrom("sdb", "TWO", { 0, 5, 300 })) } end,
    },
    {
      name = "a domain that is shut off, by device calls", from = function()
        return { { off_bare() }, { domain("off1", cdrom("sdb", "ONE", { 0, 5, 300 })) } }
      end,
      to = function()
        return { domain("off1", hba(1), disk("sdc", "SDC", { 1, 2, 2 }), cdrom("sda", "TWO"), absent("cdrom", "sdb")) }
      end,
    },
    {
      name = "a domain that is shut off, by device calls, undone", from = function()
        return { { off_bare() }, { domain("off1", cdrom("sdb", "ONE", { 0, 5, 300 })) } }
      end,
      to = function()
        return { domain("off1", hba(1), disk("sdc", "SDC", { 1, 2, 2 }), cdrom("sda", "TWO"), absent("cdrom", "sdb")) }
      end,
      flags = { "--undo-all" },
    },
    {
      name = "a domain that is shut off, by a define", from = function() return { { off_bare() } } end,
      to = function()
        return { domain("off1", hba(0, { queues = 2 }), hba(1), disk("sdc", "SDC", { 1, 2, 2 }), cdrom("sda", "TWO")) }
      end,
    },
    {
      name = "many changes by a define", from = function() return { many(function(dev) return absent("cdrom", dev) end) } end,
      to = function() return many(function(dev, i) return cdrom(dev, "TWO", { 0, 20 + i, i }) end) end,
    },
    {
      name = "several domains", is_whole = true, from = function() return { bare()[1], { off_bare(1), off_bare(2) } } end,
      to = function()
        return {
          domain("guest", cdrom("sda", "TWO"), cdrom("sdb", "TWO", { 1, 3, 300 })),
          domain("off1", cdrom("sda", "TWO"), hba(0, { queues = 2 })),
          domain("off2", cdrom("sda", "TWO"), disk("sdc", "SDC", { 0, 2, 2 })),
        }
      end,
    },
    {
      name = "the command insert", is_whole = true, from = one_plugged, replaced = { sdb = true }, to = function() return { domain("guest", cdrom("sdb", "TWO")) } end,
      words = function() return { "insert", "--json", "guest", "sdb", disc "TWO" } end,
    },
  }
  -- A run and its end ------------------------------------------------------------------------------------------

  local function make_as_before(scenario)
    for _, phase in ipairs(scenario.from()) do
      for _, desired in ipairs(phase) do
        local result, found = complete(desired)
        assert(result, tostring(found))
      end
    end
    return calls.look(connection, machines)
  end

  -- What a run has left that no recipe takes back goes with the domains themselves.
  local function begin_anew()
    for _, machine in ipairs(machines) do daemon:define(originals[machine.name]) end
    start_anew()
  end

  -- The domains as a scenario finds them; before: how it found them the last time.
  local function prepare(scenario, before)
    local state = make_as_before(scenario)
    if before and not verdict.is_same(before, state) then
      begin_anew()
      state = make_as_before(scenario)
      assert.is_true(verdict.is_same(before, state))
    end
    return state
  end

  local function words_of(scenario)
    local words = scenario.words and scenario.words()
      or { "apply", "--yes", "--json", calls.recipe(daemon, scenario.to()), table.unpack(scenario.flags or {}) }
    table.insert(words, 2, "-c")
    table.insert(words, 3, daemon.uri)
    return words
  end

  -- Nothing but devices may differ, and those are what is wanted.
  local function check_complete(findings, before, wanted, desired)
    local after = calls.look(connection, machines)
    local fates, more = verdict.fates(before, wanted, after)
    table.move(more, 1, #more, #findings + 1, findings)
    for _, entry in ipairs(fates) do
      if entry.fate == "old" or entry.fate == "between" then
        findings[#findings + 1] = ("in the end %s %s %s is %s:\n%s"):format(entry.domain, entry.half, entry.key,
          entry.fate, tostring(entry.after))
      end
    end
    for _, domain_of in ipairs(desired) do
      local dom = assert(connection:domain(domain_of.name))
      local is_done, plan = live.is_done(dom, domain_of)
      if not is_done then findings[#findings + 1] = "the third plan of " .. domain_of.name end
    end
  end

  -- The guest has the drives and HBAs that its document has, and no more.
  local function check_guest()
    local wanted, hbas = {}, 0
    for _, device in ipairs(assert(connection:domain("guest"):describe()).live) do
      if device.kind == "controller" then
        hbas = hbas + 1
      else
        wanted[#wanted + 1] = ("%d:%d"):format(device.address.target, virtlun.lun.encode(device.address.unit))
      end
    end
    table.sort(wanted)
    wanted = table.concat(wanted, " ")
    vm:wait_for(function()
      local seen = {}
      for i, device in ipairs(vm:luns()) do seen[i] = ("%d:%d"):format(device.target, device.lun) end
      table.sort(seen)
      return table.concat(seen, " ") == wanted and #vm:hosts() == hbas
    end)
  end

  local function label(scenario, fault, hit)
    return ("%s, call %d %s %s%s"):format(scenario.name, fault.number, hit and hit.name or "", fault.way,
      fault.after and (" %d us"):format(fault.after) or "")
  end

  -- One call failed: what is wrong afterwards; nil where there was no such call.
  local function try(scenario, before, wanted, fault)
    local run = calls.run(daemon, words_of(scenario), fault)
    figures.runs = figures.runs + 1
    if not run.hit then return nil end
    figures.failed = figures.failed + 1
    if calls.KILLS[fault.way] then
      figures.killed = figures.killed + 1
      calls.revive(daemon, machines)
      connect()
    end
    local desired = scenario.to()
    local boots = figures.boots
    local fates, findings = verdict.fates(before, wanted, calls.look(connection, machines), scenario.replaced)
    local more = verdict.report(run, fates)
    table.move(more, 1, #more, #findings + 1, findings)
    if #findings > 0 then
      findings[#findings + 1] = ("exit %d; problems: %s"):format(run.code, live.code_line(run.report.problems))
    end
    for _, domain_of in ipairs(desired) do
      local result, found = complete(domain_of)
      if not result then findings[#findings + 1] = "the next apply: " .. tostring(found) end
    end
    if boots == figures.boots then check_complete(findings, before, wanted, desired) end
    if #findings > 0 then
      print("\n## " .. label(scenario, fault, run.hit) .. "\n   " .. table.concat(findings, "\n   "))
      io.stdout:flush()
    end
    return #findings
  end

  -- What a call that only asks comes to in these ways, it comes to in others too: nothing was done, and nobody has said
  -- so; and the daemon is dead before the next call.
  local IS_SAME = { denied = true, cut_after = true, killed_before = true, killed_after = true }

  -- The faults of a scenario in a way, of those calls that it makes.  What comes before the first change is the same
  -- everywhere, and is tried in few scenarios only, as are ways that come to the same.
  local function faults_of(probe, way, turn, is_whole)
    local list, writes, all = {}, {}, {}
    for _, call in ipairs(probe.calls) do
      local is_write = calls.IS_WRITE[call.name]
      if is_write then writes[#writes + 1] = call end
      if is_whole or is_write or writes[1] and not IS_SAME[way] then all[#all + 1] = call end
    end
    local chosen = IS_ALL and all or { writes[turn % #writes + 1] }
    for _, call in ipairs(chosen) do
      local fractions = way ~= "killed_during" and { false } or calls.IS_WRITE[call.name] and IS_ALL
        and { 0.1, 0.4, 0.6, 0.9 } or { 0.5 }
      for _, fraction in ipairs(fractions) do
        list[#list + 1] = { number = call.number, way = way,
          after = fraction and math.floor(call.microseconds * fraction) or nil }
      end
    end
    return list
  end

  for turn, scenario in ipairs(scenarios) do
    if not ONLY or scenario.name:find(ONLY, 1, true) then
      describe("of " .. scenario.name, function()
        local before, wanted, probe

        setup(function()
          figures.scenarios = figures.scenarios + 1
          before = prepare(scenario)
          probe = calls.run(daemon, words_of(scenario))
          assert.equal(0, probe.code, probe.err)
          wanted = calls.look(connection, machines)
          if os.getenv("VIRTLUN_SHOW") then
            for _, c in ipairs(probe.calls) do print(c.number, c.name, c.microseconds) end
          end
        end)

        teardown(function()
          check_guest()
          prepare(scenario, before)
          check_guest()
        end)

        for j, way in ipairs(calls.WAYS) do
          it(("leaves it old or new, and is completed: %s"):format(way), function()
            local wrong, begun = 0, os.time()
            local faults = faults_of(probe, way, turn + j, scenario.is_whole)
            for _, fault in ipairs(faults) do
              before = prepare(scenario, before)
              wrong = wrong + (try(scenario, before, wanted, fault) or 0)
            end
            print(("%s, %s: %d runs, %d s"):format(scenario.name, way, #faults, os.time() - begun))
            assert.equal(0, wrong)
            if IS_ALL then check_guest() end
          end)
        end
      end)
    end
  end
end)
