-- The recipes of spec/recipes are examples to be read and copied: what each would change on the domain that it is for
-- stands beside it, as NAME.plan.  UPDATE=1 rewrites these; read the difference then.
-- spec/live/recipes_spec.lua applies them to running guests.
local files = require("support.files")
local recipes = require("support.recipes")

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

describe("the recipes", function()
  it("are all tried, and every plan belongs to one", function()
    -- The first is for libvirt's own test driver; spec/readme_spec.lua and spec/cli_spec.lua try it.
    local known, expected = { ["dvd.lua"] = true }, { ["dvd.plan"] = true }
    for _, case in ipairs(recipes.cases) do
      known[case.recipe .. ".lua"], expected[recipes.name(case) .. ".plan"] = true, true
    end
    for _, name in ipairs(files.names(recipes.folder, ".lua")) do assert.truthy(known[name], name) end
    for _, name in ipairs(files.names(recipes.folder, ".plan")) do assert.truthy(expected[name], name) end
  end)
end)
