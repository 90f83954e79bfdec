-- That help explains every problem, that its recipes do what it says of them, and that its pages are the README's.
local child = require("support.child")
local files = require("support.files")
local help = require("virtlun.help")
local help_view = require("virtlun.view.help")
local virtlun = require("virtlun")

local schema = virtlun.schema()

-- Examples are recipes, or what stands in the table of a domain.
local function recipe_of(example)
  if example:find("domain", 1, true) or not load("return {" .. example .. "}") then return example end
  return ('domain "web01" {\n%s\n}'):format(example)
end

-- What is found in a recipe, as a list of problems.
local function found_in(example)
  local domains, found = virtlun.loadstring(recipe_of(example), "help.lua")
  if not domains then return found end
  return found:append(select(2, virtlun.check(domains)))
end

local function has_code(found, code)
  for _, problem in ipairs(found) do
    if problem.code == code then return true end
  end
  return false
end

describe("the explanation of a problem", function()
  it("is there for every code, and for nothing else", function()
    local left = {}
    for code in pairs(help.explanations) do left[code] = true end
    for _, problem in ipairs(schema.problems) do
      local explanation = help.explanations[problem.code]
      assert.truthy(explanation, problem.code)
      assert.truthy(#explanation[1] > 20, problem.code .. " says no why")
      assert.truthy(explanation.wrong or explanation.when, problem.code .. " says neither what is wrong nor when")
      assert.truthy(explanation.right or explanation.instead, problem.code .. " says not what to do")
      for key in pairs(explanation) do
        assert.truthy(({ "wrong", wrong = 1, when = 1, right = 1, instead = 1 })[key], problem.code .. ": " .. key)
      end
      left[problem.code] = nil
    end
    assert.same({}, left)
  end)

  for code, explanation in pairs(help.explanations) do
    if explanation.wrong and not explanation.when then
      it("has a recipe with the problem: " .. code, function()
        local found = found_in(explanation.wrong)
        assert.truthy(has_code(found, code), tostring(found))
      end)
    end
    if explanation.right then
      it("has a recipe without it: " .. code, function()
        local found = found_in(explanation.right)
        assert.falsy(has_code(found, code), code)
        assert.falsy(found:has_errors(), tostring(found))
      end)
    end
    if explanation.when and explanation.wrong then
      it("has a recipe that only a host has anything against: " .. code, function()
        assert.falsy(found_in(explanation.wrong):has_errors())
      end)
    end
  end
end)

describe("help on models", function()
  it("says what each can address, or that it never starts", function()
    local text = child.virtlun({ "help", "model" }).out
    for _, hba in ipairs(schema.hbas) do
      local line = text:match("\n  (" .. hba.model:gsub("%p", "%%%0") .. " [^\n]*)")
      local limit = ("targets 0..%d, units 0..%d"):format(hba.max_target, hba.max_unit)
      assert.truthy(line and line:find(hba.never or limit, 1, true), hba.model)
      if hba.reserved_unit and not hba.never then assert.truthy(line:find("unit 7 is the HBA", 1, true), line) end
    end
  end)
end)

describe("a page of help", function()
  it("is a section of the README, as it is there now", function()
    local env = { LUA_PATH = package.path, LUA_CPATH = package.cpath }
    local result = child.run({ child.lua, "lua/tools/pages.lua" }, { env = env })
    assert.same({ "", 0 }, { result.err, result.code })
    assert.equal(result.out, files.read("lua/virtlun/help/pages.lua"), "make docs writes it")
  end)

  it("has topics of its own, and lines that a terminal can show", function()
    local seen = {}
    for _, page in ipairs(help.pages) do
      for _, topic in ipairs(page.topics) do
        assert.is_nil(seen[topic], topic)
        seen[topic] = true
        local lines = help_view.page_lines(topic)
        assert.truthy(lines[1], topic)
        for _, line in ipairs(lines) do
          assert.truthy(#line <= 122, line)
          assert.falsy(line:find("^```") or line:find("^|") or line:find("](", 1, true), line)
        end
      end
    end
  end)

  it("is there for what people look for", function()
    local topics = "addresses halves scope booting boot removal prune absent protect replace batches retry-file " ..
      "transports credentials limits exit json environment guarantees embedding virsh terraform lua media saved-plans"
    for topic in topics:gmatch("%S+") do assert.truthy(help_view.page_lines(topic), topic) end
  end)

  it("comes behind what is said of a key of that name", function()
    local text = child.virtlun({ "help", "prune" }).out
    local key, page = text:find("  of domain", 1, true), text:find("What a recipe does not name stays", 1, true)
    assert.truthy(key and page and key < page, text)
  end)
end)
