-- The boundaries between the layers: which C file may know Lua, libxml2 or libvirt, which may call which, what the
-- Lua modules may require, and how long a function may be. For every rule there is also a text that breaks it.
local layers = require("support.layers")

local build = os.getenv("VIRTLUN_BUILD") or "build"

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

describe("the layers of the C sources", function()
  local sources = layers.tree("csrc", ".c", ".h")

  it("include only the libraries of their layer", function()
    assert.is_not_nil(next(sources))
    assert.same({}, layers.c_includes(sources))
  end)

  it("would be caught including others", function()
    assert.same({
      "csrc/diff.c includes <libxml/tree.h> through internal.h, but its layer (core) must not know libxml2",
      "csrc/internal.h includes <libxml/tree.h>, but its layer (core) must not know libxml2",
      "csrc/lua_core.c includes <libvirt/libvirt.h>, but its layer (lua) must not know libvirt",
      "csrc/lun.c includes <lua.h>, but its layer (core) must not know lua",
      "csrc/virt_conn.c includes <lauxlib.h>, but its layer (virt) must not know lua",
      "csrc/xml_read.c includes <libvirt/virterror.h>, but its layer (xml) must not know libvirt",
    }, layers.c_includes({
      ["csrc/internal.h"] = "#include <libxml/tree.h>\n",
      ["csrc/diff.c"] = "/* diff */\n#include \"internal.h\"\n",
      ["csrc/lua_core.c"] = "#include <lua.h>\n#include <libvirt/libvirt.h>\n",
      ["csrc/lua_virt.c"] = "#include <lua.h>\n#include <libvirt/libvirt.h>\n",
      ["csrc/lun.c"] = "#  include <lua.h>\n",
      ["csrc/virt_conn.c"] = "#include <libvirt/libvirt.h>\n#include <lauxlib.h>\n",
      ["csrc/xml_read.c"] = "#include <libxml/SAX2.h>\n#include <libvirt/virterror.h>\n",
    }))
  end)

  it("call only the layers that they may know", function()
    local symbols = layers.symbols(build .. "/obj")
    assert.is_true(#symbols > 0)
    assert.same({}, layers.c_calls(symbols))
  end)

  it("would be caught calling others", function()
    assert.same({
      "csrc/check.c (core) uses vlun_xml_write of csrc/xml_write.c (xml)",
      "csrc/virt_conn.c (virt) uses vlun_check of csrc/check.c (core)",
    }, layers.c_calls({
      { file = "csrc/check.c", name = "vlun_check", defined = true },
      { file = "csrc/check.c", name = "vlun_xml_write", defined = false },
      { file = "csrc/xml_write.c", name = "vlun_xml_write", defined = true },
      { file = "csrc/xml_write.c", name = "vlun_check", defined = false },
      { file = "csrc/virt_conn.c", name = "vlun_check", defined = false },
      { file = "csrc/virt_conn.c", name = "virConnectOpen", defined = false },
    }))
  end)

  it("never call each other in a circle", function()
    assert.same({}, layers.c_circles(layers.symbols(build .. "/obj")))
  end)

  it("would be caught calling in a circle", function()
    assert.same({
      "csrc/one.c calls itself, by way of others",
      "csrc/two.c calls itself, by way of others",
    }, layers.c_circles({
      { file = "csrc/one.c", name = "one", defined = true },
      { file = "csrc/one.c", name = "two", defined = false },
      { file = "csrc/two.c", name = "two", defined = true },
      { file = "csrc/two.c", name = "one", defined = false },
      { file = "csrc/three.c", name = "one", defined = false },
    }))
  end)

  it("keep libvirt out of virtlun.core, and libxml2 out of virtlun.libvirt", function()
    local core = output_of("readelf -d " .. build .. "/lib/virtlun/core.so")
    local libvirt = output_of("readelf -d " .. build .. "/lib/virtlun/libvirt.so")
    assert.truthy(core:find("libxml2%.so"))
    assert.falsy(core:find("libvirt%.so"))
    assert.truthy(libvirt:find("libvirt%.so"))
    assert.falsy(libvirt:find("libxml2%.so"))
  end)

  it("show the world nothing but the C API and the entry points for Lua", function()
    for _, module in ipairs({ "core", "libvirt" }) do
      local symbols = output_of(("nm -D -P --defined-only %s/lib/virtlun/%s.so"):format(build, module))
      for name in symbols:gmatch("(%S+) [^\n]+") do
        local public = name:match("^luaopen_virtlun_") or name:match("^vlun_") or name:match("^_")
        assert.is_truthy(public, module .. ".so exports " .. name)
      end
    end
  end)
end)

describe("a C function", function()
  it("has at most 60 lines", function()
    local lengths, long = {}, {}
    for path, text in pairs(layers.tree("csrc", ".c", ".h")) do
      for _, fn in ipairs(layers.c_functions(text)) do
        lengths[#lengths + 1] = fn.length
        if fn.length > 60 then
          long[#long + 1] = ("%s:%d: %s has %d lines"):format(path, fn.line, fn.name, fn.length)
        end
      end
    end
    assert.is_true(#lengths > 0)
    assert.same({}, long)
    table.sort(lengths)
    local median = lengths[#lengths // 2 + 1]
    print(("%d C functions, median %d lines, longest %d"):format(#lengths, median, lengths[#lengths]))
  end)

  it("is measured from its name to its closing brace", function()
    assert.same({
      { name = "one", line = 2, length = 1 },
      { name = "wide", line = 3, length = 4, body = true },
      { name = "apart", line = 8, length = 3, body = true },
      { name = "last", line = 14, length = 65, body = true },
    }, layers.c_functions(table.concat({
      "static int declared(int a);",
      "static int one(int a) { return a; }",
      "static int wide(int a,",
      "                int b) {",
      "  return a + b;",
      "}",
      "static const char *const words[] = {",
      "int apart(void) {",
      "  if (x) { y(); }",
      "}",
      "void over(int a,",
      "          int b);",
      "",
      "struct thing *last(void) {",
      ("  more();\n"):rep(63) .. "}",
    }, "\n")))
  end)
end)

describe("the layers of the Lua sources", function()
  it("require only what they may know, and never in a circle", function()
    local sources = layers.tree("lua/virtlun", ".lua")
    assert.is_not_nil(next(sources))
    assert.same({}, layers.lua_requires(sources))
  end)

  it("would be caught requiring more", function()
    assert.same({
      "lua/virtlun/apply.lua requires virtlun.libvirt: only virtlun.backend.jobs requires virtlun.libvirt",
      "lua/virtlun/cli/init.lua requires virtlun.plan: only the public API is for cli and view",
      "lua/virtlun/help/rules.lua requires virtlun.core: help is text, and needs nothing but its parts",
      "lua/virtlun/one.lua requires virtlun.help: only the command requires virtlun.help",
      "lua/virtlun/plan.lua requires dkjson: the library needs nothing but Lua",
      "lua/virtlun/recipe/dsl.lua requires virtlun.cli.text: only the command requires virtlun.cli",
      "lua/virtlun/view/tree.lua requires virtlun.core: only the public API is for cli and view",
      "virtlun.one requires itself, by way of others",
      "virtlun.plan needs virtlun.backend",
      "virtlun.plan needs virtlun.backend.jobs",
      "virtlun.plan needs virtlun.libvirt",
      "virtlun.plan.moves needs virtlun.backend.jobs",
      "virtlun.plan.moves needs virtlun.libvirt",
      "virtlun.two requires itself, by way of others",
    }, layers.lua_requires({
      ["lua/virtlun/apply.lua"] = "local lv = require 'virtlun.libvirt'",
      ["lua/virtlun/backend.lua"] = "local jobs = require('virtlun.backend.jobs')",
      ["lua/virtlun/backend/jobs.lua"] = "local lv = require('virtlun.libvirt')",
      ["lua/virtlun/cli/init.lua"] = "require('virtlun') require('virtlun.plan') require 'argparse'",
      ["lua/virtlun/recipe/dsl.lua"] = "-- require('virtlun.libvirt') is only spoken of\nrequire 'virtlun.cli.text'",
      ["lua/virtlun/help/rules.lua"] = "require 'virtlun.core' return [=[ require 'virtlun.two' ]=]",
      ["lua/virtlun/one.lua"] = "require('virtlun.two') require 'virtlun.help'",
      ["lua/virtlun/two.lua"] = "local function late() return pcall(require, 'virtlun.one') end",
      ["lua/virtlun/plan.lua"] = "require('virtlun.backend') require('dkjson')",
      ["lua/virtlun/plan/moves.lua"] = "require('virtlun.backend.jobs')",
      ["lua/virtlun/view/tree.lua"] = "require('virtlun.view.text') require('virtlun.core')",
    }))
  end)
end)
