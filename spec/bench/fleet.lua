-- Measures what virtlun adds to libvirt's own calls where many domains on many hosts are planned and made at once, and
-- what it takes to hold so many plans: `make bench-fleet`.
-- Usage: lua fleet.lua [--plan COUNT URI...]   the latter is the process in which plans are held, started by this file.
--
-- An apply is made once by virtlun while the calls of each domain are written down, and from then on virtlun and a bare
-- client in C take turns: it opens as many connections, and five threads for each of them take the next domain of their
-- host and make its calls.  What is printed is the median of the ratios of all rounds.
local calls = require("bench.calls")
local child = require("support.child")
local client = require("client")
local iso = require("support.iso")
local relay = require("relay")
local sites = require("support.sites")
local virtlun = require("virtlun")

local THREADS = 5 -- for each host, as many as virtlun has in flight
local GOAL = 0.95
local function rounds(number) return tonumber(os.getenv("VIRTLUN_BENCH_ROUNDS")) or number end
local TEST_EACH, TEST_ROUNDS = 125, rounds(7)
local FAR, FAR_EACH, FAR_ROUNDS = 0.005, 40, rounds(5) -- FAR: seconds each way
local QEMU_HOSTS, QEMU_EACH, QEMU_ROUNDS = 3, 10, rounds(9)
local HOSTS = { 1, 2, 4, 8 }
local PLANNED = { 1000, 10000 }

-- The work -----------------------------------------------------------------------------------------------------------

local function drive(path, is_absent)
  return { kind = "cdrom", dev = "sdb", source = not is_absent and path or nil, absent = is_absent or nil,
    address = not is_absent and { controller = 0, target = 1, unit = 0 } or nil }
end

--- Makes a list of domains so; one step for each of them.
local function make(desired)
  local report = virtlun.apply(desired)
  if report.failed or report.done ~= #desired then error(tostring(report.problems)) end
end

--- The recorded calls as client.run_all takes them.
local function by_host(hosts, list)
  local host_of, jobs_of, groups = {}, {}, {}
  for i, host in ipairs(hosts) do
    groups[i] = { uri = host.uri }
    for _, name in ipairs(host.names) do host_of[name] = groups[i] end
  end
  for _, call in ipairs(list) do
    local name = call[4]
    local group = name and host_of[name]
    if group then
      if not jobs_of[name] then
        jobs_of[name] = {}
        group[#group + 1] = jobs_of[name]
      end
      table.insert(jobs_of[name], call)
    end
  end
  return groups
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

local function with_commas(number)
  local text = ("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

-- Against the client -------------------------------------------------------------------------------------------------

--- Domains for each second by virtlun and by the client, and the ratio.
local function compare(hosts, path, times)
  local desired = hosts:describe(function() return { drive(path) } end)
  local undone = hosts:describe(function() return { drive(path, true) } end)
  local groups = by_host(hosts, calls.record(function() make(desired) end))
  local ours, theirs, ratios = {}, {}, {}
  for round = 1, times do
    make(undone)
    collectgarbage()
    local begun = client.now()
    make(desired)
    ours[round] = #desired / (client.now() - begun)
    make(undone)
    theirs[round] = #desired / client.run_all(groups, THREADS)
    ratios[round] = ours[round] / theirs[round]
  end
  make(undone)
  return median(ours), median(theirs), median(ratios)
end

local function print_row(title, ours, theirs, ratio)
  print(("  %-36s %9.1f %9.1f %8.3f   %.2f  %s"):format(title, ours, theirs, ratio, GOAL,
    ratio >= GOAL and "met" or "missed"))
end

--- The first of the hosts, with all that can be done with many.
local function first_of(hosts, count)
  return setmetatable(table.move(hosts, 1, count, 1, {}), getmetatable(hosts))
end

local function compare_on_test(hosts)
  print(("\nDomains per second on hosts of the test driver, one drive each, %d rounds"):format(TEST_ROUNDS))
  print("  hosts                                  virtlun     calls    ratio   goal")
  for _, count in ipairs(HOSTS) do
    local title = ("%d, %s domains"):format(count, with_commas(count * TEST_EACH))
    print_row(title, compare(first_of(hosts, count), "/images/disc.iso", TEST_ROUNDS))
  end
end

--- The same hosts farther away, by other URIs, with some of their domains.
local function far_away(hosts)
  local far = {}
  for i, host in ipairs(hosts) do
    local path = host.folder .. "/far"
    relay.start(path, host.uri:match("socket=(.*)"), FAR)
    far[i] = { uri = host.uri:gsub("socket=.*", "socket=" .. path), names = table.move(host.names, 1, FAR_EACH, 1, {}) }
  end
  return setmetatable(far, getmetatable(hosts))
end

-- Hosts on this machine share its processors with whoever asks them; those of others do not, and are farther away.
local function compare_far_away(hosts)
  print(("\nThe same, %g ms away, %d rounds"):format(FAR * 1000, FAR_ROUNDS))
  print("  hosts                                  virtlun     calls    ratio   goal")
  print_row(("%d, %s domains"):format(#hosts, with_commas(#hosts * FAR_EACH)),
    compare(far_away(hosts), "/images/disc.iso", FAR_ROUNDS))
end

local function compare_on_qemu(hosts)
  print(("\nDomains per second on hosts of QEMU, one drive plugged into each domain, %d rounds"):format(QEMU_ROUNDS))
  print("  hosts                                  virtlun     calls    ratio   goal")
  local path = iso.data(hosts[1].folder .. "/disc.iso", "DISC")
  os.execute("chmod 755 " .. hosts[1].folder)
  print_row(("%d, %d running domains"):format(#hosts, #hosts * QEMU_EACH), compare(hosts, path, QEMU_ROUNDS))
end

-- Plans that are held ------------------------------------------------------------------------------------------------

local function resident_kilobytes()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then return tonumber(kilobytes) end
  end
  error("the system does not tell the memory of a process")
end

--- Plans so many domains of these hosts, and prints the seconds and kilobytes that this took.  One domain is planned
-- first, so that what every program needs is there.
local function hold_plans(count, uris)
  local desired = {}
  for i = 1, count do
    desired[i] = { kind = "domain", name = ("vm%03d"):format(i), drive("/images/disc.iso"),
      uri = uris[(i - 1) // (PLANNED[#PLANNED] // #uris) + 1] }
  end
  assert(not virtlun.plans({ desired[1] }).failed)
  collectgarbage()
  local before, begun = resident_kilobytes(), client.now()
  local report = virtlun.plans(desired)
  local seconds = client.now() - begun
  assert(not report.failed, tostring(report.problems))
  collectgarbage()
  print(seconds, resident_kilobytes() - before)
end

local function measure_plans(hosts)
  print("\nPlans that are made and held, on hosts of the test driver")
  print("  domains       seconds   ms for each   kB for each")
  local uris = {}
  for i, host in ipairs(hosts) do uris[i] = host.uri end
  for _, count in ipairs(PLANNED) do
    local result = child.run({ child.lua, arg[0], "--plan", tostring(count), table.unpack(uris) }, { timeout = 600 })
    local seconds, kilobytes = result.out:match("^(%S+)%s+(%S+)\n$")
    assert(seconds, result.err)
    print(("  %-10s %10.2f %13.3f %13.1f"):format(with_commas(count), seconds, seconds / count * 1000,
      kilobytes / count))
  end
end

-- All ----------------------------------------------------------------------------------------------------------------

--- Calls fn(hosts) with hosts of a driver that have so many domains each.
local function with_hosts(opts, fn)
  local why = sites.missing(opts.driver)
  if why then
    print(("many domains on hosts of %s were not measured: %s"):format(opts.driver, why))
    return
  end
  local hosts = sites.start(opts)
  local good, message = xpcall(function()
    hosts:fill(opts.each, { running = opts.running })
    fn(hosts)
  end, debug.traceback)
  hosts:stop()
  if not good then error(message, 0) end
end

if arg[1] == "--plan" then
  hold_plans(tonumber(arg[2]), table.move(arg, 3, #arg, 1, {}))
  return
end

local most = HOSTS[#HOSTS]
with_hosts({ driver = "test", count = most, each = TEST_EACH }, function(hosts)
  compare_on_test(hosts)
  compare_far_away(hosts)
end)
with_hosts({ driver = "qemu", count = QEMU_HOSTS, each = QEMU_EACH, running = true }, compare_on_qemu)
with_hosts({ driver = "test", count = most, each = PLANNED[#PLANNED] // most }, measure_plans)
