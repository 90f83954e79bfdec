-- The rockspec names every file that it installs, so it can fall behind the tree. Here it cannot, unnoticed.
describe("the rockspec", function()
  local rockspec = {}
  assert(loadfile("rockspec/virtlun-scm-1.rockspec", "t", rockspec))()
  local modules = rockspec.build.modules

  local function sorted(list)
    table.sort(list)
    return list
  end

  local function find(arguments)
    local list = {}
    local output = assert(io.popen("find " .. arguments))
    for path in output:lines() do
      list[#list + 1] = path
    end
    output:close()
    return sorted(list)
  end

  it("compiles what speaks to libvirt into virtlun.libvirt", function()
    local expected = find("csrc -maxdepth 1 -name 'virt_*.c' -o -maxdepth 1 -name 'lua_virt*.c'")
    assert.same(expected, sorted({ table.unpack(modules["virtlun.libvirt"].sources) }))
  end)

  it("compiles every other C source into virtlun.core, but those that are for C programs only", function()
    local expected = find("csrc -name '*.c' -not -name 'virt_*.c' -not -name 'lua_virt*.c' -not -name 'api_*.c' " ..
      "-not -name lua_preload.c")
    assert.same(expected, sorted({ table.unpack(modules["virtlun.core"].sources) }))
  end)

  it("installs every Lua module under its own name, and no tool", function()
    local expected, named = {}, {}
    for _, path in ipairs(find("lua/virtlun -name '*.lua'")) do
      expected[path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")] = path
    end
    for name, path in pairs(modules) do
      if type(path) == "string" then named[name] = path end
    end
    assert.same(expected, named)
  end)

  it("installs the command, and nothing else", function()
    assert.same({ bin = { "lua/bin/virtlun" } }, rockspec.build.install)
    assert.truthy(io.open("lua/bin/virtlun"))
  end)

  it("links each module with its own library only", function()
    assert.same({ "xml2" }, modules["virtlun.core"].libraries)
    assert.same({ "virt" }, modules["virtlun.libvirt"].libraries)
  end)

  it("needs the Lua modules that the command needs", function()
    assert.same({ "lua >= 5.3", "argparse", "dkjson" }, rockspec.dependencies)
  end)
end)
