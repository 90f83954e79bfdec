-- dom:insert, eject, attach and detach where no guest is needed: how drives are found and new ones named, and who is
-- asked before anything is changed. What a running guest makes of them is seen by the live specs.
local host = require("support.host_xml")
local virtlun = require("virtlun")

describe("a single operation", function()
  local connection, dom

  -- A configuration with a drive on another bus, and one on SCSI; what runs is libvirt's own, with a vda.
  before_each(function()
    connection = assert(virtlun.open("test:///default"))
    dom = assert(connection:domain("test"))
    assert(dom:define(host.domain({
      host.hba(0), host.drive("sda", { bus = "sata", path = "/sata.iso" }),
      host.drive("sdb", { path = "/b.iso", inner = "<alias name='ua-b'/>" }),
      host.drive("sdd", { path = "/b.iso", place = { 0, 0, 1 } }),
    }, { name = "test" })))
  end)
  after_each(function() connection:close() end)

  local function in_drive(dev)
    for _, device in ipairs(dom:describe().config) do
      if device.dev == dev then return device.source end
    end
  end

  it("finds its drive by every name that it has", function()
    for i, name in ipairs { "sdb", "ua-b", "0:0:0:0", "/4.iso" } do
      assert(dom:insert(name, ("/%d.iso"):format(i + 1)))
      if i == 3 then assert.equal("/4.iso", in_drive("sdb")) end
    end
    assert.equal("/5.iso", in_drive("sdb"))
    assert.equal("/b.iso", in_drive("sdd"))
  end)

  it("takes none where several could be meant, or none is", function()
    local result, found = dom:eject("/b.iso")
    assert.same({ nil, "test./b.iso: '/b.iso' could be sdb or sdd (name the drive by its dev)" },
      { result, tostring(found) })
    result, found = dom:detach("controller7")
    assert.same({ nil, "test.controller7: there is no such drive (did you mean 'controller0'?)" },
      { result, tostring(found) })
    result, found = dom:eject("sda")
    assert.same({ nil, "not_there" }, { result, found[1].code })
  end)

  it("names new drives and HBAs as the next that is free on every bus and in both halves", function()
    local result = assert(dom:attach { kind = "cdrom" })
    assert.equal("sdc", result.plan.steps[1].device)
    local disk = { kind = "disk", source = "/d.img", format = "raw" }
    assert.equal("sde", assert(dom:attach(disk)).plan.steps[1].device)
    assert.is_nil(disk.dev)
    assert.equal("controller1", assert(dom:attach { kind = "controller" }).plan.steps[1].device)
    assert.equal("controller2", assert(dom:attach { kind = "controller", index = 2 }).plan.steps[1].device)
  end)

  it("attaches nothing over what is there", function()
    for _, device in ipairs {
      { kind = "cdrom", dev = "sdb", source = "/other.iso" }, { kind = "cdrom", dev = "sdb" },
      { kind = "controller", index = 0 },
    } do
      local result, found, written = dom:attach(device)
      assert.same({ nil, "already_there" }, { result, found[1].code })
      assert.falsy(written)
    end
    assert.equal("/b.iso", in_drive("sdb"))
  end)

  it("takes HBAs away when nothing hangs on them", function()
    local result, found = dom:detach("controller0")
    assert.same({ nil, "still_used" }, { result, found[1].code })
    assert(dom:detach("sdb"))
    assert(dom:detach("sdd"))
    assert.equal(1, assert(dom:detach("controller0")).done)
    assert.is_nil(dom:describe().config[1])
  end)

  it("asks whoever wants to be asked, with the plan that it makes", function()
    local seen
    local function confirm(answer)
      return function(plan)
        seen = plan
        return answer
      end
    end
    local result, found, ended = dom:eject("sdb", { confirm = confirm(false) })
    assert.same({ nil, 0, nil, "/b.iso" }, { result, #found, ended, in_drive("sdb") })
    assert.same({ "change", "sdb" }, { seen.steps[1].action, seen.steps[1].device })
    result = assert(dom:eject("sdb", { confirm = confirm(true) }))
    assert.equal(seen, result.plan)
    assert.is_nil(in_drive("sdb"))
  end)

  it("looks at no files of the test driver, whose domains have none", function()
    assert.is_nil(dom:describe().media)
    assert.is_true(connection:is_local())
  end)
end)
