-- The language of recipes: which names it has, what they do, what it tells of mistakes, and the walls around it.
local child = require("support.child")
local virtlun = require("virtlun")

local function load(text, params)
  return virtlun.loadstring(text, "r.lua", params)
end

-- What loading or checking says of a recipe that must fail, one problem a line.
local function complaint(text, params)
  local domains, problems = load(text, params)
  if domains then domains, problems = virtlun.check(domains) end
  assert.is_nil(domains)
  return tostring(problems)
end

local function in_domain(body)
  return ('domain "d" { %s }'):format(body)
end

-- A recipe shows values to the spec as the source of a drive.
local function value_of(expression, params)
  local text = ("local value = %s\n"):format(expression) .. in_domain('cdrom { dev = "sda", source = value }')
  local domains, problems = load(text, params)
  assert(domains, tostring(problems))
  return domains[1][1].source
end

describe("a recipe sees", function()
  local functions = {
    assert = true, error = true, ipairs = true, pairs = true, select = true, tonumber = true, tostring = true,
    type = true, domain = true, controller = true, cdrom = true, disk = true, lun = true, hostdev = true,
    param = true, include = true, requires = true,
  }
  local libraries = {
    math = { "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf", "pi", "sqrt",
      "tointeger", "type", "ult" },
    string = { "byte", "char", "format", "len", "lower", "rep", "reverse", "sub", "upper" },
    table = { "concat", "insert", "move", "pack", "remove", "sort", "unpack" },
    utf8 = { "char", "codepoint", "len", "offset" },
  }
  local elsewhere = { -- names of Lua and of libraries that are not for recipes, _G and _ENV's own among them
    "_G", "_VERSION", "bit32", "collectgarbage", "coroutine", "debug", "dofile", "getmetatable", "io", "load",
    "loadfile", "loadstring", "next", "os", "package", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset",
    "require", "setmetatable", "warn", "xpcall", "virtlun", "core", "self", "arg",
  }

  it("these functions", function()
    for name in pairs(functions) do assert.equal("function", value_of(("type(%s)"):format(name)), name) end
  end)

  it("these libraries, with these members and no other", function()
    for name, members in pairs(libraries) do
      local list = '(function() local l = {} for k in pairs(%s) do l[#l + 1] = k end ' ..
        'return table.concat(l, " ") end)()'
      assert.equal(table.concat(members, " "), value_of(list:format(name)), name)
    end
  end)

  it("nothing else", function()
    for _, name in ipairs(elsewhere) do
      local said = complaint(("local x = %s\n"):format(name) .. in_domain("") )
      assert.truthy(said:find(("r.lua:1: unknown name '%s'"):format(name), 1, true), said)
    end
  end)

  it("no global of Lua that these lists forget", function()
    local known = {}
    for _, name in ipairs(elsewhere) do known[name] = true end
    for name in child.script("for name in pairs(_G) do print(name) end").out:gmatch("%S+") do
      assert.truthy(known[name] or functions[name] or libraries[name], name)
    end
  end)

  it("as methods of a text what string has, and nothing else", function()
    assert.equal("XYZ", value_of('("xyz"):upper()'))
    for _, name in ipairs { "find", "match", "gmatch", "gsub", "dump", "pack", "packsize", "unpack" } do
      local said = complaint(('local x = ("x"):%s("x")'):format(name))
      assert.equal(("r.lua:1: attempt to call a nil value (method '%s')"):format(name), said)
    end
  end)
end)

describe("in a recipe", function()
  local results = {
    { "pairs goes by numbers, then by texts",
      '(function() local s = "" for k in pairs { b = 1, a = 1, 7, [-2] = 1, c = 1, [1.5] = 1 } do ' ..
      's = s .. k .. " " end return s end)()', "-2 1 1.5 a b c " },
    { "pairs may empty what it goes through",
      "(function() local t, n = { a = 1, b = 2, c = 3 }, 0 for k in pairs(t) do t[k] = nil n = n + 1 end " ..
      "return n end)()", 3 },
    { "string.format works for what has a text", '("%s %d %q %5.2f"):format("a", 3, "b", 1)', 'a 3 "b"  1.00' },
    { "string.format takes a percent sign before a p for no address", '("100%% pure"):format()', "100% pure" },
    { "tostring works for what has a text", 'tostring(1) .. tostring(true) .. tostring(nil)', "1truenil" },
  }
  for _, case in ipairs(results) do
    it(case[1], function() assert.equal(case[3], value_of(case[2])) end)
  end

  local failures = {
    { "tostring of a table is refused", "tostring({})", "a table has no text" },
    { "tostring of a function is refused", "tostring(tostring)", "a function has no text" },
    { "string.format of a table is refused", '("%s"):format({})', "a table has no text" },
    { "the address of a text is refused", 'string.format("%p", "x")', "a pointer has no text" },
    { "the address with a width is refused", '("%-20p"):format("x")', "a pointer has no text" },
    { "pairs of keys without order is refused", "(function() for _ in pairs { [{}] = 1 } do end end)()",
      "pairs: a key is neither number nor text" },
    { "an error keeps its text", 'error("no such luck")', "no such luck" },
    { "an error that is no text is told as such", "error({})", "an error that is no text was raised" },
    { "a failed assert keeps its text", 'assert(false, "so it is not")', "so it is not" },
    { "a constructor wants a table", 'cdrom("sda")', "cdrom needs a table: cdrom { ... }" },
    { "a domain wants a table", 'domain "x" "y"', "domain needs a table: domain { ... }" },
    { "requires wants a version", 'requires "lua"', 'requires wants a text such as "virtlun >= 1.0"' },
  }
  for _, case in ipairs(failures) do
    it(case[1], function()
      assert.equal("r.lua:2: " .. case[3], complaint("\nlocal x = " .. case[2]))
    end)
  end
end)

describe("a recipe is told of", function()
  local cases = {
    { "an unknown name, with the nearest", 'domian "d" {}', "r.lua:1: unknown name 'domian' (did you mean 'domain'?)" },
    { "every unknown name once, and everything else in the same run",
      "local a = nobody\nlocal b = nobody\nlocal c = elsewhere\n" ..
      in_domain('cdrom { dev = "sda", colour = a, target = 1 }'),
      "r.lua:1: unknown name 'nobody'\nr.lua:3: unknown name 'elsewhere'\nr.lua:4: d.sda: unknown key 'target'" },
    { "a global", 'size = 3\n' .. in_domain(""), "r.lua:1: 'size' would be a global (write: local size = ...)" },
    { "a syntax error", 'domain "d" {\n  x = = 1 }', "r.lua:2: unexpected symbol near '='" },
    { "a binary chunk", string.dump(function() end), "r.lua: attempt to load a binary chunk (mode is 't')" },
    { "no domain", "local x = 1", 'r.lua: describes no domain (write: domain "name" { ... })' },
    { "a device outside of every domain", '\ncdrom { dev = "sdb" }\n' .. in_domain(""),
      'r.lua:2: sdb: stands outside of every domain (put it into domain "name" { ... })' },
    { "a device without a name outside of every domain", "controller { index = 1 }\n" .. in_domain(""),
      'r.lua:1: controller: stands outside of every domain (put it into domain "name" { ... })' },
    { "the same domain twice", in_domain("") .. "\n" .. in_domain(""),
      "r.lua:2: d: is described twice (put its devices into one domain { ... })" },
    { "too new a requirement", 'requires "virtlun >= 99.1"\n' .. in_domain(""),
      "r.lua:1: needs virtlun >= 99.1; this is " .. virtlun.VERSION },
    { "an unset parameter", 'local iso = param "iso" {}\n' .. in_domain(""),
      "r.lua:1: parameter 'iso' has no value (set it with -p iso=value)" },
    { "a parameter of another type", '\nlocal n = param "n" { default = 3 }\n' .. in_domain(""),
      "r.lua:2: 'x' is not a number, as the default of parameter 'n' is", params = { n = "x" } },
    { "a switch that is neither on nor off", 'local n = param "n" { default = true }\n' .. in_domain(""),
      "r.lua:1: 'yes' is not a boolean, as the default of parameter 'n' is", params = { n = "yes" } },
    { "a parameter that nobody declared", 'local n = param "image" { default = "a" }\n' .. in_domain(""),
      "r.lua: parameter 'imagee' is not declared by the recipe (did you mean 'image'?)", params = { imagee = "x" } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      assert.equal(case[3], complaint(case[2], case.params))
    end)
  end

  it("nothing when the same name is described on two hosts", function()
    assert.equal(2, #assert(load('domain "d" { uri = "test:///a" }\ndomain "d" { uri = "test:///b" }')))
  end)
end)

describe("a parameter", function()
  local cases = {
    { 'param "n" { default = "a" }', "a" }, { 'param "n" { default = "a" }', "b", n = "b" },
    { 'param "n" { default = 3 }', 3 }, { 'param "n" { default = 3 }', 12, n = "12" },
    { 'param "n" { default = 3 }', 0.5, n = "0.5" }, { 'param "n" { default = false }', false },
    { 'param "n" { default = false }', true, n = "true" }, { 'param "n" { default = true }', false, n = "false" },
    { 'param "n" {}', "given", n = "given" }, { 'param "n" { default = "a" }', "", n = "" },
    { 'param "n" { default = "1" }', "2", n = "2" },
  }
  for _, case in ipairs(cases) do
    it(("%s with %s is %s"):format(case[1], tostring(case.n), tostring(case[2])), function()
      assert.equal(case[2], value_of(case[1], { n = case.n }))
    end)
  end
end)

describe("values of a recipe", function()
  it("that are functions are refused where they stand", function()
    local domains = assert(load("\n" .. in_domain('cdrom { dev = "sda", source = function() end }')))
    local _, problems = virtlun.check(domains)
    local said = tostring(problems)
    assert.truthy(said:find("r.lua:2: d.sda.source: a function is not ", 1, true), said)
  end)

  it("that are shared stay shared", function()
    local domains = assert(load('local a = { controller = 0, unit = 3 }\n' ..
      in_domain('cdrom { dev = "sda", address = a }, lun { dev = "sdb", address = a }')))
    assert.equal(domains[1][1].address, domains[1][2].address)
  end)

  it("may be cyclic, and are then refused by the checks", function()
    local domains = assert(load('local c = cdrom { dev = "sda" }\nc.source = c\n' .. in_domain("c")))
    assert.equal(domains[1][1], domains[1][1].source)
    local good, problems = virtlun.check(domains)
    assert.is_nil(good)
    assert.truthy(tostring(problems):find("^r.lua:1: d.sda.source"), tostring(problems))
  end)

  it("that are nested too deep are a problem, not an error", function()
    -- A build with a sanitizer is too slow for the larger one, and would run out of time first.
    for _, depth in ipairs { 150, child.sanitized and 3000 or 300000 } do
      local text = ("local t = {} for i = 1, %d do t = { t } end "):format(depth) .. in_domain("x = t")
      local domains, problems = load(text)
      assert.is_nil(domains)
      assert.truthy(tostring(problems):find("deep", 1, true), tostring(problems))
    end
  end)

  it("that came through helpers have the file, and the line if it is known", function()
    local text = 'local function plain(d) local c = cdrom { dev = d, unit = 1 } return c end\n' ..
      'local function tail(d) return cdrom { dev = d, unit = 1 } end\n' ..
      'domain "d" {\n  plain "sda",\n  tail "sdb",\n}'
    local devices = assert(load(text))[1]
    assert.same({ "r.lua", 1 }, { devices[1].file, devices[1].line })
    assert.equal("r.lua", devices[2].file)
    assert.truthy(({ [2] = true, [5] = true, none = true })[devices[2].line or "none"])
  end)

  it("may be plain tables with a kind", function()
    assert.is_true(virtlun.check(assert(load(in_domain('{ kind = "cdrom", dev = "sda" }')))))
  end)

  it("keep false apart from what is left out", function()
    local device = assert(load(in_domain('cdrom { dev = "sda", source = false, boot = nil }')))[1][1]
    assert.is_false(device.source)
    assert.is_nil(device.boot)
  end)
end)

describe("the walls of a recipe", function()
  -- Each runs in a process of its own, so that a wall that falls is seen from outside.
  local run = [[
    local virtlun = require "virtlun"
    local function resident() return tonumber(io.open("/proc/self/status"):read("a"):match("VmRSS:%s*(%d+)")) end
    local text, begun = io.read("a"), os.clock()
    local domains, problems = virtlun.loadstring(text, "r.lua")
    local time, before = os.clock() - begun, resident()
    -- What the C library keeps for later is no leak, so it is the second run that must not grow.
    if time < 2 then virtlun.loadstring(text, "r.lua") end
    collectgarbage()
    print(domains and "loaded" or problems[1].code, time, resident() - before)
    print(tostring(problems))]]
  local seconds = child.sanitized and 30 or 2
  local either = { too_long = true, too_large = true }
  local walls = {
    { "an endless loop", "while true do end", { too_long = true },
      "r.lua:1: the recipe ran for more than 50 million instructions (an endless loop?)" },
    { "a gigabyte of text", 'local s = ("x"):rep(1000000000)', { too_large = true },
      "r.lua: the recipe needs more than 256 MiB of memory" },
    { "text that doubles", 'local s = "x" while true do s = s .. s end', { too_large = true },
      "r.lua: the recipe needs more than 256 MiB of memory" },
    { "a huge table", "local t = {} for i = 1, 1e9 do t[-i] = i end", { too_large = true },
      "r.lua: the recipe needs more than 256 MiB of memory" },
    { "deep recursion", "local function f() return 1 + f() end\nf()", { recipe_failed = true },
      "r.lua:1: stack overflow" },
    { "a tail call without end", "local function f() return f() end\nf()", { too_long = true } },
    { "deep nesting of its text", "local t = " .. ("{"):rep(100000), { syntax = true },
      _VERSION == "Lua 5.3" and "r.lua:1: too many C levels (limit is 200) in main function near '{'" or
        "r.lua: C stack overflow" },
    { "nothing, repeated without end", 'local s = (""):rep(1 << 60)', either },
    { "a move of nothing without end", "table.move({}, 1, 1 << 60, 2)", either },
    { "large texts again and again", 'while true do local s = ("x"):rep(100000000) end', either },
    { "a table that is moved for each item", "local t = {} for i = 1, 10000000 do table.insert(t, 1, i) end", either },
    { "a name that nobody knows, a million times", "for i = 1, 1000000 do local x = nobody end " .. in_domain(""),
      { unknown_name = true }, "r.lua:1: unknown name 'nobody'" },
  }
  for _, case in ipairs(walls) do
    it("end " .. case[1], function()
      local result = child.script(run, { stdin = case[2], timeout = 20 * seconds })
      assert.equal(0, result.code, "ended by force, or with an error: " .. result.err)
      assert.equal("", result.err)
      local code, time, grown, text = result.out:match("^(%S+)\t(%S+)\t(%S+)\n(.*)\n$")
      -- Under a sanitizer the time may be over before what the recipe would be refused for.
      local slow = child.sanitized and code == "too_long"
      assert.truthy(case[3][code] or slow, result.out:sub(1, 200))
      if case[4] and not slow then assert.equal(case[4], text:sub(1, 300)) end
      assert.is_true(tonumber(time) < seconds, time)
      if not child.sanitized then assert.is_true(tonumber(grown) < 20000, grown .. " KiB are left") end
    end)
  end

  it("let the same recipe give the same XML in every process", function()
    local recipe = [[
      local sizes = { web = 1, db = 2, mail = 3, ntp = 4, proxy = 5, cache = 6, files = 7, log = 8 }
      local drives = {}
      for name, unit in pairs(sizes) do
        drives[#drives + 1] = cdrom { dev = "sd" .. name:sub(1, 1), source = "/" .. name .. ".iso", serial = name,
          address = { controller = 0, unit = unit } }
      end
      domain "d" { controller { index = 0 }, table.unpack(drives) }]]

    local first
    for _ = 1, 20 do
      local result = child.script(
        'local v = require "virtlun" io.write((v.xml(assert(v.loadstring(io.read("a"), "r"))[1])))', { stdin = recipe })
      assert.equal("", result.err)
      first = first or result.out
      assert.truthy(first:find("<serial>web</serial>", 1, true))
      assert.equal(first, result.out)
    end
  end)
end)
