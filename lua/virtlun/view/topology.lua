--- A domain's HBAs, targets, units and the drives there, as the pictures draw them: with what a plan does to each.
--
-- It takes what view.domain gives, a plan, or both: a plan alone knows only the devices that its recipe describes.

local virtlun = require "virtlun"
local value = require "virtlun.view.value"

local topology = {}

-- What a drive looks like, in words for legends.
topology.LOOKS = {
  { "cdrom", "CD drive" }, { "empty", "empty CD drive" }, { "disk", "disk" }, { "lun", "lun" },
  { "hostdev", "SCSI device of the host" },
}

local UNTIL, FROM = "until its next boot", "from its next boot on"

--- What a drive is called; a SCSI device of the host may have no name.
local function name_of(device)
  return device.dev or device.alias or device.kind
end

--- The entry of an ordered list with that number, made if it is missing.
local function at(list, number)
  for place, entry in ipairs(list) do
    if entry.number == number then return entry end
    if entry.number > number then
      table.insert(list, place, { number = number })
      return list[place]
    end
  end
  list[#list + 1] = { number = number }
  return list[#list]
end

local function hba_at(picture, index)
  local hba = at(picture.hbas, index)
  hba.targets, hba.model = hba.targets or {}, hba.model or picture.unknown
  return hba
end

--- The drives at an address; nil for what is on no HBA.
local function drives_at(picture, address)
  if type(address) ~= "table" or not address.controller then return nil end
  local target = at(hba_at(picture, address.controller).targets, address.target or 0)
  target.units = target.units or {}
  local unit = at(target.units, address.unit or 0)
  unit.drives = unit.drives or {}
  return unit.drives
end

-- What there is --------------------------------------------------------------------------------------------

local function set_hba(picture, device, note)
  local hba = hba_at(picture, device.index)
  hba.model, hba.place = value.hba_model(device), value.hba_address(device.address)
  hba.action, hba.note = note and "differs", note
end

local function add_drive(picture, device, note)
  local drives = drives_at(picture, device.address)
  if not drives then return end
  drives[#drives + 1] = {
    name = name_of(device), kind = device.kind,
    look = device.kind == "cdrom" and not device.source and "empty" or device.kind,
    text = value.medium(device.source, device.medium), label = device.medium and device.medium.label,
    guest = device.guest, address = virtlun.address_text(device.address), action = note and "differs", note = note,
  }
end

--- What the domain has; what is not the same in both halves says how long it will last.
local function add_domain(picture, domain)
  for _, which in ipairs { "live", "config" } do
    for _, device in ipairs(domain[which] or {}) do
      local differs = device.other and device.other ~= "same"
      local note = differs and (which == "live" and UNTIL or FROM) or nil
      if device.kind ~= "controller" then
        -- What both halves have in the same way is drawn once, as it runs.
        if which == "live" or not domain.live or differs then add_drive(picture, device, note) end
      elseif which == "live" or not domain.live or device.other == "missing" then
        set_hba(picture, device, note)
      elseif differs then
        hba_at(picture, device.index).note = ("then %s %s"):format(value.hba_model(device),
          value.hba_address(device.address)):gsub(" $", "")
      end
    end
  end
end

--- What is at its address of a drive: it may be there as it runs, and as it will be.
local function entries_of(picture, device)
  local list = {}
  for _, drive in ipairs(drives_at(picture, device.address) or {}) do
    if drive.name == name_of(device) then list[#list + 1] = drive end
  end
  return list
end

--- What a plan knows of the domain without asking it again.
local function add_described(picture, plan)
  local function add(device)
    if device.kind == "controller" then
      set_hba(picture, device)
    elseif #entries_of(picture, device) == 0 then
      add_drive(picture, device)
    end
  end
  for _, entry in ipairs(plan.unchanged or {}) do add(entry.described) end
  for _, step in ipairs(plan.steps) do
    if step.before then add(step.before) end
  end
end

-- What a plan does to it -----------------------------------------------------------------------------------

local function mark_hba(picture, step)
  local hba = hba_at(picture, (step.before or step.after).index)
  if step.action == "add" then set_hba(picture, step.after) end
  hba.action = step.action
  local model = value.field(step, "model")
  hba.note = model and "then " .. model.after or nil
end

--- Adds a drive as it will be, in the stead of what is there of it in one of the halves or in both.
local function add_new(picture, step, device, note)
  local drives, was = drives_at(picture, device.address), nil
  if not drives then return end
  for i = #drives, 1, -1 do
    if drives[i].name == name_of(device) then was = table.remove(drives, i) end
  end
  add_drive(picture, device, note)
  local drive = drives[#drives]
  drive.action, drive.guest = step.action, step.guest
  drive.was = step.action == "change" and was and (was.was or was) or nil
end

local function changed_device(step)
  local device = { medium = step.medium }
  for key, inner in pairs(step.before) do device[key] = inner end
  for _, field in ipairs(step.fields) do device[field.key] = field.after end
  return device
end

local function mark_change(picture, step, note)
  local move = value.field(step, "address")
  if move and not value.is_move(move) then move = nil end
  for _, drive in ipairs(entries_of(picture, step.before)) do
    drive.action, drive.note = "change", move and "moves to " .. virtlun.address_text(move.after) or note
  end
  if move then
    add_new(picture, step, changed_device(step), "comes from " .. virtlun.address_text(move.before))
  elseif value.field(step, "source") then
    add_new(picture, step, changed_device(step), note)
  end
end

--- When a step shows, if that is not at once.
local function later(step, plan)
  if step.scope == "config" and plan.state ~= "shut off" then return "at its next boot" end
  return step.scope == "live" and UNTIL or nil
end

local function mark_drive(picture, step, plan)
  local note = later(step, plan)
  if step.action == "add" then
    local device = { medium = step.medium }
    for key, inner in pairs(step.after) do device[key] = inner end
    add_new(picture, step, device, note)
  elseif step.action == "change" then
    mark_change(picture, step, note)
  else
    for _, drive in ipairs(entries_of(picture, step.before)) do
      drive.action, drive.note = "remove", note
    end
  end
end

-- The whole ------------------------------------------------------------------------------------------------

--- The picture of a domain, of a plan for it, or of both; one of them may be nil:
-- { name =, state =, uri =, hbas = { { number = index, model =, place =, action =, note =, targets = { { number =,
-- units = { { number =, drives = { { name =, kind =, look =, text =, label =, guest =, address =, action =, note =,
-- was = the drive with its present medium } } } } } } } } }.  action: "add", "change", "remove", "differs" or nil.
function topology.of(domain, plan)
  local picture = {
    name = domain and domain.name or plan.domain, uri = domain and domain.uri or plan.uri,
    state = domain and domain.facts.state or plan and plan.state, hbas = {},
    unknown = domain and "not there" or "as it is", -- of an HBA that nothing speaks of
  }
  if domain then add_domain(picture, domain) else add_described(picture, plan) end
  for _, step in ipairs(plan and plan.steps or {}) do
    if step.kind == "controller" then mark_hba(picture, step)
    elseif step.kind ~= "domain" then mark_drive(picture, step, plan) end
  end
  return picture
end

return topology
