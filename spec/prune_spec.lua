-- prune: what a recipe removes without naming it, and what it never removes so.
local boot = require("virtlun.plan.boot")
local host = require("support.host_xml")
local planning = require("support.planning")
local virtlun = require("virtlun")

local hba0 = host.hba(0)
local sda, sdb = host.drive("sda"), host.drive("sdb", { place = { 0, 0, 1 } })
local disk = host.drive("sdd", { device = "disk", path = "/data.img", place = { 0, 0, 3 } })
local root = host.drive("sde", { device = "disk", path = "/root.img", place = { 0, 0, 4 } })
local sata = host.drive("sdf", { device = "cdrom", bus = "sata" })
local tape = host.hostdev(2, 5, { 0, 0, 6 })
local keeps_sda = [[cdrom { dev = "sda" }]]

local function steps(...)
  local plan, names = planning.made(...), {}
  for i, step in ipairs(plan.steps) do names[i] = ("%s %s: %s"):format(step.action, step.device, step.why) end
  return names
end

local function pruned(prune, body)
  return ("prune = %s, %s"):format(prune, body or keeps_sda)
end

describe("prune = true", function()
  it("removes the CD drives that the recipe does not name", function()
    assert.same({ "remove sdb: prune: not in the recipe" },
      steps(pruned("true"), { hba0, sda, sdb, root, disk, tape, sata }))
  end)

  it("is nothing to do where there is nothing else", function()
    assert.same({}, steps(pruned("true"), { hba0, sda, root, disk }))
  end)

  it("removes from both halves, each what it has", function()
    local plan = planning.made(pruned("true"), { hba0, sda, sdb }, planning.RUNNING,
      { live = { hba0, sda, host.drive("sdc", { place = { 0, 0, 2 } }) } })
    assert.same({ "remove sdb (prune: not in the recipe): next boot, not there now; detach config",
      "remove sdc (prune: not in the recipe): live; detach live" }, planning.lines(plan.steps))
  end)

  it("removes nothing while the recipe is wrong", function()
    assert.equal("r.lua:2: web01.sda: unknown key 'sorce' (did you mean 'source'?)",
      planning.refused(pruned("true", [[cdrom { dev = "sda", sorce = "/a.iso" }]]), { hba0, sda, sdb }))
  end)

  it("gives the address of what goes to what comes", function()
    assert.same({ "remove sdb: prune: not in the recipe", "add sdc: not there" },
      steps(pruned("true", [[cdrom { dev = "sda" },
        cdrom { dev = "sdc", source = "/c.iso", address = { controller = 0, target = 0, unit = 1 } } ]]),
        { hba0, sda, sdb }))
  end)

  it("is limited by only", function()
    assert.same({}, steps(pruned("true"), { hba0, sda, sdb }, nil, { plan = { only = { "sda" } } }))
    assert.same({ "remove sdb: prune: not in the recipe" },
      steps(pruned("true"), { hba0, sda, sdb }, nil, { plan = { only = { "sdb" } } }))
  end)
end)

describe("prune of more kinds", function()
  local kinds = '{ "cdrom", "disk", "hostdev" }'

  it("removes them where nothing runs", function()
    assert.same({ "remove sdb: prune: not in the recipe", "remove sdd: prune: not in the recipe" },
      steps(pruned('{ "cdrom", "disk" }', keeps_sda .. [[, disk { dev = "sde" }]]), { hba0, sda, sdb, root, disk }))
    assert.same({ "remove hostdev#2: prune: not in the recipe", "remove hostdev#3: prune: not in the recipe" },
      steps(pruned('{ "hostdev" }'), { hba0, sda, sdb, tape, host.hostdev(2, 6, { 0, 0, 7 }) }))
  end)

  it("never removes what the domain boots from, not even with force", function()
    local boots = { "r.lua:1: web01.sde: the domain boots from it, so prune does not remove it " ..
      "(name it in the recipe, or say of it: absent = true)" }
    for _, force in ipairs { false, true } do
      assert.equal(boots[1],
        planning.refused(pruned(kinds), { hba0, sda, root, disk }, nil, { plan = { force = force } }))
    end
    local ordered = host.drive("sde", { device = "disk", place = { 0, 0, 4 }, inner = "<boot order='1'/>" })
    assert.equal(boots[1], planning.refused(pruned(kinds), { hba0, disk, sda, ordered }, nil, { boot = false }))
  end)

  it("never removes the hostdev that the domain boots from, whatever number it has in the recipe", function()
    local boots = host.hostdev(0, 3, { 0, 0, 5 }):gsub("</hostdev>", "<boot order='1'/></hostdev>")
    local second = host.hostdev(1, 3, { 0, 0, 6 })
    for _, other in ipairs { "", [[cdrom { dev = "sdq", source = "/x.iso" },]],
      [[hostdev { source = { adapter = "scsi_host1", bus = 0, target = 0, unit = 3 } },]] } do
      local body = other .. [[disk { dev = "sde" }]]
      for _, there in ipairs { { hba0, root, boots, second }, { hba0, root, second, boots } } do
        local refusal = planning.refused(pruned('{ "hostdev" }', body), there, nil, { boot = false })
        assert.truthy(refusal:find("the domain boots from it", 1, true), refusal)
      end
    end
  end)

  it("never removes what only the other half boots from", function()
    local plain = host.drive("sde", { device = "disk", path = "/root.img", place = { 0, 0, 4 } })
    local first = host.drive("sdd", { device = "disk", path = "/data.img", place = { 0, 0, 3 },
      inner = "<boot order='1'/>" })
    local body = pruned('{ "disk" }', [[disk { dev = "sde" }]])
    local opts = { live = { hba0, plain, first }, boot = false, plan = { scope = "config" } }
    local refusal = planning.refused(body, { hba0, plain, disk }, planning.RUNNING, opts)
    assert.truthy(refusal:find("web01.sdd: the domain boots from it", 1, true), refusal)
  end)

  it("removes no CD drive from which the domain boots first, and one that comes later", function()
    local function ordered(dev, place, order)
      local kind = dev == "sde" and "disk" or "cdrom"
      return host.drive(dev, { device = kind, place = { 0, 0, place }, inner = ("<boot order='%d'/>"):format(order) })
    end
    local refusal = planning.refused(pruned("true"), { hba0, sda, ordered("sdb", 1, 1) }, nil, { boot = false })
    assert.truthy(refusal:find("web01.sdb: the domain boots from it", 1, true), refusal)
    assert.same({ "remove sdb: prune: not in the recipe" },
      steps(pruned("true"), { hba0, sda, ordered("sdb", 1, 2), ordered("sde", 4, 1) }, nil, { boot = false }))
  end)

  it("removes no CD drive that <os><boot> means first", function()
    local xml = host.domain({ hba0, sdb, sda, root }):gsub("<boot dev='hd'/>", "<boot dev='cdrom'/><boot dev='hd'/>")
    local plan, found = virtlun.plan(planning.desired(pruned("true")), { config = xml }, planning.SHUT_OFF)
    assert.is_nil(plan)
    assert.truthy(tostring(found):find("web01.sdb: the domain boots from it", 1, true), tostring(found))
  end)

  it("removes nothing where it cannot be told what boots", function()
    local seats = boot.seats
    finally(function() boot.seats = seats end)
    function boot.seats() return nil, virtlun.problems { { code = "no_memory", severity = "error", message = "?" } } end
    assert.truthy(planning.refused(pruned("true"), { hba0, sda, sdb }))
  end)

  it("takes no disk and no hostdev from a guest without force", function()
    local there = { hba0, sda, root, disk, tape }
    local body = pruned(kinds, keeps_sda .. [[, disk { dev = "sde" }]])
    local refusal = "r.lua:1: web01.%s: the guest may be using this %s, so that it takes force to prune it while " ..
      'the domain runs (scope = "config" changes its next boot)'
    assert.equal(refusal:format("sdd", "disk") .. "\n" .. refusal:format("hostdev#4", "hostdev"),
      planning.refused(body, there, planning.RUNNING, { live = there }))
    assert.same({ "remove sdd: prune: not in the recipe", "remove hostdev#4: prune: not in the recipe" },
      steps(body, there, planning.RUNNING, { live = there, plan = { force = true } }))
    assert.same({ "remove sdd: prune: not in the recipe", "remove hostdev#4: prune: not in the recipe" },
      steps(body, there, planning.RUNNING, { live = there, plan = { scope = "config" } }))
  end)
end)
