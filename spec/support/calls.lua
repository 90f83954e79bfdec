-- Runs the command virtlun with one of its libvirt calls failing, by the library spec/embed/calls.c; and says what this
-- daemon's domains are like before and after.  Whether that is right is judged by support.verdict.
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")
local live = require("support.live")
local dkjson = require("dkjson")

local calls = {}

local library = (os.getenv("VIRTLUN_BUILD") or "build") .. "/embed/calls.so"

--- The ways in which a call can fail; see the library.
calls.WAYS = { "refused", "denied", "cut_before", "cut_after", "killed_before", "killed_during", "killed_after",
  "restarted" }

--- Those in which the daemon ends.
calls.KILLS = { killed_before = true, killed_during = true, killed_after = true, restarted = true }

--- libvirt's calls that change a domain.
calls.IS_WRITE = { virDomainAttachDeviceFlags = true, virDomainDetachDeviceFlags = true,
  virDomainUpdateDeviceFlags = true, virDomainDefineXMLFlags = true }

local INTERNAL_ERROR = "1"

-- Recipes --------------------------------------------------------------------------------------------------

local literal

local function fields(t)
  local parts = {}
  for _, value in ipairs(t) do
    parts[#parts + 1] = value.kind and ("%s %s"):format(value.kind, literal(value)) or literal(value)
  end
  for key, value in pairs(t) do
    if type(key) == "string" and key ~= "kind" and key ~= "name" then
      parts[#parts + 1] = ("%s = %s"):format(key, literal(value))
    end
  end
  return table.concat(parts, ",\n  ")
end

function literal(value)
  if type(value) == "table" then return ("{ %s }"):format(fields(value)) end
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

--- Writes a recipe of descriptions, and gives its path.
function calls.recipe(daemon, domains)
  local parts = {}
  for i, domain in ipairs(domains) do parts[i] = ("domain %q %s"):format(domain.name, literal(domain)) end
  return files.write(daemon.folder .. "/recipe.lua", table.concat(parts, "\n"))
end

-- The daemon -----------------------------------------------------------------------------------------------

local function pid_of(daemon)
  return (files.read(daemon.folder .. "/pid") or ""):match("%d+")
end

local function is_dead(pid)
  local status = pid and files.read(("/proc/%s/status"):format(pid))
  return not status or status:find("State:\tZ", 1, true) ~= nil
end

function calls.has_died(daemon) return is_dead(pid_of(daemon)) end

--- Starts the daemon again if it has died, and waits until it has found all of these machines.
function calls.revive(daemon, machines)
  if calls.has_died(daemon) then daemon:restart_daemon() end
  for _, vm in ipairs(machines) do
    guest.await(function()
      local result = daemon:virsh("domcontrol", vm.name)
      return result.out:find("^ok") or result.err:find("not running", 1, true)
    end, 20)
  end
end

-- A run ----------------------------------------------------------------------------------------------------

local function read_log(path)
  local list, hit = {}, nil
  for line in (files.read(path) or ""):gmatch("[^\n]+") do
    local number, name, microseconds, mark = line:match("^(%d+) (%S+) (%d+)(.*)$")
    assert(number, line)
    local call = { number = tonumber(number), name = name, microseconds = tonumber(microseconds) }
    list[#list + 1] = call
    if mark ~= "" then hit = call end
  end
  table.sort(list, function(a, b) return a.number < b.number end)
  return list, hit
end

local function environment(daemon, fault, log)
  local revive = ("sh spec/support/session.sh start %s '' >/dev/null 2>&1"):format(daemon.folder)
  local preload = os.getenv("LD_PRELOAD")
  return {
    LD_PRELOAD = (preload and preload .. " " or "") .. library, LUA_PATH = package.path, LUA_CPATH = package.cpath,
    VIRTLUN_CALL = fault.number, VIRTLUN_CALL_WAY = fault.way, VIRTLUN_CALL_CODE = fault.code or INTERNAL_ERROR,
    VIRTLUN_CALL_AFTER = fault.after, VIRTLUN_CALL_DAEMON = pid_of(daemon), VIRTLUN_CALL_REVIVE = revive,
    VIRTLUN_CALL_LOG = log,
  }
end

-- All that was printed as JSON, one after the other.
local function documents(text)
  local list, at = {}, 1
  while text:find("{", at, true) do
    local document, after = dkjson.decode(text, at)
    if not document then break end
    list[#list + 1], at = document, after
  end
  return list
end

--- Runs the command.  words: its arguments; fault: { number =, way =, code =, after = }, or nil.
-- Gives { code =, err =, report = its last JSON, begun = devices ("web01.sda") whose steps it has told to begin,
-- calls = list of { number =, name =, microseconds = }, hit = the call that failed }.
function calls.run(daemon, words, fault)
  local log = daemon.folder .. "/calls"
  os.remove(log)
  local result = child.run({ child.lua, "lua/bin/virtlun", table.unpack(words) },
    { env = environment(daemon, fault or {}, log), timeout = 120 })
  result.report, result.begun = {}, {}
  for _, event in ipairs(documents(result.out)) do
    if event.state == "begin" and event.device then result.begun[event.domain .. "." .. event.device] = true end
    result.report = event
  end
  result.calls, result.hit = read_log(log)
  return result
end

-- What the domains are like --------------------------------------------------------------------------------

local function key_of(line)
  return line:match("^<disk.-<target dev='([^']*)'")
    or "controller" .. line:match("^<controller type='scsi' index='(%d+)'")
end

-- A half of a domain: devices by their names, doubled names, and all the rest in one text.
local function half_of(xml)
  local half = { devices = {}, doubled = {} }
  for _, line in ipairs(live.lines(xml)) do
    local key = key_of(line)
    if half.devices[key] then half.doubled[#half.doubled + 1] = key end
    half.devices[key] = line
  end
  half.rest = xml:gsub("<disk .-</disk>", ""):gsub("<controller type='scsi'[^>]*/>", "")
    :gsub("<controller type='scsi'.-</controller>", ""):gsub("%s+", " ")
    :gsub("^(<domain [^>]*) id='%d+'", "%1"):gsub("/domain%-%d+%-", "/domain-") -- it is another one after each start
  return half
end

--- What domains are like: by their names { live = half, config = half }, each half { devices = lines of XML by names of
-- drives and HBAs, rest = all the other XML, passwords included, doubled = list of names }.
function calls.look(connection, machines)
  local state = {}
  for _, vm in ipairs(machines) do
    local dom = assert(connection:domain(vm.name))
    local facts = assert(dom:facts())
    state[vm.name] = { config = half_of(assert(dom:document("config", { secure = true }))),
      live = facts.active and half_of(assert(dom:document("live"))) or nil }
  end
  return state
end

return calls
