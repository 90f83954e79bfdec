-- Files for specs: reads, writes, lists, and compares with what a spec expects.
local files = {}

-- The text of a file, or nil if there is none.
function files.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

-- Writes a file and returns its path, or removes it where text is nil.
function files.write(path, text)
  if not text then
    os.remove(path)
    return
  end
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

-- What find finds in a folder itself, in order, by name.
local function names_in(path, test)
  local names = {}
  local list = assert(io.popen(("find %s -mindepth 1 -maxdepth 1 %s"):format(path, test)))
  for line in list:lines() do names[#names + 1] = line:match("[^/]+$") end
  list:close()
  table.sort(names)
  return names
end

-- The names of the folders in a folder, in order.
function files.folders(path) return names_in(path, "-type d") end

-- The names of the files in a folder that end so, in order.
function files.names(path, ending) return names_in(path, ("-type f -name '*%s'"):format(ending)) end

-- Whether expected files are to be rewritten: UPDATE=1.  A machine that only checks must never do that.
function files.updates()
  if os.getenv("UPDATE") ~= "1" then return false end
  assert(not os.getenv("CI"), "UPDATE=1 rewrites what is expected, so it is refused where CI is set")
  return true
end

return files
