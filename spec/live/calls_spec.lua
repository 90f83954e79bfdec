-- Each libvirt call of the command failed, or the daemon killed at that point, while it changes a running guest and
-- domains that are shut off: afterwards no drive is lost and none doubled, each half is as it was or as it is to be,
-- the report says so, and the next run completes it.
--
-- By default one changing call of each scenario fails in each way; `make failures-live` tries every call, and
-- VIRTLUN_SCENARIO=words only scenarios with these words in their names.
local calls = require("support.calls")
local host = require("support.host_xml")
local live = require("support.live")
local scenarios = require("support.call_scenarios")
local session = require("support.session")
local verdict = require("support.verdict")
local virtlun = require("virtlun")

local IS_ALL = os.getenv("VIRTLUN_CALLS") == "all"
local ONLY = os.getenv("VIRTLUN_SCENARIO") or ""

describe("a call of libvirt that fails", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon = session.start { warm = true }
  local figures = { scenarios = 0, runs = 0, killed = 0, boots = 0, orphans = 0, wrong = 0 }
  local machines, vm, connection, originals

  -- Domains --------------------------------------------------------------------------------------------------
  -- Each has what nobody describes, and secrets: a password, and a drive's.

  local PASSWORD = "<graphics type='vnc' passwd='pa55'><listen type='socket'/></graphics>"

  local SECRET = "<disk type='network' device='disk'><driver name='qemu' type='raw'/><auth username='ann'>"
    .. "<secret type='iscsi' usage='none'/></auth><source protocol='iscsi' name='iqn.2013-07.com.example:iscsi/1'>"
    .. "<host name='example.com' port='3260'/></source><target dev='sdy' bus='scsi'/>"
    .. "<address type='drive' controller='0' bus='0' target='8' unit='8'/></disk>"

  local function devices(...)
    return { host.hba(0), host.drive("sda", { path = live.disc(daemon, "ONE") }), PASSWORD, host.drive("sdz", {
      path = live.disc(daemon, "THEIRS"), place = { 0, 9, 9 }, inner = "<serial>THEIRS</serial><shareable/>" }), ... }
  end

  local function boot_guest()
    local disk = { device = "disk", path = scenarios.image(daemon, "sdy"), place = { 0, 8, 8 } }
    return daemon:boot { name = "guest", transient = false, ports = 20, devices = devices(host.drive("sdy", disk)) }
  end

  local function define_off(name)
    return daemon:boot { name = name, start = false, ports = 20, from_drives = true, devices = devices(SECRET) }
  end

  local function connect()
    if connection then connection:close() end
    connection = live.open(daemon)
  end

  setup(function()
    vm = boot_guest()
    machines, originals = { vm, define_off("off1"), define_off("off2") }, {}
    vm:wait_ready()
    connect()
    for _, machine in ipairs(machines) do
      originals[machine.name] = daemon:dump(machine.name)
      assert.truthy(originals[machine.name]:find("pa55", 1, true))
    end
  end)
  teardown(function()
    connection:close()
    vm:destroy()
    daemon:stop()
    local what = IS_ALL and "all of it" or "a selection; make failures-live tries all of it"
    print(("calls_spec: %s: %d scenarios, %d calls failed, %d of them by a kill of the daemon, %d findings; the guest "
      .. "was started anew %d times, %d of them because QEMU had a device that libvirt had lost"):format(what,
      figures.scenarios, figures.runs, figures.killed, figures.wrong, figures.boots, figures.orphans))
  end)

  -- Applies a description on the spec's own connection, as the next run of a program does. A daemon that has just come
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

  local function make_as_before(scenario)
    for _, phase in ipairs(scenario.from) do
      for _, desired in ipairs(phase) do
        local result, found = complete(desired)
        assert(result, tostring(found))
      end
    end
    return calls.look(connection, machines)
  end

  -- The domains as a scenario finds them; before: how it found them the last time.  What no recipe takes back goes with
  -- the domains themselves.
  local function prepare(scenario, before)
    local state = make_as_before(scenario)
    if not before or verdict.is_same(before, state) then return state end
    for _, machine in ipairs(machines) do daemon:define(originals[machine.name]) end
    start_anew()
    state = make_as_before(scenario)
    assert.is_true(verdict.is_same(before, state))
    return state
  end

  -- The guest has the drives and HBAs that its document has, and no more.
  local function check_guest()
    local wanted, hbas = {}, 0
    for _, device in ipairs(assert(connection:domain("guest"):describe()).live) do
      local at = device.kind ~= "controller" and device.address
      if not at then hbas = hbas + 1
      else wanted[#wanted + 1] = ("%d:%d"):format(at.target, virtlun.lun.encode(at.unit))
      end
    end
    table.sort(wanted)
    vm:wait_for(function()
      local seen = {}
      for i, device in ipairs(vm:luns()) do seen[i] = ("%d:%d"):format(device.target, device.lun) end
      table.sort(seen)
      return table.concat(seen, " ") == table.concat(wanted, " ") and #vm:hosts() == hbas
    end)
  end

  -- One call -------------------------------------------------------------------------------------------------

  local function words_of(scenario)
    local words = scenario.words and { table.unpack(scenario.words) }
      or { "apply", "--yes", "--json", calls.recipe(daemon, scenario.to), table.unpack(scenario.flags or {}) }
    table.insert(words, 2, "--connect=" .. daemon.uri)
    return words
  end

  local function note(findings, more) table.move(more, 1, #more, #findings + 1, findings) end

  -- The next run makes all of it, and leaves nothing to be made.
  local function check_next(scenario, plain, findings)
    local boots = figures.boots
    for _, desired in ipairs(scenario.to) do
      local result, found = complete(desired)
      if not result then note(findings, { "the next run: " .. tostring(found) }) end
    end
    -- A guest that was started anew has what waited for that.
    if boots == figures.boots then
      note(findings, verdict.differences(plain.before, plain.wanted, calls.look(connection, machines)))
    end
    for _, desired in ipairs(scenario.to) do
      if not live.is_done(assert(connection:domain(desired.name)), desired) then
        note(findings, { "the third plan of " .. desired.name .. " has changes" })
      end
    end
  end

  local function tell(scenario, fault, run, findings)
    note(findings, { ("exit status %d; %s"):format(run.code, live.code_line(run.report.problems)) })
    print(("\n## %s: call %d %s, %s %s\n   %s"):format(scenario.name, fault.number, run.hit.name, fault.way,
      fault.after and fault.after .. " us" or "", table.concat(findings, "\n   ")))
    io.stdout:flush()
  end

  -- Has one call fail, and judges: the number of findings.
  local function try(scenario, plain, fault)
    local run = calls.run(daemon, words_of(scenario), fault)
    assert(run.hit, "there was no such call")
    figures.runs = figures.runs + 1
    if calls.KILLS[fault.way] then
      figures.killed = figures.killed + 1
      calls.revive(daemon, machines)
      connect()
    end
    local state = calls.look(connection, machines)
    local fates, findings = verdict.fates(plain.before, plain.wanted, state, scenario.replaced)
    note(findings, verdict.report(run, fates))
    check_next(scenario, plain, findings)
    if #findings == 0 then return 0 end
    tell(scenario, fault, run, findings)
    figures.wrong = figures.wrong + 1
    return 1
  end

  -- Which calls ------------------------------------------------------------------------------------------------

  -- What a call that only asks comes to in these ways, it comes to in the others too: it has no answer, whether it was
  -- sent or not; and the daemon is dead before the next call, or is back and has closed the connection.
  local IS_SAME = { denied = true, cut_before = true, cut_after = true, killed_before = true, killed_after = true }

  -- The calls of a run that are to fail in a way.  What comes before the first change is the same everywhere, and is
  -- tried in few scenarios only, as are ways that come to the same.
  local function chosen(list, way, is_whole)
    local picked, has_begun = {}, is_whole
    for _, call in ipairs(list) do
      local is_write = calls.IS_WRITE[call.name]
      has_begun = has_begun or is_write
      if is_whole or is_write or IS_ALL and has_begun and not IS_SAME[way] then picked[#picked + 1] = call end
    end
    return picked
  end

  -- One of the changing calls, another one in each way and scenario.
  local function sample(list, turn)
    local writes = chosen(list, "denied", false)
    return { writes[turn % #writes + 1] }
  end

  -- The faults of a scenario in a way.  A call that takes its time is interrupted here and there.
  local function faults_of(scenario, list, way, turn)
    local faults = {}
    for _, call in ipairs(IS_ALL and chosen(list, way, scenario.is_whole) or sample(list, turn)) do
      local is_long = IS_ALL and calls.IS_WRITE[call.name]
      for _, part in ipairs(way ~= "killed_during" and { false } or is_long and { 0.3, 0.7 } or { 0.5 }) do
        faults[#faults + 1] = { number = call.number, way = way, after = part and call.microseconds * part // 1 | 0 }
      end
    end
    return faults
  end

  -- The scenario where no call fails: how the domains are before and after, and the calls.
  local function try_plainly(scenario)
    local before = prepare(scenario)
    local run = calls.run(daemon, words_of(scenario))
    assert.equal(0, run.code, run.err)
    return { before = before, wanted = calls.look(connection, machines), calls = run.calls }
  end

  -- The number of calls that were tried, and of those after which something was wrong.
  local function try_all(scenario, plain, way, turn)
    local faults, wrong = faults_of(scenario, plain.calls, way, turn), 0
    for _, fault in ipairs(faults) do
      prepare(scenario, plain.before)
      wrong = wrong + try(scenario, plain, fault)
    end
    return #faults, wrong
  end

  for turn, scenario in ipairs(scenarios.of(daemon)) do
    local is_wanted, plain = scenario.name:find(ONLY, 1, true), nil
    for place, way in ipairs(is_wanted and calls.WAYS or {}) do
      it(("leaves %s old or new, and the next run completes it: %s"):format(scenario.name, way), function()
        if calls.has_died(daemon) then calls.revive(daemon, machines) end -- another test has ended early
        connect()
        plain = plain or try_plainly(scenario)
        local tried, wrong = try_all(scenario, plain, way, turn + place)
        if place == #calls.WAYS or IS_ALL then check_guest() end
        if place == #calls.WAYS then prepare(scenario, plain.before) end
        figures.scenarios = figures.scenarios + (place == 1 and 1 or 0)
        print(("%s, %s: %d calls"):format(scenario.name, way, tried))
        assert.equal(0, wrong)
      end)
    end
  end
end)
