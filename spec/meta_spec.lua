-- What editors are told: that the written part is what the schema says now, and that the annotations of the public
-- functions name their parameters and only types that there are.
local child = require("support.child")
local files = require("support.files")
local layers = require("support.layers")
local virtlun = require("virtlun")

local meta = assert(files.read("lua/virtlun/meta.lua"))
local sources = layers.tree("lua/virtlun", ".lua")

-- The functions of a source below their comments: name -> { comment, parameters }.
local function functions(text)
  local found, comment = {}, ""
  for line in text:gmatch("([^\n]*)\n") do
    local name, parameters = line:match("^function ([%w_.:]+)%((.-)%)")
    if name then found[name] = { comment, parameters } end
    comment = line:find("^%-%-") and comment .. line .. "\n" or ""
  end
  return found
end

local function annotated(comment)
  local names = {}
  for name in comment:gmatch("%-%-%-@param ([%w_]+)") do names[#names + 1] = name end
  return table.concat(names, ", ")
end

describe("what editors are told", function()
  it("of descriptions and options is what the schema says now", function()
    local env = { LUA_PATH = package.path, LUA_CPATH = package.cpath }
    local result = child.run({ child.lua, "lua/tools/meta.lua" }, { env = env })
    assert.same({ "", 0 }, { result.err, result.code })
    assert.equal(result.out, meta, "make docs writes it")
  end)

  it("is Lua that nobody requires", function()
    assert.truthy(load(meta, "meta.lua", "t", {}))
    for path, text in pairs(sources) do
      for _, name in ipairs(layers.requires(text)) do assert.not_equal("virtlun.meta", name, path) end
    end
  end)

  it("has every key of recipes, every word and every problem", function()
    for _, problem in ipairs(virtlun.schema().problems) do
      assert.truthy(meta:find(('\n---|"%s" # '):format(problem.code), 1, true), problem.code)
    end
    for name, shape in pairs(virtlun.schema().shapes) do
      for _, field in ipairs(name ~= "other" and shape.fields or {}) do
        if not field.internal and field.kind ~= "moved" and field.kind ~= "tag" then
          assert.truthy(meta:find("\n%-%-%-@field " .. field.key .. "%?? "), field.key)
        end
        for _, word in ipairs(field.internal and {} or field.words or {}) do
          assert.truthy(meta:find(('"%s"'):format(word), 1, true), word)
        end
      end
    end
  end)

  it("of functions names their parameters", function()
    local count = 0
    for path, text in pairs(sources) do
      local public = path:find("/init%.lua$") and path:find("^lua/virtlun/init") or path:find("/backend%.lua$")
      for name, fn in pairs(functions(text)) do
        local names = annotated(fn[1])
        if names ~= "" or public and name:find("^virtlun%.") then
          assert.equal(fn[2]:gsub(",? ?%.%.%.", ""), names, ("%s: %s"):format(path, name))
          count = count + 1
        end
      end
    end
    assert.truthy(count > 30, count)
  end)

  it("of domains of a host is there for all that the README names", function()
    local methods = functions(assert(sources["lua/virtlun/backend.lua"]))
    for name in files.read("README.md"):gmatch("[`| ]dom:(%w+)") do
      assert.truthy(methods["Domain:" .. name][1]:find("---@return", 1, true), name)
    end
  end)

  it("names only types that there are", function()
    local known, named = {}, {}
    for path, text in pairs(sources) do
      for comment in text:gmatch("%-%-%-[@|][^\n]*") do
        local defined = comment:match("^%-%-%-@class ([%w.]+)") or comment:match("^%-%-%-@alias ([%w.]+)")
        if defined then known[defined] = true end
        for name in comment:gmatch("virtlun%.%u%w+") do named[name] = path end
      end
    end
    for name, path in pairs(named) do assert.truthy(known[name], path .. ": " .. name) end
  end)
end)
