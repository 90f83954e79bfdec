-- A private libvirt daemon with the real QEMU driver for specs, or one that they reach by its test driver, and the few
-- things that they do with it beside virtlun: virsh defines and dumps, guests boot, many domains are defined at once,
-- one of them is kept busy, the daemon is halted or killed and comes back. Which machine cannot have one, missing()
-- says.
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local virtlun = require("virtlun")

local session = {}

local function script(act, folder, ...)
  return child.run({ "sh", "spec/support/session.sh", act, folder or "", ... }, { timeout = 30 })
end

-- libasan has functions of libtirpc in its hands, and finds the real ones only if they are there from the start;
-- else the first call to a daemon crashes.
local function unready_sanitizer()
  local preload = os.getenv("LD_PRELOAD") or ""
  if not preload:find("libasan", 1, true) or preload:find("libtirpc", 1, true) then return nil end
  local list = child.run({ "sh", "-c", "ldconfig -p" }, { env = { LD_PRELOAD = false } }).out
  return list:find("libtirpc", 1, true) and "libtirpc beside libasan in LD_PRELOAD is missing" or nil
end

--- Why there can be no such daemon here, nil if there can be one. driver: "test" where QEMU is not needed.
function session.missing(driver)
  local why = unready_sanitizer()
  if why then return why end
  local lacking = script("missing", driver).out:gsub("%s+$", ""):gsub("\n", ", ")
  return lacking ~= "" and "not on this machine: " .. lacking or nil
end

local release = os.getenv("VIRTLUN_LIVE_ROOT") or ""

--- Why the daemon cannot speak a language ("de"), nil if it can.
function session.missing_language(language)
  local catalogue = ("%s/usr/share/locale/%s/LC_MESSAGES/libvirt.mo"):format(release, language)
  return not files.read(catalogue) and "libvirt's messages are not there in the language " .. language or nil
end

local Session = {}
Session.__index = Session

-- What libvirt found out about the emulators is kept for later sessions that do not care how it does that.
local probed = "build/guest/probed" .. release:gsub("%W", "-")
local capabilities = "/k/libvirt/qemu/cache/capabilities"

local function shell(command, ...)
  local ok = os.execute(command:format(...))
  assert(ok, command:format(...))
end

local function own_process()
  return (files.read("/proc/self/stat"):match("^%d+"))
end

-- opts: language (of the daemon's messages, as "de"), warm (true: emulators that an earlier session has asked are not
-- asked again, which takes two seconds each), driver ("test": self.uri leads to libvirt's test driver; "qemu" if
-- unsaid), held (true: it stays also when nobody talks to it for a minute, as the test driver always does), auth
-- ("sasl": it lets in ann with pa55, and nobody else).
function session.start(opts)
  opts = opts or {}
  local self = setmetatable({ folder = child.folder(), opts = opts }, Session)
  if opts.warm then
    local cache = self.folder .. capabilities
    shell("mkdir -p %s && { cp %s/* %s 2>/dev/null; chmod -R a+rwX %s/k; }", cache, probed, cache, self.folder)
  end
  self:launch(own_process())
  return self
end

local starts = { qemu = "qemu:///session", test = "test+unix:///default" }

-- Starts the daemon in its folder.
function Session:launch(owner)
  local env = { VIRTLUN_LIVE_LANGUAGE = self.opts.language, VIRTLUN_LIVE_AUTH = self.opts.auth }
  local result = child.run({ "sh", "spec/support/session.sh", "start", self.folder, owner or "" },
    { timeout = 30, env = env })
  local socket = result.out:match("^qemu:///session(%?%S+)\n$")
  if not socket then error("the private libvirtd did not start: " .. result.err .. result.out) end
  self.uri = starts[self.opts.driver or "qemu"] .. socket
  if self.opts.held or self.opts.driver == "test" then
    assert(script("hold", self.folder, self.uri).code == 0, "no connection to " .. self.uri)
  end
end

--- Ends the daemon and what it runs, and removes what it left.
function Session:stop()
  if self.opts.warm then
    os.execute(("{ mkdir -p %s && install -m 644 %s/* %s; } 2>/dev/null"):format(probed, self.folder .. capabilities,
      probed))
  end
  script("stop", self.folder)
  child.remove(self.folder)
end

local function signal(self, name)
  local result = script("signal", self.folder, name)
  assert(result.code == 0, result.err)
end

--- Halts the daemon: its clients wait for answers until it goes on.
function Session:stop_daemon() signal(self, "STOP") end

function Session:continue_daemon() signal(self, "CONT") end

--- Kills the daemon: its socket is still there, and nobody answers. What it runs goes on, and is found again after
-- restart_daemon; but the test driver then knows nothing of what it was told before.
function Session:kill_daemon() signal(self, "KILL") end

function Session:restart_daemon() self:launch() end

--- Boots a guest on this daemon; see support.guest.
function Session:boot(opts) return guest.boot(self, opts) end

function Session:virsh(...)
  return child.run({ "virsh", "-q", "-c", self.uri, ... }, { env = { LD_PRELOAD = false }, timeout = 60 })
end

--- Defines a domain from XML; what libvirt refuses is an error of the spec.
function Session:define(xml)
  local path = files.write(self.folder .. "/define.xml", xml)
  local result = self:virsh("define", path)
  assert(result.code == 0, result.err)
end

-- A document of that domain for the driver of this daemon; libvirt makes up its UUID.
local function document(self, name, opts)
  local xml = host.domain(opts.devices or { host.hba(0) },
    { name = name, arch = opts.arch, machine = opts.machine, boot = false }):gsub("<uuid>.-</uuid>", "")
  return (xml:gsub("type='qemu'", ("type='%s'"):format(self.opts.driver or "qemu"), 1))
end

--- Defines domains of these names, thousands in a second. opts: devices (list of XML for each of them; one HBA if
-- unsaid), arch, machine, running (true: each is started paused, so that it takes no time from the others and can be
-- changed like one that runs).
function Session:fill(names, opts)
  opts = opts or {}
  local jobs = require("virtlun.backend.jobs")
  local connection = assert(virtlun.open(self.uri))
  for _, name in ipairs(names) do
    local handle, failure = jobs.call("define", connection.handle, 60, nil, document(self, name, opts))
    if not handle then error(failure.message) end
  end
  connection:close()
  if not opts.running then return end
  local result = self:virsh(("start --paused %s; "):rep(#names):format(table.unpack(names)))
  assert(result.code == 0, result.err)
end

--- Keeps a running domain busy, like another client whose call QEMU does not answer: changes wait for it, and are
-- refused in the end. Gives a function that ends it; with seconds it also ends by itself.
function Session:keep_busy(name, seconds)
  local pid = assert(files.read(("%s/r/libvirt/qemu/run/%s.pid"):format(self.folder, name))):match("%d+")
  local function free() shell("kill -CONT %s 2>/dev/null || :", pid) end
  local function virsh(words) return ("env -u LD_PRELOAD virsh -q -c '%s' %s"):format(self.uri, words) end
  shell("kill -STOP %s", pid)
  shell("%s </dev/null >/dev/null 2>&1 &", virsh(("qemu-monitor-command %s --hmp 'info version'"):format(name)))
  if seconds then shell("{ sleep %g; kill -CONT %s; } </dev/null >/dev/null 2>&1 &", seconds, pid) end
  guest.await(function() return not self:virsh("domcontrol", name).out:find("ok", 1, true) end, 10)
  return free
end

--- Keeps a password as a secret for iSCSI, by its usage: true, or nil and why the daemon can keep none.
function Session:secret(usage, password)
  local xml = "<secret ephemeral='no' private='yes'><usage type='iscsi'><target>%s</target></usage></secret>"
  local result = self:virsh("secret-define", files.write(self.folder .. "/secret.xml", xml:format(usage)))
  if result.code ~= 0 then return nil, "the daemon keeps no secrets: " .. result.err:gsub("%s*\n%s*", " ") end
  local uuid
  for line in self:virsh("secret-list").out:gmatch("[^\n]+") do
    local known, what = line:match("(%S+)%s+iscsi%s+(%S+)")
    if what == usage then uuid = known end
  end
  files.write(self.folder .. "/secret", password)
  result = self:virsh("secret-set-value", uuid, "--file", self.folder .. "/secret", "--plain")
  assert(result.code == 0, result.err)
  return true
end

--- The domain's configuration, passwords included.
function Session:dump(name)
  local result = self:virsh("dumpxml", "--inactive", "--security-info", name)
  assert(result.code == 0, result.err)
  return result.out
end

function Session:undefine(name)
  self:virsh("undefine", name)
end

return session
