--- Prints what editors are told of virtlun's descriptions, options and recipes: lua lua/tools/meta.lua >meta.lua
--
-- A tool of those who write virtlun: `make docs` runs it, and what it prints goes along with the sources.  It comes
-- from the schema and from the lists of options.  What functions take and give is annotated at the functions.

local options = require "virtlun.opts"
local virtlun = require "virtlun"

local schema = virtlun.schema()

local function line(text, ...) io.write(select("#", ...) > 0 and text:format(...) or text, "\n") end

-- Names ------------------------------------------------------------------------------------------------------

--- The class of a shape: spapr_vio is virtlun.SpaprVio.
local function class_of(name)
  return "virtlun." .. ("_" .. name):gsub("_(%l)", string.upper)
end

local DRIVES = { "cdrom", "disk", "lun" }
local KINDS = { "controller", "cdrom", "disk", "lun", "hostdev" }

local CONSTRUCTED = {
  controller = "A virtual SCSI HBA.", cdrom = "A SCSI CD/DVD drive.", disk = "A SCSI disk.",
  lun = "A SCSI disk whose commands reach the real device.", hostdev = "A SCSI device of the host, given to the guest.",
  domain = "A virtual server and its devices.",
}

local function sorted_keys(table_)
  local keys = {}
  for key in pairs(table_) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function has(list, word)
  for _, other in ipairs(list) do
    if other == word then return true end
  end
  return false
end

-- Types of fields --------------------------------------------------------------------------------------------

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = ('"%s"'):format(word) end
  return table.concat(list, "|")
end

local function classes(names)
  local list = {}
  for i, name in ipairs(names) do list[i] = class_of(name) end
  return table.concat(list, "|")
end

local TYPES = {
  integer = function() return "integer" end,
  boolean = function() return "boolean" end,
  text = function() return "string" end,
  xml = function() return "string" end,
  constant = function(field) return ('"%s"'):format(field.text) end,
  word = function(field) return quoted(field.words) end,
  words = function(field) return ("boolean|(%s)[]"):format(quoted(field.words)) end,
  table = function(field) return (field.shorthand and "string|" or "") .. classes(field.variants) end,
  list = function(field) return ("(%s)[]"):format(classes(field.variants)) end,
}

--- What a field may be beyond its type, in words.
local function remarks(field, kind)
  local parts = {}
  if field.min and field.max then parts[#parts + 1] = ("%d..%d"):format(field.min, field.max) end
  if field.min and not field.max then parts[#parts + 1] = ("%d and more"):format(field.min) end
  if field.kind == "text" and field.expected ~= "text" then parts[#parts + 1] = field.expected end
  if field.default ~= nil and (not field.default_for or has(field.default_for, kind)) then
    parts[#parts + 1] = ("%s on a new device"):format(tostring(field.default))
  end
  if field.when and field.when.key ~= "device" then
    parts[#parts + 1] = ("only with %s = %s"):format(field.when.key, table.concat(field.when.words, ", "))
  end
  if field.since then
    parts[#parts + 1] = ("libvirt %d.%d and later"):format(field.since // 1000000, field.since // 1000 % 1000)
  end
  return parts[1] and (" (%s)"):format(table.concat(parts, "; ")) or ""
end

local function belongs(field, kind)
  if field.internal or not TYPES[field.kind] then return false end
  return not (field.when and field.when.key == "device") or has(field.when.words, kind)
end

--- One field of a class.  What identifies a device may be left out where another name of it is said.
local function add_field(field, kind)
  local type = TYPES[field.kind](field)
  local needed = field.required and not field.identity
  if not needed and field.kind ~= "boolean" and field.kind ~= "words" and not field.identity then
    type = type .. "|false"
  end
  line("---@field %s%s %s %s%s", field.key, needed and "" or "?", type, field.doc or "", remarks(field, kind))
end

local function add_class(name, shape, about, more)
  line("")
  if about then line("--- " .. about) end
  line("---@class %s", class_of(name))
  for _, text in ipairs(more or {}) do line(text) end
  for _, field in ipairs(shape.fields) do
    if belongs(field, name) then add_field(field, name) end
  end
end

-- Options ----------------------------------------------------------------------------------------------------

local OPTIONS = { open = "Open", change = "Change", reboot = "Reboot", import = "Import", fleet = "Fleet" }

local function option_type(kind)
  if type(kind) == "table" then return quoted(kind) end
  return kind == "limit" and "integer|string" or kind
end

local function add_options(what)
  line("")
  line("---@class virtlun.%sOptions", OPTIONS[what])
  local names = { table.unpack(options.names(what)) }
  table.sort(names)
  for _, name in ipairs(names) do line("---@field %s? %s", name, option_type(options.kind(name))) end
end

-- The file ---------------------------------------------------------------------------------------------------

line [[
---@meta _
--- What editors with lua-language-server are told of virtlun.  Nobody requires it; `make docs` writes it.]]

line("")
line("--- Permanent words for what can be wrong; `virtlun help CODE` explains each.")
line("---@alias virtlun.Code")
for _, problem in ipairs(schema.problems) do
  line("---|%q # %s", problem.code, (problem.message:gsub("{.}", "...")))
end

line("")
line("---@alias virtlun.Device %s", classes(KINDS))
line("")
line("--- What is in a drive: a path on the host of the domain, or a table.")
line("---@alias virtlun.SourceOf string|%s", classes { "file", "block", "volume", "network" })

for _, kind in ipairs(KINDS) do
  add_class(kind, schema.shapes[has(DRIVES, kind) and "disk" or kind], CONSTRUCTED[kind],
    { ("---@field kind? %q said by its constructor"):format(kind) })
end
add_class("domain", schema.shapes.domain, CONSTRUCTED.domain, { "---@field [integer] virtlun.Device" })
for _, name in ipairs(sorted_keys(schema.shapes)) do
  if not CONSTRUCTED[name] and name ~= "other" then add_class(name, schema.shapes[name]) end
end

for _, what in ipairs(sorted_keys(OPTIONS)) do add_options(what) end

line("")
line("--- What virtlun has in common with recipes.")
line("---@class virtlun.Constructors")
line("---@field domain fun(name: string): fun(description: virtlun.Domain): virtlun.Domain")
for _, kind in ipairs(KINDS) do
  if kind ~= "lun" then line("---@field %s fun(device: %s): %s", kind, class_of(kind), class_of(kind)) end
end

line("")
line("-- The names that a recipe has.")
line [[

--- A virtual server and its devices: domain "name" { ... }
---@param name string name or UUID
---@return fun(description: virtlun.Domain): virtlun.Domain
function domain(name) end]]
for _, kind in ipairs(KINDS) do
  line("\n--- %s\n---@param device %s\n---@return %s\nfunction %s(device) end", CONSTRUCTED[kind], class_of(kind),
    class_of(kind), kind)
end
line [[

--- A value that the command line can set: param "iso" { default = "/iso/a.iso" }
---@param name string
---@return fun(what: { default: string|number|boolean|nil }): any
function param(name) end

--- Runs another recipe, and gives what it returns.
---@param path string relative to this recipe
---@return any
function include(path) end

--- The oldest virtlun that the recipe is for: requires "virtlun >= 0.1"
---@param version string
function requires(version) end]]
