--- Makes plans so: one move after the other, each on what was just read, each believed only when it is seen.

local boot = require "virtlun.boot"
local define = require "virtlun.define"
local forbid = require "virtlun.forbid"
local guest = require "virtlun.guest"
local hosts = require "virtlun.host"
local hotplug = require "virtlun.hotplug"
local media = require "virtlun.media"
local options = require "virtlun.opts"
local problems = require "virtlun.problems"

local apply = {}

-- Moves ----------------------------------------------------------------------------------------------------

--- Changes a half of a device that stays.
local function change_half(host, name, change, opts)
  if name == "live" and change.kind == "cdrom" then return media.change(host, change, opts) end
  local element, found = host:element(name, change)
  if not element then return nil, found end
  local good, failure = host:write("update_device", element, { [name] = true }, opts.force)
  if not good then return nil, failure end
  return host:refresh(name)
end

local function each_half(halves, fn)
  for _, name in ipairs { "live", "config" } do
    if halves[name] then
      local good, failure = fn(name, halves[name])
      if not good then return nil, failure end
    end
  end
  return true
end

local makers = {}

function makers.add(host, halves, opts)
  return hotplug.add(host, halves, opts)
end

--- Looks again at a device that is to leave, because the guest may have taken its time over what left before: what is
-- to be done now, nil if nothing is; or nil and problems.  What has come to another place since it was planned is not
-- what was to leave, and an HBA that somebody has begun to use in this half stays.
local function look_again(host, name, planned)
  local good, failure = host:refresh()
  if not good then return nil, failure end
  local change = host:change(name, planned.desired)
  if not change then return nil end
  if change.kind ~= "controller" then
    if guest.same_place(planned.before.address, change.before.address) then return change end
    return host:fail(change, { code = "host_changed" })
  end
  local code, user = forbid.removal_of_hba(host[name].document:drives(), change.before.index)
  if code then return host:fail(change, { code = code, a = user }) end
  return change
end

function makers.remove(host, halves, opts, move)
  return each_half(halves, function(name)
    local change, failure = look_again(host, name, move[name])
    if not change then return not failure, failure end
    return hotplug.take_out(host, name, change, opts)
  end)
end

function makers.change(host, halves, opts)
  return each_half(halves, function(name, change) return change_half(host, name, change, opts) end)
end

--- What of a move is still to be done by calls of its own, as the halves were last read.
local function rest_of(host, move)
  local rest = {}
  if move.live then rest.live = host:change("live", move.desired) end
  if move.config and not move.define then rest.config = host:change("config", move.desired) end
  return rest
end

--- A step is done when the host says so, not when a call has returned.
local function verify(host, move)
  local rest = rest_of(host, move)
  local change = rest.live or rest.config
  if not change then return true end
  return host:fail(change, { code = "not_made", a = move.step.why })
end

--- Looks again whether the name of a drive that is to come is still free: where it is taken by now, an attach would
-- change the medium of whatever is there (facts 7).
local function look_before(host, move)
  local change = move.live
  if not change or change.action ~= "add" or change.kind == "controller" then return true end
  return host:refresh("live")
end

local function make(host, move, opts)
  local seen, lost = look_before(host, move)
  if not seen then return nil, lost end
  local rest = rest_of(host, move)
  local change = rest.live or rest.config
  if not change then return true end
  local good, failure = host:check_planned(move, rest)
  if not good then return nil, failure end
  good, failure = makers[change.action](host, rest, opts, move)
  if not good then return nil, failure end
  return verify(host, move)
end

-- Undoing --------------------------------------------------------------------------------------------------

--- HBAs that were made for a drive which then did not come are nobody's, unless another drive is on them by now.
-- Notes of what came of them, and the number of steps that are undone.
local function remove_needless(host, moves, opts)
  local notes, undone = problems.list(), 0
  for i = #moves, 1, -1 do
    local move = moves[i]
    local change = move.live or move.config
    if change.action == "add" and change.assigned and change.kind == "controller" then
      local names = { move.live and "live" or "config", move.live and move.config and "config" }
      local note = hotplug.clear(host, change, change.after.index, names, opts)
      notes:append { note }
      if note and note.code == "left_behind" then undone = undone + 1 end
    end
  end
  return notes, undone
end

--- Tells what was made before a step failed.
local function tell_made(host, number)
  local fields = { code = "made_before", path = host.dom.name, value = tostring(number) }
  fields.expected = tostring(host.plan.changes)
  return number > 0 and problems.list { problems.new(fields) } or problems.list()
end

-- The whole ------------------------------------------------------------------------------------------------

--- Makes all moves: their number, or nil and problems.
local function make_all(host, opts, tell)
  local made = {}
  for i, move in ipairs(host.moves) do
    tell("begin", i, move.step)
    local good, failure = make(host, move, opts)
    if not good then
      local notes, undone = problems.list(), 0
      if (move.live or move.config).action == "add" then notes, undone = remove_needless(host, made, opts) end
      return nil, failure:append(notes):append(tell_made(host, #made - undone))
    end
    made[#made + 1] = move
    if not move.define then tell("done", i, move.step) end
  end
  return #made
end

local function finish(host, tell)
  if not host.config then return true end
  local good, failure = define.make(host)
  if not good then return nil, failure end
  if boot.is_due(host, host.config.document) then
    return problems.fail { code = "not_made", path = host.dom.name, a = host.plan.steps[1].why }
  end
  if host.boot then tell("done", 0, host.plan.steps[1]) end
  for i, move in ipairs(host.moves) do
    if move.define then
      local rest = host:change("config", move.desired)
      if rest then return host:fail(rest, { code = "not_made", a = move.step.why }) end
      tell("done", i, move.step)
    end
  end
  return true
end

--- What both halves are like, in a text.
local function state_of(host)
  local parts = {}
  for i, half in ipairs(host.halves) do parts[i] = half.document:fingerprint() end
  return table.concat(parts, " ")
end

--- Whether something is left of what was written: what was undone again has changed nothing, and what has no answer
-- may still change something.
local function is_changed(host, before)
  if not host.written then return false end
  return host.unanswered or not host:refresh() or state_of(host) ~= before
end

--- Makes what was just read so: { domain =, done =, notes = }; or nil, problems, and whether the host is changed.
local function run(host, opts)
  local dom = host.dom
  local changes = host.plan.changes
  if changes > 0 and dom.connection.readonly then return problems.fail { code = "read_only", path = dom.name } end
  local function tell(state, number, step)
    if host.boot then number = number + 1 end -- the step for the domain itself comes first
    if opts.on_progress then opts.on_progress { state = state, number = number, step = step, domain = dom.name } end
  end
  local before = state_of(host)
  if host.boot then tell("begin", 0, host.plan.steps[1]) end
  local done, failure = make_all(host, opts, tell)
  if done then done, failure = finish(host, tell) end
  if not done then return nil, failure:append(host.notes), is_changed(host, before) end
  return { domain = dom.name, done = changes, notes = host.notes }
end

--- Makes a plan so, if the domain is still as it was planned.
local function run_plan(dom, desired, plan, opts)
  if plan.changes == 0 then return { domain = dom.name, done = 0, notes = problems.list() } end
  local host, failure = hosts.read(dom, desired, opts)
  if not host then return nil, failure end
  if host.plan.fingerprint ~= plan.fingerprint then
    return problems.fail { code = "host_changed", path = dom.name }
  end
  return run(host, opts)
end

--- apply.plan(dom, desired, opts) -> plan with a method apply(opts), or nil and problems.  opts.scope: "live" or
-- "config" only, or "both" where the recipe says one.  plan:apply(opts) takes force (a tray that the guest has locked),
-- reattach = false (never replace a drive to change its medium), timeout (seconds until an unplug counts as pending),
-- on_progress; it returns what run does.
function apply.plan(dom, desired, opts)
  local host, found = hosts.read(dom, desired, opts)
  if not host then return nil, found end
  local plan = host.plan
  plan.uri = plan.uri or dom.connection.uri
  local scope = opts and opts.scope
  setmetatable(plan, { __index = { apply = function(self, how)
    options.check(how, "change", 2)
    local all = { scope = scope }
    for key, value in pairs(how or {}) do all[key] = value end
    return run_plan(dom, desired, self, all)
  end } })
  return plan, found
end

--- Makes what was just read so; with opts.confirm only if that says yes to the plan, and if the domain is then still
-- as it was: whoever is asked may take their time.  A no is nil and no problem.
local function run_confirmed(host, opts)
  if not opts.confirm or host.plan.changes == 0 then return run(host, opts) end
  if not opts.confirm(host.plan) then return nil, problems.list(), false end
  return run_plan(host.dom, host.desired, host.plan, opts)
end

--- apply.now(dom, desired, opts, seen) plans on what host.look has just seen, and makes it so at once.  allow(plan) may
-- give problems that forbid it.  Returns what run does, with the plan.
function apply.now(dom, desired, opts, seen, allow)
  local host, found = hosts.read(dom, desired, opts, seen)
  if not host then return nil, found end
  host.plan.uri = host.plan.uri or dom.connection.uri
  local refused = allow and allow(host.plan)
  if refused and refused:has_errors() then return nil, refused end
  local result, failure, written = run_confirmed(host, opts or {})
  if not result then return nil, failure, written end
  result.plan, result.notes = host.plan, found:append(result.notes)
  return result
end

return apply
