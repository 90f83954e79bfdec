--- A domain as it was last read: its documents, and what of a description is still to be done to each of them.
--
-- Steps are made on what was just seen, so every step reads again.  What to do is plan.lua's, how to do it is that of
-- media.lua and hotplug.lua.

local core = require "virtlun.core"
local halves = require "virtlun.plan.halves"
local images = require "virtlun.plan.images"
local plans = require "virtlun.plan"
local problems = require "virtlun.problems"

local host = {}

-- Patience -------------------------------------------------------------------------------------------------

local BUSY = 68 -- VIR_ERR_OPERATION_TIMEOUT: libvirt has waited 30 seconds for the domain's lock (facts 8 and 11)
local BUSY_SECONDS = 120 -- that a domain may be kept busy by somebody else
local FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8

--- Whether the call has changed nothing because another client keeps the domain busy.  What libvirt never answered has
-- the same code, and is nothing to try again.
local function is_busy(failure)
  local cause = failure and failure[1] and failure[1].cause
  return cause ~= nil and cause.code == BUSY and not cause.begun and not cause.waiting
end

--- Makes a call, again and again while the domain is busy and the time is not up.
local function patiently(dom, deadline, waiting, fn)
  local pause = FIRST_PAUSE
  while true do
    local result, failure = fn()
    if result or not is_busy(failure) or dom.now() + pause > deadline then return result, failure end
    if waiting then waiting("busy") end
    dom.sleep(pause)
    pause = math.min(2 * pause, LONGEST_PAUSE)
  end
end

-- Looking --------------------------------------------------------------------------------------------------

local function look(dom)
  local facts, documents = dom:look()
  if not facts then return nil, documents end
  return { facts = facts, documents = documents }
end

--- host.look(dom) -> { facts =, documents = } as they are now; nil and problems.
function host.look(dom)
  local seen, failure = patiently(dom, dom.now() + BUSY_SECONDS, nil, function() return look(dom) end)
  if not seen then return nil, failure end
  for name, fn in pairs(dom:sights()) do seen.facts[name] = fn end
  return seen
end

local Host = {}
Host.__index = Host

--- host.read(dom, desired, opts, seen) -> what a plan works on (see plan.work), with the texts of the documents as
-- work.xml and the methods below; nil and problems.  opts.scope; seen: what host.look has just seen, or nil.
function host.read(dom, desired, opts, seen)
  local failure
  if not seen then seen, failure = host.look(dom) end
  if not seen then return nil, failure end
  local work, found = plans.work(desired, seen.documents, seen.facts, opts)
  if not work then return nil, found end
  work.dom, work.desired, work.xml, work.facts = dom, desired, seen.documents, seen.facts
  work.notes, work.seen_at, work.wrote = problems.list(), {}, { live = 0, config = 0 }
  return setmetatable(work, Host):begin_step(), found
end

-- What a plan depends on besides documents: facts of the domain, and options.
local FACTS, OPTIONS = { "state", "active", "persistent", "managed_save", "driver", "libvirt" },
  { "scope", "only", "except", "force", "first" }

local function same(a, b, keys)
  for _, key in ipairs(keys) do
    if a[key] ~= b[key] then return false end
  end
  return true
end

--- Whether what was just seen is, word for word, what the work was read from, so that planning again comes to the same.
function Host:is_as_read(seen, opts)
  return seen.documents.live == self.xml.live and seen.documents.config == self.xml.config
    and same(seen.facts, self.facts, FACTS) and same(opts, self.opts, OPTIONS)
end

--- Looks at the images again, which are no part of what was read: itself, or nil and problems.
function Host:look_at_images(seen)
  local found = problems.list()
  images.look(found, self.desired, self, seen.facts)
  if found:has_errors() then return nil, found end
  return self:begin_step()
end

--- The options of a plan whose XML nobody looks at.
function host.without_xml(opts)
  return setmetatable({ xml = false }, { __index = opts })
end

--- A step begins, for which there are so many seconds.
function Host:begin_step(seconds)
  self.deadline = self.dom.now() + (seconds or BUSY_SECONDS)
  return self
end

--- One of the domain's calls, with patience.
function Host:call(name, ...)
  local args = table.pack(...)
  return patiently(self.dom, self.deadline, self.waiting, function()
    return self.dom[name](self.dom, table.unpack(args, 1, args.n))
  end)
end

local JUST_NOW = 0.1 -- seconds; to look again would not be quicker than another client by much

--- Whether a half was read a moment ago, and nothing was written since.
function Host:has_just_seen(name)
  return self.seen_at[name] ~= nil and self.dom.now() - self.seen_at[name] < JUST_NOW
end

--- Reads one half again, or all that are worked on: true, or nil and problems.  opts.secure reads passwords too.
function Host:refresh(name, opts)
  for _, half in ipairs(self.halves) do
    if not name or name == half.name then
      local xml, failure = self:call("document", half.name, opts)
      if not xml then return nil, failure end
      local document, found = half.document, nil
      if xml ~= self.xml[half.name] then document, found = core.document(xml) end
      if not document then return nil, problems.list(found) end
      -- Of a domain that has stopped libvirt gives the configuration when it is asked for the running one.
      if half.name == "live" and not document:facts().run then
        return problems.fail { code = "host_changed", path = self.dom.name }
      end
      self.xml[half.name], half.document, self.documents[half.name] = xml, document, document
      self.seen_at[half.name] = self.dom.now()
    end
  end
  return true
end

--- What is still to be done to a half for one described device; nil if nothing is.
function Host:change(name, number)
  return halves.change_of(self, self[name], number)
end

--- The same of all described devices, by their numbers.
function Host:changes(name)
  return halves.changes_of(self, self[name])
end

--- The number of the described device in a half; nil if it is not there.
function Host:find(name, number)
  return core.find(self.model, self[name].document, number)
end

-- Whether libvirt may hide something of a text from who does not ask for secrets: what comes by HTTP may have cookies.
local function may_hide(xml)
  return xml:find("protocol=['\"]https?['\"]") ~= nil
end

--- The text of a half and its document, with what libvirt hides: what is cut out of it is sent back, and must be whole.
-- nil and problems.
function Host:whole(name)
  local xml, document = self.xml[name], self.documents[name]
  if not may_hide(xml) then return xml, document end
  local text, failure = self:call("document", name, { secure = true })
  if not text then return nil, failure end
  local whole, found = core.document(text)
  if not whole then return nil, problems.list(found) end
  if whole:count() ~= document:count() or whole:fingerprint() ~= document:fingerprint() then
    return problems.fail { code = "host_changed", path = self.dom.name }
  end
  return text, whole
end

--- The XML of a device's element in a half as libvirt shows it, for calls that only name the device.
function Host:shown_element(name, number_or_change)
  local model = type(number_or_change) == "table" and self.model or nil
  local xml, found = core.element(self.xml[name], self.documents[name], number_or_change, model)
  if not xml then return nil, problems.list(found) end
  return xml
end

--- The same with what libvirt hides: as it stands there, or with a change.
function Host:element(name, number_or_change)
  local xml, failure = self:shown_element(name, number_or_change)
  if not xml or not may_hide(xml) then return xml, failure end
  local text, document = self:whole(name)
  if not text then return nil, document end
  local whole, found = core.element(text, document, number_or_change,
    type(number_or_change) == "table" and self.model or nil)
  if not whole then return nil, problems.list(found) end
  return whole
end

--- Whether a call may have come about although it failed: it was not answered in time, or the connection went.
function Host:is_unanswered(failure)
  local cause = failure[1].cause or {}
  return cause.begun or cause.domain == "VIR_FROM_RPC"
end

--- Counts the calls that have changed a half, or may have.
function Host:note_written(scope)
  for name in pairs(self.wrote) do
    if scope[name] then self.wrote[name] = self.wrote[name] + 1 end
  end
end

--- Makes one of the domain's calls that change it, and remembers that the host may have been written to: also a call
-- that is refused may leave something behind, an open tray or HBAs.
function Host:write(call, ...)
  local good, failure = self:call(call, ...)
  local maybe = not good and self:is_unanswered(failure)
  self.unanswered = self.unanswered or maybe
  if good or maybe then self:note_written(call == "define" and { config = true } or (select(2, ...))) end
  self.written, self.seen_at = true, {}
  return good, failure
end

--- A problem of a described device.
function Host:problem(change, fields)
  fields.path = ("%s.%s"):format(self.dom.name, change.device)
  fields.file, fields.line = change.file, change.line
  return problems.new(fields)
end

--- nil and problems: one of a described device, and what else is to be told.
function Host:fail(change, fields, more)
  return nil, problems.list { self:problem(change, fields) }:append(more or {})
end

--- Whether what is still to be done for a move is what was planned: true, or nil and problems.  A drive that has gone
-- meanwhile was to change, not to come back empty; one that another client has added under the name of a new one keeps
-- what is in it.  rest: the changes that are left, by their half.
function Host:check_planned(move, rest)
  for name, change in pairs(rest) do
    if change.action ~= move[name].action then return self:fail(change, { code = "host_changed" }) end
  end
  return true
end

return host
