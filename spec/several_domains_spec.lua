-- The command with several domains: whose connection is used, what is told once, and two names for one domain.
local child = require("support.child")

local TEST = "test:///default"

local function plan(recipe, ...)
  return child.virtlun({ "plan", "-", ... }, { stdin = recipe })
end

local function count(text, what)
  local _, n = text:gsub(what:gsub("%p", "%%%0"), "")
  return n
end

describe("several domains", function()
  it("take -c where the recipe says no uri", function()
    local result = child.script([[
      local held = require("virtlun").open("test:///default")
      local cli = require "virtlun.cli"
      print(cli.main { "plan", "-c", "test:///default", "-" })]],
      { stdin = 'domain "test" { uri = "test:///default" }\ndomain "tset" {}' })
    assert.equal("stdin:2: tset: test:///default has no domain 'tset' (did you mean 'test'?)\n", result.err)
    assert.equal("test  running  test:///default\n  nothing to do\n1\n", result.out)
  end)

  it("refuse a -c that none of them can use", function()
    local result = plan('domain "test" { uri = "test:///default" }', "-c", "test:///other")
    assert.equal(1, result.code)
    assert.truthy(result.err:find("the recipe says uri test:///default, the command line test:///other", 1, true))
  end)

  it("are one where a name and a UUID mean the same", function()
    local uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f"
    local recipe = ('domain "test" { cdrom { dev = "sda", source = "/a" } }\ndomain "%s" { cdrom { dev = "sda" } }')
    local result = plan(recipe:format(uuid), "-c", TEST)
    assert.equal(1, result.code)
    assert.truthy(result.err:find(("stdin:2: %s: is described twice"):format(uuid), 1, true), result.err)
  end)

  it("are told of a host that does not answer once", function()
    local result = plan('domain "a" {}\ndomain "b" {}', "-c", "qemu:///session?socket=/nonexistent")
    assert.equal(1, result.code)
    assert.equal(1, count(result.err, "no connection to"))
  end)

  it("are partly applied where what was written cannot be read again", function()
    local result = child.script([[
      local held = require("virtlun").open("test:///default")
      local domain = getmetatable(held:domain("test"))
      local define = domain.define
      function domain.define(...)
        domain.document = function() return require("virtlun.problems").fail { code = "host_refused", a = "gone" } end
        return define(...)
      end
      print(require("virtlun.cli").main { "apply", "--yes", "--quiet", "spec/recipes/dvd.lua" })]])
    assert.equal("the host refused: gone\n", result.err)
    assert.equal("3\n", result.out)
  end)

  it("have each note once, and none that the host's document settles", function()
    local result = plan([[domain "test" { controller { index = 0 },
      cdrom { dev = "sda", source = "/a", address = { controller = 0, unit = 300 } } }]], "-c", TEST)
    assert.equal(0, result.code)
    assert.equal(1, count(result.err, "unit 300 is LUN 16684"))
    assert.equal(0, count(result.err, "are not described"))
  end)
end)
