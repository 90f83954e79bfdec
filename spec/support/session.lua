-- A private libvirt daemon with the real QEMU driver for specs, and the few things that they do with it beside
-- virtlun: virsh defines and dumps. Which machine cannot have one says missing().
local child = require("support.child")
local files = require("support.files")

local session = {}

local function script(act, folder)
  return child.run({ "sh", "spec/support/session.sh", act, folder or "" }, { timeout = 30 })
end

-- libasan has functions of libtirpc in its hands, and finds the real ones only if they are there from the start;
-- else the first call to a daemon crashes.
local function unready_sanitizer()
  local preload = os.getenv("LD_PRELOAD") or ""
  if not preload:find("libasan", 1, true) or preload:find("libtirpc", 1, true) then return nil end
  local list = child.run({ "sh", "-c", "ldconfig -p" }, { env = { LD_PRELOAD = false } }).out
  return list:find("libtirpc", 1, true) and "libtirpc beside libasan in LD_PRELOAD is missing" or nil
end

--- Why there can be no such daemon here, nil if there can be one.
function session.missing()
  local why = unready_sanitizer()
  if why then return why end
  local lacking = script("missing").out:gsub("%s+$", ""):gsub("\n", ", ")
  return lacking ~= "" and "not on this machine: " .. lacking or nil
end

local Session = {}
Session.__index = Session

--- Starts a daemon; raises if it does not come up.
function session.start()
  local folder = child.folder()
  local result = script("start", folder)
  local uri = result.out:match("^(qemu:%S+)\n$")
  if not uri then error("the private libvirtd did not start: " .. result.err .. result.out) end
  return setmetatable({ folder = folder, uri = uri }, Session)
end

--- Ends the daemon, and removes what it left.
function Session:stop()
  script("stop", self.folder)
  child.remove(self.folder)
end

function Session:virsh(...)
  return child.run({ "virsh", "-q", "-c", self.uri, ... }, { env = { LD_PRELOAD = false }, timeout = 60 })
end

--- Defines a domain from XML; what libvirt refuses is an error of the spec.
function Session:define(xml)
  local path = files.write(self.folder .. "/define.xml", xml)
  local result = self:virsh("define", path)
  assert(result.code == 0, result.err)
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
