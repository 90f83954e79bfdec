-- The recipes of spec/recipes are examples to be read and copied: what each would change on the domain that it is for
-- stands beside it, as NAME.plan.  UPDATE=1 rewrites these; read the difference then.
-- spec/live/recipes_spec.lua applies them to running guests.
local files = require("support.files")
local live = require("support.live")
local recipes = require("support.recipes")
local virtlun = require("virtlun")

local updates = files.updates()

describe("the recipe", function()
  for _, case in ipairs(recipes.cases) do
    local path = recipes.expected(case)
    for _, arch in ipairs(case.arches) do
      it(("%s would do on %s what %s says"):format(case.recipe, arch, path), function()
        local plan = recipes.plan(case, arch, recipes.libvirt)
        if updates then files.write(path, plan) end
        assert.equal(files.read(path), plan)
      end)
    end
  end
end)

describe("the recipe of libvirt's test driver", function()
  it("writes once, and nothing the second time", function()
    local desired = assert(virtlun.load("spec/recipes/dvd.lua"))[1]
    local connection <close> = assert(virtlun.open(desired.uri))
    local dom = assert(connection:domain(desired.name))
    local function apply() return assert(assert(dom:plan(desired)):apply()).done end
    local calls, done = live.writes(apply)
    assert.same({ { "define" }, 6 }, { calls, done })
    calls, done = live.writes(apply)
    assert.same({ {}, 0 }, { calls, done })
  end)

  it("is what import gives, although that domain says no machine", function()
    local desired = assert(virtlun.load("spec/recipes/dvd.lua"))[1]
    local connection <close> = assert(virtlun.open(desired.uri))
    local dom = assert(connection:domain(desired.name))
    assert(assert(dom:plan(desired)):apply())
    local _, documents = assert(dom:look())
    local text = assert(virtlun.import(documents))
    assert.equal(0, assert(dom:plan(assert(virtlun.loadstring(text))[1])).changes)
  end)
end)

describe("the recipes", function()
  it("are all tried, and every plan belongs to one", function()
    -- What dvd.lua gives is looked at in spec/readme_spec.lua and spec/cli_spec.lua, fleet.lua is run by
    -- spec/fleet_examples_spec.lua.
    local known, expected = { ["dvd.lua"] = true, ["fleet.lua"] = true }, { ["dvd.plan"] = true }
    for _, case in ipairs(recipes.cases) do
      known[case.recipe .. ".lua"], expected[recipes.name(case) .. ".plan"] = true, true
    end
    for _, name in ipairs(files.names(recipes.folder, ".lua")) do assert.truthy(known[name], name) end
    for _, name in ipairs(files.names(recipes.folder, ".plan")) do assert.truthy(expected[name], name) end
  end)
end)
