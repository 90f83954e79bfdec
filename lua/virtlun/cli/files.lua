--- Files that the command reads as a whole, and writes as a whole or not at all.

local files = {}

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- What Lua says of a file that it cannot open, without the file's name.
local function reason(message)
  return (message:gsub("^.*: ", ""))
end

--- Whether the path is a device, a pipe or a link, which no other file may take the place of.
local function is_special(path)
  local word = quoted(path)
  return os.execute(("test -L %s || { test -e %s && test ! -f %s; }"):format(word, word, word)) == true
end

--- A new file beside the one at that path, which nobody else may read; nil and why not.
local function new_file_beside(path)
  local pipe = io.popen(("mktemp %s 2>&1"):format(quoted(path .. ".XXXXXX")))
  local said = pipe and pipe:read("a") or ""
  if pipe then pipe:close() end
  if said:sub(1, #path) == path then return said:sub(1, #path + #".XXXXXX") end
  return nil, said:match("([^:%s][^:\n]*)\n") or "mktemp cannot be run"
end

--- Writes a text into a file: true, or nil and why not.
function files.write(path, text)
  local file, message = io.open(path, "wb")
  if not file then return nil, reason(message) end
  local good
  good, message = file:write(text)
  local closed, more = file:close()
  if good and closed then return true end
  return nil, message or more
end

--- Puts a text into a file, as a whole or not at all; true, or nil and why not.
function files.replace(path, text)
  if not path:match("^/") then path = "./" .. path end -- no program takes that for an option
  if is_special(path) then return files.write(path, text) end
  local beside, message = new_file_beside(path)
  if not beside then return nil, message end
  local good
  good, message = files.write(beside, text)
  if good then good, message = os.rename(beside, path) end
  if good then return true end
  os.remove(beside)
  return nil, message
end

--- Whether a file can be put at that path: true, or nil and why not.
function files.can_replace(path)
  if not path:match("^/") then path = "./" .. path end
  if is_special(path) then return nil, "not a regular file" end
  local beside, message = new_file_beside(path)
  if not beside then return nil, message end
  os.remove(beside)
  return true
end

--- The text of a file, - being standard input; nil and why not.
function files.read(path)
  if path == "-" then return io.read("a") end
  local file, message = io.open(path, "rb")
  if not file then return nil, reason(message) end
  local text
  text, message = file:read("a")
  file:close()
  return text, message
end

return files
