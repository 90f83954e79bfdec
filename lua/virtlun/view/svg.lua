--- Domains as a picture: each a tree from the domain to its HBAs, to their targets, to the drives in their units, with
-- what a plan does to each of them.
--
-- What changes is told by colour and by a sign and a frame, so that the picture reads in grey too.  It brings its own
-- ground, light or dark as the reader's screen is, and generic fonts.  The same data give the same bytes.

local style = require "virtlun.view.style"
local text = require "virtlun.view.text"
local topology = require "virtlun.view.topology"

local view = {}

-- Measures, in pixels --------------------------------------------------------------------------------------

local WIDTH, MARGIN = 1000, 28
local SLOT = { width = 160, height = 64, gap = 10 }
local PANEL = { pad = 10, label = 22, gap = 14 } -- a target around its slots
local STEM = 26                                  -- from the bus of an HBA down to a target
local HEAD = { width = 620, height = 40, gap = 18 } -- the boxes of an HBA and, wider, of a domain
local FIRST = 76                                 -- where targets begin
local GLYPH = 0.61                               -- width of a letter of the fixed font, for each pixel of its size

local STYLE = [[
svg { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.mono { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.page { fill: #f6f8fa; stroke: #d0d7de; }
.panel { fill: #ffffff; stroke: #d0d7de; }
.slot { fill: #f6f8fa; stroke: #b6bec7; }
.head { fill: #ffffff; stroke: #8c959f; }
.wire { fill: none; stroke: #8c959f; stroke-width: 1.5; }
.icon { fill: none; stroke: #57606a; stroke-width: 1.4; }
.dot { fill: #57606a; }
.strong { fill: #1f2328; font-weight: 600; }
.plain { fill: #424a53; }
.faint { fill: #656d76; }
.add { stroke: #1a7f37; stroke-width: 2; }
.change { stroke: #9a6700; stroke-width: 2; }
.remove { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 6 3; }
.differs { stroke: #0969da; stroke-width: 2; stroke-dasharray: 2 3; }
.sign { fill: #ffffff; font-weight: 700; text-anchor: middle; }
.add-ground { fill: #1a7f37; }
.change-ground { fill: #9a6700; }
.remove-ground { fill: #cf222e; }
.differs-ground { fill: #0969da; }
.gone { text-decoration: line-through; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; stroke: #30363d; }
.panel { fill: #161b22; stroke: #30363d; }
.slot { fill: #0d1117; stroke: #484f58; }
.head { fill: #161b22; stroke: #6e7681; }
.wire { stroke: #6e7681; }
.icon { stroke: #9ea7b3; }
.dot { fill: #9ea7b3; }
.strong { fill: #f0f6fc; }
.plain { fill: #c9d1d9; }
.faint { fill: #9198a1; }
.add { stroke: #3fb950; }
.change { stroke: #d29922; }
.remove { stroke: #f85149; }
.differs { stroke: #58a6ff; }
.sign { fill: #0d1117; }
.add-ground { fill: #3fb950; }
.change-ground { fill: #d29922; }
.remove-ground { fill: #f85149; }
.differs-ground { fill: #58a6ff; }
}
]]

-- Elements -------------------------------------------------------------------------------------------------

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escaped(s)
  return (text.shown(s):gsub('[&<>"]', ESCAPES))
end

local function box(class, x, y, width, height, round)
  return ('<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>'):format(class, x, y, width, height, round)
end

local function wire(path, ...)
  return ('<path class="wire" d="%s"/>'):format(path:format(...))
end

--- A line of text that takes at most so many pixels.
local function words(class, x, y, size, s, room, anchor)
  local shown = text.clip(text.shown(s), math.floor(room / (size * GLYPH)), "…")
  return ('<text class="%s" x="%d" y="%d" font-size="%d"%s>%s</text>'):format(class, x, y, size,
    anchor and ' text-anchor="end"' or "", escaped(shown))
end

local function badge(action, x, y)
  return ('<circle class="%s-ground" cx="%d" cy="%d" r="9"/><text class="sign" x="%d" y="%d" font-size="14">%s</text>')
    :format(action, x, y, x, y + 5, style.SIGNS[action])
end

-- A picture for each kind of drive, 16 pixels wide and high.
local ICONS = {
  cdrom = '<circle class="icon" cx="8" cy="8" r="7"/><circle class="icon" cx="8" cy="8" r="2.2"/>',
  empty = '<circle class="icon" cx="8" cy="8" r="7" stroke-dasharray="2.5 2"/>',
  disk = '<path class="icon" d="M2 4v8c0 3.4 12 3.4 12 0V4M2 4c0 3.4 12 3.4 12 0c0-3.4-12-3.4-12 0"/>',
  lun = '<path class="icon" d="M2 4v8c0 3.4 12 3.4 12 0V4M2 4c0 3.4 12 3.4 12 0c0-3.4-12-3.4-12 0"/>' ..
    '<circle class="dot" cx="8" cy="10.5" r="1.8"/>',
  hostdev = '<rect class="icon" x="2" y="2" width="12" height="12" rx="2"/><path class="icon" d="M5 8h6M8 5v6"/>',
}

local function icon(name, x, y)
  return ('<g transform="translate(%d %d)">%s</g>'):format(x, y, ICONS[name])
end

-- Slots ----------------------------------------------------------------------------------------------------

--- The last part of a path; what stands for itself in small room.
local function short(drive)
  return drive.label or drive.text:match("^/.-([^/]+)$") or drive.text
end

--- What is in a drive, and what was in it before a change.
local function medium(drive, words_of)
  return (drive.was and words_of(drive.was) .. " → " or "") .. words_of(drive)
end

local function long(drive)
  return drive.text
end

--- All that is known of a drive, for who points at it.
local function whole(drive)
  local parts = { ("%s %s at %s: %s"):format(drive.kind, drive.name, drive.address, medium(drive, long)) }
  if drive.guest then
    parts[#parts + 1] = ("guest %s %s"):format(drive.guest.hctl, drive.guest.by_path or ""):gsub("%s+$", "")
  end
  parts[#parts + 1] = drive.note
  return table.concat(parts, "; ")
end

local function add_slot(out, drive, unit, x, y)
  local right = x + SLOT.width - 10
  local gone = drive.action == "remove" and " gone" or ""
  out[#out + 1] = ("<g><title>%s</title>"):format(escaped(whole(drive)))
  out[#out + 1] = box("slot " .. (drive.action or ""), x, y, SLOT.width, SLOT.height, 7)
  out[#out + 1] = icon(drive.look, x + 10, y + 8)
  out[#out + 1] = words("mono strong" .. gone, x + 32, y + 21, 13, drive.name, 72)
  out[#out + 1] = words("faint", right, y + 20, 10, "unit " .. unit, 64, "end")
  out[#out + 1] = words("mono plain" .. gone, x + 10, y + 39, 11, medium(drive, short), SLOT.width - 20)
  local seen = drive.note or drive.guest and "guest " .. drive.guest.hctl or ""
  out[#out + 1] = words("mono faint", x + 10, y + 55, 10, seen, SLOT.width - 20)
  if drive.action then out[#out + 1] = badge(drive.action, x, y) end
  out[#out + 1] = "</g>"
end

-- Targets: panels of slots, that flow in lines like words ------------------------------------------------------

local PER_LINE = (WIDTH - 2 * MARGIN - FIRST - 2 * PANEL.pad + SLOT.gap) // (SLOT.width + SLOT.gap)

--- A target with its slots, and how much room they take.
local function panel_of(target)
  local panel = { number = target.number }
  for _, unit in ipairs(target.units) do
    for _, drive in ipairs(unit.drives) do panel[#panel + 1] = { drive = drive, unit = unit.number } end
  end
  local columns = math.min(#panel, PER_LINE)
  local lines = math.ceil(#panel / PER_LINE)
  panel.width = 2 * PANEL.pad + columns * (SLOT.width + SLOT.gap) - SLOT.gap
  panel.height = PANEL.label + PANEL.pad + lines * (SLOT.height + SLOT.gap) - SLOT.gap
  return panel
end

--- The targets of an HBA in lines: { panels..., height = }.
local function lines_of(hba)
  local lines, left = {}, 0
  for _, target in ipairs(hba.targets) do
    local panel = panel_of(target)
    if panel.width > left then
      lines[#lines + 1] = { height = 0 }
      left = WIDTH - 2 * MARGIN - FIRST
    end
    local line = lines[#lines]
    line[#line + 1] = panel
    line.height = math.max(line.height, panel.height)
    left = left - panel.width - PANEL.gap
  end
  return lines
end

local function add_panel(out, panel, x, y)
  out[#out + 1] = box("panel", x, y, panel.width, panel.height, 9)
  out[#out + 1] = words("faint", x + PANEL.pad + 14, y + 15, 11, "target " .. panel.number, 120)
  for i, slot in ipairs(panel) do
    local column, line = (i - 1) % PER_LINE, (i - 1) // PER_LINE
    add_slot(out, slot.drive, slot.unit, x + PANEL.pad + column * (SLOT.width + SLOT.gap),
      y + PANEL.label + line * (SLOT.height + SLOT.gap))
  end
end

--- A line of targets below the bus that leads to them from the trunk of their HBA.
local function add_line(out, line, trunk, y)
  local x, bus, last = MARGIN + FIRST, y + STEM // 2, nil
  for _, panel in ipairs(line) do
    last = x + 24
    out[#out + 1] = wire("M%d %dV%d", last, bus, y + STEM)
    add_panel(out, panel, x, y + STEM)
    x = x + panel.width + PANEL.gap
  end
  out[#out + 1] = wire("M%d %dH%d", trunk, bus, last)
end

-- HBAs and domains -----------------------------------------------------------------------------------------

local function hba_words(hba)
  local parts = { hba.model }
  if hba.place and hba.place ~= "" then parts[#parts + 1] = hba.place end
  parts[#parts + 1] = hba.note
  return table.concat(parts, "  ·  ")
end

--- Draws an HBA from y on; where it ends.
local function add_hba(out, hba, y)
  local x = MARGIN + 36
  out[#out + 1] = wire("M%d %dH%d", MARGIN + 18, y + HEAD.height // 2, x)
  local trunk, at, last = x + 18, y + HEAD.height, nil
  for _, line in ipairs(lines_of(hba)) do
    add_line(out, line, trunk, at)
    last = at + STEM // 2
    at = at + STEM + line.height
  end
  if last then out[#out + 1] = wire("M%d %dV%d", trunk, y + HEAD.height, last) end
  out[#out + 1] = box("head " .. (hba.action or ""), x, y, HEAD.width, HEAD.height, 9)
  out[#out + 1] = words("mono strong", x + 16, y + 25, 14, "HBA " .. hba.number, 90)
  out[#out + 1] = words("mono plain", x + 92, y + 25, 12, hba_words(hba), HEAD.width - 100)
  if hba.action then out[#out + 1] = badge(hba.action, x, y) end
  return at
end

--- Draws a domain from y on; where it ends.
local function add_domain(out, picture, y)
  local trunk, at, last = MARGIN + 18, y + HEAD.height, nil
  for _, hba in ipairs(picture.hbas) do
    at = at + HEAD.gap
    last = at + HEAD.height // 2
    at = add_hba(out, hba, at)
  end
  if last then out[#out + 1] = wire("M%d %dV%d", trunk, y + HEAD.height, last) end
  out[#out + 1] = box("head", MARGIN, y, WIDTH - 2 * MARGIN, HEAD.height, 9)
  out[#out + 1] = words("mono strong", MARGIN + 16, y + 26, 16, picture.name, 420)
  local about = ("%s  ·  %s"):format(picture.state or "", picture.uri or "")
  if #picture.hbas == 0 then about = about .. "  ·  no SCSI HBAs" end
  out[#out + 1] = words("mono plain", WIDTH - MARGIN - 16, y + 25, 12, about, 460, "end")
  return at
end

-- Legend ---------------------------------------------------------------------------------------------------

--- Calls fn with every HBA and every drive of the pictures.
local function each(pictures, fn)
  for _, picture in ipairs(pictures) do
    for _, hba in ipairs(picture.hbas) do
      fn(hba.action)
      for _, target in ipairs(hba.targets) do
        for _, unit in ipairs(target.units) do
          for _, drive in ipairs(unit.drives) do fn(drive.action, drive.look) end
        end
      end
    end
  end
end

--- What the icons and signs mean that were drawn; where it ends.
local function add_legend(out, pictures, y)
  local seen, x = {}, MARGIN
  each(pictures, function(action, kind) seen[action or 0], seen[kind or 0] = true, true end)
  local function add(rows, draw)
    for _, row in ipairs(rows) do
      if seen[row[1]] then
        local width = 24 + #row[2] * 7
        if x + width > WIDTH - MARGIN then x, y = MARGIN, y + 26 end
        out[#out + 1] = draw(row[1])
        out[#out + 1] = words("plain", x + 24, y + 13, 12, row[2], 300)
        x = x + width + 24
      end
    end
  end
  add(topology.LOOKS, function(name) return icon(name, x, y) end)
  add(style.SIGN_WORDS, function(action) return badge(action, x + 8, y + 8) end)
  return y + 16
end

-- The whole ------------------------------------------------------------------------------------------------

--- The text of an SVG document.  pictures: a list of what topology.of gives.
function view.text(pictures)
  local out, y, names = {}, MARGIN, {}
  for i, picture in ipairs(pictures) do
    names[i] = picture.name
    y = add_domain(out, picture, y) + MARGIN
  end
  local height = add_legend(out, pictures, y) + MARGIN
  local title = escaped("SCSI HBAs and drives of " .. table.concat(names, ", "))
  local frame = ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">')
    :format(WIDTH, height, WIDTH, height)
  return table.concat({
    frame, ("<title>%s</title>"):format(title), ("<style>\n%s</style>"):format(STYLE),
    box("page", 1, 1, WIDTH - 2, height - 2, 12), table.concat(out, "\n"), "</svg>\n",
  }, "\n")
end

return view
