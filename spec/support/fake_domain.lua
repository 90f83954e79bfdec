-- A domain that lives in memory, for what apply makes of a host's refusals without one: two lists of device elements,
-- each changed as libvirt's device calls would, and a list of the calls.
local host_xml = require("support.host_xml")
local virtlun = require("virtlun")

local fake = {}

-- What identifies an element for an unplug: its name for a disk, its index for an HBA.
local function key_of(element)
  local dev = element:match("<target[^>]- dev=['\"](%w+)")
  local index = element:match("index=['\"](%d+)")
  return dev or (element:find("type=['\"]scsi") and "controller" or "other") .. (index or "?")
end

local function refusal(message)
  local cause = { code = 55, name = "VIR_ERR_OPERATION_INVALID", domain = "VIR_FROM_QEMU", message = message }
  return virtlun.problems { virtlun.problem { code = "host_refused", path = "web01", a = message } }, cause
end

-- The disks and HBAs of a document.
local function elements_of(xml)
  local list = {}
  for _, pattern in ipairs { "<controller[^>]-/>", "<controller[^>]-[^/]>.-</controller>", "<disk.-</disk>" } do
    for element in xml:gmatch(pattern) do list[#list + 1] = element end
  end
  return list
end

-- play: live and config (lists of elements, nil for a half that is not there), boot (false: by devices), refuses
-- (function: call -> what libvirt says against it, nil if nothing), is_silent (true: it says so by not answering).
function fake.domain(play)
  local dom = { name = "web01", uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f", connection = {}, calls = {} }
  local halves = { live = play.live, config = play.config }

  function dom.facts()
    return { state = play.live and "running" or "shut off", active = play.live ~= nil, driver = "QEMU",
      persistent = play.config ~= nil, libvirt = 9000000 }
  end

  function dom:document(name)
    local xml = host_xml.domain(halves[name], { boot = play.boot })
    return name == "live" and xml:gsub("<domain ", "<domain id='1' ") .. "" or xml
  end

  function dom:documents()
    return { live = halves.live and self:document("live"), config = halves.config and self:document("config") }
  end

  function dom.sights() return {} end
  local time = 0
  function dom.now()
    time = time + 1
    return time
  end
  function dom.unbroken(fn, ...) return fn(...) end
  function dom.unplugging() end
  function dom.note_unplug() end
  function dom.watch() return { next = function() end, close = function() end } end

  local function find(name, key)
    for i, element in ipairs(halves[name]) do
      if key_of(element) == key then return i end
    end
  end

  local function each(scope, fn)
    for _, name in ipairs { "config", "live" } do
      if scope[name] then fn(halves[name], name) end
    end
  end

  local function call(fn)
    return function(self, element, scope)
      local key = key_of(element)
      local where = (scope.live and " live" or "") .. (scope.config and " config" or "")
      local text = fn.name .. " " .. key .. where
      local why = play.refuses and play.refuses(text)
      self.calls[#self.calls + 1] = why and text .. "!" or text
      if why then
        local failure, cause = refusal(why)
        cause.begun = play.is_silent
        failure[1].cause = cause
        return nil, failure
      end
      each(scope, function(list, name) fn.make(list, element, find(name, key)) end)
      return true
    end
  end

  dom.attach_device = call { name = "attach", make = function(list, element) list[#list + 1] = element end }
  dom.detach_device = call { name = "detach", make = function(list, _, at) table.remove(list, at) end }
  dom.update_device = call { name = "update", make = function(list, element, at) list[at] = element end }

  function dom:define(xml)
    self.calls[#self.calls + 1] = "define"
    play.boot = xml:find("<boot dev=", 1, true) ~= nil
    halves.config = elements_of(xml)
    return true
  end

  return dom
end

return fake
