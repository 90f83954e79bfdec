--- Plans: what must change so that a domain is what its description says.  Pure: documents and facts in, data out.
--
-- A plan is plain data: steps (list), changes (their number), pending (already in the configuration, waiting for the
-- next boot), domain, format_version.  Nothing that the description leaves unsaid is compared, and no step touches a
-- device that it does not name.

local core = require "virtlun.core"
local problems = require "virtlun.problems"

local plan = {}

local FORMAT_VERSION = 1

-- Facts that forbid ----------------------------------------------------------------------------------------

local function running(facts)
  return facts.active or facts.state == "running" or facts.state == "paused"
end

--- The driver test:/// has no hotplug (facts 9): what is planned for a running domain there is for its next boot.
local function is_test(facts)
  return facts.driver and facts.driver:lower() == "test"
end

local function wants_live(desired, facts)
  return desired.scope == "live" or running(facts) and not is_test(facts) and desired.scope ~= "config"
end

--- States that forbid a change forbid nothing where nothing is to be changed.
local function complain_of_state(found, desired, facts)
  local problem
  if facts.persistent == false then
    problem = { code = "no_config" }
  elseif facts.managed_save then
    problem = { code = "managed_save", value = desired.name }
  elseif wants_live(desired, facts) then
    problem = { code = "not_yet", a = "changing a running domain (scope = \"config\" changes its next boot)" }
  end
  if not problem then return end
  problem.path, problem.file, problem.line = desired.name, desired.file, desired.line
  found:append { problems.new(problem) }
end

--- What a description may say of a domain and this version does not do.
local function complain_of_unbuilt(found, desired)
  local function complain(what)
    found:append { problems.new {
      code = "not_yet", path = desired.name, a = what, file = desired.file, line = desired.line,
    } }
  end
  if desired.prune then complain("prune") end
  if desired.boot then complain('boot = "devices"') end
end

local function version_text(number)
  return ("%d.%d.%d"):format(number // 1000000, number // 1000 % 1000, number % 1000)
end

-- What of the schema is asked for often: fields that came with a later libvirt, by shape and key; models of HBAs
-- whose units are SCSI targets in the guest.
local newer_fields, unit_is_target

local function load_schema()
  if newer_fields then return end
  newer_fields, unit_is_target = {}, {}
  local schema = core.schema()
  for name, shape in pairs(schema.shapes) do
    for _, field in ipairs(shape.fields) do
      if field.since then
        newer_fields[name] = newer_fields[name] or {}
        newer_fields[name][field.key] = field.since
      end
    end
  end
  for _, hba in ipairs(schema.hbas) do unit_is_target[hba.model] = hba.unit_is_target end
end

--- Of a device that is right in itself: what the host's libvirt is too old for, and what is not built.
local function complain_of_device(found, desired, device, facts)
  local function complain(fields, key)
    local name = device.dev or device.alias or device.kind .. (device.index or "")
    fields.path = ("%s.%s%s"):format(desired.name, name, key and "." .. key or "")
    fields.file, fields.line = device.file, device.line
    found:append { problems.new(fields) }
  end
  for key, since in pairs(newer_fields[device.kind] or newer_fields.disk) do
    if device[key] and facts.libvirt and since > facts.libvirt then
      complain({ code = "needs_libvirt", value = version_text(facts.libvirt), expected = version_text(since) }, key)
    end
  end
  if device.replace then complain { code = "not_yet", a = "replace" } end
end

local function complain_of_devices(found, desired, facts)
  load_schema()
  for _, device in ipairs(desired) do complain_of_device(found, desired, device, facts) end
end

-- Changes that the first law forbids -----------------------------------------------------------------------

local function place_of(desired, change)
  return { path = ("%s.%s"):format(desired.name, change.device), file = change.file, line = change.line }
end

--- protect = true: nothing removes, replaces or empties the device.
local function complain_of_protection(found, desired, change, device)
  if not device.protect then return end
  local verb = change.action == "remove" and "remove" or nil
  for _, field in ipairs(change.fields or {}) do
    if field.key == "source" then verb = field.after == false and "empty" or "replace what is in" end
    if field.key == "address" then verb = "move" end
    if field.key == "model" then verb = "replace" end
  end
  if not verb then return end
  local problem = place_of(desired, change)
  problem.code, problem.a = "protected", verb
  found:append { problems.new(problem) }
end

--- The drives as they will be: those of the host without those that go, and those that come; { name, controller }.
local function final_drives(work)
  local drives = work.config:drives()
  local described = work.model:drives()
  for _, change in ipairs(work.changes) do
    if change.action == "remove" then
      drives[change.current] = nil
    elseif change.action == "add" then
      drives[-change.desired] = described[change.desired]
    else
      for _, field in ipairs(change.fields) do
        if field.key == "address" and drives[change.current] then
          drives[change.current].controller = field.after.controller or drives[change.current].controller
        end
      end
    end
  end
  return drives
end

--- An HBA goes only when no drive is left on it, nor on one above it: libvirt would fill the hole (facts 3).
local function complain_of_use(found, desired, change, work)
  local index, user = change.before.index, nil
  for _, drive in pairs(final_drives(work)) do
    local nearer = not user or drive.controller < user.controller
      or drive.controller == user.controller and drive.name < user.name
    if drive.controller >= index and nearer then user = drive end
  end
  if not user then return end
  local problem = place_of(desired, change)
  problem.code = user.controller == index and "still_used" or "below_used"
  problem.a = user.name
  found:append { problems.new(problem) }
end

--- What hangs on the present source and is not said: slices of the image, its chain, secrets for its host.
local function bound_to_source(change)
  for _, field in ipairs(change.fields or {}) do
    if field.key == "source" and field.after then
      local before, after = field.before, field.after
      local auth = type(before) == "table" and before.auth and (type(after) ~= "table" or after.auth == nil)
      return change.bound or auth and "auth" or nil
    end
  end
end

local function complain_of_obstacles(found, desired, change)
  local obstacle = change.unclear or bound_to_source(change)
  if not obstacle then return end
  local problem = place_of(desired, change)
  problem.code, problem.a = change.unclear and "unclear" or "bound", obstacle
  found:append { problems.new(problem) }
end

local function complain_of_changes(found, desired, work)
  for _, change in ipairs(work.changes) do
    complain_of_obstacles(found, desired, change)
    complain_of_protection(found, desired, change, work.described[change.desired])
    if change.action == "remove" and change.kind == "controller" then complain_of_use(found, desired, change, work) end
  end
end

-- Steps ----------------------------------------------------------------------------------------------------

--- HBAs before the drives that need them, drives away before drives that take their place, HBAs away last.
local function rank(change)
  local controller = change.kind == "controller"
  if change.action == "remove" then return controller and 5 or 2 end
  return controller and 1 or change.action == "change" and 3 or 4
end

--- controller:bus:target:unit, as libvirt's own messages have it.
function plan.address_text(address)
  return ("%d:%d:%d:%d"):format(address.controller or 0, address.bus or 0, address.target or 0, address.unit or 0)
end

local function moves(field)
  local from, to = field.before, field.after
  return field.key == "address" and type(from) == "table" and type(to) == "table" and from.controller ~= nil
end

local function why(change)
  if change.action == "add" then
    return change.assigned and "needed by the HBAs and drives described" or "not there"
  elseif change.action == "remove" then
    return "absent = true"
  end
  local keys = {}
  for i, field in ipairs(change.fields) do
    local from, to = field.before, field.after
    local text = field.key
    if moves(field) then text = ("moves from %s to %s"):format(plan.address_text(from), plan.address_text(to)) end
    keys[i] = text
  end
  return "differs: " .. table.concat(keys, ", ")
end

--- Where the guest finds a drive: mostly at the target and unit that libvirt says.
local function guest_place(address, hba)
  load_schema()
  if hba and unit_is_target[hba.model] then return { target = address.unit, unit = 0 } end
  return address
end

--- What the guest will see of a drive: its LUN, and its name below /dev/disk/by-path where the HBA's place is known.
local function foretell(drive, hbas)
  if type(drive.address) ~= "table" or not drive.address.controller then return nil end
  local hba = hbas[drive.address.controller]
  local place = guest_place(drive.address, hba)
  local guest = { hctl = core.lun.hctl(place), lun = core.lun.encode(place.unit or 0) }
  if hba and type(hba.address) == "table" then guest.by_path, guest.certain = core.lun.by_path(place, hba.address) end
  return guest
end

--- HBAs of a description by their index.
local function hbas_of(description)
  local hbas = {}
  for _, device in ipairs(description) do
    if device.kind == "controller" and device.index then hbas[device.index] = device end
  end
  return hbas
end

--- What the guest is foretold to see of every drive, by place in the description.
function plan.foretell(description)
  local hbas, result = hbas_of(description), {}
  for i, device in ipairs(description) do result[i] = foretell(device, hbas) end
  return result
end

local function effect(change)
  for _, field in ipairs(change.kind == "controller" and change.fields or {}) do
    if field.key == "model" then return "next boot, replaces the HBA" end
  end
  return "next boot"
end

local function step_of(change, work, hbas)
  local step = {
    action = change.action, kind = change.kind, device = change.device, fields = change.fields,
    before = change.before, after = change.after, why = why(change), effect = effect(change), call = "define",
    file = change.file, line = change.line,
  }
  if change.action == "add" then
    step.xml = work.model:xml(change.desired)
    step.guest = foretell(change.after, hbas)
  elseif change.action == "change" and change.kind ~= "controller" then
    local after = { address = change.before.address }
    for _, field in ipairs(change.fields) do
      if field.key == "address" then after.address = field.after end
    end
    step.guest = foretell(after, hbas)
  end
  return step
end

--- HBAs as they will be: those of the host, and over them what is described.
local function final_hbas(work)
  local hbas = hbas_of(work.config:tables())
  for index, hba in pairs(hbas_of(work.model:tables())) do
    local known = hbas[index] or {}
    hbas[index] = { model = hba.model or known.model, address = hba.address or known.address }
  end
  return hbas
end

local function make_steps(work)
  local order = {}
  for i, change in ipairs(work.changes) do
    local index = change.kind == "controller" and (change.before or change.after).index
    order[i] = { rank = rank(change), number = i, at = index or i }
  end
  table.sort(order, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.at < b.at
  end)
  local hbas, steps = final_hbas(work), {}
  for i, item in ipairs(order) do steps[i] = step_of(work.changes[item.number], work, hbas) end
  return steps
end

--- What the running domain will be only after its next boot, because its configuration says so already.
local function make_pending(work)
  local pending, planned = {}, {}
  if not work.live then return pending end
  for _, change in ipairs(work.changes) do planned[change.device] = true end
  for _, change in ipairs(core.diff(work.model, work.live)) do
    if not planned[change.device] then
      pending[#pending + 1] = {
        action = change.action, kind = change.kind, device = change.device, fields = change.fields,
        before = change.before, after = change.after, effect = "next boot",
      }
    end
  end
  return pending
end

--- What would be done, whoever asks: the same changes to the same devices with the same values.
local function changes_text(work)
  local parts = { work.model:fingerprint() }
  for i, change in ipairs(work.changes) do
    parts[i + 1] = ("%s %s %s %d"):format(change.action, change.kind, change.device, change.rows)
  end
  return table.concat(parts, "\n")
end

local function fingerprint(work, facts)
  return table.concat({
    core.hash(changes_text(work)),
    work.config:fingerprint(), work.live and work.live:fingerprint() or "-",
    tostring(facts.state), tostring(facts.persistent), tostring(facts.managed_save),
  }, " ")
end

--- The documents must be those of the domain that is described, by its name or its UUID.
local function complain_of_identity(found, desired, config)
  local facts = config:facts()
  if facts.name and desired.name ~= facts.name and desired.name ~= facts.uuid then
    found:append { problems.new { code = "other_domain", path = desired.name, value = facts.name } }
  end
end

-- The whole ------------------------------------------------------------------------------------------------

local function read_documents(documents, found)
  local config, live, raw
  config, raw = core.document(documents.config or documents.live or "")
  found:append(raw or {})
  if documents.live and documents.config then
    live, raw = core.document(documents.live)
    found:append(raw or {})
  end
  return config, live
end

--- The work behind a plan: models and changes, for apply.lua.  nil and problems if the description cannot be planned.
function plan.work(desired, documents, facts)
  facts = facts or {}
  local model, raw = core.model(desired)
  local found = problems.list(raw)
  local config, live = read_documents(documents, found)
  if not config or (documents.live and documents.config and not live) then return nil, found end
  complain_of_identity(found, desired, config)
  found:append(model:check(config, live))
  local wrong = found:has_errors()
  complain_of_unbuilt(found, desired)
  if not wrong then complain_of_devices(found, desired, facts) end
  if found:has_errors() then return nil, found end

  model:complete(1, config, live)
  local work = { model = model, config = config, live = live, described = model:tables() }
  work.changes = core.diff(model, config)
  complain_of_changes(found, desired, work)
  if #work.changes > 0 then complain_of_state(found, desired, facts) end
  if found:has_errors() then return nil, found end

  work.plan = {
    format_version = FORMAT_VERSION, domain = desired.name, uri = desired.uri, state = facts.state, notes = found,
    steps = make_steps(work), pending = make_pending(work), fingerprint = fingerprint(work, facts),
  }
  work.plan.changes = #work.plan.steps
  return work, found
end

--- plan.make(desired, { config = xml, live = xml }, facts) -> plan, or nil and problems.
-- facts: driver, state, active, persistent, managed_save, libvirt (version number); all may be missing.
function plan.make(desired, documents, facts)
  local work, found = plan.work(desired, documents, facts)
  if not work then return nil, found end
  return work.plan, found
end

return plan
