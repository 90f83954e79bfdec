--- A domain as grids of targets and units, one for each HBA: what sits where, and what is free between.
--
-- Only targets and units that are used have a row and a column.  What is too wide goes on below, and what is too long
-- beside.

local style = require "virtlun.view.style"
local text = require "virtlun.view.text"
local topology = require "virtlun.view.topology"

local view = {}

local WIDTH = 100
local TALL = 16 -- rows from which on a narrow grid goes on beside itself

local LETTERS = { cdrom = "C", empty = "c", disk = "D", lun = "L", hostdev = "H" }

-- Cells ----------------------------------------------------------------------------------------------------

--- What stands in a cell: { text =, action = }.  A drive that is there twice, now and after the next boot, stands once.
local function cell_of(unit, seen)
  local parts, told, cell = {}, {}, {}
  for _, drive in ipairs(unit.drives) do
    if not told[drive.name] then
      told[drive.name] = true
      seen[drive.look], seen[drive.action or 0] = true, true
      local sign = style.SIGNS[drive.action] or " "
      parts[#parts + 1] = ("%s%s %s"):format(sign, LETTERS[drive.look], text.shown(drive.name))
      cell.action = cell.action or drive.action
    end
  end
  cell.text = table.concat(parts, " ")
  return cell
end

--- The cells of an HBA by target and unit, and the width of each unit's column.
local function read_cells(hba, seen)
  local cells, widths = {}, {}
  for _, target in ipairs(hba.targets) do
    cells[target.number] = {}
    for _, unit in ipairs(target.units) do
      local cell = cell_of(unit, seen)
      cells[target.number][unit.number] = cell
      widths[unit.number] = math.max(widths[unit.number] or #tostring(unit.number) + 1, text.width(cell.text))
    end
  end
  return cells, widths
end

-- Blocks: what of a grid fits beside each other ------------------------------------------------------------

local LABEL = 12 -- "  target 255"
local BESIDE = "   "

--- The units in lists whose columns fit into the width.
local function split_units(widths)
  local units, blocks, left = {}, {}, 0
  for unit in pairs(widths) do units[#units + 1] = unit end
  table.sort(units)
  for _, unit in ipairs(units) do
    left = left - widths[unit] - 2
    if left < 0 then
      blocks[#blocks + 1] = { width = LABEL + 3 }
      left = WIDTH - LABEL - 3 - widths[unit]
    end
    local block = blocks[#blocks]
    block[#block + 1] = unit
    block.width = block.width + widths[unit] + (#block > 1 and 2 or 0)
  end
  return blocks
end

local function targets_of(hba, units, cells)
  local targets = {}
  for _, target in ipairs(hba.targets) do
    local used = false
    for _, unit in ipairs(units) do used = used or cells[target.number][unit] ~= nil end
    if used then targets[#targets + 1] = target.number end
  end
  return targets
end

-- Lines ----------------------------------------------------------------------------------------------------

local function row_of(label, units, bar, cell_at)
  local cells = {}
  for i, unit in ipairs(units) do cells[i] = cell_at(unit) end
  return ("%" .. LABEL .. "s %s %s"):format(label, bar, table.concat(cells, "  "))
end

local function lines_of_block(block, targets, cells, widths, paint, marks)
  local function head(unit) return text.pad(" " .. unit, widths[unit]) end
  local lines = {
    row_of("unit", block, marks.bar, head),
    marks.line:rep(LABEL + 1) .. marks.cross .. marks.line:rep(block.width - LABEL - 2),
  }
  for _, target in ipairs(targets) do
    lines[#lines + 1] = row_of("target " .. target, block, marks.bar, function(unit)
      local cell = cells[target][unit] or { text = " " .. marks.free }
      local padded = text.pad(cell.text, widths[unit])
      return cell.action and paint(cell.action, padded) or padded
    end)
  end
  return lines
end

--- A block whose rows go on beside themselves where they are many and narrow.
local function add_block(lines, block, targets, draw)
  local panels = math.min((WIDTH + #BESIDE) // (block.width + #BESIDE), math.ceil(#targets / TALL))
  panels = math.max(panels, 1)
  local height, drawn = math.ceil(#targets / panels), {}
  for first = 1, #targets, height do
    drawn[#drawn + 1] = draw({ table.unpack(targets, first, math.min(first + height - 1, #targets)) })
  end
  for i = 1, height + 2 do
    local parts = {}
    for _, panel in ipairs(drawn) do parts[#parts + 1] = panel[i] end
    lines[#lines + 1] = (table.concat(parts, BESIDE):gsub("%s+$", ""))
  end
end

-- The whole ------------------------------------------------------------------------------------------------

local function marks_of()
  if style.is_utf8() then return { bar = "│", line = "─", cross = "┼", free = "·" } end
  return { bar = "|", line = "-", cross = "+", free = "." }
end

local function hba_title(hba, paint)
  local sign = style.SIGNS[hba.action] or " "
  local parts = { ("%s HBA %d"):format(sign, hba.number), hba.model }
  if hba.place and hba.place ~= "" then parts[#parts + 1] = hba.place end
  if hba.note then parts[#parts + 1] = ("[%s]"):format(hba.note) end
  local words = text.shown(table.concat(parts, "  "))
  return hba.action and paint(hba.action, words) or words
end

local function add_hba(lines, hba, paint, seen, marks)
  seen[hba.action or 0] = true
  lines[#lines + 1] = ""
  lines[#lines + 1] = hba_title(hba, paint)
  if #hba.targets == 0 then
    lines[#lines + 1] = "    no drives"
    return
  end
  local cells, widths = read_cells(hba, seen)
  for _, block in ipairs(split_units(widths)) do
    add_block(lines, block, targets_of(hba, block, cells), function(targets)
      return lines_of_block(block, targets, cells, widths, paint, marks)
    end)
  end
end

--- What the letters and signs mean that were drawn.
local function legend(seen, marks)
  local parts = {}
  for _, row in ipairs(topology.LOOKS) do
    if seen[row[1]] then parts[#parts + 1] = ("%s %s"):format(LETTERS[row[1]], row[2]) end
  end
  if #parts > 0 then parts[#parts + 1] = marks.free .. " free" end
  for _, row in ipairs(style.SIGN_WORDS) do
    if seen[row[1]] then parts[#parts + 1] = ("%s %s"):format(style.SIGNS[row[1]], row[2]) end
  end
  return table.concat(parts, "   ")
end

--- Lines of what topology.of gives.  opts: paint.
function view.lines(picture, opts)
  local paint, marks, seen = opts.paint, marks_of(), {}
  local lines = { style.heading(paint, picture.name, picture.state, picture.uri) }
  for _, hba in ipairs(picture.hbas) do add_hba(lines, hba, paint, seen, marks) end
  if #picture.hbas == 0 then lines[#lines + 1] = "  no SCSI HBAs" end
  local words = legend(seen, marks)
  if words ~= "" then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "  " .. words
  end
  return lines
end

return view
