-- The calls of libvirt that virtlun makes, written down so that the bare client of client.c can make them again.
local jobs = require("virtlun.backend.jobs")

local calls = {}

local FLAGS = { inactive = 2, secure = 1, live = 1, config = 2, force = 4 }

function calls.flags(options)
  local sum = 0
  for name, number in pairs(FLAGS) do
    if options and options[name] then sum = sum | number end
  end
  return sum
end

-- The name of the domain that a call is about, nil if it is about the connection.
local function domain_of(name, handle, text)
  if name == "lookup" then return text end
  if name == "define" then return text:match("<name>(.-)</name>") end
  return handle.name and handle:name()
end

--- Runs fn and gives the calls that it made: list of { name, text or false, flags, domain's name or nil }. Asking for
-- events is no call of its own once they are registered.
function calls.record(fn)
  local list, call = {}, jobs.call
  jobs.call = function(name, handle, seconds, options, text)
    list[#list + 1] = { name, text or false, calls.flags(options), domain_of(name, handle, text) }
    return call(name, handle, seconds, options, text)
  end
  local good, message = pcall(fn)
  jobs.call = call
  assert(good, message)
  return list
end

return calls
