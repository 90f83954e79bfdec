-- How many domains are made at a time, and how many may fail: all small cases, against what the words mean.
local limits = require("virtlun.fleet.limits")
local virtlun = require("virtlun")

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

-- The sizes of the batches of so many, whose parts are in their order and nothing but them.
local function sizes_of(count, sizes)
  local found, next_one = {}, 1
  for i, batch in ipairs(limits.batches(numbers(count), sizes)) do
    found[i] = #batch
    for _, number in ipairs(batch) do
      assert.equal(next_one, number)
      next_one = next_one + 1
    end
  end
  assert.equal(count, next_one - 1)
  return found
end

-- The same by counting: each size in turn, the last one again and again, until nothing is left.
local function expected_sizes(count, sizes)
  local found, left = {}, count
  while left > 0 do
    local size = sizes[math.min(#found + 1, #sizes)]
    local percent = type(size) == "string" and tonumber((size:gsub("%%", "")))
    local taken = percent and 0 or size
    -- A domain is within the first n percent where what it makes full is not above it.
    while percent and (taken + 1) * 100 <= percent * count do taken = taken + 1 end
    taken = math.min(left, math.max(1, taken))
    found[#found + 1], left = taken, left - taken
  end
  return found
end

describe("batches", function()
  it("are one without sizes, none of nothing", function()
    assert.same({ 7 }, sizes_of(7))
    assert.same({}, sizes_of(0))
    assert.same({}, sizes_of(0, { 1, "50%" }))
  end)

  it("are what is said, the last size until all are taken", function()
    assert.same({ 1, 10, 89 }, sizes_of(100, { 1, "10%", "100%" }))
    assert.same({ 1, 1, 7 }, sizes_of(9, { 1, "10%", "100%" })) -- at least one each
    assert.same({ 2, 2, 2, 1 }, sizes_of(7, { 2 }))
    assert.same({ 3, 1, 1, 1, 1 }, sizes_of(7, { "50%", "1%" }))
    assert.same({ 5 }, sizes_of(5, { 9, 1 }))
  end)

  it("take each domain once, in order, in every small case", function()
    local words = { 1, 2, 3, 8, "1%", "10%", "33%", "34%", "50%", "99%", "100%" }
    for count = 0, 12 do
      for _, first in ipairs(words) do
        assert.same(expected_sizes(count, { first }), sizes_of(count, { first }))
        for _, second in ipairs(words) do
          assert.same(expected_sizes(count, { first, second }), sizes_of(count, { first, second }))
        end
      end
    end
  end)
end)

describe("the number that may fail", function()
  it("is none with batches, and all without", function()
    assert.equal(0, limits.failures(nil, 10, { 1 }))
    assert.equal(math.huge, limits.failures(nil, 10))
  end)

  it("is as said, whatever the batches", function()
    for total = 0, 12 do
      for number = 0, 12 do
        assert.equal(number, limits.failures(number, total))
        assert.equal(number, limits.failures(number, total, { 1 }))
      end
    end
  end)

  it("is as many as make up the percentage at most: of few domains few percent are none", function()
    for total = 0, 12 do
      for percent = 0, 100 do
        local may = limits.failures(percent .. "%", total)
        assert.equal("integer", math.type(may))
        assert.truthy(may * 100 <= percent * total and (may + 1) * 100 > percent * total)
      end
    end
    assert.same({ 0, 0, 1, 10 }, { limits.failures("10%", 1), limits.failures("10%", 9), limits.failures("10%", 10),
      limits.failures("10%", 100) })
  end)
end)

describe("a limit", function()
  it("is a whole number or a percentage, and large enough", function()
    for _, good in ipairs { 0, 1, 1000, "0%", "1%", "010%", "100%" } do
      assert.is_true(limits.is_limit(good, 0), good)
    end
    for _, bad in ipairs { -1, 0.5, 2.0, "1", "", "%", "-1%", "1.5%", "101%", "99999999999999999999%", "1 %", true } do
      assert.is_false(limits.is_limit(bad, 0), tostring(bad))
    end
    assert.is_true(limits.is_limit(1, 1) and limits.is_limit("1%", 1))
    assert.is_false(limits.is_limit(0, 1) or limits.is_limit("0%", 1))
  end)

  it("that is none is misuse of virtlun.apply, which says so", function()
    for _, case in ipairs {
      { { max_fail = "101%" }, "'101%' is no limit of failures" },
      { { max_fail = -1 }, "'-1' is no limit of failures" },
      { { max_fail = 0.5 }, "option max_fail is a number or a percentage, not 0.5" },
      { { batches = { 1, 0 } }, "'0' is no size of a batch" }, { { batches = { "0%" } }, "'0%' is no size of a batch" },
      { { batches = 3 }, "option batches is a table, not 3" }, { { hosts = 0 }, "'0' is no number of hosts" },
      { { hosts = 1.5 }, "'1.5' is no number of hosts" },
      { { batch = {} }, "unknown option 'batch'" },
    } do
      for _, name in ipairs { "apply", "plans" } do
        local good, message = pcall(virtlun[name], {}, case[1])
        assert.is_false(good)
        assert.equal(case[2], (message:gsub("^[^:]+:%d+: ", "")))
        assert.truthy(message:find("^spec/fleet_limits_spec.lua:") or message == case[2], message)
      end
    end
  end)
end)
