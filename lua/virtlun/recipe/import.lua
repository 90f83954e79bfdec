--- The recipe of a domain that is there: what has to be said so that a plan finds nothing to do, and so that another
-- domain becomes the same.  Pure: documents or a description in, text out.
--
-- Nothing is believed to be sayable: what is about to be written is checked and compared like any recipe, and what does
-- not stand the test becomes a comment.  What is said of one device is entry.lua's, how text looks is
-- text.lua's.
--
-- A draft has name, uuid and uri of the domain, entries, foreign (devices that are none of virtlun's), elsewhere
-- (entries of those that only the other half has), and where it was made of documents: half and other ("config" or
-- "live"), xml and documents (by half), document (the one that is described), and scope, the half that the recipe is to
-- be kept to.

local core = require "virtlun.core"
local kinds = require "virtlun.kinds"
local options = require "virtlun.opts"
local plans = require "virtlun.plan"
local problems = require "virtlun.problems"
local recipe_entry = require "virtlun.recipe.entry"
local recipe_text = require "virtlun.recipe.text"

local import = {}


-- Reading ---------------------------------------------------------------------------------------------------

--- HBAs by their index, then drives as they come.
local function sort(entries)
  for i, entry in ipairs(entries) do
    entry.at = entry.device.kind == "controller" and { 0, entry.device.index or 0, i } or { 1, i, i }
  end
  table.sort(entries, function(a, b)
    for i = 1, 3 do
      if a.at[i] ~= b.at[i] then return a.at[i] < b.at[i] end
    end
    return false
  end)
end

local function draft_of_description(description)
  local draft = { name = description.name, entries = {}, foreign = {}, elsewhere = {} }
  for i, device in ipairs(description) do draft.entries[i] = recipe_entry.new(device) end
  return draft
end

--- Both halves as models; nil and problems.
local function read_documents(xml)
  local documents = {}
  for _, half in ipairs { "config", "live" } do
    if xml[half] then
      local document, found = core.document(xml[half])
      if not document then return nil, problems.list(found) end
      documents[half] = document
    end
  end
  return documents
end

--- The half that is described: what lasts, unless the running one is asked for.
local function draft_of_documents(xml, live)
  local documents, found = read_documents(xml)
  if not documents then return nil, found end
  local half = documents.config and not live and "config" or "live"
  local document = documents[half]
  if not document then
    return problems.fail { code = "not_running", path = documents.config:facts().name, value = "shut off" }
  end
  local draft = { half = half, other = half == "config" and "live" or "config", xml = xml, documents = documents,
    document = document, entries = {}, foreign = {}, elsewhere = {} }
  local facts = document:facts()
  draft.name, draft.uuid = facts.name, facts.uuid
  local unread, foreign = core.unread(xml[half], document), document:foreign()
  for number = 1, document:count() do
    local other = foreign[number]
    if not other then
      local entry = recipe_entry.new(document:device(number), unread[number], facts.run ~= nil)
      entry.number = number
      draft.entries[#draft.entries + 1] = entry
    elseif kinds.IS_DISK[other.kind] or other.kind == "hostdev" then
      draft.foreign[#draft.foreign + 1] = other
    end
  end
  return draft
end

-- The test --------------------------------------------------------------------------------------------------

--- The domain as the recipe describes it; the line of a device is the number of its entry.
local function described(draft)
  local domain = { kind = "domain", name = draft.name, uri = draft.uri, scope = draft.scope }
  local by_os = draft.document and draft.document:facts().os_boot
  for number, entry in ipairs(draft.entries) do
    if not entry.out then
      local device = recipe_entry.said(entry)
      device.line = number
      domain[#domain + 1] = device
      if device.boot and not by_os then domain.boot = "devices" end
    end
  end
  return domain
end

--- The key that a problem of a device is about; nil for the device itself.
local function key_of(problem, name)
  return problem.path:sub(#name + 2):match("^[^.]*%.([%l_]+)")
end

--- Whether a problem forbids the recipe. HBAs that miss others below are refused by every other domain.
local function is_refusal(problem, draft)
  return problem.severity == "error" or problem.code == "controller_below" and draft.document ~= nil
end

--- Drops the first thing of each device that the checks refuse. Whether there was any; nil if it is the domain.
local function drop_refused(draft, domain, found)
  local seen = {}
  for _, problem in ipairs(found) do
    local entry = draft.entries[problem.line]
    local refused = is_refusal(problem, draft)
    if refused and not entry then return nil end
    if refused and not seen[entry] then
      recipe_entry.drop(entry, key_of(problem, domain.name), problem.message)
      seen[entry] = true
    end
  end
  return next(seen) ~= nil
end

local UNLIKE = "the domain says it twice, or in a way that virtlun cannot read"

--- Drops what would be changed in the document that it was read from.
local function drop_unlike(draft, domain, model)
  local list = core.diff(model, draft.document)
  for _, change in ipairs(list) do
    local entry = draft.entries[domain[change.desired].line]
    for _, field in ipairs(change.fields or { {} }) do recipe_entry.drop(entry, field.key, UNLIKE) end
  end
  return #list > 0
end

--- One test of all that is about to be said: whether something had to be dropped; nil and problems if it is the domain.
local function test(draft)
  local domain = described(draft)
  local _, found = core.complete(domain)
  local any = drop_refused(draft, domain, found)
  if any or not draft.document then return any, found end
  local model = core.model(domain)
  found = model:check(draft.document, draft.documents[draft.other])
  any = drop_refused(draft, domain, found)
  if any ~= false then return any, found end
  return drop_unlike(draft, domain, model)
end

--- Tests until nothing has to be dropped any more. A domain whose name cannot be written is called by its UUID.
local function settle(draft)
  local any, found
  repeat
    any, found = test(draft)
    if any == nil and draft.uuid and draft.name ~= draft.uuid then
      draft.name, any = draft.uuid, true
    end
  until not any
  if any == nil then return nil, problems.list(found) end
  return true
end

-- The other half --------------------------------------------------------------------------------------------

local WORDS = { live = "the running domain", config = "the configuration" }

--- Tells what the other half says of a field: nil is that it does not.
local function tell(entry, key, value, other)
  entry.told = entry.told or {}
  if entry.told[key] then return end
  entry.told[key] = true
  if value == nil then value = false end
  recipe_entry.note(entry, "in %s: %s", WORDS[other], recipe_text.assignment(entry.device.kind, key, value))
end

--- Tells at each device what of it the other half has otherwise, or not at all.
local function compare_there(draft, other)
  local domain, entries = { kind = "domain", name = draft.name }, {}
  for _, entry in ipairs(draft.entries) do
    if not entry.out then
      entries[#entries + 1], domain[#domain + 1] = entry, entry.device
    end
  end
  for _, change in ipairs(core.diff(core.model(domain), other)) do
    local entry = entries[change.desired]
    if change.action == "add" then recipe_entry.note(entry, "not in %s", WORDS[draft.other]) end
    for _, field in ipairs(change.fields or {}) do tell(entry, field.key, field.before, draft.other) end
  end
end

--- Tells what the other half says and this one does not: fields, and whole devices.
local function compare_here(draft, other)
  local by_number = {}
  for _, entry in ipairs(draft.entries) do by_number[entry.number] = entry end
  for _, change in ipairs(core.diff(core.model(other:tables()), draft.document)) do
    local entry = by_number[change.current]
    if not entry then
      entry = recipe_entry.new(change.after)
      entry.out = "only in " .. WORDS[draft.other]
      draft.elsewhere[#draft.elsewhere + 1] = entry
    end
    for _, field in ipairs(change.fields or {}) do
      if entry.device[field.key] == nil then tell(entry, field.key, field.after, draft.other) end
    end
  end
end

--- Looks at the other half, and keeps the recipe to its own where it would change that one.
local function look_at_other(draft)
  local other = draft.documents and draft.documents[draft.other]
  if not other then return end
  compare_there(draft, other)
  compare_here(draft, other)
  local plan = plans.make(described(draft), draft.xml, { active = true, persistent = true })
  if not plan or plan.changes > 0 then draft.scope = draft.half end
end

-- Writing ---------------------------------------------------------------------------------------------------

local function add_comment(lines, text)
  lines[#lines + 1] = "  " .. recipe_text.comment(text)
end

--- A device with its comments; itself a comment where the recipe does not say it.
local function add_entry(lines, entry)
  if entry.out then add_comment(lines, entry.out) end
  for _, text in ipairs(entry.notes) do add_comment(lines, text) end
  local front = entry.out and "  -- " or "  "
  for _, line in ipairs(recipe_text.device(recipe_entry.said(entry))) do lines[#lines + 1] = front .. line end
end

local function add_foreign(lines, foreign)
  local names = {}
  for i, other in ipairs(foreign) do
    names[i] = ("%s %s(%s)"):format(other.kind, other.dev and other.dev .. " " or "", other.why)
  end
  if #names > 0 then add_comment(lines, "not SCSI, and so not described here: " .. table.concat(names, ", ")) end
end

local function text_of(draft)
  local body = {}
  for _, entry in ipairs(draft.entries) do add_entry(body, entry) end
  for _, entry in ipairs(draft.elsewhere) do add_entry(body, entry) end
  add_foreign(body, draft.foreign)
  local text = recipe_text.domain(described(draft), body)
  if not draft.scope then return text end
  local about = ("This is %s; %s differs, as the comments say."):format(WORDS[draft.half], WORDS[draft.other])
  return recipe_text.comment(about) .. "\n" .. text
end

--- import.import(what, opts) -> text of a recipe; nil and problems.
-- what: a description as virtlun.read and dom:describe() give it, the XML of a domain, or { config = xml, live = xml }.
-- opts: uri, which the recipe then says; live = true describes the running half where there are both.
function import.import(what, opts)
  options.check(opts, "import", 2)
  opts = opts or {}
  local draft, found
  if type(what) == "table" and what.kind == "domain" then
    draft = draft_of_description(what)
  else
    draft, found = draft_of_documents(type(what) == "table" and what or { config = what }, opts.live)
  end
  if not draft then return nil, found end
  draft.uri = opts.uri
  sort(draft.entries)
  local good
  good, found = settle(draft)
  if not good then return nil, found end
  look_at_other(draft)
  return text_of(draft)
end

return import
