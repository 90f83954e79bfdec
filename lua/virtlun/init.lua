--- virtlun: virtual SCSI HBAs and drives of libvirt domains, described, checked, planned, made so.
--
-- The pure part needs no libvirt.  What talks to a host is loaded when it is first asked for.
-- What a function takes and gives is said in annotations of LuaCATS, which editors read; the types of descriptions are
-- in meta.lua, those of options too.

local core = require "virtlun.core"
local dsl = require "virtlun.recipe.dsl"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"
local transports = require "virtlun.backend.transports"

---@class virtlun: virtlun.Constructors
---@field VERSION string
---@field TRANSPORTS string[] the words for ways to hosts, as virtlun.open takes them
---@field lun virtlun.LunMapping
---@field schema fun(): table every field, rule, problem and HBA model as data
---@field hash fun(text: string): string a short text, of equal texts the same
---@field suggest fun(text: string, words: string[]): string? the word that was probably meant
local virtlun = {
  VERSION = core.VERSION,
  schema = core.schema, -- schema(): every field, rule, problem and HBA model as data
  hash = core.hash, -- hash(text): a short text, of equal texts the same; it notices changes, and keeps no secret
}

-- Expected failures are nil and problems; a result may have notes beside it.
local function with_list(result, found)
  return result, problems.list(found)
end

--- Runs a recipe: the domains that it describes.
---@param path string
---@param params? table<string, string|number|boolean> values of its parameters
---@return virtlun.Domain[]?, virtlun.Problems
function virtlun.load(path, params)
  return require("virtlun.recipe").load(path, params)
end

--- The same of a text.
---@param text string
---@param name? string stands in problems, and is what include is relative to
---@param params? table<string, string|number|boolean>
---@return virtlun.Domain[]?, virtlun.Problems
function virtlun.loadstring(text, name, params)
  return require("virtlun.recipe").loadstring(text, name, params)
end

--- Whether a description is good: true and notes, or nil and problems.
---@param desired virtlun.Device|virtlun.Domain|virtlun.Domain[]
---@return true?, virtlun.Problems
function virtlun.check(desired)
  local good, found = core.check(desired)
  return with_list(good or nil, found)
end

--- libvirt's XML of a device, or of all devices of a domain; nil and problems.
-- Addresses that the description leaves out are provisional: with a host they may be others.
---@param desired virtlun.Device|virtlun.Domain
---@return string?, virtlun.Problems
function virtlun.xml(desired)
  return with_list(core.xml(desired))
end

--- The domain with all that it leaves out filled in, as for a new server; nil and problems.
---@param desired virtlun.Domain
---@return virtlun.Domain?, virtlun.Problems
function virtlun.complete(desired)
  return with_list(core.complete(desired))
end

--- The description of a <domain> or of one device; nil and problems.
---@param xml string
---@return (virtlun.Domain|virtlun.Device)?, virtlun.Problems
function virtlun.read(xml)
  return with_list(core.read(xml))
end

--- What must change in a domain of which these are the documents; nil and problems.  See virtlun.plan's file.
---@param desired virtlun.Domain
---@param documents { live: string?, config: string? } XML of the domain
---@param facts? virtlun.Facts what else is known of the host
---@param opts? virtlun.ChangeOptions
---@return virtlun.Plan?, virtlun.Problems
function virtlun.plan(desired, documents, facts, opts)
  return require("virtlun.plan").make(desired, documents, facts, opts)
end

--- Those of the names in only and except that a device of one of the described domains has.
-- As the option known of the plan of each they are no problem where they are another one's.
---@param domains virtlun.Domain[]
---@param opts { only: string[]?, except: string[]? }
---@return string[]
function virtlun.known(domains, opts)
  return require("virtlun.plan.selection").known(domains, opts)
end

--- The text of a recipe that says what is there, with comments where it cannot; nil and problems.
---@param what virtlun.Domain|string|{ config: string?, live: string? } a description, XML, or that of both halves
---@param opts? virtlun.ImportOptions
---@return string?, virtlun.Problems
function virtlun.import(what, opts)
  return require("virtlun.recipe.import").import(what, opts)
end

--- The domain with all absent that is described, and notes; nil and problems.  An HBA that another drive needs is left
-- out.
---@param desired virtlun.Domain
---@param description virtlun.Description what dom:describe() gave
---@param opts? { scope: "live"|"config"|nil }
---@return virtlun.Domain?, virtlun.Problems
function virtlun.removal(desired, description, opts)
  return require("virtlun.plan.removal").of(desired, description, opts)
end

--- For each drive what the guest will see, and whether that is certain.
---@param description virtlun.Domain
---@return { hctl: string, lun: integer, by_path: string?, certain: boolean }[]
function virtlun.foretell(description)
  return require("virtlun.guest").foretell_all(description)
end

--- controller:bus:target:unit.
---@param address virtlun.Drive
---@return string
function virtlun.address_text(address)
  return require("virtlun.guest").address_text(address)
end

--- Those whose name or uri fits one of the patterns, in which * stands for any text; nil and problems where a pattern
-- fits none.
---@param domains virtlun.Domain[]
---@param patterns string[]
---@return virtlun.Domain[]?, virtlun.Problems
function virtlun.limit(domains, patterns)
  return require("virtlun.plan.selection").domains(domains, patterns)
end

virtlun.TRANSPORTS = transports.WORDS

--- virtlun.host_timeout(seconds): what virtlun.open takes as timeout where a step may take so many seconds.
virtlun.host_timeout = options.for_host

--- A connection to a host; nil and problems.  See virtlun.backend's file for the options.
---@param uri? string libvirt's own default if unsaid
---@param opts? virtlun.OpenOptions
---@return virtlun.Connection?, virtlun.Problems?
function virtlun.open(uri, opts)
  return require("virtlun.backend").open(uri, opts)
end

--- Makes many domains on many hosts as they are described, in parallel.  See virtlun.fleet's file for the options.
---@param domains virtlun.Domain[]
---@param opts? virtlun.FleetOptions
---@return virtlun.Report
function virtlun.apply(domains, opts)
  return require("virtlun.fleet").apply(domains, opts)
end

--- The same, but only planned.
---@param domains virtlun.Domain[]
---@param opts? virtlun.FleetOptions
---@return virtlun.Report
function virtlun.plans(domains, opts)
  return require("virtlun.fleet").plans(domains, opts)
end

--- Begins fn(), in which every wait for a host lets others go on. virtlun.dispatch() calls done(what fn returned...),
-- or done(nil, error) if fn raised one; without done, it raises it.
---@param fn fun(): ...
---@param done? fun(...)
function virtlun.async(fn, done)
  return require("virtlun.backend.jobs").async(fn, done)
end

--- A descriptor for poll and event loops, readable when there is something to dispatch.  Never read it.
---@return integer
function virtlun.fd()
  return require("virtlun.backend.jobs").fd()
end

--- Goes on with what waits: async functions, their done, callbacks of conn:on. It never blocks, and
-- callbacks run nowhere else.
function virtlun.dispatch()
  return require("virtlun.backend.jobs").dispatch()
end

--- fn(...), during which SIGINT, SIGTERM and SIGHUP do not end the program, so that it
-- can end an apply between two steps (its option stop).  A second signal makes whatever waits for a host raise
-- "interrupted!".  For programs that own their process: handlers are the whole process's.
---@param fn function
function virtlun.interruptible(fn, ...)
  return require("virtlun.backend.jobs").interruptible(fn, ...)
end

--- The number of the signal that came inside of virtlun.interruptible, nil if none did.
---@return integer?
function virtlun.interrupted()
  return require("virtlun.backend.jobs").interrupted()
end

--- fn is called for every libvirt call; nil ends it.
---@param fn? fun(call: string, seconds: number, failure: table?)
function virtlun.log(fn)
  require("virtlun.backend.trace").set(fn)
end

-- See problems.lua.
virtlun.line = problems.line
virtlun.problems = problems.list
virtlun.problem = problems.new

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

--- LUN mapping; nil and problems outside of the range.  virtlun.lun is the constructor of a lun as well.
---@class virtlun.LunMapping
---@field encode fun(unit: integer): integer?, virtlun.Problems the LUN that a guest sees
---@field decode fun(lun: integer): integer?, virtlun.Problems the unit behind a LUN as Linux shows it
---@field wire fun(unit: integer): string?, virtlun.Problems the eight bytes of the LUN, in hexadecimal
---@field hctl fun(address: virtlun.Drive): string?, virtlun.Problems such as [H:0:0:16640]
---@field by_path fun(address: virtlun.Drive, hba: virtlun.Pci|virtlun.Ccw): string?, boolean? name, if it is certain
---@overload fun(device: virtlun.Lun): virtlun.Lun
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
