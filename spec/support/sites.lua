-- Many hosts on one machine, for specs and benches: private daemons, each with a socket, domains and a fate of its own.
-- What can be done with one of them, support.session says: halt it (stop_daemon, continue_daemon), kill it, so that it
-- refuses connections (kill_daemon), bring it back (restart_daemon).
local session = require("support.session")

local sites = {}

--- Why there can be no such hosts here, nil if there can be. driver: "test" or "qemu".
sites.missing = session.missing

local Sites = {}
Sites.__index = Sites

--- Starts hosts and gives the list of them, each a daemon with its uri. opts: count (8 if unsaid), driver ("qemu", or
-- "test" if unsaid: nothing can be plugged into its domains, they end with their daemon, and one is there: "test").
function sites.start(opts)
  local self = setmetatable({}, Sites)
  for i = 1, opts.count or 8 do
    self[i] = session.start { driver = opts.driver or "test", warm = true, held = true }
    self[i].names = {}
  end
  return self
end

--- Ends them all, also those that are halted or killed.
function Sites:stop()
  for _, site in ipairs(self) do site:stop() end
end

--- Defines so many domains on each host: vm001, vm002 and so on on the first, and the others go on counting. Each host
-- then has the list of its names. opts as those of Session:fill.
function Sites:fill(each, opts)
  for i, site in ipairs(self) do
    for k = 1, each do site.names[k] = ("vm%03d"):format((i - 1) * each + k) end
    site:fill(site.names, opts)
  end
end

--- The domains of all hosts, described: one of each host, then the next of each. devices(name) gives the devices of
-- one as a list.
function Sites:describe(devices)
  local list = {}
  for k = 1, #self[1].names do
    for _, site in ipairs(self) do
      list[#list + 1] = { kind = "domain", name = site.names[k], uri = site.uri,
        table.unpack(devices(site.names[k])) }
    end
  end
  return list
end

return sites
