-- Elements of a document as trees, and their text as libvirt writes it.  A tree is never changed: what differs is a new
-- one, so that two halves of a domain may share what they have in common.
--
-- An element is { name =, attributes = { [name] = value, [1..] = names in their order }, text =, [1..] = children }.
local xml = {}

local entities = { lt = "<", gt = ">", amp = "&", apos = "'", quot = '"' }
local escapes = { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;", ["'"] = "&apos;", ['"'] = "&quot;" }

local function unescape(text)
  return text:find("&", 1, true) and text:gsub("&#(%d+);", function(n) return utf8.char(tonumber(n)) end)
    :gsub("&(%l+);", entities) or text
end

local function escape(text)
  return (text:gsub("[<>&'\"]", escapes))
end

-- Reading -------------------------------------------------------------------------------------------------------------

-- The attributes that begin at a place of the text, and where they end.
local function read_attributes(text, at)
  local attributes = {}
  while true do
    local _, stop, name, _, value = text:find("^%s+([%w:_.-]+)%s*=%s*(['\"])(.-)%2", at)
    if not stop then return attributes, at end
    attributes[#attributes + 1], attributes[name] = name, unescape(value)
    at = stop + 1
  end
end

-- The next tag behind a place: where it begins, whether it closes, its name, and the place behind the name.
local function next_tag(text, at)
  while true do
    local start, stop, closes, name = text:find("<(/?)([%a_][%w:_.-]*)", at)
    local comment = text:find("<!--", at, true)
    if not start then return nil end
    if not comment or comment > start then return start, closes == "/", name, stop + 1 end
    at = select(2, text:find("-->", comment, true)) + 1
  end
end

-- The element of a text, nil if there is none or it does not end.
function xml.parse(text)
  local stack, at = { {} }, 1
  while true do
    local start, closes, name, behind = next_tag(text, at)
    if not start then return nil end
    local above = stack[#stack]
    if closes then
      if above.name ~= name then return nil end
      if not above[1] then above.text = unescape(text:sub(at, start - 1)) end
      stack[#stack] = nil
      if #stack == 1 then return above end
      at = text:find(">", behind, true) + 1
    else
      local element = { name = name }
      above[#above + 1] = element
      element.attributes, behind = read_attributes(text, behind)
      local _, stop, empty = text:find("^%s*(/?)>", behind)
      if not stop then return nil end
      if empty == "" then stack[#stack + 1] = element elseif #stack == 1 then return element end
      at = stop + 1
    end
  end
end

-- Writing -------------------------------------------------------------------------------------------------------------

local texts = setmetatable({}, { __mode = "k" })

local function write(element, indent, parts)
  parts[#parts + 1] = indent .. "<" .. element.name
  for _, name in ipairs(element.attributes) do
    parts[#parts + 1] = (" %s='%s'"):format(name, escape(element.attributes[name]))
  end
  if element[1] then
    parts[#parts + 1] = ">\n"
    for _, child in ipairs(element) do write(child, indent .. "  ", parts) end
    parts[#parts + 1] = ("%s</%s>\n"):format(indent, element.name)
  elseif element.text and element.text ~= "" then
    parts[#parts + 1] = (">%s</%s>\n"):format(escape(element.text), element.name)
  else
    parts[#parts + 1] = "/>\n"
  end
end

-- The text of an element, indented as a device is, with a line break at its end.
function xml.text(element)
  if not texts[element] then
    local parts = {}
    write(element, "    ", parts)
    texts[element] = table.concat(parts)
  end
  return texts[element]
end

-- Asking --------------------------------------------------------------------------------------------------------------

-- The first child of that name, or of what is in it: xml.child(disk, "source", "reservations").
function xml.child(element, name, ...)
  for _, child in ipairs(element) do
    if child.name == name then
      if ... then return xml.child(child, ...) end
      return child
    end
  end
end

-- An attribute of a child; of the element itself where name is nil.
function xml.get(element, name, attribute)
  local child = name and xml.child(element, name) or not name and element
  return child and child.attributes[attribute]
end

-- Making others -------------------------------------------------------------------------------------------------------

-- An element of its own: attributes is a list of name, value, name, value, in which a nil value leaves the name out.
function xml.element(name, attributes, ...)
  local element = { name = name, attributes = {}, ... }
  for i = 1, #attributes, 2 do
    element.attributes[#element.attributes + 1] = attributes[i]
    element.attributes[attributes[i]] = tostring(attributes[i + 1])
  end
  return element
end

local function copy(element)
  local other = { name = element.name, text = element.text, attributes = {} }
  for key, value in pairs(element.attributes) do other.attributes[key] = value end
  return table.move(element, 1, #element, 1, other)
end

-- The element with an attribute: another value, or none where value is nil.
function xml.set(element, attribute, value)
  if element.attributes[attribute] == value then return element end
  local other = copy(element)
  if other.attributes[attribute] == nil then
    table.insert(other.attributes, attribute)
  elseif value == nil then
    for i, name in ipairs(other.attributes) do
      if name == attribute then table.remove(other.attributes, i) break end
    end
  end
  other.attributes[attribute] = value
  return other
end

-- The element with another child in place of all of that name: at the place of the first of them, else at the end; none
-- where child is nil.
function xml.put(element, name, child)
  local other, placed = copy(element), child == nil
  for i = #other, 1, -1 do other[i] = nil end
  for _, old in ipairs(element) do
    if old.name ~= name then
      other[#other + 1] = old
    elseif not placed then
      other[#other + 1], placed = child, true
    end
  end
  if not placed then other[#other + 1] = child end
  return other
end

-- The element with its children in the order of a list of names, without those that the list does not have.
function xml.sort(element, names)
  local other = copy(element)
  for i = #other, 1, -1 do other[i] = nil end
  for _, name in ipairs(names) do
    for _, child in ipairs(element) do
      if child.name == name then other[#other + 1] = child end
    end
  end
  return other
end

return xml
