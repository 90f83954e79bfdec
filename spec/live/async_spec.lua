-- Live operations as tasks: on two running domains at the same time, from a loop of the program's own, while events of
-- their trays come in. What tasks are as such has spec/jobs_spec.
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local poll = require("poll")
local session = require("support.session")
local virtlun = require("virtlun")

describe("operations on running domains", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, connection, guests

  setup(function()
    daemon = session.start { warm = true }
    guests = {}
    for i, name in ipairs { "one", "two" } do
      guests[i] = daemon:boot { name = name, devices = { host.hba(0), host.drive("sda", { path = daemon.folder ..
        "/old.iso" }) }, start = false }
    end
    iso.data(daemon.folder .. "/old.iso", "OLD")
    for _, vm in ipairs(guests) do vm:start() end
    for _, vm in ipairs(guests) do vm:wait_ready() end
    connection = assert(virtlun.open(daemon.uri))
  end)
  teardown(function()
    if connection then connection:close() end
    for _, vm in ipairs(guests or {}) do vm:destroy() end
    daemon:stop()
  end)

  -- Dispatches until the condition holds, as a program with a loop of its own does.
  local function loop(condition)
    for _ = 1, 300 do
      if condition() then return end
      poll(virtlun.fd(), 0.1)
      virtlun.dispatch()
    end
    error("nothing more comes")
  end

  it("go on side by side, and events come between them", function()
    local disc = iso.data(daemon.folder .. "/NEW.iso", "NEW")
    local results, trays, calls = {}, {}, {}
    local subscription = assert(connection:on("tray", function(event)
      trays[#trays + 1] = event.domain .. " " .. event.change
    end))
    virtlun.log(function(call) calls[#calls + 1] = call end)
    for _, vm in ipairs(guests) do
      virtlun.async(function()
        local dom = assert(connection:domain(vm.name))
        local plugged = assert(dom:attach(virtlun.cdrom { dev = "sdb", source = disc,
          address = { controller = 0, target = 1 } }))
        return plugged.done, assert(dom:insert("sda", disc)).done, assert(dom:detach("sdb")).done
      end, function(...) results[vm.name] = { ... } end)
    end
    assert.same({}, results)
    loop(function() return results.one and results.two and #trays == 4 end)
    virtlun.log(nil)
    subscription:close()
    assert.same({ one = { 1, 1, 1 }, two = { 1, 1, 1 } }, results)
    table.sort(trays)
    assert.same({ "one closed", "one opened", "two closed", "two opened" }, trays)
    -- Both looked for their domain before the first of them had an answer.
    assert.same({ "lookup", "lookup" }, { calls[1], calls[2] })
    for _, vm in ipairs(guests) do
      assert.equal("NEW", vm:lun(0, 0).label)
      assert.is_nil(vm:lun(1, 0))
    end
  end)

  it("that are refused tell their task", function()
    local told
    virtlun.async(function() return assert(connection:domain("one")):insert("sdz", "/nothing.iso") end,
      function(result, problems) told = { result == nil, tostring(problems) } end)
    loop(function() return told end)
    assert.same({ true, "one.sdz: there is no such drive (did you mean 'sda'?)" }, told)
  end)
end)
