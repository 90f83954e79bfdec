--- Sources and drives as people write them on a command line.

local sources = {}

local function working_folder()
  local pipe = io.popen("pwd -P")
  local folder = pipe and pipe:read("l")
  if pipe then pipe:close() end
  return folder
end

--- A relative path from the folder in which the command was started. Only what stands in front is resolved: what
-- stands further inside may lead through symbolic links.
local function absolute(path)
  local folder = working_folder()
  if not folder then return path end
  while true do
    local step, rest = path:match("^(%.%.?)/+(.*)$")
    if not step then break end
    if step == ".." then folder = folder:match("^(.*)/[^/]*$") or "" end
    path = rest
  end
  return (folder == "/" and "" or folder) .. "/" .. path
end

--- What is to go into a drive: a path, or volume:POOL/NAME. Relative paths mean files of this machine, and so only
-- where the domain is on it.
function sources.source(dom, text)
  local pool, volume = text:match("^volume:([^/]+)/(.+)$")
  if pool then return { pool = pool, volume = volume } end
  if text:match("^/dev/") then return { dev = text } end
  if text:match("^/") or not dom.connection:is_local() then return text end
  return absolute(text)
end

--- What a drive is called; one that is meant by its medium may have a relative path too.
function sources.drive(dom, text)
  return text:match("^%.%.?/") and sources.source(dom, text) or text
end

--- controller:bus:target:unit as an address; nil and what is wrong.
function sources.address(text)
  local controller, bus, target, unit = text:match("^(%d+):(%d+):(%d+):(%d+)$")
  if not controller then return nil, ("--address %s: write it as controller:bus:target:unit"):format(text) end
  local function number(digits) return math.tointeger(tonumber(digits)) or digits end
  return { controller = number(controller), bus = number(bus), target = number(target), unit = number(unit) }
end

return sources
