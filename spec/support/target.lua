-- A private iSCSI target for live specs: tgtd as an ordinary process with a port, sockets and files of its own.  It
-- serves SCSI devices that no machine needs to have: disks, CDs, tapes, changers.
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")

local target = {}

local release = os.getenv("VIRTLUN_LIVE_ROOT") or "" -- where QEMU is; see session.sh
local BLOCK_DRIVERS = "ls %s/usr/lib/*/qemu/block-iscsi.so %s/usr/lib*/qemu*/block-iscsi.so 2>/dev/null"
local TRIES = 8 -- ports that are looked at
local FIRST_PORT, PORTS = 20000, 12000 -- below those that the kernel gives to clients

local function shell(command, ...)
  return child.run({ "sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; " .. command:format(...) },
    { timeout = 20, env = { LD_PRELOAD = false } })
end

--- Why there can be no target here, nil if there can be one.
function target.missing()
  for _, command in ipairs { "tgtd", "tgtadm", "tgtimg" } do
    if shell("command -v %s", command).code ~= 0 then return "not on this machine: " .. command .. " (Debian's tgt)" end
  end
  if shell(BLOCK_DRIVERS, release, release).out == "" then
    return "not on this machine: QEMU's iSCSI client, block-iscsi.so (Debian's qemu-block-extra)"
  end
end

local Target = {}
Target.__index = Target

local function admin(self, command, ...)
  return shell("TGT_IPC_SOCKET=%s/socket exec timeout 10 tgtadm -C 0 --lld iscsi " .. command, self.folder, ...)
end

local function admin_ok(self, ...)
  local result = admin(self, ...)
  assert(result.code == 0, result.err .. result.out .. (files.read(self.folder .. "/log") or ""))
  return result.out
end

-- Whether something listens on a port of this machine.
local function is_used(port)
  local pattern = (":%04X %%x+:%%x+ 0A "):format(port)
  for _, name in ipairs { "tcp", "tcp6" } do
    if (files.read("/proc/net/" .. name) or ""):find(pattern) then return true end
  end
  return false
end

local function free_port()
  for _ = 1, 100 do
    local port = FIRST_PORT + math.random(PORTS)
    if not is_used(port) then return port end
  end
  error("there is no free port here")
end

local function own_process()
  return (files.read("/proc/self/stat"):match("^%d+"))
end

local SCRIPT = [[
tgtd -f -C 0 --iscsi portal=127.0.0.1:%d >%s/log 2>&1 &
pid=$!
echo $pid >%s/pid.new && mv %s/pid.new %s/pid
# Ends it after an owner that did not.
while kill -0 $pid 2>/dev/null; do
  if ! kill -0 %s 2>/dev/null; then kill -KILL $pid; rm -rf %s; fi
  sleep 1
done &
wait $pid]]

-- Ends the process.  It ends by no other signal while it serves somebody, and has nothing to put in order.
local function kill(self)
  if not self.pid then return end
  shell("kill -KILL %s", self.pid)
  guest.await(function() return not files.read(("/proc/%s/stat"):format(self.pid)) end, 5)
  self.pid = nil
end

-- Starts the process on a port; false if somebody else was quicker there, which tgtd answers by taking another port.
local function launch(self, port)
  local at = self.folder
  local script = files.write(at .. "/script", SCRIPT:format(port, at, at, at, at, own_process(), at))
  assert(os.execute(("env -u LD_PRELOAD PATH=$PATH:/usr/sbin:/sbin TGT_IPC_SOCKET=%s/socket " ..
    "setsid sh %s </dev/null >/dev/null 2>&1 &"):format(at, script)))
  self.pid = guest.await(function() return (files.read(at .. "/pid") or ""):match("%d+") end, 5)
  local portals = guest.await(function()
    local result = admin(self, "--op show --mode portal")
    return result.code == 0 and result.out:find("Portal", 1, true) and result.out
  end, 10, function() return "tgtd: " .. (files.read(at .. "/log") or "") end)
  self.port = port
  if portals:find((":%d,"):format(port), 1, true) then return true end
  kill(self)
  os.execute(("rm -f %s/pid %s/socket*"):format(at, at))
  return false
end

--- Starts a target without LUNs, but for the controller that a target of tgtd has as LUN 0.
function target.start()
  local self = setmetatable({ folder = child.folder(), locked = {}, users = {} }, Target)
  self.iqn = "iqn.2026-01.org.example:virtlun"
  for try = 1, TRIES do
    if launch(self, free_port()) then break end
    assert(try < TRIES, "tgtd got no port")
  end
  admin_ok(self, "--op new --mode target --tid 1 -T %s", self.iqn)
  admin_ok(self, "--op bind --mode target --tid 1 -I ALL")
  return self
end

-- The file behind a LUN: what it has to be there for each type of device.
local backings = {}

function backings.disk(path) shell("truncate -s 8M %s", path) end

backings.cd = backings.disk

function backings.tape(path)
  shell("tgtimg --op new --device-type tape --barcode VIRTLUN1 --size 8 --type data --file %s", path)
end

function backings.changer(path) shell(": >%s", path) end

-- Elements of a changer: one arm, four slots, one drive, so that the guest's driver finds a library.
local ELEMENTS = { "element_type=1,start_address=1,quantity=1", "element_type=2,start_address=1024,quantity=4",
  "element_type=4,start_address=256,quantity=1" }

--- Makes a LUN (1 or more) of a type: disk, cd, tape or changer.  Gives the path of the file behind it; text is what
-- the file of a disk begins with.
function Target:add(lun, type, text)
  local path = ("%s/lun%d"):format(self.folder, lun)
  backings[type](path)
  if text then
    local file = assert(io.open(path, "r+b"))
    file:write(text)
    file:close()
  end
  admin_ok(self, "--op new --mode logicalunit --tid 1 --lun %d -b %s --device-type=%s", lun, path, type)
  for _, element in ipairs(type == "changer" and ELEMENTS or {}) do
    admin_ok(self, "--op update --mode logicalunit --tid 1 --lun %d --params %s", lun, element)
  end
  return path
end

--- Makes a disk of 8 MiB in a target of its own, which takes a user and a password (12 characters or more).
function Target:lock(lun, user, password)
  local iqn = ("%s-%d"):format(self.iqn, lun)
  self.locked[lun] = iqn
  local path = ("%s/lun%d"):format(self.folder, lun)
  backings.disk(path)
  admin_ok(self, "--op new --mode target --tid %d -T %s", lun, iqn)
  admin_ok(self, "--op bind --mode target --tid %d -I ALL", lun)
  if not self.users[user] then admin_ok(self, "--op new --mode account --user %s --password %s", user, password) end
  self.users[user] = true
  admin_ok(self, "--op bind --mode account --tid %d --user %s", lun, user)
  admin_ok(self, "--op new --mode logicalunit --tid %d --lun %d -b %s", lun, lun, path)
end

--- A LUN as the source of a recipe's lun or hostdev.
function Target:source(lun)
  return {
    protocol = "iscsi", name = ("%s/%d"):format(self.locked[lun] or self.iqn, lun),
    hosts = { { name = "127.0.0.1", port = self.port } },
  }
end

--- Whether an initiator of that name is logged in.
function Target:sees(initiator)
  return admin_ok(self, "--op show --mode target"):find("Initiator: " .. initiator, 1, true) ~= nil
end

--- How many initiators are logged in: each device in use has one of its own.
function Target:sessions()
  local count = 0
  for _ in admin_ok(self, "--op show --mode target"):gmatch("I_T nexus: %d+") do count = count + 1 end
  return count
end

function Target:stop()
  kill(self)
  child.remove(self.folder)
end

return target
