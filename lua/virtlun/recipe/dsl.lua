--- The language of recipes: what its names are and what they do.
--
-- These functions are dumped and run in the recipe's own Lua state (csrc/lua_recipe.c), so none may have upvalues:
-- what they need comes as arguments.  They know no host and touch no file but through `read`.

local dsl = {}

--- The constructors: functions by name that stamp kind, file and line on a plain table.
-- kinds: names of the devices; where(): file and line of the caller's caller; made(table): called for each device;
-- begun(name): called for each domain's name, gives what is called when its table comes; described(domain): then too.
function dsl.constructors(kinds, where, made, begun, described)
  local names = {}

  local function stamp(kind, table)
    if type(table) ~= "table" then
      error(("%s needs a table: %s { ... }"):format(kind, kind), 3)
    end
    if table.kind ~= nil and table.kind ~= kind then
      error(("a %s cannot be a %s"):format(tostring(table.kind), kind), 3)
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
    local finish = begun(name)
    return function(table)
      table = stamp("domain", table)
      table.name = name
      finish()
      described(table)
      return table
    end
  end

  return names
end

--- Runs a recipe.  Returns the list of domains that it describes, and the list of problems that it met.
-- constructors: the function above; library: that of recipe/library.lua; core: virtlun.core; read(path): text of a
-- file, or nil and why not; name, text: of the recipe, text nil for the file of that name; params: text by name.
function dsl.run(constructors, library, core, read, name, text, params)
  local getinfo = debug.getinfo
  local find, match, gsub, format, sub = string.find, string.match, string.gsub, string.format, string.sub
  local load, setmetatable, rawset, xpcall, next = load, setmetatable, rawset, xpcall, next
  local type, tonumber, ipairs, error, sort = type, tonumber, ipairs, error, table.sort
  local limits = core.limits
  local domains, problems, devices, declared, running = {}, {}, {}, {}, {}
  local names, unpack = library()
  local known = {}   -- what can be suggested
  local unknown = {} -- stands for what a name that nobody knows would have been
  local told = {}    -- names that nobody knows and that are told already

  -- Problems -------------------------------------------------------------------------------------------

  local complaints = 0
  local function complain(problem)
    complaints = complaints + 1 -- the problem that this error becomes comes here too
    if complaints == limits.problems + 1 then error("there are too many problems", 0) end
    problems[#problems + 1] = core.problem(problem)
  end

  -- A tail call leaves no line behind; then only the file is told.
  local function place(level)
    local info = getinfo(level + 1, "Slt")
    if not info or sub(info.source, 1, 1) ~= "@" then return running[#running] or name end
    return sub(info.source, 2), not info.istailcall and info.currentline > 0 and info.currentline or nil
  end

  local function complain_here(level, problem)
    problem.file, problem.line = place(level + 1)
    complain(problem)
  end

  -- What Lua says has the place in front, shortened; here the place is told apart, in full.
  local function failure(message)
    if type(message) ~= "string" then message = "an error that is no text was raised" end
    local problem = { code = "recipe_failed", a = gsub(message, "^[^\n]-:%-?%d+: ", "", 1), file = name }
    for level = 2, 20 do
      local info = getinfo(level, "Sl")
      if not info then break end
      if sub(info.source, 1, 1) == "@" and info.currentline > 0 then
        problem.file, problem.line = sub(info.source, 2), info.currentline
        break
      end
    end
    if find(message, "too many instructions", 1, true) then
      problem.code, problem.expected = "too_long", format("%d million instructions", limits.instructions // 1000000)
    elseif find(message, "too many seconds", 1, true) then
      problem.code, problem.expected = "too_long", format("%.1f seconds", limits.seconds)
    elseif message == "not enough memory" then
      -- Lua 5.4 tells of no place where memory ended.
      problem.code, problem.expected = "too_large", format("%d MiB", limits.mebibytes)
      problem.file, problem.line = name, nil
    end
    return problem
  end

  -- Names ----------------------------------------------------------------------------------------------

  -- None of these calls may be a tail call, which would hide a level.
  local function where()
    local file, line = place(4)
    return file, line
  end

  local function made(device) devices[#devices + 1] = device end

  -- domain "name" without a table behind it would be lost without a word.
  local unfinished = {}
  local function begun(domain)
    local file, line = place(3)
    local entry = { code = "unfinished", value = type(domain) == "string" and domain or "?", file = file, line = line }
    unfinished[#unfinished + 1] = entry
    return function() entry.finished = true end
  end

  local function described(domain) domains[#domains + 1] = domain end

  for key, constructor in next, constructors(core.kinds, where, made, begun, described) do names[key] = constructor end

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
      if type(options) ~= "table" then error('write: param "name" { default = ... }', 2) end
      local value, default = params[param], options.default
      if value ~= nil then
        local result = converted(value, default, param)
        return result
      end
      if default == nil then complain_here(2, { code = "param_unset", value = param }) end
      return default
    end
  end

  function names.requires(wanted)
    wanted = type(wanted) == "string" and wanted or ""
    local major, minor = match(wanted, "^virtlun%s*>=%s*(%d+)%.?(%d*)")
    minor = tonumber(minor) or 0
    local has_major, has_minor = match(core.VERSION, "^(%d+)%.(%d+)")
    if not major then error('requires wants a text such as "virtlun >= 1.0"', 2) end
    if has_major * 1000 + has_minor < major * 1000 + minor then
      local expected = format(">= %d.%d", major, minor)
      complain_here(2, { code = "requires", value = core.VERSION, expected = expected })
    end
  end

  -- What nobody knows is told once and then behaves as if it had not been written.
  local function still_unknown() return unknown end
  setmetatable(unknown, { __call = still_unknown, __index = still_unknown })
  local environment = setmetatable({}, {
    __index = function(_, key)
      if names[key] ~= nil then return names[key] end
      if not told[key] then
        complain_here(2, { code = "unknown_name", value = key, near = core.suggest(key, known) })
      end
      told[key] = true
      return unknown
    end,
    __newindex = function(self, key, value)
      complain_here(2, { code = "no_global", value = key })
      rawset(self, key, value)
    end,
  })

  -- Files ----------------------------------------------------------------------------------------------

  -- Some editors begin a text with a byte order mark.
  local function run_text(file, source)
    if sub(source, 1, 3) == "\xEF\xBB\xBF" then source = sub(source, 4) end
    local chunk, message = load(source, "@" .. file, "t", environment)
    if not chunk then
      if message == "not enough memory" then error(message, 0) end
      -- Nesting that is too deep comes through the handler of errors, as a problem already.
      if type(message) == "table" then message = message.a end
      local line, rest = match(message, ":(%d+): (.*)$")
      complain { code = "syntax", a = rest or message, file = file, line = tonumber(line) }
      return
    end
    local result = { chunk() } -- not a tail call, which would hide the line of the recipe's own calls
    return unpack(result)
  end

  -- The same file by the same name: without ./ and folder/.. on the way.
  local function plain_path(path)
    local before
    repeat
      before = path
      path = gsub(gsub(path, "^%./", ""), "/%./", "/")
      path = gsub(path, "([^/]+)/%.%./", function(folder) return folder == ".." and nil or "" end, 1)
    until path == before
    return path
  end

  -- Where in the chain of running files a file is, so that none includes itself.
  local function chain_from(file)
    for i, open in ipairs(running) do
      if open == file then
        local chain = running[i]
        for j = i + 1, #running do chain = chain .. " -> " .. running[j] end
        return chain .. " -> " .. file
      end
    end
  end

  function names.include(path)
    if type(path) ~= "string" then error('include wants the path of a recipe', 2) end
    local folder = match(running[#running], "^(.*/)[^/]*$") or ""
    local file = plain_path(sub(path, 1, 1) == "/" and path or folder .. path)
    -- What is wrong with a file is told with words of it, and not every file is for everybody's eyes.
    if sub(file, -4) ~= ".lua" then
      complain_here(2, { code = "cannot_read", path = file, a = "only a file whose name ends in .lua is included" })
      return nil
    end
    local chain = chain_from(file)
    if chain then
      complain_here(2, { code = "include_cycle", a = chain })
      return nil
    end
    local source, message = read(file)
    if not source then
      complain_here(2, { code = "cannot_read", path = file, a = message })
      return nil
    end
    running[#running + 1] = file
    local result = { run_text(file, source) }
    running[#running] = nil
    return unpack(result)
  end

  -- The result -----------------------------------------------------------------------------------------

  -- What lies deeper than any description is refused when it is copied.
  local function forget_unknown(table, seen, depth)
    seen[table] = true
    if depth > 100 then return seen end
    for key, value in next, table do
      if value == unknown then
        table[key] = nil
      elseif type(value) == "table" and not seen[value] then
        forget_unknown(value, seen, depth + 1)
      end
    end
    return seen
  end

  local function check_devices(seen)
    for _, device in ipairs(devices) do
      if not seen[device] then
        local path = type(device.dev) == "string" and device.dev or device.kind
        complain { code = "outside_domain", path = path, file = device.file, line = device.line }
      end
    end
  end

  local function check_params()
    local is_declared, given = {}, {}
    for _, param in ipairs(declared) do is_declared[param] = true end
    for param in next, params do given[#given + 1] = param end
    sort(given)
    for _, param in ipairs(given) do
      if not is_declared[param] then
        complain { code = "no_param", value = param, near = core.suggest(param, declared), file = name }
      end
    end
  end

  -- All of it ------------------------------------------------------------------------------------------

  for key in next, names do known[#known + 1] = key end
  sort(known)
  if not text then
    local message
    text, message = read(name)
    if not text then
      complain { code = "cannot_read", path = name, a = message }
      return domains, problems
    end
  end
  running[1] = name
  local function whole()
    run_text(name, text)
    check_devices(forget_unknown(domains, {}, 0))
    check_params()
    for _, entry in ipairs(unfinished) do
      if not entry.finished then complain(entry) end
    end
    if #domains == 0 and #problems == 0 then complain { code = "no_domain", file = name } end
  end
  local good, problem = xpcall(whole, failure)
  if not good then complain(type(problem) == "table" and problem or failure(problem)) end
  return domains, problems
end

return dsl
