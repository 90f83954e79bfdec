--- Connections and domains of libvirt: with its folder, all that talks to a host.
--
-- It knows how to ask and how to write, not what to change: plans come from plan.lua, their making from apply.lua.

local core = require "virtlun.core"
local images = require "virtlun.plan.images"
local jobs = require "virtlun.backend.jobs"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local trace = require "virtlun.backend.trace"
local transports = require "virtlun.backend.transports"

local backend = {
  now = jobs.now, -- now() -> seconds of a clock that never goes back
  sleep = jobs.sleep, -- sleep(seconds); inside of virtlun.async others go on meanwhile
}

local TIMEOUT = 60 -- seconds for a call
local CLOSING = 5 -- seconds that closing is waited for: nobody needs its result

--- Makes a call, and notes when the host was last heard of; see Connection:silence.
local function call(connection, name, handle, ...)
  if connection.owed == 0 then connection.heard = jobs.now() end
  connection.owed = connection.owed + 1
  local result, failure = trace.call(jobs.now, name, jobs.call, name, handle, connection.timeout, ...)
  connection.owed, connection.heard = connection.owed - 1, jobs.now()
  return result, failure
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

--- A domain of a host.
---@class virtlun.Dom
---@field name string
---@field uuid string
---@field connection virtlun.Connection
local Domain = { now = jobs.now, sleep = jobs.sleep, unbroken = jobs.unbroken, is_given_up = jobs.is_given_up }
Domain.__index = Domain

local function facts_by(dom, name)
  local facts, failure = call(dom.connection, name, dom.handle)
  if not facts then return refused(failure, { path = dom.name }) end
  facts.driver, facts.libvirt = dom.connection.driver, dom.connection.version
  return facts
end

---@class virtlun.Facts
---@field state? string running, paused, shut off, ...
---@field active? boolean
---@field persistent? boolean
---@field managed_save? boolean
---@field driver? string of libvirt: QEMU, test
---@field libvirt? integer version: 9003000 is 9.3
---@field image? fun(path: string): table?, string? what is known of an image, for virtlun.plan

--- State and nature of the domain; nil and problems.
---@return virtlun.Facts?, virtlun.Problems?
function Domain:facts()
  return facts_by(self, "facts")
end

--- The same, and the documents: config where it is persistent, live where it runs, as texts of XML.
---@return virtlun.Facts?, { config: string?, live: string? }|virtlun.Problems
function Domain:look()
  local facts, failure = facts_by(self, "look")
  if not facts then return nil, failure end
  local documents = facts.documents
  facts.documents = nil
  return facts, documents
end

--- The text of one document: "live" or "config".  opts.secure also reads passwords and cookies, which what is sent back
-- must not lose; a read-only connection may not.
function Domain:document(name, opts)
  local config = name == "config"
  local flags = { inactive = config, secure = opts ~= nil and opts.secure or nil }
  local xml, failure = call(self.connection, "xml", self.handle, flags)
  if not xml then return refused(failure, { path = self.name }) end
  return xml
end

--- Writes the configuration.  xml must carry the uuid of this very domain.
function Domain:define(xml)
  local handle, failure = call(self.connection, "define", self.connection.handle, nil, xml)
  if not handle then return refused(failure, { path = self.name }) end
  return true
end

--- What is known of the images in the CD drives of both halves, by the words of images.name_of; nil where they cannot
-- be seen.  What is in a container of another format only QEMU can see.
local function media_of(description, sights)
  if not sights.image then return nil end
  local media = {}
  for _, which in ipairs { "live", "config" } do
    for _, device in ipairs(description[which] or {}) do
      local source = device.kind == "cdrom" and (device.format or "raw") == "raw" and device.source
      local name = source and images.name_of(source)
      if name and media[name] == nil then media[name] = images.seen(source, sights) end
    end
  end
  return media
end

---@class virtlun.Description
---@field name string
---@field uri string
---@field facts virtlun.Facts
---@field live? virtlun.Domain what runs
---@field config? virtlun.Domain what its next boot brings
---@field media? table<string, table> what is known of the images, by path or `volume V of pool P`

--- What the domain has: facts, the description of each document, and media, what is known of their images.
---@return virtlun.Description?, virtlun.Problems?
function Domain:describe()
  local facts, documents = self:look()
  if not facts then return nil, documents end
  local description = { name = self.name, uri = self.connection.uri, facts = facts }
  for which, xml in pairs(documents) do
    local found
    description[which], found = core.read(xml)
    if not description[which] then return nil, problems.list(found) end
  end
  description.media = media_of(description, self:sights())
  return description
end

--- Single operations; see drives.lua.  It is reached by tail calls, so that its caller is the user.
local function single(name, self, subject, ...)
  if subject == nil then error(("%s: which device is missing"):format(name), 2) end
  options.check((select(select("#", ...), ...)), "change", 2)
  return require("virtlun.drives")[name](self, subject, ...)
end

--- Puts a medium into a CD drive.
---@param drive string name, alias, path of its medium, or controller:bus:target:unit
---@param source virtlun.SourceOf
---@param opts? virtlun.ChangeOptions
---@return virtlun.Done?, virtlun.Problems?, virtlun.Ended?
function Domain:insert(drive, source, opts)
  if not source then error("insert: the source is missing; eject empties a drive", 2) end
  return single("insert", self, drive, source, opts)
end

--- Empties a CD drive.
---@param drive string as for insert
---@param opts? virtlun.ChangeOptions
---@return virtlun.Done?, virtlun.Problems?, virtlun.Ended?
function Domain:eject(drive, opts) return single("eject", self, drive, opts) end

--- Adds a device that is not there yet.
---@param device virtlun.Device
---@param opts? virtlun.ChangeOptions
---@return virtlun.Done?, virtlun.Problems?, virtlun.Ended?
function Domain:attach(device, opts) return single("attach", self, device, opts) end

--- Takes a drive away, or an HBA, as controller0.
---@param drive string as for insert
---@param opts? virtlun.ChangeOptions
---@return virtlun.Done?, virtlun.Problems?, virtlun.Ended?
function Domain:detach(drive, opts) return single("detach", self, drive, opts) end

--- What would change; plan:apply(opts) makes it so.
---@param desired virtlun.Domain
---@param opts? virtlun.ChangeOptions
---@return virtlun.Plan?, virtlun.Problems
function Domain:plan(desired, opts)
  options.check(opts, "change", 2)
  return require("virtlun.apply").plan(self, desired, opts)
end

local function change(dom, name, flags, xml)
  local good, failure = call(dom.connection, name, dom.handle, flags, xml)
  if not good then return refused(failure, { path = dom.name }) end
  return true
end

--- Device calls. scope is { live = true, config = true } or one of both. True, or nil and problems.
function Domain:attach_device(xml, scope)
  return change(self, "attach_device", scope, xml)
end

function Domain:detach_device(xml, scope)
  return change(self, "detach_device", scope, xml)
end

--- force opens a locked tray.
function Domain:update_device(xml, scope, force)
  return change(self, "update_device", { live = scope.live, config = scope.config, force = force }, xml)
end

--- dom:power(word): the call of libvirt that is named "reboot", "reset", "shutdown", "destroy" or "start", and no more
-- than that. True, or nil and problems.
local powers = { reboot = true, reset = true, shutdown = true, destroy = true, start = true }

function Domain:power(word)
  if not powers[word] then error(("'%s' is no call of libvirt for power"):format(tostring(word)), 2) end
  return change(self, word)
end

--- Reboots it, from a certain drive if one is named; see reboot.lua.
---@param opts? virtlun.RebootOptions
---@return { domain: string, how: string, events: table[], notes: virtlun.Problems }?, virtlun.Problems?, boolean?
function Domain:reboot(opts)
  options.check(opts, "reboot", 2)
  return require("virtlun.reboot").reboot(self, opts)
end

-- Sights: what a plan may look at besides the documents ------------------------------------------------------

--- Whether the host is this machine, so that its files are ours to see; a command of one's own (ext) may lead anywhere.
local function is_local(uri)
  local transport = uri:match("^%w+(%+?%w*):///")
  return transport == "" or transport == "+unix"
end

-- libvirt's ways to say that a volume does not exist; anything else it says is no claim about it.
local is_missing = { VIR_ERR_NO_STORAGE_POOL = true, VIR_ERR_NO_STORAGE_VOL = true }

--- image(path) -> what core.iso tells, where the files of the host can be seen; volume(pool, name) -> its path, or nil,
-- why not, and whether it surely does not exist.
function Domain:sights()
  local connection = self.connection
  local function volume(pool, name)
    local found, failure = connection:volume(pool, name)
    if found then return found.path end
    return nil, failure[1].cause.message, is_missing[failure[1].cause.name]
  end
  if connection.driver:lower() == "test" then return {} end
  return { image = is_local(connection.uri) and core.iso or nil, volume = volume }
end

-- Devices that the guest was asked for and has not let go of: asking again is an error of its own (facts 8) -----

local function unplug_key(dom, alias)
  return dom.uuid .. "\n" .. alias
end

--- The watcher that listens for the answer, nil if the guest was not asked.
function Domain:unplugging(alias)
  return alias and self.connection.unplugging[unplug_key(self, alias)]
end

function Domain:note_unplug(alias, watcher)
  if alias then self.connection.unplugging[unplug_key(self, alias)] = watcher end
end

-- Watchers: the events of one domain, one after the other, without callbacks ------------------------------

local Watcher = {}
Watcher.__index = Watcher

--- The next event, as conn:on gives it; nil if there was none in so many seconds. Without a number it waits for ever.
-- "closed", the end of the connection, is one of them.
function Watcher:next(seconds)
  if self.subscription then return jobs.wait(self.subscription, seconds or math.huge) end
  if seconds > 0 then jobs.sleep(seconds) end
  return nil
end

function Watcher:close()
  if self.subscription then jobs.unlisten(self.subscription) end
end

Watcher.__close = Watcher.close
Watcher.__gc = Watcher.close

local function listen(connection, domain, about, fn)
  return trace.call(jobs.now, "listen", jobs.listen, connection.handle, domain, connection.timeout, about, fn)
end

--- A watcher of what happens to the domain from now on, which hears nothing where the connection has no events.
function Domain:watch()
  if not self.connection.events then return setmetatable({ connection = self.connection }, Watcher) end
  local about = { tray = true, added = true, removed = true, removal_failed = true, lifecycle = true, reboot = true,
    closed = true }
  local subscription, failure = listen(self.connection, self.handle, about)
  if not subscription then return refused(failure, { path = self.name }) end
  return setmetatable({ subscription = subscription, connection = self.connection }, Watcher)
end

-- Connections --------------------------------------------------------------------------------------------

---@class virtlun.Event what there is of it
---@field event string
---@field domain? string its name
---@field uuid? string
---@field alias? string of the device
---@field change? string
---@field detail? string
---@field reason? string

--- A connection to a host.
---@class virtlun.Connection
---@field uri string
---@field driver string of libvirt: QEMU, test
---@field version integer of the host's libvirt: 9003000 is 9.3
local Connection = {}
Connection.__index = Connection

local function new_domain(connection, handle)
  return setmetatable({ connection = connection, handle = handle, name = handle:name(), uuid = handle:uuid() }, Domain)
end

--- All domains of the host, by name.
---@return virtlun.Dom[]?, virtlun.Problems?
function Connection:domains()
  local handles, failure = call(self, "domains", self.handle)
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
---@param name string
---@return virtlun.Dom?, virtlun.Problems?
function Connection:domain(name)
  local handle, failure = call(self, "lookup", self.handle, nil, name)
  if handle then return new_domain(self, handle) end
  if failure.name ~= "VIR_ERR_NO_DOMAIN" then return refused(failure, { path = name }) end
  local near = core.suggest(name, names_of(self))
  return refused(failure, { code = "no_such_domain", path = name, value = name, a = self.uri, near = near })
end

--- Whether the host is this machine, where a relative path means a file that is at hand.
---@return boolean
function Connection:is_local()
  return is_local(self.uri)
end

--- A volume of a storage pool; nil and problems.
---@param pool string
---@param name string
---@return { path: string, capacity: integer, allocation: integer, type: string }?, virtlun.Problems?
function Connection:volume(pool, name)
  local volume, failure = call(self, "volume", self.handle, nil, pool, name)
  if not volume then return refused(failure, { path = ("%s/%s"):format(pool, name) }) end
  return volume
end

--- For how many seconds calls have been waiting for answers with nothing heard of the host; 0 while none waits.
function Connection:silence()
  return self.owed > 0 and jobs.now() - self.heard or 0
end

local Subscription = {}
Subscription.__index = Subscription

function Subscription:close()
  jobs.unlisten(self.subscription)
end

Subscription.__close = Subscription.close

local events = { "tray", "added", "removed", "removal_failed", "lifecycle", "reboot", "closed" }

--- virtlun.dispatch calls fn(event) from now on, until the subscription that this returns or the connection is closed.
---@param event "tray"|"added"|"removed"|"removal_failed"|"lifecycle"|"reboot"|"closed"
---@param fn fun(event: virtlun.Event)
---@return { close: fun(self) }?, virtlun.Problems?
function Connection:on(event, fn)
  local known = {}
  for _, name in ipairs(events) do known[name] = true end
  if not known[event] then error(("'%s' is not one of %s"):format(event, table.concat(events, ", ")), 2) end
  local subscription, failure = listen(self, nil, { [event] = true }, fn)
  if not subscription then return refused(failure) end
  return setmetatable({ subscription = subscription }, Subscription)
end

--- Ends the connection and its domains; what uses them then, raises. One that is collected ends by itself.
function Connection:close()
  trace.call(jobs.now, "close", jobs.close, self.handle, math.min(self.timeout, CLOSING))
end

Connection.__close = Connection.close

--- Why there is no connection. cause.credentials: whoever can be asked for them may have more luck.
local function no_connection(uri, failure)
  local code = failure.credentials and "no_credentials" or "no_host"
  if uri and transports.wanted_terminal(uri, failure.message) then
    code, failure.credentials = "no_terminal", true
  end
  return refused(failure, { code = code, value = uri or "libvirt's default" })
end

--- The call "open". ask as virtlun.open has it, which is told the URI too.
local function open(connection, uri, ask)
  local function ask_for(prompts)
    prompts.uri = uri
    return ask(prompts)
  end
  local flags = { readonly = connection.readonly, events = connection.events }
  return trace.call(jobs.now, "open", jobs.open, connection.handle, connection.timeout, flags, uri, ask and ask_for)
end

--- Opens a connection; uri nil is libvirt's own default.
-- opts: readonly where nothing is to be changed; timeout, the seconds for each call (60); events = false where the
-- program runs an event loop of libvirt itself, or wants none; transports, a list of words (transports.WORDS) outside
-- of which nothing is opened; tty = false, with which ssh asks nothing on the terminal but fails; and
-- ask(prompts) -> list of answers, or nil to give up, which is called where this is called from, for credentials that
-- no file of libvirt has. prompts is a list of { type = "authname", "passphrase", "echoprompt", "noechoprompt" or
-- "realm", prompt = text, challenge =, default =, secret = true if what is typed must not be seen }, and has uri.
-- Tasks of virtlun.async ask one after the other; the time that it takes does not count for timeout.
function backend.open(uri, opts)
  options.check(opts, "open", 2)
  opts = opts or {}
  local found = problems.list()
  if opts.transports and not transports.complain(found, {}, uri, opts.transports) then return nil, found end
  local connection = setmetatable({
    handle = jobs.connection(), timeout = opts.timeout or TIMEOUT, readonly = opts.readonly, unplugging = {},
    owed = 0, events = opts.events ~= false,
  }, Connection)
  local opened, added = uri, nil
  if uri and opts.tty == false then opened, added = transports.without_terminal(uri) end
  local good, failure = open(connection, opened, opts.ask)
  if not good then return no_connection(uri, failure) end
  for _, fact in ipairs { "uri", "driver", "version" } do
    connection[fact], failure = call(connection, fact, connection.handle)
    if not connection[fact] then return refused(failure, { path = uri }) end
  end
  connection.uri = transports.as_given(connection.uri, added)
  return connection
end

return backend
