-- insert, eject, attach and detach on libvirt's test driver: what they take, what they print where, how they exit.
-- The test driver has no hotplug, so its running domain gets everything at its next boot.
local child = require("support.child")
local dkjson = require("dkjson")

local TEST = "test:///default"

local function run(line, opts)
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  table.insert(words, 2, "-c")
  table.insert(words, 3, TEST)
  return child.virtlun(words, opts)
end

local function err_of(code, line)
  local result = run(line)
  assert.same({ "", code }, { result.out, result.code }, line .. ": " .. result.err)
  return result.err
end

-- The device that an attach makes, as it stands in the plan.
local function attached(line)
  local result = run(line .. " --json")
  assert.same({ "", 0 }, { result.err, result.code }, line)
  local plan = dkjson.decode(result.out).plans[1]
  assert.equal("done", plan.result)
  for _, step in ipairs(plan.steps) do assert.equal("done", step.result) end
  return plan.steps[#plan.steps].after
end

-- Runs several lines in one process, in which the test driver keeps what was done. Results and messages are in order.
local function in_one_process(lines)
  local result = child.script([[
    local held = require("virtlun").open "test:///default"
    io.stderr = io.stdout
    for line in io.lines() do
      local args = {}
      for word in line:gmatch("%S+") do args[#args + 1] = word end
      table.insert(args, 2, "-c")
      table.insert(args, 3, "test:///default")
      print("= " .. require("virtlun.cli").main(args))
    end]], { stdin = table.concat(lines, "\n") .. "\n", env = { LC_ALL = "C" } })
  assert.equal("", result.err)
  return (result.out:gsub("virtlun: test:///[^\n]*\n", ""))
end

describe("virtlun attach", function()
  it("adds a drive, and the HBA that it needs, and says so", function()
    local result = run "attach test cdrom /cd.iso"
    assert.same({ 0, "test: controller0 added, HBA virtio-scsi, config, for the next boot\n" ..
      "test: cdrom sda added at 0:0:0:0, with /cd.iso, config, for the next boot; guest [H:0:0:0]\n",
      "virtlun: test:/// lives in this process only; nothing outlives it\n" },
      { result.code, result.out, result.err })
    result = run "attach -q test cdrom /cd.iso"
    assert.same({ 0, "", "" }, { result.code, result.out, result.err })
  end)

  it("takes the words of recipes", function()
    local device = attached "attach test disk /disk.img --dev sdc --format qcow2 --address 0:0:5:30 --set cache=none"
    assert.same({ "disk", "sdc", "/disk.img", "qcow2", "none" },
      { device.kind, device.dev, device.source, device.format, device.cache })
    assert.same({ controller = 0, bus = 0, target = 5, unit = 30 }, device.address)
    device = attached "attach test cdrom volume:default/cd.iso --set serial=0123 --set readonly=true"
    assert.same({ pool = "default", volume = "cd.iso" }, device.source)
    assert.same({ "0123", true, "sda" }, { device.serial, device.readonly, device.dev })
    device = attached "attach test lun /dev/disk/by-id/x --set address.unit=7 --set address.controller=0"
    assert.same({ { dev = "/dev/disk/by-id/x" }, 7 }, { device.source, device.address.unit })
    device = attached "attach test controller --model virtio-scsi --set queues=4"
    assert.same({ "controller", 0, 4 }, { device.kind, device.index, device.queues })
    device = attached("attach test hostdev --set source.adapter=scsi_host2 --set source.bus=0 " ..
      "--set source.target=0 --set source.unit=1")
    assert.same({ adapter = "scsi_host2", bus = 0, target = 0, unit = 1 }, device.source)
  end)

  it("makes relative paths absolute", function()
    local pipe = io.popen("pwd -P")
    local here = pipe:read("l")
    pipe:close()
    local parent = here:match("^(.*)/[^/]*$")
    for path, expected in pairs {
      ["cd.iso"] = here .. "/cd.iso", ["./a/../cd.iso"] = here .. "/a/../cd.iso", ["../cd.iso"] = parent .. "/cd.iso",
      [".././cd.iso"] = parent .. "/cd.iso", ["/cd.iso"] = "/cd.iso",
    } do
      assert.equal(expected, attached("attach test cdrom " .. path).source)
    end
  end)

  it("leaves relative paths alone where they are those of another machine", function()
    local sources = require("virtlun.cli.sources")
    local far = { connection = { is_local = function() return false end } }
    assert.equal("cd.iso", sources.source(far, "cd.iso"))
    assert.equal("./cd.iso", sources.drive(far, "./cd.iso"))
    local near = { connection = { is_local = function() return true end } }
    assert.truthy(sources.drive(near, "./cd.iso"):find("^/.*[^.]/cd.iso$"))
    assert.same({ "sda", "/cd.iso" }, { sources.drive(near, "sda"), sources.drive(near, "/cd.iso") })
  end)

  it("tells problems as recipes do", function()
    assert.equal("test.sda.cache: 'bad' is not one of default, none, writethrough, writeback, directsync or unsafe\n",
      err_of(1, "attach test cdrom /cd.iso --set cache=bad"))
    assert.equal("test.sda: unknown key 'chache' (did you mean 'cache'?)\n",
      err_of(1, "attach test cdrom /cd.iso --set chache=none"))
    assert.equal("test.sda.address.unit: 20000 is out of range 0..16383\n",
      err_of(1, "attach test cdrom --address 0:0:0:20000"))
    assert.equal("tset: test:///default has no domain 'tset' (did you mean 'test'?)\n", err_of(1, "attach tset cdrom"))
    local result = run "attach test cdrom --dev vda --json"
    local data = dkjson.decode(result.out)
    assert.same({ 1, "", {}, 0, "test.vda.dev" },
      { result.code, result.err, data.plans, data.changes, data.problems[1].path })
  end)

  it("whose line is wrong exits 64", function()
    for line, said in pairs {
      ["attach test floppy"] = "argument 'kind' must be one of 'cdrom'",
      ["attach test cdrom --address 0:0"] = "--address 0:0: write it as controller:bus:target:unit",
      ["attach test controller --index x"] = "--index x: write it as a number",
      ["attach test cdrom --set x"] = "--set x: write it as key=value",
      ["attach test cdrom --dev sda --set dev=sdb"] = "--set dev=sdb: dev is said twice",
      ["attach test cdrom --set alias=x --set alias.y=1"] = "--set alias.y=1: alias is said twice",
      ["attach test cdrom /a --set source.pool=x"] = "the source is said twice",
      ["detach test sda --timeout soon"] = "--timeout soon: write it as a number of seconds",
      ["insert test sda"] = "missing argument 'source'",
    } do
      assert.truthy(err_of(64, line):find(said, 1, true), line)
    end
  end)
end)

describe("one drive after another", function()
  it("is named, changed, found and taken away", function()
    assert.equal(table.concat({
      "test: controller0 added, HBA virtio-scsi, config, for the next boot",
      "test: cdrom sda added at 0:0:0:0, with /a.iso, config, for the next boot; guest [H:0:0:0]", "= 0",
      "test: cdrom sdb added at 0:0:0:1, empty, config, for the next boot; guest [H:0:0:1]", "= 0",
      "test: controller1 added, HBA virtio-scsi, config, for the next boot", "= 0",
      "test.sda: is there already (insert changes its medium, apply everything else)", "= 1",
      "test: sdb now holds /b.iso, config, for the next boot; guest [H:0:0:1]", "= 0",
      "test: sdb holds it already; nothing to do", "= 0",
      "test: sdb now holds /c.iso, config, for the next boot; guest [H:0:0:1]", "= 0",
      "test: sda is now empty, config, for the next boot; guest [H:0:0:0]", "= 0",
      "test: sda is empty already; nothing to do", "= 0",
      "test.sdz: there is no such drive (did you mean 'sda'?)", "= 1",
      "test.controller0: a controller has no medium to change", "= 1",
      "test.controller0: is used by sda (an HBA can go only after its drives)", "= 1",
      "test: HBA controller1 removed, config, for the next boot", "= 0",
      "test: cdrom sdb removed, config, for the next boot", "= 0",
      "test.sdb: there is no such drive (did you mean 'sda'?)", "= 1", "",
    }, "\n"), in_one_process {
      "attach test cdrom /a.iso", "attach test cdrom", "attach test controller", "attach test cdrom /b.iso --dev sda",
      "insert test 0:0:0:1 /b.iso", "insert test sdb /b.iso", "insert test /b.iso /c.iso", "eject test sda",
      "eject test sda", "eject test sdz", "eject test controller0", "detach test controller0",
      "detach test controller1", "detach test /c.iso", "detach test sdb",
    })
  end)

  it("asks nobody before a disk leaves a configuration", function()
    assert.truthy(in_one_process { "attach test disk /a.img --format raw", "detach test sda" }
      :find("test: disk sda removed, config, for the next boot\n= 0\n", 1, true))
  end)

  it("shows the plan with -v", function()
    local result = run "attach -v test cdrom /cd.iso"
    assert.truthy(result.out:find("^test  running  test:///default\n  %+  controller0"), result.out)
    assert.truthy(result.out:find("\n  2 changes: 2 to add; none of it interrupts the running domain\ntest: contr"),
      result.out)
  end)

  it("is limited by --live and --config", function()
    assert.equal(0, run("attach test cdrom /cd.iso --config").code)
    assert.equal(0, run("attach test cdrom /cd.iso --config --live").code)
    local said = err_of(1, "attach test cdrom /cd.iso --live")
    assert.truthy(said:find("test: libvirt's driver TEST cannot change a running domain", 1, true), said)
  end)
end)
