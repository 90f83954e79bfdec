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

local function drive_text(drive, guest)
  local name = ("%s %s"):format(drive.kind, drive.dev or drive.alias or "")
  return joined(("unit %d"):format(drive.address.unit or 0), name, value.source(drive.source), value.guest(guest))
end

--- The child of node with that key, made if it is missing; children keep the order of their keys.
local function child(node, key, text)
  for _, other in ipairs(node) do
    if other.key == key then return other end
  end
  local new = { key = key, text = text }
  node[#node + 1] = new
  table.sort(node, function(a, b) return a.key < b.key end)
  return new
end

local function hba_text(hba, index)
  local name = ("HBA %d"):format(index)
  if not hba then return joined(name, "not there") end
  return joined(name, hba.model or "model of the host's choice", value.hba_address(hba.address))
end

local function add_description(root, description, foretell)
  local hbas = {}
  for _, device in ipairs(description) do
    if device.kind == "controller" then
      hbas[device.index] = device
      child(root, device.index, hba_text(device, device.index))
    end
  end
  local guests = foretell(description)
  for i, device in ipairs(description) do
    local address = device.kind ~= "controller" and device.address
    if address and address.controller then
      local index, number = address.controller, address.target or 0
      local hba = child(root, index, hba_text(hbas[index], index))
      local target = child(hba, number, ("target %d"):format(number))
      child(target, address.unit or 0, drive_text(device, guests[i]))
    end
  end
end

local function same(a, b)
  return table.concat(style.tree(a), "\n") == table.concat(style.tree(b), "\n")
end

local function document_tree(description, text, foretell)
  local root = { text = text }
  add_description(root, description, foretell)
  if #root == 0 then root[1] = { text = "no SCSI HBAs" } end
  return root
end

--- Lines of what dom:describe() gave.  foretell: virtlun.foretell.
function view.lines(description, foretell)
  local title = ("%s  %s  %s"):format(description.name, description.facts.state, description.uri)
  local live = description.live and document_tree(description.live, title, foretell)
  local config = description.config and document_tree(description.config, title, foretell)
  if not live or not config or same(live, config) then return style.tree(live or config) end
  local lines = style.tree(live)
  config.text = description.name .. "  after its next boot"
  for _, line in ipairs(style.tree(config)) do lines[#lines + 1] = line end
  return lines
end

return view
