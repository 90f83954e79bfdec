--- A domain as a tree: HBAs, targets, LUNs, what is in the drives, and what the guest will see.

local style = require "virtlun.view.style"
local value = require "virtlun.view.value"

local view = {}

local function drive_text(drive, guest)
  local text = ("unit %d  %s %s  %s"):format(drive.address.unit or 0, drive.kind, drive.dev or drive.alias or "", value.source(drive.source))
  if guest then
    text = text .. "  guest " .. guest.hctl
    if guest.by_path then text = text .. "  " .. guest.by_path .. (guest.certain and "" or " (uncertain)") end
  end
  return text
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
  if not hba then return ("HBA %d  not there"):format(index) end
  local address = hba.address
  local place = address and (address.type == "ccw" and ("  ccw %x.%x.%04x"):format(address.cssid, address.ssid, address.devno)
    or address.type == "pci" and ("  pci %04x:%02x:%02x.%x"):format(address.domain or 0, address.bus or 0, address.slot, address["function"] or 0)) or ""
  return ("HBA %d  %s%s"):format(index, hba.model or "model of the host's choice", place)
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
      local hba = child(root, address.controller, hba_text(hbas[address.controller], address.controller))
      local target = child(hba, address.target or 0, ("target %d"):format(address.target or 0))
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
