--- A domain as a tree: HBAs, targets, LUNs, what is in the drives, and what the guest will see.

local style = require "virtlun.view.style"
local value = require "virtlun.view.value"

local view = {}

local function joined(...)
  local parts = {}
  for _, part in ipairs { ... } do
    if part ~= "" then parts[#parts + 1] = part end
  end
  return table.concat(parts, "  ")
end

-- What is not the same in both halves of the domain is so for a while.
local MARKS = { live = "[until its next boot]", config = "[from its next boot on]" }

local function mark(device, which)
  return device.other and device.other ~= "same" and MARKS[which] or ""
end

local function drive_text(drive, which)
  local name = drive.dev or drive.alias
  name = name and drive.kind .. " " .. name or drive.kind
  local tray = drive.tray and "tray " .. drive.tray or ""
  return joined(("unit %d"):format(drive.address.unit or 0), name, value.medium(drive.source, drive.medium), tray,
    value.guest(drive.guest), mark(drive, which))
end

--- The child of node with that key, made if it is missing; children keep the order of their keys.
local function child(node, key, text)
  for _, other in ipairs(node) do
    if other.key == key then return other end
  end
  local new = { key = key, text = text, number = #node }
  node[#node + 1] = new
  table.sort(node, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.number < b.number
  end)
  return new
end

local function hba_words(hba)
  return joined(value.hba_model(hba), value.hba_address(hba.address))
end

--- Drives hang on one HBA, so one that will be another is drawn once, with what it will be.
local function add_hbas(root, devices, which)
  for _, device in ipairs(devices) do
    if device.kind == "controller" then
      local text = joined(("HBA %d"):format(device.index), hba_words(device), mark(device, which))
      local node = child(root, device.index, text)
      if which == "config" and device.other == "different" then
        node.text = ("%s  [then %s]"):format(node.text, hba_words(device))
      end
    end
  end
end

--- A drive that both halves have in the same way is drawn once, as it runs.
local function add_drives(root, devices, which, drawn)
  for _, device in ipairs(devices) do
    local address = device.kind ~= "controller" and device.address
    if address and address.controller and not (drawn and device.other == "same") then
      local number = address.target or 0
      local hba = child(root, address.controller, ("HBA %d  not there"):format(address.controller))
      local target = child(hba, number, ("target %d"):format(number))
      -- Two drives may have one place, one now and one from the next boot on.
      local key = ("%05d %s %s"):format(address.unit or 0, which == "live" and 1 or 2, device.dev or "")
      child(target, key, drive_text(device, which))
    end
  end
end

--- Lines of what view.domain gives.
function view.lines(domain)
  local root = { text = ("%s  %s  %s"):format(domain.name, domain.facts.state, domain.uri) }
  for _, which in ipairs { "live", "config" } do add_hbas(root, domain[which] or {}, which) end
  for _, which in ipairs { "live", "config" } do
    add_drives(root, domain[which] or {}, which, which == "config" and domain.live ~= nil)
  end
  if #root == 0 then root[1] = { text = "no SCSI HBAs" } end
  return style.tree(root)
end

return view
