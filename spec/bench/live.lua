-- Measures what virtlun adds to libvirt's own calls, on running guests and on a domain that is shut off: `make bench`.
--
-- An operation is made once by virtlun while its calls are written down, and from then on virtlun and a bare client in
-- C that makes the very same calls take turns.  Both do so on the same guest, in the same process, by the same daemon;
-- what is printed is the median of the ratios of all rounds.
local calls = require("bench.calls")
local client = require("client")
local core = require("virtlun.core")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local session = require("support.session")
local virtlun = require("virtlun")

local GOAL = 1.05
local ROUNDS = tonumber(os.getenv("VIRTLUN_BENCH_ROUNDS")) or 40

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

local function print_row(title, ours, theirs, ratio, goal)
  print(("  %-28s %8.1f %8.1f %8.3f   %.2f  %s"):format(title, ours * 1000, theirs * 1000, ratio, goal,
    ratio <= goal and "met" or "missed"))
end

--- There and back again, by virtlun and by the client in turns.
local function measure(bare, title, there, back)
  there() back()
  local both = calls.record(there)
  table.move(calls.record(back), 1, 1000, #both + 1, both)
  local ours, theirs, ratios = {}, {}, {}
  for round = 1, ROUNDS do
    collectgarbage()
    local begun = client.now()
    there() back()
    ours[round] = client.now() - begun
    theirs[round] = bare:run(both)
    ratios[round] = ours[round] / theirs[round]
  end
  print_row(title, median(ours), median(theirs), median(ratios), GOAL)
end

-- Many drives at once ------------------------------------------------------------------------------------------------

local DEFINED, DEFINE_ROUNDS, DEFINE_GOAL = 1000, 9, 1.2
local ATTACHED, ATTACH_ROUNDS = 200, 3
local UNITS = 250

local function described(name, count, path)
  local domain = { kind = "domain", name = name }
  for i = 0, count - 1 do
    domain[i + 1] = { kind = "cdrom", dev = core.dev_name(i), source = path,
      address = { controller = i // UNITS, target = i % UNITS, unit = 0 } }
  end
  return domain
end

local function select_calls(list, name)
  local selected = {}
  for _, call in ipairs(list) do
    if call[1] == name then selected[#selected + 1] = call end
  end
  return selected
end

-- Drives planned and applied to a domain that is shut off, and the one define that this takes.
local function measure_define(daemon, connection, path)
  daemon:define(host.domain({}, { name = "shut", boot = false }))
  local dom, bare = assert(connection:domain("shut")), client.open(daemon.uri, "shut")
  local empty = { { "define", daemon:dump("shut"), 0 } }
  local desired = described("shut", DEFINED, path)
  local ours, theirs, ratios = {}, {}, {}
  for round = 1, DEFINE_ROUNDS do
    local function run() assert(assert(dom:plan(desired)):apply()) end
    collectgarbage()
    local begun = client.now()
    local defines = select_calls(calls.record(run), "define")
    ours[round] = client.now() - begun
    assert(#defines == 1, "it took " .. #defines .. " defines")
    bare:run(empty)
    theirs[round] = bare:run(defines)
    bare:run(empty)
    ratios[round] = ours[round] / theirs[round]
  end
  bare:close()
  daemon:undefine("shut")
  print_row(("define %d drives"):format(DEFINED), median(ours), median(theirs), median(ratios), DEFINE_GOAL)
end

local function boot_empty(daemon, name)
  local vm = daemon:boot { arch = "x86_64", name = name, transient = false, devices = { host.hba(0) } }
  vm:wait_ready()
  return vm
end

-- Drives attached to one guest in one apply, and after each of them the same call to another guest by the bare client:
-- both sides have the same machine at the same time.
local function attach_in_turns(connection, daemon, path)
  local mine, other = boot_empty(daemon, "mine"), boot_empty(daemon, "other")
  local bare, theirs = client.open(daemon.uri, other.name), 0
  local plan = assert(assert(connection:domain(mine.name)):plan(described(mine.name, ATTACHED, path)))
  collectgarbage()
  local begun = client.now()
  assert(plan:apply { on_progress = function(event)
    if event.state ~= "done" then return end
    local both = calls.flags { live = true, config = true }
    theirs = theirs + bare:run { { "attach_device", event.step.calls[1].xml, both } }
  end })
  local ours = client.now() - begun - theirs
  bare:close()
  for _, vm in ipairs { mine, other } do
    vm:virsh_ok("destroy", vm.name)
    daemon:undefine(vm.name)
  end
  return ours, theirs
end

local function measure_attach(connection, daemon, path)
  local ours, theirs, ratios = {}, {}, {}
  for round = 1, ATTACH_ROUNDS do
    ours[round], theirs[round] = attach_in_turns(connection, daemon, path)
    ratios[round] = ours[round] / theirs[round]
  end
  print_row(("attach %d drives"):format(ATTACHED), median(ours), median(theirs), median(ratios), GOAL)
end

-- All ----------------------------------------------------------------------------------------------------------------

local missing = session.missing() or guest.missing("x86_64")
if missing then
  print("live operations were not measured: " .. missing)
  return
end

local daemon = session.start { warm = true }
local function disc(label) return iso.data(("%s/%s.iso"):format(daemon.folder, label), label) end
local good, message = xpcall(function()
  local vm = daemon:boot { arch = "x86_64",
    devices = { host.hba(0), host.hba(1), host.drive("sda", { path = disc "ONE" }) } }
  vm:wait_ready()
  local connection <close> = assert(virtlun.open(daemon.uri))
  local dom = assert(connection:domain(vm.name))
  local bare = client.open(daemon.uri, vm.name)
  local one, two = disc "ONE", disc "TWO"
  local drive = virtlun.cdrom { dev = "sdb", source = two, address = { controller = 1, target = 3, unit = 7 } }
  print(("\nLive operations on a booted guest, %d rounds (milliseconds, both ways together)"):format(ROUNDS))
  print("  operation                     virtlun    calls    ratio   goal")
  measure(bare, "change the medium", function() assert(dom:insert("sda", two)) end,
    function() assert(dom:insert("sda", one)) end)
  measure(bare, "eject and insert", function() assert(dom:eject("sda")) end,
    function() assert(dom:insert("sda", one)) end)
  measure(bare, "attach and detach a drive", function() assert(dom:attach(drive)) end,
    function() assert(dom:detach("sdb")) end)
  bare:close()
  print(("\nMany drives at once, %d and %d rounds (milliseconds)"):format(DEFINE_ROUNDS, ATTACH_ROUNDS))
  print("  operation                     virtlun    calls    ratio   goal")
  measure_define(daemon, connection, one)
  measure_attach(connection, daemon, one)
end, debug.traceback)
daemon:stop()
if not good then error(message, 0) end
