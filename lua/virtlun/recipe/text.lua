--- Descriptions as the text of a recipe, in the way people write it.  Pure: it knows the order of the schema and how
-- Lua writes values, not what of a domain has to be said.

local core = require "virtlun.core"
local kinds = require "virtlun.kinds"

local recipe_text = {}

local WIDTH = 100 -- a table that fits stands on one line
local INDENT = "  "

-- Order ----------------------------------------------------------------------------------------------------

local shapes = core.schema().shapes

--- The fields of these shapes, each key once: identity first, then as the schema has them.
local function in_order(names)
  local first, rest, known = {}, {}, { kind = true }
  for _, name in ipairs(names) do
    for _, field in ipairs(shapes[name].fields) do
      local list = field.identity and first or rest
      if not known[field.key] then list[#list + 1] = field end
      known[field.key] = true
    end
  end
  return table.move(rest, 1, #rest, #first + 1, first)
end

local by_kind = {}

--- The fields that a device of that kind may have, in the order of a recipe.
function recipe_text.fields(kind)
  by_kind[kind] = by_kind[kind] or in_order { kinds.IS_DISK[kind] and "disk" or kind }
  return by_kind[kind]
end

local function inner_fields(field)
  field.inner = field.inner or in_order(field.variants or {})
  return field.inner
end

-- Text -----------------------------------------------------------------------------------------------------

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function escape(bytes)
  return SHORT[bytes] or bytes:gsub(".", function(byte) return ("\\%03d"):format(byte:byte()) end)
end

--- Text in which nothing is left that would end a line or steer a terminal, or that is not UTF-8.
local function escaped(text, also)
  text = text:gsub("[%c" .. also .. "]", escape)
  if not utf8.len(text) then return (text:gsub("[\x80-\xFF]", escape)) end
  return (text:gsub("\xC2[\x80-\x9F]", escape)) -- control characters too
end

local function quoted(text)
  local quote = text:find('"', 1, true) and not text:find("'", 1, true) and "'" or '"'
  return quote .. escaped(text, "\\"):gsub(quote, "\\" .. quote) .. quote
end

-- Tables ---------------------------------------------------------------------------------------------------

--- What stands in front of a field's value.
local function front(key)
  return key == "function" and '["function"] = ' or key .. " = "
end

--- The entries of a table in their order: { what stands in front, value, field of its tables }.
local function entries_of(value, field)
  local entries = {}
  for _, inner in ipairs(field.fields or inner_fields(field)) do
    if value[inner.key] ~= nil then entries[#entries + 1] = { front(inner.key), value[inner.key], inner } end
  end
  for _, item in ipairs(value) do entries[#entries + 1] = { "", item, field } end
  return entries
end

local function one_line(value, field)
  if type(value) == "string" then return quoted(value) end
  if type(value) ~= "table" then return type(value) == "number" and ("%q"):format(value) or tostring(value) end
  local parts = {}
  for i, entry in ipairs(entries_of(value, field)) do parts[i] = entry[1] .. one_line(entry[2], entry[3]) end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

--- Adds a value to the lines: on one where it fits, else with an entry a line.
local function add(lines, indent, before, value, field, after)
  local line = indent .. before .. one_line(value, field) .. after
  if #line <= WIDTH or type(value) ~= "table" then
    lines[#lines + 1] = line
    return
  end
  lines[#lines + 1] = indent .. before .. "{"
  for _, entry in ipairs(entries_of(value, field)) do
    add(lines, indent .. INDENT, entry[1], entry[2], entry[3], ",")
  end
  lines[#lines + 1] = indent .. "}" .. after
end

-- The whole ------------------------------------------------------------------------------------------------

--- key = value, as it stands in a device of that kind.
function recipe_text.assignment(kind, key, value)
  for _, field in ipairs(recipe_text.fields(kind)) do
    if field.key == key then return front(key) .. one_line(value, field) end
  end
end

--- A comment; whatever is in it, it stays one.
function recipe_text.comment(text)
  return "-- " .. escaped(text, "")
end

--- Lines of a device's constructor, without the indentation of its domain.
function recipe_text.device(device)
  local lines = {}
  add(lines, "", device.kind .. " ", device, { fields = recipe_text.fields(device.kind) }, ",")
  return lines
end

--- The text of a domain: domain has the keys, body the lines of its devices and comments.
function recipe_text.domain(domain, body)
  local lines = { ("domain %s {"):format(quoted(domain.name)) }
  for _, field in ipairs(recipe_text.fields("domain")) do
    local value = domain[field.key]
    if field.key ~= "name" and value ~= nil then add(lines, INDENT, front(field.key), value, field, ",") end
  end
  table.move(body, 1, #body, #lines + 1, lines)
  if #lines == 1 then return lines[1] .. "}\n" end
  return table.concat(lines, "\n") .. "\n}\n"
end

return recipe_text
