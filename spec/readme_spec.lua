-- What the README shows is what virtlun does: its recipe, its plan, its Lua, its command lines.
local child = require("support.child")
local files = require("support.files")

local readme = assert(files.read("README.md"))

-- The code blocks of a language, in order.
local function blocks(language)
  local list = {}
  for text in readme:gmatch("\n```" .. language .. "\n(.-\n)```") do list[#list + 1] = text end
  return list
end

describe("the README shows", function()
  it("the recipe that the demo runs", function()
    local shown = blocks("lua")[1]:gsub("^%-%-[^\n]*\n", "")
    assert.equal(shown, (files.read("spec/recipes/dvd.lua"):gsub("^%-%-[^\n]*\n", "")))
  end)

  it("the plan of that recipe", function()
    assert.truthy(readme:find(files.read("spec/recipes/dvd.plan"), 1, true))
  end)

  it("Lua that runs", function()
    local result = child.script(blocks("lua")[2])
    assert.same({ "", "", 0 }, { result.out, result.err, result.code })
  end)

  it("what `virtlun lun` prints", function()
    local shown = readme:match("\n%$ virtlun lun 256\n([^\n]+\n)")
    assert.equal(shown, child.virtlun({ "lun", "256" }).out)
  end)

  it("the messages of a wrong recipe", function()
    local recipe = ("\n"):rep(4) .. [[domain "web01" {
  cdrom { dev = "sda", sorce = "/cd.iso", address = { controller = 0, target = 0, unit = 20000 } } }]]
    local result = child.virtlun({ "check", "-" }, { stdin = recipe })
    for line in result.err:gmatch("[^\n]+") do
      assert.truthy(readme:find(line:gsub("^stdin", "dvd.lua"), 1, true), line)
    end
  end)
end)
