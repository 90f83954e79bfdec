-- A domain of a fake host, for what apply makes of a host's refusals: the host in one call (see fake_host.lua).
local fake_host = require("support.fake_host")

local fake = {}

-- play: live and config (lists of elements, nil for a half that is not there), boot (false: by devices), refuses
-- (function: call -> what libvirt says against it, nil if nothing), is_silent (true: it says so by not answering).
-- The domain of the backend, with calls (those that changed something, in their order) and host.
function fake.domain(play)
  local host = fake_host.host()
  host:add { live = play.live or false, config = play.config or false, boot = play.boot }
  function host.fault(call)
    local why = call.writes and play.refuses and play.refuses(call.text)
    return why and (play.is_silent and { silent = "before" } or { refuse = 55, message = why })
  end
  local dom = assert(host:open("web01"))
  dom.calls, dom.host = host.calls, host
  return dom
end

return fake
