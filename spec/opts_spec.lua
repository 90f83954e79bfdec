-- Options of the library: one that is misspelt, or is not what it may be, is misuse and raises where it was said.
local virtlun = require("virtlun")

local TEST = "test:///default"

describe("an option", function()
  local connection, dom

  setup(function()
    connection = assert(virtlun.open(TEST))
    dom = assert(connection:domain("test"))
  end)
  teardown(function() connection:close() end)

  local device = { kind = "controller", index = 0 }
  -- In brackets, for a call that is returned leaves no place behind.
  local calls = {
    open = function(opts) return (virtlun.open(TEST, opts)) end,
    plan = function(opts) return (dom:plan({ kind = "domain", name = "test", device }, opts)) end,
    apply = function(opts) return (assert(dom:plan { kind = "domain", name = "test", device }):apply(opts)) end,
    insert = function(opts) return (dom:insert("sda", "/a.iso", opts)) end,
    eject = function(opts) return (dom:eject("sda", opts)) end,
    attach = function(opts) return (dom:attach(device, opts)) end,
    detach = function(opts) return (dom:detach("sda", opts)) end,
    reboot = function(opts) return (dom:reboot(opts)) end,
  }

  local function said(name, opts)
    local good, message = pcall(calls[name], opts)
    assert.is_false(good, name)
    return message
  end

  it("that nobody knows is told, with the nearest that is known, at the place of the caller", function()
    for name in pairs(calls) do
      local text = said(name, { zzzzzzzzzzzz = 1 })
      assert.truthy(text:find("^spec/opts_spec.lua:%d+: unknown option 'zzzzzzzzzzzz'$"), name .. text)
    end
    assert.truthy(said("open", { readnly = true }):find("unknown option 'readnly' (did you mean 'readonly'?)", 1, true))
    assert.truthy(said("insert", { forse = true }):find("(did you mean 'force'?)", 1, true))
  end)

  it("that is not what it may be is told what that is", function()
    assert.truthy(said("plan", { scope = "lve" }):find("option scope is one of live, config, both, not lve", 1, true))
    assert.truthy(said("insert", { timeout = "abc" }):find("option timeout is a number, not abc", 1, true))
    assert.truthy(said("eject", "live"):find("options are a table, not a string", 1, true))
    assert.truthy(said("reboot", { how = "slowly" }):find("option how is one of reboot, reset, not slowly", 1, true))
  end)

  it("may be left out, and so may all", function()
    assert(calls.plan(nil))
    assert(calls.plan {})
    assert(calls.plan { scope = "config", force = false, timeout = 1.5 })
  end)
end)

describe("an operation", function()
  it("without what it is about is misuse", function()
    local connection <close> = assert(virtlun.open(TEST))
    local dom = assert(connection:domain("test"))
    for name, message in pairs {
      insert = "insert: the source is missing; eject empties a drive", eject = "eject: which device is missing",
      attach = "attach: which device is missing", detach = "detach: which device is missing",
    } do
      local good, text = pcall(function() return dom[name](dom, nil) end)
      assert.is_false(good)
      assert.truthy(text:find(message, 1, true), text)
    end
  end)
end)
