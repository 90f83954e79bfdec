--- The language of recipes: what its names are and what they do.
--
-- Both functions are dumped and run in the recipe's own Lua state (csrc/lua_recipe.c), so neither may have upvalues:
-- what they need comes as arguments.  They know no host and touch no file but through `read`.

local dsl = {}

--- The constructors: functions by name that stamp kind, file and line on a plain table.
-- kinds: names of the devices; where(): file and line of the caller's caller; made(table): called for each device;
-- described(domain): called for each domain.
function dsl.constructors(kinds, where, made, described)
  local names = {}

  local function stamp(kind, table)
    if type(table) ~= "table" then
      error(("%s needs a table: %s { ... }"):format(kind, kind), 3)
    end
    table.kind = kind
    table.file, table.line = where()
    return table
  end

  for _, kind in ipairs(kinds) do
    names[kind] = function(table)
      table = stamp(kind, table)
      made(table)
      return table
    end
  end

  function names.domain(name)
    return function(table)
      table = stamp("domain", table)
      table.name = name
      described(table)
      return table
    end
  end

  return names
end

--- Runs a recipe.  Returns the list of domains that it describes, and the list of problems that it met.
-- constructors: the function above; core: virtlun.core; read(path): text of a file, or nil and why not;
-- name, text: of the recipe; params: text by name.
function dsl.run(constructors, core, read, name, text, params)
  local getinfo = debug.getinfo
  local find, match, gsub, format, sub = string.find, string.match, string.gsub, string.format, string.sub
  local load, setmetatable, rawset, xpcall, next = load, setmetatable, rawset, xpcall, next
  local sort, unpack, tostring, type, tonumber, ipairs, error = table.sort, table.unpack, tostring, type, tonumber, ipairs, error
  local domains, problems, devices, declared, running = {}, {}, {}, {}, {}
  local unknown = {} -- stands for what a name that nobody knows would have been

  local function complain(problem)
    problems[#problems + 1] = core.problem(problem)
  end

  -- A tail call leaves no line behind; then only the file is told.
  local function place(level)
    local info = getinfo(level + 1, "Slt")
    if not info or sub(info.source, 1, 1) ~= "@" then return name end
    return sub(info.source, 2), not info.istailcall and info.currentline > 0 and info.currentline or nil
  end

  local function complain_here(level, problem)
    problem.file, problem.line = place(level + 1)
    complain(problem)
  end

  -- What Lua says has the place in front, shortened; the place is told apart, in full.
  local function failure(message)
    if type(message) ~= "string" then message = "an error that is no text was raised" end
    local problem = { code = "recipe_failed", a = gsub(message, "^[^\n]-:%d+: ", "", 1), file = name }
    for level = 2, 20 do
      local info = getinfo(level, "Sl")
      if not info then break end
      if sub(info.source, 1, 1) == "@" and info.currentline > 0 then
        problem.file, problem.line = sub(info.source, 2), info.currentline
        break
      end
    end
    if find(message, "too many instructions", 1, true) then
      problem.code, problem.expected = "too_long", "100 million"
    elseif message == "not enough memory" then
      problem.code, problem.expected = "too_large", "512 MiB"
    end
    return problem
  end

  local function syntax(file, message)
    local line, rest = match(message, ":(%d+): (.*)$")
    complain { code = "syntax", a = rest or message, file = file, line = tonumber(line) }
  end

  -- The names of a recipe ----------------------------------------------------------------------------

  -- None of these calls may be a tail call, which would hide a level.
  local function where()
    local file, line = place(4)
    return file, line
  end

  local names = constructors(core.kinds, where,
    function(device) devices[#devices + 1] = device end,
    function(domain) domains[#domains + 1] = domain end)

  -- Tables print as addresses, which differ from run to run.
  local function plain_text(value)
    local kind = type(value)
    if kind == "table" or kind == "function" then error("a " .. kind .. " has no text", 3) end
    return tostring(value)
  end

  local function in_order(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end

  -- The order of Lua's own pairs differs from run to run, and a recipe must not.
  local function sorted_pairs(t)
    local keys = {}
    for key in next, t do
      if type(key) ~= "number" and type(key) ~= "string" then error("pairs: a key is neither number nor text", 2) end
      keys[#keys + 1] = key
    end
    sort(keys, in_order)
    local i = 0
    return function()
      i = i + 1
      if keys[i] ~= nil then return keys[i], t[keys[i]] end
    end
  end

  local function converted(value, default, param)
    local kind = type(default)
    local result = value
    if kind == "number" then
      result = tonumber(value)
    elseif kind == "boolean" then
      result = ({ ["true"] = true, ["false"] = false })[value]
    end
    if result == nil then
      complain_here(3, { code = "param_type", value = value, expected = kind, a = param })
    end
    return result
  end

  -- param "name" { default = ... }: the default may be left out, and then the value must be given.
  function names.param(param)
    declared[#declared + 1] = param
    return function(options)
      local value, default = params[param], options.default
      if value ~= nil then return converted(value, default, param) end
      if default == nil then complain_here(2, { code = "param_unset", value = param }) end
      return default
    end
  end

  function names.requires(text)
    local major, minor = match(text, "^virtlun%s*>=%s*(%d+)%.(%d+)")
    local has_major, has_minor = match(core.VERSION, "^(%d+)%.(%d+)")
    if not major then
      error('requires wants a text such as "virtlun >= 1.0"', 2)
    end
    local wanted, has = major * 1000 + minor, has_major * 1000 + has_minor
    if has < wanted then
      complain_here(2, { code = "requires", value = core.VERSION, expected = format(">= %d.%d", major, minor) })
    end
  end

  local function copy(library, ...)
    local result = {}
    for _, key in ipairs { ... } do result[key] = library[key] end
    return result
  end

  names.assert, names.error, names.ipairs, names.select = assert, error, ipairs, select
  names.tonumber, names.type, names.pairs, names.tostring = tonumber, type, sorted_pairs, plain_text
  names.math = copy(math, "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf", "pi", "sqrt",
    "tointeger", "type", "ult")
  names.string = copy(string, "byte", "char", "len", "lower", "rep", "reverse", "sub", "upper")
  names.table = copy(table, "concat", "insert", "move", "pack", "remove", "sort", "unpack")
  names.utf8 = copy(utf8, "char", "codepoint", "len", "offset")

  function names.string.format(template, ...)
    local args = { n = select("#", ...), ... }
    for i = 1, args.n do
      if type(args[i]) == "table" or type(args[i]) == "function" then args[i] = plain_text(args[i]) end
    end
    if find(template, "%%[%d.%-+ #]*p") then error("a pointer has no text", 2) end
    return format(template, unpack(args, 1, args.n))
  end

  local known = {}
  for key in next, names do known[#known + 1] = key end
  sort(known)

  -- What nobody knows is told once and then behaves as if it had not been written.
  setmetatable(unknown, { __call = function() return nil end, __index = function() return nil end })
  local environment = setmetatable({}, {
    __index = function(_, key)
      if names[key] ~= nil then return names[key] end
      complain_here(2, { code = "unknown_name", value = key, near = core.suggest(key, known) })
      return unknown
    end,
    __newindex = function(self, key, value)
      complain_here(2, { code = "no_global", value = key })
      rawset(self, key, value)
    end,
  })

  -- Running ------------------------------------------------------------------------------------------

  local function run_text(file, source)
    local chunk, message = load(source, "@" .. file, "t", environment)
    if not chunk then return syntax(file, message) end
    local result = { chunk() } -- not a tail call, which would hide the line of the recipe's own calls
    return unpack(result)
  end

  function names.include(path)
    local from = place(2)
    local folder = match(from, "^(.*/)[^/]*$") or ""
    local file = sub(path, 1, 1) == "/" and path or folder .. path
    for i, open in ipairs(running) do
      if open == file then
        local chain = running[i]
        for j = i + 1, #running do chain = chain .. " -> " .. running[j] end
        return complain_here(2, { code = "include_cycle", a = chain .. " -> " .. file })
      end
    end
    local source, message = read(file)
    if not source then
      return complain_here(2, { code = "cannot_read", path = file, a = gsub(message, "^.*: ", "") })
    end
    running[#running + 1] = file
    local result = { run_text(file, source) }
    running[#running] = nil
    return unpack(result)
  end
  known[#known + 1] = "include"

  local function forget_unknown(table, seen)
    seen[table] = true
    for key, value in next, table do
      if value == unknown then
        table[key] = nil
      elseif type(value) == "table" and not seen[value] then
        forget_unknown(value, seen)
      end
    end
    return seen
  end

  local function check_result()
    local seen = forget_unknown(domains, {})
    for _, device in ipairs(devices) do
      if not seen[device] then complain { code = "outside_domain", path = device.dev or device.kind, file = device.file, line = device.line } end
    end
    for param in next, params do
      local found = false
      for _, other in ipairs(declared) do found = found or other == param end
      if not found then complain { code = "no_param", value = param, near = core.suggest(param, declared), file = name } end
    end
    local by_name = {}
    for _, domain in ipairs(domains) do
      local key = tostring(domain.uri) .. "\n" .. tostring(domain.name)
      if by_name[key] then complain { code = "same_domain", value = tostring(domain.name), file = domain.file, line = domain.line } end
      by_name[key] = true
    end
    if #domains == 0 and #problems == 0 then complain { code = "no_domain", file = name } end
  end

  -- Pattern functions do not count instructions, so a recipe must not reach them through a text's methods either.
  for _, key in ipairs { "find", "match", "gmatch", "gsub", "dump", "format", "pack", "packsize", "unpack" } do string[key] = nil end
  string.format = names.string.format

  if not text then
    local message
    text, message = read(name)
    if not text then
      complain { code = "cannot_read", path = name, a = gsub(message, "^.*: ", "") }
      return {}, problems
    end
  end
  running[1] = name
  local good, problem = xpcall(run_text, failure, name, text)
  if not good then
    complain(type(problem) == "table" and problem or failure(problem))
    return {}, problems
  end
  check_result()
  return domains, problems
end

return dsl
