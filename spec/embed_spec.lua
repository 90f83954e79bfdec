-- Virtlun inside of C programs: what the libraries show, the programs of spec/embed, and the README's section
-- "Embedding", followed to the letter with what `make install` has installed.
local child = require("support.child")
local files = require("support.files")

local build = os.getenv("VIRTLUN_BUILD") or "build"
local here = io.popen("pwd"):read("l")
local lua = _VERSION:match("%d%.%d")

-- What a shell prints that runs the text; fails if the text does.
local function sh(text, opts)
  local result = child.run({ "sh", "-ec", text }, opts)
  assert.equal(0, result.code, text .. "\n" .. result.out .. result.err)
  return result.out
end

local function program(name)
  return here .. "/" .. build .. "/embed/" .. name
end

-- No file of virtlun can be found.
local NOWHERE = { LUA_PATH = "", LUA_CPATH = "" }
for _, version in ipairs { "5_3", "5_4", "5_5" } do
  NOWHERE["LUA_PATH_" .. version], NOWHERE["LUA_CPATH_" .. version] = false, false
end

local function sorted(list)
  table.sort(list)
  return list
end

local function names_in(text, pattern)
  local list = {}
  for name in text:gmatch(pattern) do list[#list + 1] = name end
  return sorted(list)
end

-- The functions that a header declares.
local function declared(header)
  local text = assert(files.read("csrc/" .. header)):gsub("\n#[^\n]*", "")
  return names_in(text, "VLUN_API [%w_ %*]-([%w_]+)%(")
end

describe("the libraries for C programs", function()
  local libraries = { libvirtlun = "virtlun.h", ["libvirtlun-lua" .. lua] = "virtlun_lua.h" }

  -- The sanitizers add names of their own.
  local function shown(command)
    local list = {}
    for _, name in ipairs(names_in(sh(command), "(%S+) %u [^\n]*")) do
      if not name:match("^_") then list[#list + 1] = name end
    end
    return list
  end

  for library, header in pairs(libraries) do
    it("show what their header declares, and nothing else: " .. library, function()
      local path, wanted = ("%s/lib/%s"):format(build, library), declared(header)
      assert.is_true(#wanted >= 3)
      assert.same(wanted, shown("nm -P -g --defined-only " .. path .. ".a"))
      assert.same(wanted, shown("nm -P -D --defined-only " .. path .. ".so"))
      for _, name in ipairs(wanted) do
        assert.truthy(name:match("^vlun_") or name:match("^virtlun_") or name:match("^luaopen_virtlun_"), name)
      end
    end)

    it("are known by a name with their version: " .. library, function()
      local major = require("virtlun").VERSION:match("^%d+")
      assert.truthy(sh(("readelf -d %s/lib/%s.so"):format(build, library)):find(
        ("soname: [%s.so.%s]"):format(library, major), 1, true))
    end)
  end

  it("need no libvirt and no Lua, but where Lua is the program's", function()
    local core = sh("readelf -d " .. build .. "/lib/libvirtlun.so")
    assert.falsy(core:find("libvirt.so", 1, true) or core:find("liblua", 1, true))
    assert.falsy(sh(("nm -D -u %s/lib/libvirtlun.so"):format(build)):find("lua"))
    assert.falsy(sh(("readelf -d %s/lib/libvirtlun-lua%s.so"):format(build, lua)):find("liblua", 1, true))
  end)

  it("keep their inner names to themselves when a program is linked with them", function()
    for name in sh("nm -P -g --defined-only " .. program("preloaded")):gmatch("(%S+) %u [^\n]*") do
      local inner = name:match("^l?vlun_") or name:match("^Lvlun_") or name:match("^virt_") or name:match("^Lvirt_")
      assert.falsy(inner, name)
    end
  end)

  it("have headers that C++ takes too", function()
    if os.execute("printf 'int a;' | c++ -x c++ -fsyntax-only - 2>/dev/null") ~= true then
      return pending("there is no C++ compiler")
    end
    sh("printf '#include <virtlun.h>\\n' | c++ -Wall -Wextra -pedantic -Werror -x c++ -fsyntax-only -Icsrc -")
  end)
end)

describe("a C program without Lua", function()
  it("describes, reads, checks, completes, writes, compares and patches", function()
    local result = child.run { program("api") }
    assert.same({ "", "", 0 }, { result.out, result.err, result.code })
  end)

  it("gets the right result or none, whichever allocation fails", function()
    local result = child.run { program("failing") }
    assert.same({ "", 0 }, { result.err, result.code }, result.out)
    local failed, wrong = result.out:match("^(%d+) allocations failed, (%d+) times wrong\n$")
    assert.is_true(tonumber(failed) > 1000)
    assert.equal("0", wrong)
  end)
end)

describe("a C program with Lua", function()
  local recipe = 'domain "test" { uri = "test:///default", cdrom { dev = "sda", source = "/iso/b.iso" } }'
  local folder

  setup(function() folder = child.folder() end)
  teardown(function() child.remove(folder) end)

  -- Runs a program in an empty folder.
  local function run(list)
    return child.run({ "sh", "-c", "cd " .. folder .. ' && exec "$@"', "sh", table.unpack(list) }, { env = NOWHERE })
  end

  it("makes what a recipe says although no file of virtlun can be found", function()
    local result = run { program("host"), recipe }
    assert.same({ "2 changes made\n", "", 0 }, { result.out, result.err, result.code })
  end)

  it("tells what is wrong with a recipe, and ends", function()
    local result = run { program("host"), (recipe:gsub("dev", "dve")) }
    assert.equal(1, result.code)
    assert.truthy(result.err:find("recipe:1: test.cdrom#1: unknown key 'dve' (did you mean 'dev'?)", 1, true))
  end)

  it("has many states on several threads", function()
    local script = files.read("spec/embed/states.lua"):gsub("/proc/self/cwd", here)
    files.write(folder .. "/states.lua", script)
    local result = run { program("preloaded"), folder .. "/states.lua", "4", "6" }
    assert.same({ "24 states, 0 errors\n", "", 0 }, { result.out, result.err, result.code })
  end)

  it("finds everything but the command, whose modules need others", function()
    files.write(folder .. "/modules.lua", [[
      for name in pairs(package.preload) do
        print(name)
        if name ~= "virtlun.view.json" then require(name) end
      end]])
    local wanted = { "virtlun.core", "virtlun.libvirt" }
    for path in sh("find lua/virtlun -name '*.lua' -not -path '*/cli/*' -not -name meta.lua"):gmatch("[^\n]+") do
      wanted[#wanted + 1] = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    end
    local result = run { program("preloaded"), folder .. "/modules.lua", "1", "1" }
    assert.same({ "", 0 }, { result.err, result.code })
    assert.same(sorted(wanted), names_in(result.out, "(virtlun[^\n]*)\n"))
  end)

  it("is told which of the files something comes from", function()
    files.write(folder .. "/where.lua", 'print(debug.getinfo(require("virtlun.view.plan").lines).short_src)')
    local result = run { program("preloaded"), folder .. "/where.lua", "1", "1" }
    assert.equal("virtlun/view/plan.lua\n1 states, 0 errors\n", result.out)
  end)
end)

describe("the README's section about embedding", function()
  local readme = assert(files.read("README.md"))
  local section = assert(readme:match("\n## Embedding\n(.-)\n## "))
  -- It speaks of Lua 5.4, as all of the README.
  section = section:gsub("virtlun%-lua5%.4", "virtlun-lua" .. lua)
  local folder, home, env

  local function blocks(language)
    local list = {}
    for text in section:gmatch("\n```" .. language .. "\n(.-\n)```") do list[#list + 1] = text end
    return list
  end

  -- Installed as packages are: below another folder first, and then brought to its place.
  setup(function()
    if child.sanitized then return end
    folder = child.folder()
    home = folder .. "/home"
    sh(("make -s install BUILD=%s PREFIX=%s DESTDIR=%s/stage && mv %s/stage%s %s"):format(build, home, folder, folder,
      home, home), { timeout = 300, env = { MAKEFLAGS = false, MFLAGS = false, MAKELEVEL = false } })
    files.write(folder .. "/swap.c", blocks("c")[1])
    files.write(folder .. "/host.c", blocks("c")[2])
    env = { PKG_CONFIG_PATH = home .. "/lib/pkgconfig", LD_LIBRARY_PATH = home .. "/lib", LIBVIRT_DEFAULT_URI = false }
    for name, value in pairs(NOWHERE) do env[name] = value end
  end)

  teardown(function()
    if folder then child.remove(folder) end
  end)

  local function in_folder(text)
    return sh("cd " .. folder .. "\n" .. text, { env = env, timeout = 120 })
  end

  it("shows the programs of the specs", function()
    assert.equal(files.read("spec/embed/swap.c"), blocks("c")[1])
    assert.equal(files.read("spec/embed/host.c"), blocks("c")[2])
  end)

  it("builds and runs them with what is installed, and pkg-config", function()
    if child.sanitized then return pending("what is installed is not sanitized") end
    local out = in_folder(blocks("sh")[1])
    assert.truthy(out:find('<source file="/iso/b.iso"/>', 1, true), out)
    assert.truthy(out:find("\n2 changes made\n$"), out)
    assert.falsy(files.read(home .. "/lib/pkgconfig/virtlun.pc"):find("stage", 1, true))
  end)

  -- The names of libraries that a program asks for itself.
  local function needed(name)
    return names_in(sh("readelf -d " .. folder .. "/" .. name), "NEEDED[^%[]*%[([^%]]+)%]")
  end

  local function lacking()
    local wanted = in_folder("pkg-config --static --libs virtlun-lua" .. lua) .. " -lstdc++"
    for name in wanted:gmatch("%-l(%S+)") do
      local found = name:match("^virt") or sh("${CC:-cc} -print-file-name=lib" .. name .. ".a"):find("/", 1, true)
      if not found then return "lib" .. name .. ".a" end
    end
  end

  it("links all but libvirt statically", function()
    if child.sanitized then return pending("what is installed is not sanitized") end
    if lacking() then return pending("there is no " .. lacking()) end
    in_folder(blocks("sh")[2])
    for _, library in ipairs(needed("host-static")) do
      assert.truthy(library:match("^libvirt%.so") or library:match("^libc%.") or library:match("^libm%.")
        or library:match("^ld%-linux"), library)
    end
    for _, library in ipairs(needed("swap-static")) do assert.falsy(library:match("virt") or library:match("xml")) end
    local recipe = "'domain \"test\" { uri = \"test:///default\", cdrom { dev = \"sda\" } }'"
    assert.equal("2 changes made\n", in_folder("./host-static " .. recipe))
    assert.truthy(in_folder("virsh -c test:///default dumpxml test | ./swap-static sda /iso/b.iso"):find("b.iso"))
  end)

  it("may be followed for both libraries in one program, in any order", function()
    if child.sanitized then return pending("what is installed is not sanitized") end
    files.write(folder .. "/both.c", [[
      #include <lauxlib.h>
      #include <virtlun_lua.h>
      int main(void) {
        lua_State *L = luaL_newstate();
        virtlun_preload(L);
        lua_close(L);
        struct vlun_problems *problems = vlun_problems_new();
        vlun_domain_free(vlun_domain_new("web01", problems));
        vlun_problems_free(problems);
        return 0;
      }]])
    local names = { "virtlun", "virtlun-lua" .. lua }
    for _, order in ipairs { names[1] .. " " .. names[2], names[2] .. " " .. names[1] } do
      in_folder(("${CC:-cc} -o both both.c $(pkg-config --cflags --libs %s) && ./both"):format(order))
      local static = order:gsub("(%S+)", "-l:lib%1.a")
      in_folder(("${CC:-cc} -o both both.c $(pkg-config --cflags %s) -L%s/lib %s $(pkg-config --libs lua%s libvirt " ..
        "libxml-2.0) && ./both"):format(order, home, static, lua))
    end
  end)

  -- The last one, for it leaves nothing to the others.
  it("is all taken away by make uninstall", function()
    if child.sanitized then return pending("what is installed is not sanitized") end
    local function left() return sh(("find %s ! -type d"):format(home), { timeout = 60 }) end
    assert.truthy(left():find("libvirtlun.so", 1, true))
    sh(("make -s uninstall BUILD=%s PREFIX=%s"):format(build, home),
      { timeout = 60, env = { MAKEFLAGS = false, MFLAGS = false, MAKELEVEL = false } })
    assert.equal("", left())
  end)
end)
