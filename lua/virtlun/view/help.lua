--- Help: on constructors, nested tables, keys and problem codes, from the schema; on the other names that a recipe
-- has; and what virtlun.help explains of problems and has as pages.  Lines of text, for whoever prints them.

local help = require "virtlun.help"
local style = require "virtlun.view.style"
local text = require "virtlun.view.text"

local WIDTH = 100

local view = {}

local function range(field)
  if field.words then return table.concat(field.words, " | ") end
  if field.min and field.max then return ("%d..%d"):format(field.min, field.max) end
  if field.min then return ("%d and more"):format(field.min) end
  if field.kind == "text" and field.expected ~= "text" then return field.expected end
  if field.variants then
    return (field.kind == "list" and "list of " or "table: ") .. table.concat(field.variants, " | ")
  end
  if field.kind == "boolean" then return "true | false" end
  return field.kind == "constant" and ('"%s"'):format(field.text) or field.kind
end

local function has(list, word)
  for _, other in ipairs(list) do
    if other == word then return true end
  end
  return false
end

local function remarks(field, kind)
  local parts = {}
  if field.required then parts[#parts + 1] = "required" end
  if field.default ~= nil and (not field.default_for or has(field.default_for, kind)) then
    parts[#parts + 1] = "new: " .. tostring(field.default)
  end
  if field.when and field.when.key ~= "device" then
    parts[#parts + 1] = ("only with %s = %s"):format(field.when.key, table.concat(field.when.words, " | "))
  end
  if field.since then
    parts[#parts + 1] = ("libvirt %d.%d"):format(field.since // 1000000, field.since // 1000 % 1000)
  end
  return table.concat(parts, "; ")
end

local function belongs(field, kind)
  if field.internal or field.kind == "moved" then return false end
  return not (field.when and field.when.key == "device") or has(field.when.words, kind)
end

--- What a key is for and what it can be.
local function add_field(lines, field, kind)
  local note = remarks(field, kind)
  lines[#lines + 1] = ("      %s"):format(field.doc)
  lines[#lines + 1] = ("      %s%s"):format(range(field), note ~= "" and "  (" .. note .. ")" or "")
end

local function shape_lines(shape, kind, title)
  local lines = { title, "" }
  for _, field in ipairs(shape.fields) do
    if belongs(field, kind) then
      lines[#lines + 1] = ("  %s"):format(field.key)
      add_field(lines, field, kind)
    end
  end
  return lines
end

-- What stands in a message for what was found, what is allowed, and what else it tells.
local SLOTS = { ["{v}"] = "VALUE", ["{e}"] = "ALLOWED", ["{s}"] = "NEAREST", ["{1}"] = "...", ["{2}"] = "..." }

local function add_paragraph(lines, title, words)
  for i, line in ipairs(text.wrap(title .. words, WIDTH)) do
    lines[#lines + 1] = (i > 1 and "    " or "  ") .. line
  end
end

local function add_example(lines, title, example)
  lines[#lines + 1] = "  " .. title
  for line in example:gmatch("[^\n]+") do lines[#lines + 1] = "    " .. line end
end

--- What a problem means, why it is one, when it comes, and what to do instead.
local function problem_lines(problem)
  local lines = { ("%s  (%s)"):format(problem.code, problem.severity), "", "  " .. problem.message:gsub("{.}", SLOTS) }
  if problem.hint then lines[#lines + 1] = "  hint: " .. problem.hint:gsub("{.}", SLOTS) end
  local explanation = help.explanations[problem.code]
  lines[#lines + 1] = ""
  add_paragraph(lines, "", explanation[1])
  if explanation.when then add_paragraph(lines, "When: ", explanation.when) end
  if explanation.wrong then add_example(lines, "Such as:", explanation.wrong) end
  if explanation.right then add_example(lines, "Instead:", explanation.right) end
  if explanation.instead then add_paragraph(lines, "Instead: ", explanation.instead) end
  return lines
end

local DEVICES = {
  cdrom = "a SCSI CD/DVD drive", disk = "a SCSI disk", lun = "a SCSI disk whose commands reach the real device",
}

-- What is one of several tables, and what else it may be.
local CHOICES = {
  source = { "source = \"/path\", or one of the tables below; false for an empty CD drive", "file", "block", "volume",
    "network" },
  address = { "address = one of the tables below: the first of a drive, the others of an HBA", "drive", "pci", "ccw",
    "spapr_vio" },
}

-- What recipes have besides constructors and Lua.
local LANGUAGE = {
  param = {
    'param "name" { default = value }: a value that the command line can set', "",
    '  local iso = param "iso" { default = "/iso/a.iso" }', "",
    "  -p iso=/iso/b.iso on the command line goes before the default. Where the default is a number or a boolean, so",
    "  must be what is given. Without a default the parameter has to be given.",
  },
  include = {
    'include "path": runs another recipe, and gives what it returns', "",
    '  local rack = include "rack.lua"', "",
    "  The path is relative to the recipe that includes it, and ends in .lua. Domains of the other recipe are",
    "  described by this one too. No recipe includes itself.",
  },
  requires = {
    'requires "virtlun >= 0.1": the oldest virtlun that the recipe is for', "",
    "  An older one refuses the recipe, with this as the reason.",
  },
}

--- The page on a topic, as lines; nil if there is none.
function view.page_lines(topic)
  for _, page in ipairs(help.pages) do
    if has(page.topics, topic) then
      local lines = {}
      for line in page.text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
      return lines
    end
  end
end

--- Every topic: kinds first, nested tables, then problem codes, the other names of recipes, and the pages.
function view.topics(schema)
  local kinds, tables, codes, pages = { "domain", "controller", "cdrom", "disk", "lun", "hostdev" }, {}, {}, {}
  for name in pairs(schema.shapes) do
    if not has(kinds, name) and name ~= "other" then tables[#tables + 1] = name end
  end
  for name in pairs(CHOICES) do tables[#tables + 1] = name end
  table.sort(tables)
  for i, problem in ipairs(schema.problems) do codes[i] = problem.code end
  for _, page in ipairs(help.pages) do table.move(page.topics, 1, #page.topics, #pages + 1, pages) end
  table.sort(pages)
  return kinds, tables, codes, { "param", "include", "requires" }, pages
end

--- Lines on a topic, or nil if there is none of that name.
function view.lines(schema, topic)
  if LANGUAGE[topic] then return LANGUAGE[topic] end
  if DEVICES[topic] then
    return shape_lines(schema.shapes.disk, topic, ("%s { ... }: %s"):format(topic, DEVICES[topic]))
  end
  local choice = CHOICES[topic]
  if choice then
    local lines = { choice[1], "" }
    for i = 2, #choice do
      for _, line in ipairs(shape_lines(schema.shapes[choice[i]], topic, choice[i])) do lines[#lines + 1] = line end
      lines[#lines + 1] = ""
    end
    return lines
  end
  local shape = topic ~= "other" and schema.shapes[topic]
  if shape then
    local title = topic == "domain" and 'domain "name" { ... }: a virtual server and its devices' or topic .. " { ... }"
    return shape_lines(shape, topic, title)
  end
  for _, problem in ipairs(schema.problems) do
    if problem.code == topic then return problem_lines(problem) end
  end
end

--- What can sit on an HBA of each model.
local function add_models(lines, hbas)
  local rows = {}
  for i, hba in ipairs(hbas) do
    local reserved = hba.reserved_unit and (", unit %d is the HBA"):format(hba.reserved_unit) or ""
    rows[i] = { hba.model, hba.never and "never starts: " .. hba.never or
      ("targets 0..%d, units 0..%d%s"):format(hba.max_target, hba.max_unit, reserved) }
  end
  lines[#lines + 1] = ""
  table.move(style.columns(rows, "  "), 1, #rows, #lines + 1, lines)
end

--- Lines on a key of recipes, for each constructor and table that has it; nil if none has.
function view.key_lines(schema, key)
  local kinds, tables = view.topics(schema)
  local lines = { key, "" }
  for _, name in ipairs(table.move(tables, 1, #tables, #kinds + 1, kinds)) do
    local shape = schema.shapes[DEVICES[name] and "disk" or name]
    for _, field in ipairs(shape and shape.fields or {}) do
      if field.key == key and belongs(field, name) then
        lines[#lines + 1] = ("  of %s"):format(name)
        add_field(lines, field, name)
      end
    end
  end
  if key == "model" then add_models(lines, schema.hbas) end
  return #lines > 2 and lines or nil
end

--- The topic nearest to a mistyped one.  names: those of the commands; suggest: virtlun.suggest.
function view.near(schema, names, topic, suggest)
  local all = table.move(names, 1, #names, 1, {})
  for _, list in ipairs { view.topics(schema) } do table.move(list, 1, #list, #all + 1, all) end
  return suggest(topic, all)
end

local function add_words(lines, title, words)
  lines[#lines + 1] = title
  for _, line in ipairs(text.wrap(table.concat(words, " "), WIDTH)) do lines[#lines + 1] = "  " .. line end
end

--- The list of topics as lines.  names: those of the commands.
function view.index(schema, names)
  local kinds, tables, codes, language, pages = view.topics(schema)
  local lines = { "virtlun help TOPIC, where TOPIC is one of these, or any key of recipes:", "" }
  add_words(lines, "commands", names)
  add_words(lines, "pages", pages)
  add_words(lines, "constructors", kinds)
  add_words(lines, "tables", tables)
  add_words(lines, "other words of recipes", language)
  add_words(lines, "problems", codes)
  return lines
end

return view
