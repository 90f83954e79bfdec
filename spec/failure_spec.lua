-- What virtlun does when memory ends, at one allocation after the other; see spec/failure. Here it ends at some of
-- them, and by `make failures` at all, which takes minutes.
local child = require("support.child")

local program = (os.getenv("VIRTLUN_BUILD") or "build") .. "/failure/failures"

-- Who lost memory is known by the way from there, which the sanitizer finds in libraries only slowly.
local asan = os.getenv("ASAN_OPTIONS")
local env = { LUA_PATH = "spec/?.lua;" .. package.path, LUA_CPATH = package.cpath,
  ASAN_OPTIONS = asan and asan .. ":fast_unwind_on_malloc=0:malloc_context_size=12",
  LSAN_OPTIONS = "print_suppressions=0" }

-- A run of the program over a module of scenarios: most allocations of each (0: all), those whose name has a part.
local function run(module, most, part)
  return child.run({ program, "spec/failure/run.lua", module, tostring(most), part or "" },
    { env = env, timeout = 300 })
end

local function check(result, least)
  assert.equal(0, result.code, result.out .. result.err)
  assert.equal("", result.err)
  local failed = tonumber(result.out:match("(%d+) failures of memory, 0 findings"))
  assert.is_true(failed ~= nil and failed >= least, result.out)
  print(("%d allocations failed"):format(failed))
end

-- A sanitizer takes ten times as long.
local function most(count) return child.sanitized and count // 5 or count end

describe("without memory", function()
  it("nothing crashes, hangs, leaks or is taken for right", function()
    check(run("failure.scenarios", most(25)), 300)
  end)

  it("the core tells nothing of what it has not done", function()
    check(run("failure.scenarios", child.sanitized and 12 or 0, "core."), 300)
  end)

  it("what is not so is found", function()
    local result = run("failure.broken", 0)
    assert.equal(1, result.code, result.out .. result.err)
    for _, words in ipairs { "leaks, once, allocation %d+: %d+ blocks are never given back",
      "takes half for the whole, once, allocation %d+: it gives ...half",
      "is not as it was, once, allocation %d+: the next time it gives ...wrong",
      "hides why, once, allocation %d+: it raises .-something else" } do
      assert.truthy(result.out:find(words), words .. "\n" .. result.out)
    end
  end)
end)
