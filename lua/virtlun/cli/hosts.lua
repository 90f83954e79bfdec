--- Connections of the command: by URI, opened when first wanted, closed together.

local credentials = require "virtlun.cli.credentials"
local virtlun = require "virtlun"

local hosts = {}

local Hosts = {}
Hosts.__index = Hosts

--- A connection by its URI, of -c or libvirt's default if that is nil; nil and problems, which are told once.
function Hosts:connect(uri)
  local key = uri or self.default or ""
  if self.open[key] then return self.open[key] end
  if self.failed[key] then return nil, virtlun.problems() end
  local opts = { readonly = self.readonly, timeout = self.timeout, ask = self.ask, tty = self.tty }
  local connection, failure = virtlun.open(uri or self.default, opts)
  self.open[key], self.failed[key] = connection, not connection
  return connection, failure
end

--- A domain by its name or UUID; nil and problems.
function Hosts:domain(name, uri)
  local connection, failure = self:connect(uri)
  if not connection then return nil, failure end
  return connection:domain(name)
end

function Hosts:close()
  for _, connection in pairs(self.open) do connection:close() end
end

--- opts: connect (the URI of -c), readonly, timeout (seconds after which a host that does not answer is given up), out
-- (the output, where somebody may be asked for credentials), tty (false: ssh asks nobody).
function hosts.new(opts)
  return setmetatable({ default = opts.connect, readonly = opts.readonly, timeout = virtlun.host_timeout(opts.timeout),
    ask = opts.out and credentials.ask(opts.out), tty = opts.tty, open = {}, failed = {} }, Hosts)
end

return hosts
