--- The only file that talks to a host: connections and domains of libvirt.
--
-- It knows how to ask and how to write, not what to change: plans come from plan.lua, their making from apply.lua.

local core = require "virtlun.core"
local libvirt = require "virtlun.libvirt"
local problems = require "virtlun.problems"
local trace = require "virtlun.trace"

local backend = {}

local function call(name, object, ...)
  return trace.call(libvirt.now, name, object[name], object, ...)
end

--- What libvirt refused, as problems.  fields may give another code and path.
local function refused(failure, fields)
  fields = fields or {}
  fields.code = fields.code or "host_refused"
  fields.a = fields.a or failure.message
  fields.cause = failure
  return problems.fail(fields)
end

-- Domains ------------------------------------------------------------------------------------------------

local Domain = {}
Domain.__index = Domain

--- State and nature of the domain: what a plan has to know besides its documents.
function Domain:facts()
  local facts = { driver = self.connection.driver, libvirt = self.connection.version }
  local calls = {
    state = "state", active = "is_active", persistent = "is_persistent", managed_save = "has_managed_save",
  }
  for fact, name in pairs(calls) do
    local answer, failure = call(name, self.handle)
    if answer == nil then return refused(failure, { path = self.name }) end
    facts[fact] = answer
  end
  return facts
end

--- The documents of the domain: config where it is persistent, live where it runs.
-- opts.secure also reads passwords, which a define must not lose; a read-only connection may not.
function Domain:documents(facts, opts)
  local documents = {}
  local wanted = {
    config = facts.persistent and { inactive = true, secure = opts and opts.secure } or nil,
    live = facts.active and {} or nil,
  }
  for which, flags in pairs(wanted) do
    local xml, failure = call("xml", self.handle, flags)
    if not xml then return refused(failure, { path = self.name }) end
    documents[which] = xml
  end
  return documents
end

--- The text of one document: "live" or "config".
function Domain:document(name, opts)
  local flags = { inactive = name == "config", secure = name == "config" and opts and opts.secure or nil }
  local xml, failure = call("xml", self.handle, flags)
  if not xml then return refused(failure, { path = self.name }) end
  return xml
end

function Domain:sights() return {} end
function Domain:watch() return { next = function() os.execute("sleep 0.1") end, close = function() end } end
Domain.now = libvirt.now
function Domain:is_unplugging() return false end
function Domain:note_unplug() end
for _, name in ipairs { "attach_device", "detach_device", "update_device" } do
  Domain[name] = function(self, xml, scope, force)
    local f = io.open("/tmp/dev.xml", "w") f:write(xml) f:close()
    local ok = os.execute(("virsh -q -c '%s' %s %s /tmp/dev.xml %s %s %s"):format(self.connection.uri,
      name:gsub("_", "-"), self.name, scope.live and "--live" or "", scope.config and "--config" or "", force and "--force" or ""))
    if ok then return true end
    return refused({ code = 1, message = "virsh failed", name = "X" }, { path = self.name })
  end
end

--- Writes the configuration.  xml must carry the uuid of this very domain.
function Domain:define(xml)
  local handle, failure = call("define", self.connection.handle, xml)
  if not handle then return refused(failure, { path = self.name }) end
  return true
end

--- What the domain has: facts, and the description of each document.
function Domain:describe()
  local facts, failure = self:facts()
  if not facts then return nil, failure end
  local documents
  documents, failure = self:documents(facts)
  if not documents then return nil, failure end
  local description = { name = self.name, uri = self.connection.uri, facts = facts }
  for which, xml in pairs(documents) do
    local found
    description[which], found = core.read(xml)
    if not description[which] then return nil, problems.list(found) end
  end
  return description
end

--- dom:insert(drive, source, opts), dom:eject(drive, opts), dom:attach(device, opts), dom:detach(drive, opts): single
-- operations; see drives.lua.
for _, name in ipairs { "insert", "eject", "attach", "detach" } do
  Domain[name] = function(...) return require("virtlun.drives")[name](...) end
end

--- dom:plan(desired, opts) -> plan; plan:apply(opts) makes it so.
function Domain:plan(desired, opts)
  return require("virtlun.apply").plan(self, desired, opts)
end

-- Connections --------------------------------------------------------------------------------------------

local Connection = {}
Connection.__index = Connection

local function new_domain(connection, handle)
  return setmetatable({ connection = connection, handle = handle, name = handle:name(), uuid = handle:uuid() }, Domain)
end

--- All domains of the host, by name.
function Connection:domains()
  local handles, failure = call("domains", self.handle)
  if not handles then return refused(failure) end
  local domains = {}
  for i, handle in ipairs(handles) do domains[i] = new_domain(self, handle) end
  table.sort(domains, function(a, b) return a.name < b.name end)
  return domains
end

local function names_of(connection)
  local names = {}
  for i, domain in ipairs(connection:domains() or {}) do names[i] = domain.name end
  return names
end

--- The domain of that name or UUID.
function Connection:domain(name)
  local handle, failure = call("lookup", self.handle, name)
  if handle then return new_domain(self, handle) end
  if failure.name ~= "VIR_ERR_NO_DOMAIN" then return refused(failure, { path = name }) end
  local near = core.suggest(name, names_of(self))
  return refused(failure, { code = "no_such_domain", path = name, value = name, near = near })
end

function Connection:close()
  self.handle:close()
end

Connection.__close = Connection.close
Connection.__gc = Connection.close

--- Opens a connection; uri nil is libvirt's own default.  opts.readonly where nothing is to be changed.
function backend.open(uri, opts)
  -- The test driver reads its file with libxml2, which would tell standard error of a file that is not there.
  local handle, failure = core.quietly(trace.call, libvirt.now, "open", libvirt.open, uri, opts and opts.readonly)
  if not handle then
    return refused(failure, { code = "no_host", value = uri or "libvirt's default", a = failure.message })
  end
  local connection = setmetatable({ handle = handle }, Connection)
  for _, fact in ipairs { "uri", "driver", "version" } do
    connection[fact], failure = call(fact, handle)
    if not connection[fact] then return refused(failure, { path = uri }) end
  end
  return connection
end

return backend
