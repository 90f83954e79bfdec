--- An entry of a recipe that is made of a domain: one device that is there, and what can be said of it.  Pure.
--
-- An entry has read (the device as it was read), device (what of it can be said), notes (comments), dropped (keys that
-- cannot be said), and out, why the recipe does not describe it.

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local kinds = require "virtlun.kinds"
local recipe_text = require "virtlun.recipe.text"

local recipe_entry = {}

local shapes = core.schema().shapes

local function copy(t)
  local result = {}
  for key, value in pairs(t) do result[key] = value end
  return result
end

--- Adds a comment.
function recipe_entry.note(entry, text, ...)
  entry.notes[#entry.notes + 1] = text:format(...)
end

local function is_identity(entry, key)
  for _, field in ipairs(recipe_text.fields(entry.device.kind)) do
    if field.key == key then return field.identity end
  end
end

--- Leaves a field unsaid, which on this domain means as it is; key nil, or one that identifies it: the whole device.
function recipe_entry.drop(entry, key, why)
  local value = key and (entry.device[key] or entry.brief and entry.brief[key])
  if value == nil or is_identity(entry, key) then
    entry.out = "not described here: " .. why
    return
  end
  if value then
    recipe_entry.note(entry, "not said here: %s: %s", recipe_text.assignment(entry.device.kind, key, value), why)
  end
  entry.dropped[key], entry.device[key], entry.brief = true, nil, nil
end

--- Where a device sits in its machine says nothing of another one.
local function keep_place_apart(entry)
  local place = entry.device.address
  if not place or not place.type then return end
  recipe_entry.note(entry, "only in this machine: %s", recipe_text.assignment(entry.device.kind, "address", place))
  entry.device.address = nil
end

-- What a new device gets anyhow -----------------------------------------------------------------------------

-- Said although it goes without saying: people look for them.
local ALWAYS = { model = true, target = true, unit = true }

--- The table without what a new device gets as its default.
local function without_defaults(values, fields)
  local result = copy(values)
  for _, field in ipairs(fields) do
    if not ALWAYS[field.key] and values[field.key] == field.default then result[field.key] = nil end
  end
  return result
end

--- The device as a new one would be; nil if there can be none.
local function as_new(device)
  local domain = core.complete { kind = "domain", name = "-", device }
  return domain and domain[1]
end

--- What a recipe says of a device: no more than a new one needs to become this one, with false where it would get what
-- this one has not; what cannot be denied stays unsaid.  dropped: keys that are not to be said.
local function brief(device, dropped)
  local fields = recipe_text.fields(device.kind)
  local said = without_defaults(device, fields)
  if said.address then said.address = without_defaults(said.address, shapes.drive.fields) end
  local unsaid, made = copy(dropped), as_new(said)
  if not made then return copy(device) end -- some rule wants what was left out
  local more
  repeat
    more = false
    for _, field in ipairs(fields) do
      local key = field.key
      if said[key] == nil and not unsaid[key] and not changes.same(made[key], device[key]) then
        said[key], more = device[key] or false, true
        local now = as_new(said)
        if not now and device[key] == nil then said[key], unsaid[key] = nil, true end
        made = now or made
      end
    end
  until not more
  return said
end

--- The device as the recipe says it; one that it cannot say, as it could be said elsewhere.
function recipe_entry.said(entry)
  if entry.out then return brief(entry.read, {}) end
  entry.brief = entry.brief or brief(entry.device, entry.dropped)
  return entry.brief
end

-- What was not read -----------------------------------------------------------------------------------------

--- Notes which key owns which places of the XML inside of its tables: "address@unit" is address's.
local function own_places(places, fields, base, key)
  for _, field in ipairs(fields) do
    local owner = key or field.key
    local place = base .. (base ~= "" and field.xml and not field.xml:match("^@") and "/" or "") .. (field.xml or "")
    if field.xml and key then places[place] = key end
    for _, name in ipairs(field.variants or {}) do
      own_places(places, shapes[name].fields, place, owner)
    end
  end
  return places
end

local owners = {}

local function owners_of(kind)
  owners[kind] = owners[kind] or own_places({}, recipe_text.fields(kind), "")
  return owners[kind]
end

-- What only a running domain shows, and libvirt finds again by itself.
local FOUND_BY_LIBVIRT = { backingStore = true, ["source@index"] = true }

--- An element that virtlun does not know goes to a new drive as it stands, if the schema lets it.
local function carry(entry, xml)
  local raw = xml:gsub(">%s+<", "><")
  if not kinds.IS_DISK[entry.device.kind] or not as_new { kind = "cdrom", dev = "sda", raw = raw } then return false end
  entry.device.raw = (entry.device.raw or "") .. raw
  return true
end

--- What the document says of the device and the description does not.
local function tell_unread(entry, unread, running)
  local owner, left = owners_of(entry.device.kind), {}
  for _, one in ipairs(unread) do
    if not (running and FOUND_BY_LIBVIRT[one.place]) then
      local key = owner[one.place]
      if key and entry.device[key] then
        recipe_entry.drop(entry, key, one.place .. " cannot be read")
      elseif not (one.xml and one.place ~= "mirror" and carry(entry, one.xml)) then
        left[#left + 1] = one.place
      end
    end
  end
  if #left > 0 then recipe_entry.note(entry, "not said here: %s", table.concat(left, ", ")) end
end

--- The entry of a device.  unread: what core.unread says of it, or nil; running: whether that is a running domain's.
function recipe_entry.new(device, unread, running)
  local entry = { read = device, device = copy(device), notes = {}, dropped = {} }
  tell_unread(entry, unread or {}, running)
  keep_place_apart(entry)
  if device.kind == "cdrom" and not device.source then entry.device.source = false end
  return entry
end

return recipe_entry
