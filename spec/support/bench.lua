-- A booted guest with virtlun at its domain, for live specs of drives: makes descriptions so, and looks at what came of
-- each from every side - the plan after it, both documents, libvirt's calls, and the guest itself.
local live = require("support.live")
local virtlun = require("virtlun")

local bench = {}

local Bench = {}
Bench.__index = Bench

--- Boots a guest on a daemon; opts as those of support.guest.
function bench.boot(daemon, opts)
  local self = setmetatable({ vm = daemon:boot(opts), writes = {} }, Bench)
  self.connection = assert(virtlun.open(daemon.uri))
  self.dom = assert(self.connection:domain(self.vm.name))
  virtlun.log(function(call) if live.is_write[call] then self.writes[#self.writes + 1] = call end end)
  self.vm:wait_ready()
  return self
end

--- Ends the guest and the connection.
function Bench:close()
  virtlun.log(nil)
  self.connection:close()
  self.vm:destroy()
end

-- A device or a list of devices as the description of this domain.
local function description(self, devices)
  local desired = { kind = "domain", name = self.vm.name, uri = nil }
  if devices.kind then devices = { devices } end
  return table.move(devices, 1, #devices, 1, desired)
end

--- The plan for devices; what cannot be planned is an error of the spec.
function Bench:plan(devices, opts)
  local plan, problems = self.dom:plan(description(self, devices), opts)
  if not plan then error(tostring(problems), 2) end
  return plan
end

--- Whether a plan for devices has nothing to do, and its apply writes nothing.  What is done to one half alone may wait
-- for the other.
function Bench:is_settled(devices, opts)
  self.writes = {}
  local plan = self:plan(devices, opts)
  local result = assert(plan:apply())
  return plan.changes == 0 and (opts and opts.scope or #plan.pending == 0) and result.done == 0 and #self.writes == 0
end

--- Makes devices so.  Afterwards nothing is left to do.  Gives the plan; self.writes has libvirt's calls of the apply.
function Bench:apply(devices, opts)
  local plan = self:plan(devices, opts)
  self.writes = {}
  local result, problems = plan:apply()
  if not result then error(tostring(problems), 2) end
  local writes = self.writes
  if not self:is_settled(devices, opts) then error("the same description again is not without changes", 2) end
  self.writes = writes
  return plan
end

--- Why devices cannot be made so, as { text =, codes = of libvirt, written = }.
function Bench:refusal(devices)
  self.writes = {}
  local result, problems, report = self:plan(devices):apply()
  if result then error("it was not refused", 2) end
  return { text = tostring(problems), code = (problems[1].cause or {}).code, written = report.written }
end

-- What two descriptions of one device share.
local function names(device, key)
  return device.dev == key or device.alias == key or type(device.source) == "table" and device.source.name == key
end

--- A device as both documents have it, by its dev, alias or the name of its iSCSI LUN: live, config.
function Bench:halves(key)
  local both, found = assert(self.dom:describe()), {}
  for name, half in pairs { live = both.live, config = both.config } do
    for _, device in ipairs(half) do
      if names(device, key) then found[name] = device end
    end
  end
  return found.live, found.config
end

-- Whether the guest has bound its driver to a device.
local function is_ready(device)
  return (device.type ~= 0 and device.type ~= 5) or device.blk ~= nil
end

--- Waits until the guest has the device of a step exactly where that foretells it, and gives it (see guest.lua).
function Bench:await(step)
  local target, lun = step.guest.hctl:match("^%[H:0:(%d+):(%d+)%]$")
  assert(tonumber(lun) == step.guest.lun)
  local device
  self.vm:wait_for(function()
    device = self.vm:lun(tonumber(target), step.guest.lun)
    return device and is_ready(device)
  end)
  return device
end

--- Waits until the guest has no more than so many SCSI devices.
function Bench:await_count(count)
  self.vm:wait_for(function() return #self.vm:luns() == count end)
end

--- Takes away what a case that failed has left, so that the next one finds the guest as it was.
function Bench:clear()
  local list, listed = {}, {}
  local both = assert(self.dom:describe())
  for _, half in ipairs { both.live, both.config } do
    for _, device in ipairs(half) do
      local key = device.dev or device.alias or device.index or type(device.source) == "table" and device.source.name
      if not listed[key] and device.index ~= 0 then
        list[#list + 1] = { kind = device.kind, dev = device.dev, index = device.index, absent = true,
          source = device.kind == "hostdev" and device.source or nil }
        listed[key] = true
      end
    end
  end
  if #list > 0 then assert(self:plan(list):apply()) end
end

--- What the guest's shell answers, as one text.
function Bench:ask(command, ...)
  return table.concat(self.vm:ask(command:format(...)), "\n")
end

return bench
