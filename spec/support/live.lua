-- What the live specs ask of a domain beside virtlun: its elements as libvirt writes them, and which calls were made.
local virtlun = require("virtlun")

local live = {}

local writes = { define = true, attach_device = true, detach_device = true, update_device = true }

--- Calls fn and gives the list of libvirt's calls that would change a domain, and what fn returned; a call that failed
-- ends in "!".
function live.writes(fn)
  local calls = {}
  virtlun.log(function(call, _, failure)
    if writes[call] then calls[#calls + 1] = failure and call .. "!" or call end
  end)
  local results = table.pack(pcall(fn))
  virtlun.log(nil)
  assert(results[1], results[2])
  return calls, table.unpack(results, 2, results.n)
end

--- The drive of that name in a half of the domain, as virtlun reads it.
function live.drive(dom, half, dev)
  for _, device in ipairs(assert(dom:describe())[half] or {}) do
    if device.dev == dev then return device end
  end
end

--- The element of a drive, as libvirt writes it.
function live.element(vm, half, dev)
  local xml = vm:virsh_ok("dumpxml", vm.name, half == "config" and "--inactive" or nil)
  for element in xml:gmatch("<disk.-</disk>") do
    if element:find(("target dev='%s'"):format(dev), 1, true) then return element end
  end
end

--- An element without what may change with the medium.
function live.frame(element)
  return (element:gsub("%s*<source[^>]-/>", ""):gsub("%s*<source.-</source>", ""):gsub("%s*<backingStore/>", ""))
end

--- The codes of problems, in one line.
function live.codes(problems)
  local codes = {}
  for i, problem in ipairs(problems or {}) do codes[i] = problem.code end
  return table.concat(codes, " ")
end

return live
