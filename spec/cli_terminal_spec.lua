-- The command on a terminal: colours, and the question before anything is changed. The terminal is a pseudo terminal
-- that `script` makes.
local child = require("support.child")
local files = require("support.files")

local DVD = "spec/recipes/dvd.lua"

local plan_text = files.read("spec/recipes/dvd.plan")

describe("a terminal", function()
  local has_script = child.run({ "sh", "-c", "command -v script" }, { env = { LD_PRELOAD = false } }).code == 0
  if not has_script then
    it("was not tried", function() pending("script (of util-linux) is not on this machine") end)
    print("skipped: cli_spec on a terminal, script (of util-linux) is not on this machine")
    return
  end

  -- Runs a line on a pseudo terminal, where standard output and standard error are one.
  local function on_terminal(line, stdin, settings)
    local preload = os.getenv("LD_PRELOAD")
    local inner = ("env %s TERM=xterm %s %s %s"):format(preload and child.quote("LD_PRELOAD=" .. preload) or "",
      settings or "", child.command, line)
    local result = child.run({ "script", "-qec", inner, "/dev/null" },
      { stdin = stdin, env = { LD_PRELOAD = false, NO_COLOR = false } })
    return result.out:gsub("\r", ""), result.code
  end

  it("gets colours, unless it or the user wants none", function()
    local coloured = on_terminal("plan " .. DVD)
    assert.truthy(coloured:find("\27[1mtest\27[0m", 1, true), coloured)
    assert.truthy(coloured:find("\27[32m  +  sda", 1, true), coloured)
    assert.equal(plan_text, (coloured:gsub("\27%[%d+m", "")))
    assert.equal(plan_text, (on_terminal("plan --no-color " .. DVD)))
    assert.equal(plan_text, (on_terminal("plan " .. DVD, "", "NO_COLOR=1")))
    assert.equal(plan_text, (on_terminal("plan " .. DVD, "", "TERM=dumb")))
    assert.truthy(on_terminal("plan " .. DVD, "", "NO_COLOR="):find("\27", 1, true), "an empty NO_COLOR is none")
    assert.falsy(on_terminal("plan --json " .. DVD):find("\27", 1, true))
    assert.truthy(on_terminal("check none.lua"):find("\27[31mnone.lua: ", 1, true))
  end)

  it("is asked before anything is changed", function()
    for answer, code in pairs { ["y"] = 0, ["YES"] = 0, ["n"] = 1, [""] = 1, ["yo"] = 1 } do
      local text, status = on_terminal("apply " .. DVD, answer .. "\n")
      assert.truthy(text:find("Make 6 changes? [y/N] ", 1, true), text)
      assert.equal(code, status, answer)
      assert.equal(code == 0, text:find("] 0/6, %d+ s: add sda\27%[K") ~= nil, text)
      assert.equal(code == 1, text:find("nothing was changed", 1, true) ~= nil)
    end
    local text, code = on_terminal("apply --yes " .. DVD, "")
    assert.falsy(text:find("[y/N]", 1, true))
    assert.equal(0, code)
  end)

  it("has one line of progress, which is gone at the end", function()
    local text = on_terminal("apply --yes " .. DVD, "")
    assert.truthy(text:find("\27[K\27[Ktest: 6 changes made\n" ..
      "virtlun: test:/// lives in this process only", 1, true), text)
    assert.falsy(text:find(": done", 1, true))
    for _, line in ipairs { "apply -q --yes ", "apply --json --yes " } do
      assert.falsy(on_terminal(line .. DVD, ""):find("\27[K", 1, true))
    end
    assert.truthy(on_terminal("apply --yes " .. DVD, "", "TERM=dumb"):find("test: [6/6] add sda: done", 1, true))
  end)
end)
