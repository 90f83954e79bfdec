--- What is known of the images that go into CD drives, and which of them are refused before a tray opens.  Pure: who
-- asks brings functions that look: facts.image where the host's files can be seen, facts.volume where it has pools.

local changes = require "virtlun.plan.changes"
local problems = require "virtlun.problems"

local images = {}

local ENOENT = 2

--- The path of an image file that a source names, nil if it names something else.
function images.path_of(source)
  return type(source) == "table" and source.file or type(source) == "string" and source or nil
end

--- The source that comes into a CD drive by a change, and the format that it is read in; nil if none comes.  Another
-- format opens the same image anew.
local function incoming(change)
  if change.kind ~= "cdrom" then return nil end
  local before = change.before or {}
  local format, source = changes.after(change, "format"), changes.after(change, "source")
  if source == nil and format then source = before.source end
  return source or nil, format or before.format or "raw"
end

--- What is known of a source: what core.iso tells of a file; nil, why not, and for what reason: "missing", "unusable",
-- or nil if it only cannot be seen.  What a block device has in it is not looked at, but that it is one.
function images.seen(source, facts)
  local path, device = images.path_of(source), type(source) == "table" and source.dev or nil
  if type(source) == "table" and source.pool and facts.volume then
    local why, missing
    path, why, missing = facts.volume(source.pool, source.volume)
    if not path then return nil, missing and why or nil, missing and "missing" end
  end
  path = path or device
  if not path or not facts.image then return nil end
  local image, why, errno, unusable = facts.image(path)
  local reason = errno == ENOENT and "missing" or unusable and "unusable" or nil
  if device and not reason then return nil end
  return image, why, reason
end

--- The problem of an image that could not be looked at.
local function judge_unseen(why, reason, live)
  if not why then return nil end
  if reason == "unusable" then return { code = "image_broken", a = why } end
  return { code = reason == "missing" and (live and "image_missing" or "image_not_yet") or "image_unseen", a = why }
end

--- The problem of an image, nil if it has none.  What is in a container of another format than raw only QEMU can see.
local function judge(image, format)
  if format ~= "raw" then
    local other = image.container and image.container ~= format and image.container or image.format
    return other and { code = "image_format", a = other, expected = format } or nil
  end
  if image.broken then
    return { code = "image_broken", a = image.broken == "container" and "it is " .. image.container or image.broken }
  end
  if not image.format then return { code = "image_unknown" } end
  if image.short then
    return { code = "image_short", value = tostring(image.size), expected = tostring(image.expected) }
  end
end

--- A source in few words: its path, or which volume it is; nil if it is none of this host's.
function images.name_of(source)
  if type(source) == "table" and source.pool then
    return ("volume %s of pool %s"):format(source.volume, source.pool)
  end
  return images.path_of(source) or type(source) == "table" and source.dev or nil
end

local function complain(found, desired, change, problem, source)
  problem.key, problem.value = "source", problem.value or images.name_of(source)
  found:add_once(problems.of_change(desired, change, problem)) -- two moves may bring one image into both halves
end

--- A function that is images.seen, and looks at each image once however many drives have it.
local function seeing_once(facts)
  local seen = {}
  return function(source)
    local name = images.name_of(source)
    if not name then return images.seen(source, facts) end
    seen[name] = seen[name] or table.pack(images.seen(source, facts))
    return table.unpack(seen[name], 1, 3)
  end
end

--- Looks at the images that moves bring: each move gets its medium, as { label =, format =, bootable = }, where that is
-- known.  What is proven broken is an error, what is unknown a warning, what cannot be opened a note.
function images.look(found, desired, work, facts)
  if not facts.image and not facts.volume then return end
  local see = seeing_once(facts)
  for _, move in ipairs(work.moves) do
    local change = move.live or move.config
    local source, format = incoming(change)
    if source then
      local image, why, reason = see(source)
      local problem
      if image then problem = judge(image, format) else problem = judge_unseen(why, reason, move.live ~= nil) end
      if problem then complain(found, desired, change, problem, source) end
      if image and format == "raw" then
        move.medium = { label = image.label, format = image.format, bootable = image.bootable }
      end
    end
  end
end

return images
