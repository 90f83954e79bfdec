-- What each Lua state of states.c does: connections, calls, events, timers and questions for credentials, some awaited,
-- some left in flight.
-- host.seed decides which, so that a run can be repeated.
local virtlun = require "virtlun"
local backend = require "virtlun.backend"
local poll = require "poll"

local uri = host[1] or "test:///default"
local seed = host.seed
local guarded = "test:///proc/self/cwd/spec/embed/guarded.xml"

local function ask(prompts)
  backend.sleep(0.002)
  return { prompts[1].secret and "pa55" or "ann" }
end

local connection = assert(virtlun.open(uri))
local dom = assert(connection:domain(host[2] or "test"))

local seen, ended = 0, 0
if seed % 2 == 0 then assert(connection:on("lifecycle", function() seen = seen + 1 end)) end
local watcher = assert(dom:watch())

for i = 1, 8 do
  virtlun.async(function()
    if i == 1 then backend.sleep(0.01) end
    if i == 2 then dom:power("reboot") end
    if i == 3 then
      local other = assert(virtlun.open(uri))
      assert(other:domains())
      other:close()
    end
    if i >= 4 and i <= 6 then
      local other = assert(virtlun.open(guarded, { ask = ask }))
      assert(other:domains())
      other:close()
    end
    return assert(dom:facts()).state
  end, function(state, problems)
    assert(state, problems)
    ended = ended + 1
  end)
end
assert(dom:facts()) -- It waits here, the others wait on.
while ended < 8 do
  assert(poll(virtlun.fd(), 10), "nothing came for ten seconds")
  virtlun.dispatch()
end
watcher:next(0.005)

-- Now leave, each time otherwise.
for _ = 1, 4 do virtlun.async(function() return dom:facts() end) end
if seed % 5 == 0 then connection:close() end
if seed % 5 == 1 then
  connection, dom, watcher = nil, nil, nil -- luacheck: ignore
  collectgarbage()
end
if seed % 5 == 2 then virtlun.async(function() return virtlun.open(uri) end) end
if seed % 5 == 3 then watcher:close() end
if seed % 2 == 1 then virtlun.async(function() return virtlun.open(guarded, { ask = ask }) end) end
if seed % 4 == 1 then poll(virtlun.fd(), 0.01) end -- The question may have come, and nobody has taken it.
