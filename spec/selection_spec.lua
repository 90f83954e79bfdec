-- only and except: which of the described devices a plan is to change.
local host = require("support.host_xml")
local planning = require("support.planning")
local virtlun = require("virtlun")

local hba0 = host.hba(0)
local recipe = [[
  controller { index = 1, model = "virtio-scsi" },
  cdrom { dev = "sda", source = "/a.iso" },
  cdrom { dev = "sdb", source = "/b.iso", address = { controller = 0, unit = 1 } },
  cdrom { dev = "sdc", source = "/c.iso", address = { controller = 1, unit = 0 } },]]

local function chosen(opts, body, devices)
  local plan, names = planning.made(body or recipe, devices or { hba0, host.drive("sda") }, nil, { plan = opts }), {}
  for i, step in ipairs(plan.steps) do names[i] = step.action .. " " .. step.device end
  return names
end

describe("only", function()
  it("changes what it names and leaves the rest", function()
    assert.same({ "change sda" }, chosen { only = { "sda" } })
    assert.same({ "change sda", "add sdb" }, chosen { only = { "sdb", "sda" } })
  end)

  it("takes a name of any kind, and * for any text", function()
    assert.same({ "change sda" }, chosen({ only = { "0:0:0:0" } }, [[
      cdrom { dev = "sda", source = "/a.iso", address = { controller = 0, target = 0, unit = 0 } },
      cdrom { dev = "sdb", source = "/b.iso" } ]]))
    assert.same({ "change sda" }, chosen { only = { "/a.*" } })
    assert.same({ "add controller1", "change sda", "add sdb", "add sdc" }, chosen { only = { "sd*" } })
  end)

  it("takes what stands in a name literally but for *", function()
    assert.same({}, chosen({ only = { "/x.iso" } }, [[cdrom { dev = "sda", source = "/x.iso" },
      cdrom { dev = "sdb", source = "/xyiso" }]], { hba0, host.drive("sda", { path = "/x.iso" }) }))
  end)

  it("brings along the HBA that a selected drive needs, and no other", function()
    assert.same({ "add controller1", "add sdc" }, chosen { only = { "sdc" } })
    assert.same({ "add sdb" }, chosen { only = { "sdb" } })
  end)

  it("compares nothing else, not even for the next boot", function()
    local plan = planning.made('cdrom { dev = "sda", source = "/a.iso" }, cdrom { dev = "sdb", source = "/b.iso" }',
      { hba0, host.drive("sda", { path = "/a.iso" }) }, planning.RUNNING,
      { live = { hba0, host.drive("sda") }, plan = { only = { "sdb" }, scope = "config" } })
    assert.same({ "add sdb" }, { plan.steps[1].action .. " " .. plan.steps[1].device, plan.steps[2] })
    assert.same({}, plan.pending)
  end)

  it("leaves the boot order of the domain alone unless a selected drive has a place in it", function()
    local boots = [[boot = "devices", cdrom { dev = "sda", boot = 1 }, cdrom { dev = "sdb", source = "/b.iso" }]]
    assert.same({ "add sdb" }, chosen({ only = { "sdb" } }, boots))
    assert.same({ "change web01", "change sda" }, chosen({ only = { "sda" } }, boots))
  end)
end)

describe("except", function()
  it("leaves what it names", function()
    assert.same({ "change sda", "add sdb" }, chosen { except = { "sdc", "controller1" } })
  end)

  it("goes before only", function()
    assert.same({ "change sda" }, chosen { only = { "sd*" }, except = { "sdb", "sdc" } })
  end)

  it("does not keep the HBA away that another drive needs", function()
    assert.same({ "add controller1", "add sdc" }, chosen { only = { "sdc" }, except = { "controller1" } })
  end)
end)

describe("what a drive is called on the host", function()
  local there = { hba0, host.drive("sda"), host.drive("sdb", { path = "/keep/b.iso", place = { 0, 0, 1 } }) }

  it("keeps it from prune", function()
    local prunes = [[prune = true,
      cdrom { dev = "sda", source = "/keep/a.iso", address = { controller = 0, unit = 0 } }]]
    assert.equal(2, #chosen({}, prunes, there))
    for _, name in ipairs { "/keep/*", "/keep/b.iso", "0:0:0:1", "0:0:0:*" } do
      for _, step in ipairs(chosen({ except = { name } }, prunes, there)) do assert.not_equal("remove sdb", step) end
    end
  end)

  it("counts in both halves, whichever it comes from", function()
    local other = { hba0, host.drive("sda"), host.drive("sdb", { path = "/other.iso", place = { 0, 0, 7 } }) }
    local plan = planning.made('cdrom { dev = "sdb", source = "/new.iso" }, cdrom { dev = "sda", source = "/a.iso" }',
      there, planning.RUNNING, { live = other, plan = { only = { "/keep/*" } } })
    assert.equal("sdb live and config", plan.steps[1].device .. " " .. plan.steps[1].scope)
    assert.equal(1, plan.changes)
  end)
end)

describe("names in several domains", function()
  local domains = { planning.desired([[cdrom { dev = "sda", source = "/a.iso" }]]),
    { kind = "domain", name = "db01", { kind = "cdrom", dev = "sdq" } } }
  local there = { hba0, host.drive("sda") }

  it("are known where one of them has them", function()
    assert.same({ "sda", "db01.sdq", "sd*", "sdq" },
      virtlun.known(domains, { only = { "sda", "db01.sdq", "web01.sdq", "sd*" }, except = { "sdq", "sdz" } }))
  end)

  it("are no problem of the others", function()
    local body = [[cdrom { dev = "sda", source = "/a.iso" }]]
    local opts = { except = { "sdq" } }
    assert.truthy(planning.refused(body, there, nil, { plan = opts }):find("is called 'sdq'", 1, true))
    opts.known = virtlun.known(domains, opts)
    assert.same({ "change sda" }, chosen(opts, body, there))
  end)

  it("may be said behind the name of their domain", function()
    assert.same({ "change sda" }, chosen { only = { "web01.sda" } })
    assert.same({ "change sda" }, chosen { only = { "sd*" }, except = { "web01.sdb", "web01.sdc" } })
    assert.truthy(planning.refused(recipe, there, nil, { plan = { only = { "db01.sda" } } }):find("db01.sda", 1, true))
  end)
end)

describe("options of a plan without a host", function()
  it("are checked: a text would except nothing", function()
    for said, opts in pairs { ["option except is a table, not sda"] = { except = "sda" },
      ["unknown option 'onyl' (did you mean 'only'?)"] = { onyl = { "sda" } } } do
      local good, message = pcall(planning.plan, recipe, { hba0 }, nil, { plan = opts })
      assert.is_false(good)
      assert.truthy(message:find(said, 1, true), message)
    end
  end)
end)

describe("a place whose drive is not selected to leave it", function()
  local sda = host.drive("sda")
  local comer = [[cdrom { dev = "sdb", source = "/b.iso", address = { controller = 0, target = 0, unit = 0 } }]]
  local refusal = "r.lua:2: web01.sdb: 0:0:0:0 is already the address of sda in the domain"
  for what, leaver in pairs { removed = [[cdrom { dev = "sda", absent = true }, ]],
    moved = [[cdrom { dev = "sda", address = { controller = 0, target = 0, unit = 7 } }, ]] } do
    it("is refused to another one in the configuration (" .. what .. ")", function()
      assert.equal(refusal, planning.refused(leaver .. comer, { hba0, sda }, nil, { plan = { only = { "sdb" } } }))
      assert.equal(refusal, planning.refused(leaver .. comer, { hba0, sda }, planning.RUNNING,
        { live = { hba0, sda }, plan = { except = { "sda" }, scope = "config" } }))
      assert.equal(2, planning.made(leaver .. comer, { hba0, sda }).changes)
    end)
  end
end)

describe("a name that nothing described has", function()
  for _, key in ipairs { "only", "except" } do
    it("is refused in " .. key .. ": it could let through what was to stay", function()
      assert.equal("r.lua:1: web01: nothing that is described is called 'sdbb' (did you mean 'sdb'?)",
        planning.refused(recipe, { hba0 }, nil, { plan = { [key] = { "sda", "sdbb" } } }))
    end)
  end
end)
