--- What a change, as core.diff gives it, says of one field.

local changes = {}

--- The field of that key as { key =, before =, after =, live = }; nil if it does not change.
function changes.field(change, key)
  for _, field in ipairs(change.fields or {}) do
    if field.key == key then return field end
  end
end

--- What the change makes of a key: the value of a new device, or the new value of one that stays; nil if neither.
function changes.after(change, key)
  if change.action == "add" then return change.after[key] end
  local field = changes.field(change, key)
  return field and field.after
end

--- Whether two values of a field are the same; false, which is "explicitly not", and nil are two.
function changes.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not changes.same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return changes
