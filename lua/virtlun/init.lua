--- virtlun: virtual SCSI HBAs and drives of libvirt domains, described, checked, planned, made so.
--
-- The pure part needs no libvirt.  What talks to a host is loaded when it is first asked for.

local core = require "virtlun.core"
local dsl = require "virtlun.dsl"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local transports = require "virtlun.transports"

local virtlun = {
  VERSION = core.VERSION,
  schema = core.schema, -- schema(): every field, rule, problem and HBA model as data
  hash = core.hash, -- hash(text): a short text, of equal texts the same; it notices changes, and keeps no secret
}

-- Expected failures are nil and problems; a result may have notes beside it.
local function with_list(result, found)
  return result, problems.list(found)
end

--- virtlun.load(path, params), virtlun.loadstring(text, name, params): list of described domains, or nil, problems.
function virtlun.load(...)
  return require("virtlun.recipe").load(...)
end

function virtlun.loadstring(...)
  return require("virtlun.recipe").loadstring(...)
end

--- virtlun.check(desired): true and notes, or nil and problems.  desired: a device, a domain or a list of domains.
function virtlun.check(desired)
  local good, found = core.check(desired)
  return with_list(good or nil, found)
end

--- virtlun.xml(device or domain): libvirt XML of the device, or of all devices of the domain; nil and problems.
-- Addresses that the description leaves out are provisional: with a host they may be others.
function virtlun.xml(desired)
  return with_list(core.xml(desired))
end

--- virtlun.complete(domain): the domain with all that it leaves out filled in, as for a new server; nil and problems.
function virtlun.complete(desired)
  return with_list(core.complete(desired))
end

--- virtlun.read(xml): description of a <domain> or of one device; nil and problems.
function virtlun.read(xml)
  return with_list(core.read(xml))
end

--- virtlun.plan(desired, { live =, config = }, facts, opts): what must change; nil and problems.  See virtlun.plan's
-- file.
function virtlun.plan(...)
  return require("virtlun.plan").make(...)
end

--- virtlun.known(domains, { only =, except = }): those of the names that a device of one of the described domains has.
-- As the option known of the plan of each they are no problem where they are another one's.
function virtlun.known(...)
  return require("virtlun.selection").known(...)
end

--- virtlun.import(what, { uri =, live = }), what a description, XML or { config = xml, live = xml }: text of a recipe that says what is
-- there, with comments where it cannot; nil and problems.  See virtlun.import's file.
function virtlun.import(...)
  return require("virtlun.import").import(...)
end

--- virtlun.removal(desired, description, { scope = }): the domain with all absent that desired names, and notes; nil
-- and problems.  description is what dom:describe() gave; an HBA that another drive needs is left out.
function virtlun.removal(...)
  return require("virtlun.removal").of(...)
end

--- virtlun.foretell(description): for each drive what the guest will see: hctl, lun, by_path, and whether that is
-- certain.
function virtlun.foretell(description)
  return require("virtlun.guest").foretell_all(description)
end

--- virtlun.address_text(address): controller:bus:target:unit.
function virtlun.address_text(address)
  return require("virtlun.guest").address_text(address)
end

--- virtlun.limit(domains, patterns): those whose name or uri fits one of the patterns, in which * stands for any text;
-- nil and problems where a pattern fits none.
function virtlun.limit(...)
  return require("virtlun.selection").domains(...)
end

--- virtlun.TRANSPORTS: the words for ways to hosts, as virtlun.open takes them.
virtlun.TRANSPORTS = transports.WORDS

--- virtlun.host_timeout(seconds): what virtlun.open takes as timeout where a step may take so many seconds.
virtlun.host_timeout = options.for_host

--- virtlun.open(uri, { readonly =, timeout =, events =, transports =, tty =, ask = }): connection to a host; nil and
-- problems.  See virtlun.backend's file.
function virtlun.open(...)
  return require("virtlun.backend").open(...)
end

--- virtlun.apply(domains, opts) -> report: makes many domains on many hosts as they are described, in parallel.
-- virtlun.plans(domains, opts) -> report: only plans them.  See virtlun.fleet's file.
function virtlun.apply(...)
  return require("virtlun.fleet").apply(...)
end

function virtlun.plans(...)
  return require("virtlun.fleet").plans(...)
end

--- virtlun.async(fn, done): begins fn(), in which every wait for a host lets others go on. virtlun.dispatch() calls
-- done(what fn returned...), or done(nil, error) if fn raised one; without done, it raises it.
function virtlun.async(...)
  return require("virtlun.jobs").async(...)
end

--- virtlun.fd(): a descriptor for poll and event loops, readable when there is something to dispatch.  Never read it.
function virtlun.fd()
  return require("virtlun.jobs").fd()
end

--- virtlun.dispatch(): goes on with what waits: async functions, their done, callbacks of conn:on. It never blocks, and
-- callbacks run nowhere else.
function virtlun.dispatch()
  return require("virtlun.jobs").dispatch()
end

--- virtlun.interruptible(fn, ...): fn(...), during which SIGINT, SIGTERM and SIGHUP do not end the program, so that it
-- can end an apply between two steps (its option stop).  A second signal makes whatever waits for a host raise
-- "interrupted!".  For programs that own their process: handlers are the whole process's.
function virtlun.interruptible(...)
  return require("virtlun.jobs").interruptible(...)
end

--- virtlun.interrupted(): the number of the signal that came inside of virtlun.interruptible, nil if none did.
function virtlun.interrupted()
  return require("virtlun.jobs").interrupted()
end

--- virtlun.log(fn): fn(call, seconds, failure) is called for every libvirt call; nil ends it.
function virtlun.log(fn)
  require("virtlun.trace").set(fn)
end

--- virtlun.line(problem): the problem as one line of text.  virtlun.problems(list): a list that prints itself.
virtlun.line = problems.line
virtlun.problems = problems.list

--- virtlun.problem{ code =, path =, value =, expected =, a =, b =, near =, file =, line = }: a problem and its text.
virtlun.problem = problems.new

--- virtlun.suggest(text, list of words): the word that was probably meant, or nil.
virtlun.suggest = core.suggest

--- Constructors: virtlun.cdrom { ... }, virtlun.domain "web01" { ... }.  They stamp kind, file and line.
local function where(level)
  local info = debug.getinfo(level or 4, "Slt")
  local file = info and info.source:match("^@(.*)")
  return file, info and not info.istailcall and info.currentline > 0 and info.currentline or nil
end

local function nothing() end

local function begun() return nothing end

for name, constructor in pairs(dsl.constructors(core.kinds, where, nothing, begun, nothing)) do
  virtlun[name] = constructor
end

--- virtlun.lun.encode(unit) and its siblings: LUN mapping; nil and problems outside of the range.  virtlun.lun is the
-- constructor of a lun as well.
local construct_lun = virtlun.lun
virtlun.lun = setmetatable({}, { __call = function(_, table)
  local device = construct_lun(table)
  device.file, device.line = where(3)
  return device
end })
for name, fn in pairs(core.lun) do
  virtlun.lun[name] = function(...)
    local result, more = fn(...)
    if result == nil and more then return with_list(result, more) end
    return result, more
  end
end

return virtlun
