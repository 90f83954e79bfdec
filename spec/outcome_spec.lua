-- How a run ended, in few lines. Pure: reports made by hand.
local outcome = require("virtlun.view.outcome")
local virtlun = require("virtlun")

local A, B = "qemu+ssh://a/system", "qemu+ssh://b/system"

local function entry(domain, result, made, more)
  local made_up = { domain = domain, uri = A, result = result, made = made or 0, problems = virtlun.problems() }
  for key, value in pairs(more or {}) do made_up[key] = value end
  return made_up
end

local function entries(format, first, last, ...)
  local list = {}
  for i = first, last do list[#list + 1] = entry(format:format(i), ...) end
  return list
end

local function lines(out, ...)
  local report = { domains = {} }
  for _, some in ipairs { ... } do table.move(some, 1, #some, #report.domains + 1, report.domains) end
  return outcome.lines(report, out)
end

-- What a host's failure gives to each of its domains.
local function unreachable(uri)
  return { uri = uri, problems = virtlun.problems { virtlun.problem { code = "no_host", value = uri, a = "refused" } } }
end

-- A plan whose steps ended so.
local function plan(result, ...)
  local steps = {}
  for i, ending in ipairs { ... } do steps[i] = { result = ending } end
  return { domain = "web01", result = result, changes = #steps, steps = steps }
end

describe("the end of a single domain", function()
  local function said(made, out) return lines(out or {}, { entry("web01", made.result, 0, { plan = made }) }) end

  it("is how its steps ended", function()
    assert.same({ "web01: of 6 changes 1 done, 1 undone again, 1 failed, 1 given up, 2 left" },
      said(plan("partly", "done", "undone", "failed", "unknown", "left", "left")))
    assert.same({ "web01: of 1 change 1 left" }, said(plan("left", "left")))
  end)

  it("is told of what was made only where its steps had no lines", function()
    assert.same({}, said(plan("done", "done", "done")))
    assert.same({ "web01: 2 changes made" }, said(plan("done", "done", "done"), { can_redraw = true }))
    assert.same({}, said(plan("done"), { can_redraw = true }))
    assert.same({}, lines({}, { entry("web01", "failed") }))
  end)
end)

describe("the end of many domains", function()
  it("is folded by what came of them", function()
    assert.same({ "14 domains: done, 53 changes made", "983 domains: nothing to do", "2 domains partly: web03, web04",
      "3 domains failed: db1..db3", "1 domain left: z" },
      lines({}, { entry("z", "left") }, entries("web%02d", 3, 4, "partly", 1), entries("vm%04d", 1, 983, "done"),
        entries("a%02d", 1, 13, "done", 4), { entry("b", "done", 1) }, entries("db%d", 1, 3, "failed")))
  end)

  it("tells how the steps of the only one ended of which nothing else was made", function()
    local partly = { plan = plan("partly", "done", "failed") }
    assert.same({ ("web01 on %s: of 2 changes 1 done, 1 failed"):format(A),
      ("2 domains left: web02 on %s; web02 on %s"):format(A, B) },
      lines({}, { entry("web01", "partly", 1, partly), entry("web02", "left", 0, { plan = plan("left", "left") }),
        entry("web02", "left", 0, { uri = B, plan = plan("left", "left") }) }))
  end)

  it("tells a host's failure once, for all of its domains", function()
    assert.same({ "1 domain: done, 1 change made", ("1 domain failed: db on %s"):format(B),
      "8 domains not reached: web1..web8 on " .. B, "1 domain not reached: web1 on c",
      ("1 domain left: web2 on %s"):format(A) },
      lines({}, { entry("web1", "done", 1) }, entries("web%d", 1, 8, "failed", 0, unreachable(B)),
        { entry("db", "failed", 0, { uri = B, problems = virtlun.problems {
          virtlun.problem { code = "no_such_domain", path = "db", value = "db" } } }) },
        { entry("web1", "failed", 0, unreachable("c")), entry("web2", "left") }))
  end)

  it("counts names where they are very many, but with -v", function()
    local odd = {}
    for i = 1, 60 do odd[i] = entry(("web%03d"):format(i * 2), "left") end
    assert.truthy(lines({}, odd)[1]:find("^60 domains left: web002, .*, web100 and 10 more$"))
    assert.truthy(lines({ verbose = true }, odd)[1]:find(", web118, web120$"))
  end)
end)
