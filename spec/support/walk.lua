-- Walks a description along the schema: which fields it sets, in which shape.  It chooses the variant of a table as
-- the core does: by the key of the variant's first field, and by its text where that is a constant.
local core = require "virtlun.core"

local walk = {}

local shapes = core.schema().shapes

-- The shape of a device of that kind.
function walk.shape_of_kind(kind)
  return shapes[kind] or shapes.disk
end

local function fits(shape, value)
  local first = shape.fields[1]
  local goes_without_saying = first.internal and value[first.key] == nil
  if first.kind == "constant" then return goes_without_saying or value[first.key] == first.text end
  return value[first.key] ~= nil
end

local function variant_of(field, value)
  if #field.variants == 1 then return shapes[field.variants[1]] end
  for _, name in ipairs(field.variants) do
    if fits(shapes[name], value) then return shapes[name] end
  end
  error(("no variant of %s fits"):format(field.key))
end

-- Calls visit(shape, field, value) for every field that a table of that shape sets, those of inner tables included.
function walk.record(shape, record, visit)
  for _, field in ipairs(shape.fields) do
    local value = record[field.key]
    if value ~= nil then
      visit(shape, field, value)
      if field.kind == "list" then
        for _, item in ipairs(value) do walk.record(shapes[field.variants[1]], item, visit) end
      elseif field.variants and type(value) == "table" then
        walk.record(variant_of(field, value), value, visit)
      elseif field.variants and type(value) == "string" then
        local inner = shapes[field.variants[1]]
        visit(inner, inner.fields[1], value)
      end
    end
  end
end

-- The same for a device.
function walk.device(device, visit)
  walk.record(walk.shape_of_kind(device.kind), device, visit)
end

-- The fields that a recipe may say, "shape.key" to the field.  in_xml leaves out those that never reach XML.
function walk.sayable(in_xml)
  local fields = {}
  for name, shape in pairs(shapes) do
    for _, field in ipairs(shape.fields) do
      local reaches_xml = field.xml or field.kind == "xml"
      if not field.internal and field.kind ~= "moved" and (reaches_xml or not in_xml) then
        fields[name .. "." .. field.key] = field
      end
    end
  end
  return fields
end

return walk
