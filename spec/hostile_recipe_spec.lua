-- Recipes that mean harm: each ends within two seconds, in bounded memory, with a clear error, and the next recipe of
-- the same process sees nothing of it.
local child = require("support.child")
local files = require("support.files")
local virtlun = require("virtlun")

local SECONDS = child.sanitized and 60 or 2
local MEBIBYTES = 900 -- of the whole process: the recipe's own, what is copied out of it, and what is made of that

-- Loads and checks a recipe, and tells what came of it.
local JUDGE = [[
  local virtlun = require "virtlun"
  local text = io.read("a")
  local begun = os.clock()
  local domains, problems = virtlun.loadstring(text, "r.lua")
  if domains then
    local good, found = virtlun.check(domains)
    domains, problems = good and domains, found
    if domains then domains, problems = virtlun.xml(domains[1]) end
  end
  local seconds = os.clock() - begun
  local peak = tonumber(io.open("/proc/self/status"):read("a"):match("VmHWM:%s*(%d+)")) // 1024
  local first = problems[1] or { code = domains and "loaded" or "nothing" }
  print(first.code, seconds, peak, #problems)
  print((virtlun.problems { first.message and first }))]]

-- What becomes of a recipe: code, seconds, mebibytes, number of problems, text of the first.
local function judge(recipe)
  local result = child.script(JUDGE, { stdin = recipe, timeout = 10 * SECONDS })
  assert.equal(0, result.code, "ended by force, or with an error: " .. result.err)
  assert.equal("", result.err)
  local code, seconds, peak, count, text = result.out:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)\n(.*)\n$")
  assert.truthy(code, result.out:sub(1, 300))
  return { code = code, seconds = tonumber(seconds), peak = tonumber(peak), count = tonumber(count), text = text }
end

local BIG = 'local s = ("x"):rep(1 << 24) s = s .. s .. s .. s '
local MANY = "local t = {} for i = 1, 4000000 do t[i] = i end "

local LONG = {
  too_long = "r.lua:1: the recipe ran for more than ",
  too_large = "r.lua: the recipe needs more than 256 MiB",
}

-- What Lua says of nesting that is too deep for its parser.
local DEEP = _VERSION == "Lua 5.3" and "r.lua:1: too many C lev" or "r.lua: C stack overflow"

-- name, recipe, and the text that the first problem begins with, or the texts by code where it is one of several.
local attacks = {
  -- Functions that work for long within one instruction.
  { "capitals of a large text", BIG .. "while true do local t = s:upper() end", LONG },
  { "order of large texts", BIG .. 'local u = "x" .. s:sub(2) while true do local e = s < u end', LONG },
  { "order of texts of zeros, again and again in one line", 'local a = ("\\0"):rep(1 << 24) a = a .. a .. a .. a ' ..
    'local c = ("\\0"):rep(1 << 24) c = c .. c .. c .. c local t = a < c' .. (", a < c"):rep(60), LONG },
  { "length of a large text", BIG .. "while true do local n = utf8.len(s) end", LONG },
  { "a sum with blanks", 'local s = (" "):rep(1 << 24) .. 1 while true do local n = s + 1 end', LONG },
  { "inserts at the front", MANY .. "while true do table.insert(t, 1, 0) end", LONG },
  { "sorting", MANY .. "while true do table.sort(t) end", LONG },
  { "sorting large texts", 'local t, p = {}, ("x"):rep(1 << 20) for i = 1, 100 do t[i] = p .. i * 7919 % 211 end ' ..
    "while true do table.sort(t) end", LONG },
  { "a comparison without end", "table.sort({ 1, 2, 3 }, function() while true do end end)", LONG },
  { "a comparison that sorts", "local function f(a, b) table.sort({ 1, 2, 3 }, f) return a < b end f(1, 2)",
    "r.lua:1: C stack overflow" },
  { "moves", MANY .. "while true do table.move(t, 1, #t, 2) end", LONG },
  { "unpacking", "while true do select('#', table.unpack({}, 1, 900000)) end", LONG },
  { "joining", MANY .. "while true do table.concat(t) end", LONG },
  { "joining what is not there", 'table.concat({}, "", 1, 1 << 60)', LONG },
  { "an iterator without end", "for _ in function() return 1 end do end", LONG },
  { "a goto without end", "::again:: goto again", LONG },
  -- Depth.
  { "parentheses", "local x = " .. ("("):rep(100000), DEEP },
  { "negations", "local x = " .. ("not "):rep(1000000), DEEP },
  { "functions in functions", "local x = " .. ("function() return "):rep(100000), DEEP },
  { "blocks in blocks", ("do "):rep(100000), DEEP },
  { "a chain of concatenations", "local x = 1" .. (" .. 1"):rep(1000000), DEEP },
  { "recursion", "local function f() return 1 + f() end f()", "r.lua:1: stack overflow" },
  { "tables in tables", 'local t = {} for i = 1, 1000 do t = { t } end domain "d" { x = t }',
    "r.lua: tables are nested deeper than 100" },
  { "tables that many tables share", 'local t = {} for i = 1, 90 do t = { t, t, t } end domain "d" { x = t }',
    "r.lua:1: d: unknown key 'x'" },
  -- Descriptions that are large, or claim to be.
  { "a list with holes", 'local t = {} for i = 0, 62 do t[1 << i] = 1 end domain "d" (t)',
    "r.lua:1: d: unknown key '1024'" },
  { "hosts with holes", 'local t = {} for i = 0, 62 do t[1 << i] = { name = "h" } end ' ..
    'domain "d" { disk { dev = "sda", source = { protocol = "rbd", name = "p/i", hosts = t } } }',
    "r.lua:1: d.sda.source.hosts: a table is not a list" },
  { "a million devices that are none", MANY .. 'domain "d" (t)', "r.lua:1: d.[1]: 1 is not a device" },
  { "a million tables", 'local t = {} for i = 1, 1000000 do t[i] = {} end domain "d" (t)',
    "r.lua: more than 500000 tables are described" },
  { "a long text in many places", 'local s, t = ("x"):rep(1 << 20), {} for i = 1, 1000 do t[i] = { kind = "cdrom", ' ..
    'dev = s, unit = 1 } end domain "d" (t)', "r.lua: more than 64 MiB of text are described" },
  { "a long name in many problems", 'local t = {} for i = 1, 5000 do t[i] = ' ..
    '{ kind = "cdrom", dev = "sda", unit = 3 } end domain (("x"):rep(1 << 24)) (t)',
    "r.lua:1: " .. ("x"):rep(200) .. "...: 16777216 characters are not" },
  { "domains without end", 'local n = 0 while true do n = n + 1 domain("d" .. n) {} end', LONG },
  { "XML of a million elements", 'domain "d" { cdrom { dev = "sda", raw = ("<x/>"):rep(2000000) } }',
    "r.lua:1: d.sda.raw: the XML cannot be used: has more than 1,000,000 elements" },
  { "XML with a crowd of attributes", 'local t = {} for i = 1, 100000 do t[i] = "a" .. i .. "=\'\'" end ' ..
    'domain "d" { cdrom { dev = "sda", raw = "<x " .. table.concat(t, " ") .. "/>" } }',
    "r.lua:1: d.sda.raw: the XML cannot be used: has more than 250 attributes in an element" },
  { "XML with an entity of its own", 'domain "d" { cdrom { dev = "sda", raw = "<!DOCTYPE x><x/>" } }',
    "r.lua:1: d.sda.raw: the XML cannot be used: not well-formed XML" },
  -- Problems without end.
  { "parameters without end", 'while true do param "x" {} end', "r.lua:1: parameter 'x' has no value" },
  { "requirements without end", 'while true do requires "virtlun >= 99" end', "r.lua:1: needs virtlun >= 99.0" },
  { "includes without end", 'while true do include "/no/such.lua" end', "r.lua:1: /no/such.lua: cannot be read" },
  { "an error of many megabytes", BIG .. "error(s)",
    { recipe_failed = "r.lua:1: xxxxxxxx", too_large = LONG.too_large } },
  { "an error that is a table", "error(setmetatable)", "r.lua:1: unknown name 'setmetatable'" },
  { "an error that claims to be another", 'error("not enough memory\27[31m\200")',
    "r.lua:1: not enough memory\\x1b[31m\\xc8" },
  -- Texts of recipes.
  { "a text of 100 MB", "--" .. ("x"):rep(100000000), "r.lua: describes no domain" },
  { "a word of 100 MB", ("x"):rep(100000000) .. " = 1", "r.lua: the recipe needs more than 256 MiB of memory" },
  { "bytes that are no text", 'domain "d" { cdrom { dev = "sd\255\27[2J", io = "\0\155" } }',
    "r.lua:1: d.sd\\xff\\x1b[2J.io: '' is not one of" },
}

describe("a hostile recipe ends:", function()
  if child.sanitized then
    pending("the sanitizer looks into neither Lua nor libxml2, which take the time here; the fuzzers run with one")
    return
  end
  for _, attack in ipairs(attacks) do
    it(attack[1], function()
      local judged = judge(attack[2])
      assert.is_true(judged.seconds < SECONDS, judged.seconds .. " seconds: " .. judged.text)
      local expected = attack[3]
      if type(expected) == "table" then expected = assert(expected[judged.code], judged.text) end
      assert.equal(expected, judged.text:sub(1, #expected))
      assert.is_truthy(utf8.len(judged.text))
      assert.is_true(judged.count <= 10001, judged.count)
      assert.is_true(judged.peak < MEBIBYTES, judged.peak .. " MiB")
    end)
  end
end)

-- What a text describes: the serial of its only drive, or what is wrong.
local function serial_of(text)
  local domains, problems = virtlun.loadstring(text, "r.lua")
  return domains and domains[1][1].serial or tostring(problems)
end

local SHOW = ' domain "d" { cdrom { dev = "sda", serial = tostring(value) } }'

describe("a hostile recipe reaches", function()
  -- Each would be a way out of what a recipe may use.
  local routes = {
    ["the metatable of texts"] = 'local value = ("x").__index', ["itself through it"] = 'local value = ("x").find',
    ["dump"] = "local value = string.dump", ["pattern functions"] = "local value = string.gmatch",
    ["other functions' parts"] = "local value = table.debug", ["raw access"] = "local value = math.rawset",
  }
  for name, text in pairs(routes) do
    it("nothing by " .. name, function() assert.equal("nil", serial_of(text .. SHOW)) end)
  end

  local names = { "_G", "_ENV._G", "debug", "load", "loadstring", "dofile", "require", "package", "os", "io", "pcall",
    "xpcall", "coroutine", "getmetatable", "setmetatable", "rawset", "rawget", "rawequal", "rawlen", "next",
    "collectgarbage", "print", "warn", "core", "virtlun", "string.find", "self" }
  it("no function beside those of the language", function()
    for _, name in ipairs(names) do
      local text = serial_of(("local value = type(%s)"):format(name) .. SHOW)
      assert.truthy(text == "nil" or text:find("unknown name", 1, true), name .. ": " .. text)
    end
  end)

  it("no metatable by a constructor's argument", function()
    local text = 'local c = cdrom { dev = "sda", __index = 1, __gc = 1, __pairs = 1, __close = 1, __name = "x" }'
    assert.truthy(serial_of(text .. ' domain "d" { c }'):find("r.lua:1") or true)
    local domains = assert(virtlun.loadstring(text .. ' domain "d" { c }', "r.lua"))
    assert.is_nil(getmetatable(domains[1]))
    assert.is_nil(getmetatable(domains[1][1]))
    local _, problems = virtlun.check(domains)
    assert.equal(5, #problems)
    for _, problem in ipairs(problems) do assert.equal("unknown_key", problem.code) end
  end)

  it("no function of its own outside", function()
    local domains = assert(virtlun.loadstring('domain "d" { x = function() return 1 end, [tostring] = 1 }', "r.lua"))
    assert.has_error(domains[1].x, "a function of a recipe cannot be called outside of it")
    assert.is_nil(virtlun.check(domains))
  end)

  it("no bytecode", function()
    local bytecode = string.dump(function() return 1 end)
    assert.equal("r.lua: attempt to load a binary chunk (mode is 't')", serial_of(bytecode))
    assert.equal("r.lua: attempt to load a binary chunk (mode is 't')", serial_of("\27Lua"))
    local folder = child.folder()
    local path = files.write(folder .. "/code.lua", bytecode)
    local text = serial_of(("include %q"):format(path))
    child.remove(folder)
    assert.equal(path .. ": attempt to load a binary chunk (mode is 't')", text)
  end)

  it("no later recipe of the same process", function()
    local harm = [[
      for _, library in ipairs { string, table, math, utf8 } do
        for _, name in ipairs { "format", "rep", "upper", "len", "sort", "concat", "insert", "unpack", "floor" } do
          if library[name] then library[name] = function() return "harm" end end
        end
      end
      local value = ("x"):upper() .. table.concat({ 1 })]]
    assert.equal("Xharm", serial_of(harm .. SHOW))
    assert.equal("X1", serial_of('local value = ("x"):upper() .. table.concat({ 1 })' .. SHOW))
    assert.equal("X", ("x"):upper())
    assert.equal("1", table.concat { 1 })
  end)
end)

describe("a hostile file", function()
  local folder
  before_each(function() folder = child.folder() end)
  after_each(function() child.remove(folder) end)

  local function including(name)
    local _, problems = virtlun.loadstring(('include "%s/%s"\ndomain "d" {}'):format(folder, name), folder .. "/r.lua")
    return (tostring(problems):gsub(folder:gsub("%p", "%%%0") .. "/", ""))
  end

  it("is not waited for where it is a pipe, and not read where it is a device or too large", function()
    os.execute(("cd %s && mkfifo pipe.lua && ln -s /dev/zero zero.lua && truncate -s 17M large.lua && "
      .. "truncate -s 1T giant.lua && ln -s /proc/self/mem mem.lua && ln -s loop.lua loop.lua && "
      .. "mkdir dir.lua"):format(folder))
    assert.equal("r.lua:1: pipe.lua: cannot be read: not a regular file", including("pipe.lua"))
    assert.equal("r.lua:1: zero.lua: cannot be read: not a regular file", including("zero.lua"))
    assert.equal("r.lua:1: large.lua: cannot be read: larger than 16 MiB", including("large.lua"))
    assert.equal("r.lua:1: giant.lua: cannot be read: larger than 16 MiB", including("giant.lua"))
    assert.equal("r.lua:1: dir.lua: cannot be read: not a regular file", including("dir.lua"))
    assert.equal("r.lua:1: loop.lua: cannot be read: Too many levels of symbolic links", including("loop.lua"))
    assert.equal("", including("mem.lua")) -- its size is none, and so much is read
  end)

  it("is not read again and again without end", function()
    files.write(folder .. "/long.lua", ("-"):rep(16000000))
    local judged = judge(('while true do include "%s/long.lua" end'):format(folder))
    assert.equal("too_long", judged.code)
    assert.is_true(judged.seconds < SECONDS, judged.seconds)
    if not child.sanitized then assert.is_true(judged.peak < MEBIBYTES, judged.peak) end
  end)
end)

describe("a hostile parameter", function()
  local texts = { ["-1"] = true, ["1e999"] = true, ["0x" .. ("f"):rep(1000)] = true, ["\27[31m\255"] = true,
    ["x\0y"] = true, [("9"):rep(1000000)] = true, ["]]"] = true, ['" .. os.exit() .. "'] = true, ["nan"] = true }

  it("is a text and nothing else", function()
    for text in pairs(texts) do
      local recipe = 'local p = param "p" {} domain "d" { cdrom { dev = "sda", serial = p } }'
      local domains = assert(virtlun.loadstring(recipe, "r.lua", { p = text }))
      assert.equal(text, domains[1][1].serial)
      local _, problems = virtlun.check(domains)
      local said = tostring(problems)
      assert.is_truthy(utf8.len(said))
      assert.is_nil(said:find("[\0-\9\11-\31]"))
      assert.is_true(#said < 1000)
    end
  end)

  it("is a number within the limits of what it is for, or a problem", function()
    for text in pairs(texts) do
      local domains, problems = virtlun.loadstring('local p = param "p" { default = 0 } ' ..
        'domain "d" { cdrom { dev = "sda", address = { controller = 0, unit = p } } }', "r.lua", { p = text })
      if domains then domains, problems = virtlun.check(domains) end
      assert.is_nil(domains)
      assert.is_truthy(utf8.len(tostring(problems)))
    end
  end)

  it("of the command too", function()
    local path = files.write(child.folder() .. "/r.lua", 'local p = param "p" { default = 0 } domain "d" {}')
    local function check(...) return child.virtlun({ "check", path, ... }) end
    local long = check("-p", "p=" .. ("9"):rep(100000))
    assert.equal(0, long.code, long.err)
    for _, option in ipairs { "p=x\27[31m", "q=1", "=1", "p" } do
      local result = check("-p", option)
      assert.truthy(result.code == 1 or result.code == 64, option .. ": " .. result.code)
      assert.is_nil(result.err:find("\27", 1, true), option)
      assert.truthy(#result.err > 0)
    end
    child.remove(path:match("^(/tmp/vl%w+)"))
  end)
end)
