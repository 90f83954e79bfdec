-- Guests for live specs: boots domains on a private daemon, and asks their init (guest/init) what it sees.
--
-- A guest's console is a pair of files: QEMU reads a FIFO, which is kept open so that nothing is lost, and writes an
-- ordinary file, which is the log as well. So a question costs what the guest takes to answer.
local child = require("support.child")
local files = require("support.files")

local guest = {}

local made = "build/guest"

local machines = {
  x86_64 = {
    machine = "q35", console = "serial", features = "<features><acpi/></features>",
    cmdline = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check",
  },
  s390x = { machine = "s390-ccw-virtio", console = "sclp", features = "", cmdline = "quiet panic=-1" },
}

local function build(arch)
  return child.run({ "sh", "spec/support/guest/build.sh", arch, made },
    { timeout = 300, env = { LD_PRELOAD = false, LUA = child.lua } })
end

local results = {}

--- Why no guest of an architecture can be booted here, nil if one can. Makes what a guest needs if it is not there;
-- a download that fails may succeed the second time.
function guest.missing(arch)
  if results[arch] == nil then
    local result = build(arch)
    if result.code ~= 0 then result = build(arch) end
    results[arch] = result.code ~= 0 and ("no guest for %s: %s"):format(arch, result.err:match("([^\n]*)\n*$"))
  end
  return results[arch] or nil
end

local function now() return tonumber(files.read("/proc/uptime"):match("^%S+")) end

guest.now = now

local function execute(command, ...)
  assert(os.execute(command:format(...)), command)
end

--- Waits until a function gives something true, and gives that. Raises after some seconds (10 if unsaid); why says
-- what has happened instead.
function guest.await(fn, seconds, why)
  local limit = now() + (seconds or 10)
  while true do
    local got = fn()
    if got then return got end
    if now() > limit then
      error(("not within %g s: %s"):format(seconds or 10, why and why() or "what was awaited"), 2)
    end
    os.execute("sleep 0.02")
  end
end

local Guest = {}
Guest.__index = Guest

-- The part of the daemon's folder that holds kernel and initramfs: the daemon's user may not reach ours.
local function kernel(daemon, arch)
  assert(not guest.missing(arch), guest.missing(arch))
  for _, name in ipairs { "vmlinuz-", "initrd-" } do
    execute("[ -e %s/%s ] || install -m 644 %s/%s %s", daemon.folder, name .. arch, made, name .. arch, daemon.folder)
  end
  return ("<kernel>%s/vmlinuz-%s</kernel><initrd>%s/initrd-%s</initrd><cmdline>%s</cmdline>"):format(daemon.folder,
    arch, daemon.folder, arch, machines[arch].cmdline)
end

-- Spare PCI Express ports of a q35, so that HBAs can be plugged.
local function ports(count)
  if not count then return "" end
  local list = { "<controller type='pci' index='0' model='pcie-root'/>" }
  for i = 1, count do list[i + 1] = ("<controller type='pci' model='pcie-root-port' index='%d'/>"):format(i) end
  return table.concat(list, "\n    ")
end

local function document(self, opts)
  local known = machines[opts.arch]
  local boot = opts.boot and ("<boot dev='%s'/>"):format(opts.boot) or ""
  return ([[<domain type='qemu'>
  <name>%s</name>
  <memory unit='MiB'>%d</memory>
  <os><type arch='%s' machine='%s'>hvm</type>%s</os>
  %s%s
  <on_reboot>restart</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-%s</emulator>
    <console type='pipe'><source path='%s'/><target type='%s'/></console>
    <memballoon model='none'/>
    %s
    %s
  </devices>
</domain>
]]):format(self.name, opts.memory or 256, opts.arch, opts.machine or known.machine,
    opts.from_drives and boot or kernel(self.daemon, opts.arch), opts.features or known.features, opts.more or "",
    opts.arch, self.console, known.console, ports(opts.ports), table.concat(opts.devices or {}, "\n    "))
end

--- Boots a guest on a daemon. opts: arch (x86_64 if unsaid), machine, devices (list of XML), name ("guest" if unsaid),
-- transient (false: define it, then start it), start (false: define it only; Guest:start comes later), memory (MiB),
-- ports (number of root ports of a q35), from_drives (true: no kernel, so that the machine boots from its drives),
-- boot ("cdrom", if no drive says its order), features (their element, "" for none), more (elements beside
-- them).
function guest.boot(daemon, opts)
  opts = setmetatable({ arch = opts.arch or "x86_64" }, { __index = opts })
  local self = setmetatable({ daemon = daemon, name = opts.name or "guest", asked = 0, seen = 0, arch = opts.arch,
    persistent = opts.transient == false or opts.start == false }, Guest)
  self.console = ("%s/%s.console"):format(daemon.folder, self.name)
  local in_file, out_file = self.console .. ".in", self.console .. ".out"
  execute("rm -f %s %s && mkfifo -m 666 %s && : >%s && chmod 666 %s", in_file, out_file, in_file, out_file, out_file)
  -- Open for both, because opening for one waits until somebody has the other end.
  self.input = assert(io.open(in_file, "r+"))
  self.input:setvbuf("no")
  self.output = assert(io.open(out_file, "rb"))
  local xml = files.write(("%s/%s.xml"):format(daemon.folder, self.name), document(self, opts))
  if self.persistent then
    self:virsh_ok("define", xml)
    if opts.start ~= false then self:start() end
  else
    self:virsh_ok("create", xml)
  end
  return self
end

--- Runs virsh; what it refuses is an error of the spec.
function Guest:virsh_ok(...)
  local result = self.daemon:virsh(...)
  assert(result.code == 0, result.err)
  return result.out
end

--- Starts a guest that is defined and does not run.
function Guest:start()
  self:virsh_ok("start", self.name)
end

--- What the guest wrote, from a position on.
function Guest:log(from)
  self.output:seek("set", from or 0)
  return (self.output:read("a"):gsub("\r", ""))
end

local function tail(self)
  return "the guest's last words: " .. self:log():sub(-2000)
end

--- Waits for a function to give something true, or for a pattern in what the guest wrote after the last that was
-- awaited so; gives the function's result or the match. 20 seconds if unsaid.
function Guest:wait_for(what, seconds)
  local function why() return tostring(what) .. "; " .. tail(self) end
  if type(what) ~= "string" then return guest.await(what, seconds or 20, why) end
  return guest.await(function()
    local text = self:log()
    local _, to = text:find(what, self.seen + 1)
    if not to then return nil end
    local match = text:match(what, self.seen + 1)
    self.seen = to
    return match
  end, seconds or 20, why)
end

--- Waits until the guest has booted; after a reset, once more.
function Guest:wait_ready(seconds)
  return self:wait_for("GUEST%-READY[^\n]*\n", seconds or 60)
end

--- Has the guest's shell run a command; gives the lines of its answer, and its status.
function Guest:ask(command, seconds)
  self.asked = self.asked + 1
  local from = self.output:seek("end")
  assert(self.input:write(("@%d %s\n"):format(self.asked, command)))
  local frame = ("<<%d>> BEGIN\n(.-)<<%d>> END (%%d+)\n"):format(self.asked, self.asked)
  local answer, status
  guest.await(function()
    answer, status = self:log(from):match(frame)
    return answer
  end, seconds or 20, function() return "an answer to " .. command .. "; " .. tail(self) end)
  local lines = {}
  for line in answer:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines, tonumber(status)
end

--- The SCSI devices that the guest sees, in order: list of { hctl, host, target, lun, type, blk, size (sectors),
-- medium (boolean), tray ("open" or "closed"), label }. What has no block device has no blk, size, medium; only a CD
-- drive has a tray. seconds: how long the guest may take to look at them, 20 if unsaid.
function Guest:luns(seconds)
  local list = {}
  for i, line in ipairs((self:ask("luns", seconds))) do
    local hctl, value, label = line:match("^LUN (%S+) (.*) label=(.*)$")
    local host, target, lun = assert(hctl, line):match("^(%d+):0:(%d+):(%d+)$")
    local device = { hctl = hctl, host = tonumber(host), target = tonumber(target), lun = tonumber(lun) }
    for name, text in value:gmatch("(%w+)=(%S+)") do device[name] = tonumber(text) or text ~= "-" and text or nil end
    if device.medium then device.medium = device.medium == "yes" end
    device.label = label ~= "" and label or nil
    list[i] = device
  end
  table.sort(list, function(a, b)
    if a.host ~= b.host then return a.host < b.host end
    if a.target ~= b.target then return a.target < b.target end
    return a.lun < b.lun
  end)
  return list
end

--- The device at a target and LUN of any host, or nil.
function Guest:lun(target, number)
  for _, device in ipairs(self:luns()) do
    if device.target == target and device.lun == number then return device end
  end
end

--- The SCSI hosts: list of { number, driver, parent ("pci-0000:01:00.0", "ccw-0.0.0000"), path }.
function Guest:hosts()
  local list = {}
  for i, line in ipairs((self:ask("hosts"))) do
    local number, driver, parent, path = line:match("^HOST host(%d+) driver=(%S+) parent=(%S+) path=(%S+)$")
    assert(number, line)
    list[i] = { number = tonumber(number), driver = driver, parent = parent, path = path }
  end
  return list
end

--- Block device by the name that it would have in /dev/disk/by-path.
function Guest:by_path()
  local links = {}
  for _, line in ipairs((self:ask("bypath"))) do
    local blk, name = line:match("^BYPATH (%S+) (%S+)$")
    links[assert(name, line)] = blk
  end
  return links
end

--- Ends the guest, and forgets its configuration.
function Guest:destroy()
  self.daemon:virsh("destroy", self.name)
  if self.persistent then self.daemon:virsh("undefine", self.name) end
  self.input:close()
  self.output:close()
end

return guest
