-- Measures what virtlun adds to libvirt's own calls on a running guest: `make bench`.
--
-- An operation is made once by virtlun while its calls are written down, and from then on virtlun and a bare client in
-- C that makes the very same calls take turns.  Both do so on the same guest, in the same process, by the same daemon;
-- what is printed is the median of the ratios of all rounds.
local client = require("client")
local guest = require("support.guest")
local host = require("support.host_xml")
local iso = require("support.iso")
local jobs = require("virtlun.jobs")
local session = require("support.session")
local virtlun = require("virtlun")

local GOAL = 1.05
local ROUNDS = tonumber(os.getenv("VIRTLUN_BENCH_ROUNDS")) or 40
local FLAGS = { inactive = 2, live = 1, config = 2, force = 4 }

local function flags_of(options)
  local sum = 0
  for name, number in pairs(FLAGS) do
    if options and options[name] then sum = sum | number end
  end
  return sum
end

--- Runs fn and gives the calls that it made.  Asking for events is no call of its own once they are registered.
local function record(fn)
  local calls, call = {}, jobs.call
  jobs.call = function(name, handle, seconds, options, text)
    calls[#calls + 1] = { name, text or false, flags_of(options) }
    return call(name, handle, seconds, options, text)
  end
  local good, message = pcall(fn)
  jobs.call = call
  assert(good, message)
  return calls
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

--- There and back again, by virtlun and by the client in turns.
local function measure(bare, title, there, back)
  there() back()
  local calls = record(there)
  table.move(record(back), 1, 1000, #calls + 1, calls)
  local ours, theirs, ratios = {}, {}, {}
  for round = 1, ROUNDS do
    collectgarbage()
    local begun = client.now()
    there() back()
    ours[round] = client.now() - begun
    theirs[round] = bare:run(calls)
    ratios[round] = ours[round] / theirs[round]
  end
  local ratio = median(ratios)
  print(("  %-28s %8.1f %8.1f %8.3f   %.2f  %s"):format(title, median(ours) * 1000, median(theirs) * 1000, ratio, GOAL,
    ratio <= GOAL and "met" or "missed"))
end

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
end, debug.traceback)
daemon:stop()
if not good then error(message, 0) end
