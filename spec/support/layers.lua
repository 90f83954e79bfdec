-- Reads sources as text and says which of them break the boundaries between the layers. It judges texts that it is
-- given, so that its own spec can show it wrong ones; only `tree` touches files.
local layers = {}

-- Whether the steps of a graph (name -> list of names) lead from one name to another.
function layers.reaches(graph, from, goal)
  local seen = {}
  local function leads(name)
    for _, next in ipairs(graph[name] or {}) do
      if next == goal then return true end
      if not seen[next] then
        seen[next] = true
        if leads(next) then return true end
      end
    end
    return false
  end
  return leads(from)
end

-- C: which layer a file belongs to, by its name ---------------------------------------------------------------------

function layers.of_c_file(path)
  local name = path:match("([^/]+)%.[ch]$")
  if name:match("^lua_virt") then return "lua_virt" end
  if name == "steps" or name == "lua_preload" or name == "virtlun_lua" then return name end
  return name:match("^(xml)_") or name:match("^(virt)_") or name:match("^(lua)_") or name:match("^(api)_") or "core"
end

local libraries = {
  ["lua.h"] = "lua", ["lauxlib.h"] = "lua", ["lualib.h"] = "lua", ["luaconf.h"] = "lua",
  ["libxml/"] = "libxml2",
  ["libvirt/"] = "libvirt",
}

-- The table "Who may use whom": which libraries a layer may include, and whose functions it may call.
local allowed = {
  core = { libraries = {}, calls = { core = true } },
  xml = { libraries = { libxml2 = true }, calls = { xml = true, core = true } },
  steps = { libraries = {}, calls = { xml = true, core = true } },
  api = { libraries = {}, calls = { api = true, steps = true, xml = true, core = true } },
  virt = { libraries = { libvirt = true }, calls = { virt = true } },
  lua = { libraries = { lua = true }, calls = { lua = true, steps = true, xml = true, core = true } },
  virtlun_lua = { libraries = { lua = true }, calls = {} },
  lua_preload = { libraries = { lua = true }, calls = { lua = true, lua_virt = true } },
  lua_virt = { libraries = { lua = true, libvirt = true }, calls = { lua_virt = true, virt = true } },
}

local function library_of(header)
  return libraries[header] or libraries[header:match("^[^/]+/") or ""]
end

-- files: path -> text of every C source and header. Returns one sentence for each forbidden include.
-- A header counts for whoever includes it, directly or through other headers of the project.
function layers.c_includes(files)
  local by_name, found = {}, {}
  for path, text in pairs(files) do
    by_name[path:match("[^/]+$")] = text
  end
  local function visit(path, text, seen, via)
    local layer = layers.of_c_file(path)
    for header in ("\n" .. text):gmatch("\n%s*#%s*include%s*[<\"]([^>\"]+)[>\"]") do
      local library = library_of(header)
      if library and not allowed[layer].libraries[library] then
        found[#found + 1] = ("%s includes <%s>%s, but its layer (%s) must not know %s"):format(path, header, via, layer,
          library)
      end
      local own = header:match("[^/]+$")
      if by_name[own] and not seen[own] then
        seen[own] = true
        visit(path, by_name[own], seen, " through " .. own)
      end
    end
  end
  for path, text in pairs(files) do
    visit(path, text, {}, "")
  end
  table.sort(found)
  return found
end

-- symbols: list of { file =, name =, defined = true or false } as `nm` sees the object files.
-- Returns one sentence for each call from a layer into one that it must not know.
function layers.c_calls(symbols)
  local home, found = {}, {}
  for _, symbol in ipairs(symbols) do
    if symbol.defined then home[symbol.name] = symbol.file end
  end
  for _, symbol in ipairs(symbols) do
    local target = home[symbol.name]
    if not symbol.defined and target then
      local from, to = layers.of_c_file(symbol.file), layers.of_c_file(target)
      if not allowed[from].calls[to] then
        found[#found + 1] = ("%s (%s) uses %s of %s (%s)"):format(symbol.file, from, symbol.name, target, to)
      end
    end
  end
  table.sort(found)
  return found
end

-- symbols: as for c_calls. Returns one sentence for each file that calls itself by way of others.
function layers.c_circles(symbols)
  local home, graph, found = {}, {}, {}
  for _, symbol in ipairs(symbols) do
    if symbol.defined then home[symbol.name] = symbol.file end
    graph[symbol.file] = graph[symbol.file] or {}
  end
  for _, symbol in ipairs(symbols) do
    local target = not symbol.defined and home[symbol.name]
    if target and target ~= symbol.file then table.insert(graph[symbol.file], target) end
  end
  for file in pairs(graph) do
    if layers.reaches(graph, file, file) then found[#found + 1] = file .. " calls itself, by way of others" end
  end
  table.sort(found)
  return found
end

-- Every function of a C text as { name =, line =, length = }: from the line that names it to its closing brace.
-- It relies on the project's layout: a function begins and ends in the first column, nothing else ends there alone.
function layers.c_functions(text)
  local functions, open, number = {}, nil, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if not open then
      local name = line:match("^[%a_][^=;]-([%w_]+)%s*%(")
      if name and not line:match(";%s*$") and not line:match("^typedef") then
        open = { name = name, line = number }
      end
    end
    if open and line:match("^}") or open and open.line == number and line:match("}%s*$") then
      open.length = number - open.line + 1
      functions[#functions + 1] = open
      open = nil
    elseif open and line:match("^[^%s{].*;%s*$") or open and line == "" and not open.body then
      open = nil -- it was a declaration over several lines, or a macro
    elseif open and line:match("{%s*$") then
      open.body = true
    end
  end
  return functions
end

-- Lua ---------------------------------------------------------------------------------------------------------------

function layers.module_of(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

-- What a long string [=[...]=] says is text, as of pages of help.
local function without_comments_and_texts(text)
  return (text:gsub("%-%-%[(=*)%[.-%]%1%]", ""):gsub("%[(=+)%[.-%]%1%]", "''"):gsub("%-%-[^\n]*", ""))
end

-- The modules that a Lua text requires, anywhere in it: a require inside a function is a dependency all the same.
function layers.requires(text)
  local list = {}
  for name in without_comments_and_texts(text):gmatch("require%)?[%s,%(]*[\"']([%w_.]+)[\"']") do
    list[#list + 1] = name
  end
  return list
end

local function is_below(module, parent)
  return module == parent or module:sub(1, #parent + 1) == parent .. "."
end

-- What the parts of the Lua side must not require, as functions of both names.
local function forbidden(module, required)
  if required == "virtlun.libvirt" and module ~= "virtlun.backend.jobs" then
    return "only virtlun.backend.jobs requires virtlun.libvirt"
  end
  if is_below(module, "virtlun.cli") or is_below(module, "virtlun.view") then
    local fine = required == "virtlun" or required == "argparse" or required == "dkjson"
      or is_below(required, "virtlun.cli") or is_below(required, "virtlun.view") or is_below(required, "virtlun.help")
    return not fine and "only the public API is for cli and view"
  end
  if is_below(module, "virtlun.help") then
    return not is_below(required, "virtlun.help") and "help is text, and needs nothing but its parts"
  end
  if is_below(required, "virtlun.cli") then return "only the command requires virtlun.cli" end
  if is_below(required, "virtlun.help") then return "only the command requires virtlun.help" end
  if not is_below(required, "virtlun") then return "the library needs nothing but Lua" end
end

-- These speak to no host, with all that is in their folders.
local without_backend = { "virtlun.plan", "virtlun.problems", "virtlun.recipe" }
local speaks = { "virtlun.apply", "virtlun.backend", "virtlun.backend.jobs", "virtlun.fleet", "virtlun.libvirt" }

local function is_without_backend(module)
  for _, parent in ipairs(without_backend) do
    if is_below(module, parent) then return true end
  end
end

-- files: path -> text of the Lua sources below lua/virtlun. Returns one sentence for each broken rule.
function layers.lua_requires(files)
  local graph, names, found = {}, {}, {}
  for path, text in pairs(files) do
    local module = layers.module_of(path)
    graph[module] = layers.requires(text)
    names[#names + 1] = module
    for _, required in ipairs(graph[module]) do
      local why = forbidden(module, required)
      if why then found[#found + 1] = ("%s requires %s: %s"):format(path, required, why) end
    end
  end
  table.sort(names)
  for _, module in ipairs(names) do
    if layers.reaches(graph, module, module) then
      found[#found + 1] = module .. " requires itself, by way of others"
    end
    for _, backend in ipairs(is_without_backend(module) and speaks or {}) do
      if layers.reaches(graph, module, backend) then found[#found + 1] = module .. " needs " .. backend end
    end
  end
  table.sort(found)
  return found
end

-- Files ---------------------------------------------------------------------------------------------------------------

-- The texts of all files below a folder whose name ends so: path -> text.
function layers.tree(folder, ...)
  local files = {}
  for _, ending in ipairs({ ... }) do
    local list = assert(io.popen(("find %s -name '*%s'"):format(folder, ending)))
    for path in list:lines() do
      local file = assert(io.open(path))
      files[path] = file:read("a")
      file:close()
    end
    list:close()
  end
  return files
end

-- What nm says of the object files in a folder, in the form that c_calls takes.
function layers.symbols(folder)
  local symbols = {}
  local output = assert(io.popen("nm -A -P " .. folder .. "/*.o"))
  for line in output:lines() do
    local object, name, class = line:match("([^/]+)%.o: (%S+) (%a)")
    symbols[#symbols + 1] = { file = "csrc/" .. object .. ".c", name = name, defined = class ~= "U", class = class }
  end
  output:close()
  return symbols
end

return layers
