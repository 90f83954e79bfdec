--- Makes plans so: writes what a plan says, re-reads, and believes only what it then sees.

local core = require "virtlun.core"
local plans = require "virtlun.plan"
local problems = require "virtlun.problems"

local apply = {}

local function read_host(dom, opts)
  local facts, failure = dom:facts()
  if not facts then return nil, failure end
  local documents
  documents, failure = dom:documents(facts, opts)
  if not documents then return nil, failure end
  return documents, facts
end

local function work_on(dom, desired, opts)
  local documents, facts = read_host(dom, opts)
  if not documents then return nil, facts end
  local work, found = plans.work(desired, documents, facts)
  if not work then return nil, found end
  work.documents = documents
  return work, found
end

--- Whether every device that is not to be changed is in the new document as it was, and the domain is the same.
-- Changed devices keep their order, removed ones are gone, new ones come last.
local function keeps_others(work, document)
  local action, before, after, number = {}, {}, {}, 0
  for _, change in ipairs(work.changes) do
    if change.current then action[change.current] = change.action end
  end
  for i = 1, work.config:count() do
    if action[i] ~= "remove" then number = number + 1 end
    before[i] = action[i] and true
    if action[i] == "change" then after[number] = true end
  end
  for i = number + 1, document:count() do after[i] = true end
  return work.config:fingerprint(before) == document:fingerprint(after)
end

--- The host's own document with the changes, read again before anybody writes it.
local function patched(dom, work)
  local xml, found = core.patch(work.documents.config, work.model, work.config, work.changes)
  local document
  if xml then document, found = core.document(xml) end
  if not document then return nil, problems.list(found) end
  local wrong = core.diff(work.model, document)[1]
  if wrong then return problems.fail { code = "bad_patch", path = dom.name, a = wrong.device } end
  if not keeps_others(work, document) then
    return problems.fail { code = "bad_patch", path = dom.name, a = "a device that is not described" }
  end
  return xml
end

--- Re-reads the domain: what is still to be done after a define has not been done.
local function verify(dom, desired)
  local work, failure = work_on(dom, desired)
  if not work then return nil, failure end
  local first = work.plan.steps[1]
  if not first then return true end
  return problems.fail { code = "not_made", path = ("%s.%s"):format(dom.name, first.device), a = first.why }
end

--- Returns what was done; or nil, problems, and whether the host had been written to by then.
local function run(dom, desired, plan, opts)
  local function tell(state)
    for i, step in ipairs(opts and opts.on_progress and plan.steps or {}) do
      opts.on_progress { state = state, number = i, step = step, domain = dom.name }
    end
  end
  if plan.changes == 0 then return { domain = dom.name, done = 0 } end
  -- Read directly before the define, passwords included: a define without them would erase them (facts 13).
  local work, failure = work_on(dom, desired, { secure = true })
  if not work then return nil, failure end
  if work.plan.fingerprint ~= plan.fingerprint then
    return problems.fail { code = "host_changed", path = dom.name }
  end
  local xml
  xml, failure = patched(dom, work)
  if not xml then return nil, failure end
  tell("begin")
  local good
  good, failure = dom:define(xml)
  if not good then return nil, failure end
  good, failure = verify(dom, desired)
  if not good then return nil, failure, true end
  tell("done")
  return { domain = dom.name, done = plan.changes }
end

--- apply.plan(dom, desired, opts) -> plan with a method apply(opts), or nil and problems.
function apply.plan(dom, desired)
  local work, found = work_on(dom, desired)
  if not work then return nil, found end
  local plan = work.plan
  plan.uri = plan.uri or dom.connection.uri
  setmetatable(plan, { __index = { apply = function(self, opts) return run(dom, desired, self, opts) end } })
  return plan, found
end

return apply
