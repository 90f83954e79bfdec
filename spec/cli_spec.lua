-- The command: what it prints where, how it exits, and what it asks. Each run is a process of its own.
local child = require("support.child")
local files = require("support.files")
local dkjson = require("dkjson")
local virtlun = require("virtlun")

local DVD = "spec/recipes/dvd.lua"
local TEST = "test:///default"
local NOWHERE = "qemu:///session?socket=/nonexistent"

local folder

local function run(line, opts)
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = (word:gsub("@", folder or "@")) end
  return child.virtlun(words, opts)
end

-- What a command says that must end with this code and keep one of its outputs empty.
local function out_of(line, opts)
  local result = run(line, opts)
  assert.same({ "", 0 }, { result.err, result.code }, line)
  return result.out
end

local function err_of(code, line, opts)
  local result = run(line, opts)
  assert.same({ "", code }, { result.out, result.code }, line .. ": " .. result.err)
  return result.err
end

local function json_of(code, line, opts)
  local result = run(line .. " --json", opts)
  assert.same({ "", code }, { result.err, result.code }, line)
  local data, _, message = dkjson.decode(result.out)
  assert(data, message)
  assert.equal(1, data.format_version)
  return data, result.out
end

local plan_text = files.read("spec/recipes/dvd.plan")

setup(function() folder = child.folder() end)
teardown(function() child.remove(folder) end)

describe("virtlun check", function()
  it("says how much is good", function()
    assert.equal("1 domain, 2 devices: good\n", out_of("check " .. DVD))
    assert.equal("", out_of("check -q " .. DVD))
    assert.same({}, json_of(0, "check " .. DVD).problems)
  end)

  it("tells all problems on standard error, or as JSON", function()
    local recipe = 'domain "d" {\n  cdrom { dev = "sda", size = 1 },\n  cdrom { dev = "sda" },\n}'
    local lines = "stdin:2: d.sda: unknown key 'size'\n" ..
      "stdin:3: d.sda.dev: sda is also the name of another drive (the next free name is sdb)\n"
    local said = err_of(1, "check -", { stdin = recipe })
    assert.equal(lines, (said:gsub("'size' %(did.-%)", "'size'")))
    local list = json_of(1, "check -", { stdin = recipe }).problems
    assert.same({ "unknown_key", "dev_taken" }, { list[1].code, list[2].code })
    assert.same({ "stdin", 3, "d.sda.dev", "error", "the next free name is sdb" },
      { list[2].file, list[2].line, list[2].path, list[2].severity, list[2].hint })
  end)

  it("tells notes, but not with -q", function()
    local recipe = 'domain "d" { controller { index = 2 } }'
    local result = run("check -", { stdin = recipe })
    assert.same({ 0, "1 domain, 1 device: good\n" }, { result.code, result.out })
    assert.truthy(result.err:find("^stdin:1: d%.controller2: note: "), result.err)
    assert.equal("", out_of("check -q -", { stdin = recipe }))
  end)

  it("takes parameters", function()
    local recipe = 'local n = param "n" { default = 1 }\ndomain "d" { controller { index = 0, queues = n } }'
    local function said(args) return run("check -q - " .. args, { stdin = recipe }) end
    assert.equal(0, said("-p n=8").code)
    assert.equal("stdin:2: d.controller0.queues: 2000 is out of range 1..1022\n", said("--param n=2000").err)
    assert.equal("stdin:1: 'x' is not a number, as the default of parameter 'n' is\n", said("-p n=x").err)
    assert.equal("stdin: parameter 'm' is not declared by the recipe\n", said("-p m=1").err)
    assert.equal(64, said("-p n").code)
    assert.truthy(said("-p n").err:find("-p n: write it as name=value", 1, true))
  end)

  it("knows a domain twice also when it stands in two recipes", function()
    files.write(folder .. "/one.lua", 'domain "d" { controller { index = 0 } }')
    files.write(folder .. "/two.lua", '\ndomain "d" {}')
    assert.equal(folder .. "/two.lua:2: d: is described twice (put its devices into one domain { ... })\n",
      err_of(1, "check @/one.lua @/two.lua"))
  end)

  it("tells of a recipe that is not there", function()
    assert.equal(folder .. "/none.lua: cannot be read: No such file or directory\n", err_of(1, "check @/none.lua"))
    assert.equal("cannot_read", json_of(1, "check @/none.lua").problems[1].code)
  end)
end)

describe("virtlun render", function()
  it("prints what virtlun.xml gives", function()
    local xml = virtlun.xml(assert(virtlun.load(DVD))[1])
    assert.equal(xml, out_of("render " .. DVD))
    local data = json_of(0, "render " .. DVD)
    assert.same({ { domain = "test", xml = xml } }, { { domain = data.domains[1].domain, xml = data.domains[1].xml } })
  end)

  it("says which domain is which, and that addresses are provisional", function()
    local result = run("render -", { stdin = 'domain "a--b" { cdrom { dev = "sda" } }\ndomain "c" {}' })
    assert.equal(0, result.code)
    assert.truthy(result.out:find("^<!%-%- a%- %-b %-%->\n<controller .*<!%-%- c %-%->\n$"), result.out)
    assert.truthy(result.err:find("note: .*assigned without knowing the host"), result.err)
  end)

  it("prints no XML of what is wrong", function()
    err_of(1, "render -", { stdin = 'domain "d" { cdrom {} }' })
  end)
end)

describe("virtlun plan", function()
  it("shows the steps", function()
    assert.equal(plan_text, out_of("plan " .. DVD))
    assert.equal(plan_text, out_of("plan --no-color " .. DVD))
    assert.equal("", out_of("plan -q " .. DVD))
    local verbose = out_of("plan --verbose " .. DVD)
    local why, call = "      needed by the HBAs and drives described\n", "      define, config\n"
    assert.truthy(verbose:find("\n" .. why .. call .. "        <controller type='scsi' index='0'", 1, true), verbose)
  end)

  it("shows how the XML changes, where it is asked to", function()
    local said = out_of("plan --xml-diff " .. DVD)
    assert.equal(plan_text, said:sub(1, #plan_text))
    local hunk = "\n--- /dev/null\n+++ test sda (config)  define\n@@ -0,0 +1,7 @@\n+<disk type="
    assert.truthy(said:find(hunk, 1, true), said)
  end)

  it("counts in JSON", function()
    local data = json_of(0, "plan " .. DVD)
    local counts = { add = 6, change = 0, remove = 0, pending = 0 }
    assert.same({ counts, counts }, { data.counts, data.plans[1].counts })
  end)

  it("draws a grid, and a picture into a file or to standard output alone", function()
    local said = out_of("plan --grid " .. DVD, { env = { LC_ALL = "C" } })
    assert.equal(plan_text, said:sub(1, #plan_text))
    local drawn = "\n+ HBA 4  virtio-scsi\n        unit |  0\n-------------+-------\n    target 0 | +C sda\n"
    assert.truthy(said:find(drawn, 1, true), said)
    assert.equal(plan_text, out_of("plan --svg @/plan.svg " .. DVD))
    local picture = files.read(folder .. "/plan.svg")
    assert.truthy(picture:find("^<svg .*>sda<.*</svg>\n$"))
    assert.equal(picture, out_of("plan --svg - " .. DVD))
    assert.equal("", out_of("plan -q --svg @/plan.svg " .. DVD))
    assert.equal(6, json_of(0, "plan --svg @/plan.svg " .. DVD).changes)
  end)

  it("draws also what its recipe does not name", function()
    local result = child.script([[
      local virtlun, cli = require "virtlun", require "virtlun.cli"
      local held = virtlun.open "test:///default"
      cli.main { "apply", "--yes", "--quiet", "spec/recipes/dvd.lua" }
      cli.main { "plan", "--grid", "-c", "test:///default", "-" }
      held:close()]], { env = { LC_ALL = "C" },
      stdin = 'domain "test" { cdrom { dev = "sdb", address = { controller = 4, target = 0, unit = 1 } } }' })
    assert.equal("", result.err)
    assert.truthy(result.out:find("\n    target 0 | *C sda  +c sdb\n", 1, true), result.out)
  end)

  it("says why a picture could not be written", function()
    local result = run("plan -q --svg @/none/plan.svg " .. DVD)
    local cannot = "virtlun: the picture cannot be written: "
    assert.same({ 1, "", ("%s%s/none/plan.svg: No such file or directory\n"):format(cannot, folder) },
      { result.code, result.out, result.err })
    assert.truthy(err_of(64, "plan --json --svg - " .. DVD):find("--svg - and --json cannot both have", 1, true))
    assert.truthy(err_of(64, "plan --out - --svg - " .. DVD):find("--out - and --svg - cannot both have", 1, true))
    assert.truthy(dkjson.decode((out_of("plan --out - --grid " .. DVD))))
  end)

  it("asks for no right to change anything, as show does not", function()
    local result = child.script([[
      local backend, cli = require "virtlun.backend", require "virtlun.cli"
      local open = backend.open
      function backend.open(uri, opts)
        print("readonly", opts.readonly)
        return open(uri, opts)
      end
      cli.main { "plan", "-q", "spec/recipes/dvd.lua" }
      cli.main { "show", "-q", "-c", "test:///default", "none" }
      cli.main { "apply", "-q", "--yes", "spec/recipes/dvd.lua" }]])
    assert.equal("readonly\ttrue\nreadonly\ttrue\nreadonly\tnil\n", result.out)
  end)

  it("exits 2 for changes only when asked to", function()
    assert.equal(2, run("plan --detailed-exitcode " .. DVD).code)
    local nothing = run("plan --detailed-exitcode -c test:///default -", { stdin = 'domain "test" {}' })
    assert.same({ 0, "test  running  test:///default\n  nothing to do\n" }, { nothing.code, nothing.out })
    assert.equal(1, run("plan --detailed-exitcode -c test:///default -", { stdin = 'domain "x" {}' }).code)
  end)

  it("is data with --json", function()
    local data, text = json_of(0, "plan " .. DVD)
    assert.equal(6, data.changes)
    local plan = data.plans[1]
    assert.same({ 1, "test", TEST, "running", 6, 6 },
      { plan.format_version, plan.domain, plan.uri, plan.state, plan.changes, #plan.steps })
    local step = plan.steps[6]
    assert.same({ "add", "sda", "cdrom", "next boot", "define", "[H:0:0:0]", DVD, 6 },
      { step.action, step.device, step.kind, step.effect, step.calls[1].call, step.guest.hctl, step.file, step.line })
    assert.truthy(text:find('"pending":[]', 1, true))
    assert.truthy(text:find('"problems":[]', 1, true))
    assert.equal(text, select(2, json_of(0, "plan " .. DVD)))
  end)

  it("tells every host that cannot be reached, and every domain that is not there", function()
    local recipe = ('domain "a" { uri = "%s" }\ndomain "tset" { uri = "%s" }'):format(NOWHERE, TEST)
    local said = err_of(1, "plan -", { stdin = recipe })
    assert.truthy(said:find("no connection to " .. NOWHERE .. ": Failed to connect socket to '/nonexistent'", 1, true),
      said)
    assert.truthy(said:find("tset: test:///default has no domain 'tset' (did you mean 'test'?)\n", 1, true), said)
    local data = json_of(1, "plan -", { stdin = recipe })
    assert.same({ {}, 0 }, { data.plans, data.changes })
    local list = data.problems
    assert.same({ "no_host", "VIR_ERR_SYSTEM_ERROR", "no_such_domain", "VIR_ERR_NO_DOMAIN" },
      { list[1].code, list[1].cause.name, list[2].code, list[2].cause.name })
  end)

  it("takes its connection from -c, from libvirt's default, and from the recipe, which -c must not contradict",
    function()
    local recipe = { stdin = 'domain "test" {}' }
    assert.truthy(out_of("plan -c test:///default -", recipe):find(TEST, 1, true))
    assert.truthy(out_of("plan -", { stdin = recipe.stdin, env = { LIBVIRT_DEFAULT_URI = TEST } }):find(TEST, 1, true))
    assert.truthy(out_of("plan -c test:///default " .. DVD):find(TEST, 1, true))
    assert.equal(DVD .. ":2: test: the recipe says uri test:///default, the command line " .. NOWHERE ..
      " (leave one of them out)\n", err_of(1, ("plan -c %s %s"):format(NOWHERE, DVD)))
  end)
end)

describe("virtlun apply", function()
  local done = "test: [1/6] add controller0: done\ntest: [2/6] add controller1: done\n" ..
    "test: [3/6] add controller2: done\ntest: [4/6] add controller3: done\n" ..
    "test: [5/6] add controller4: done\ntest: [6/6] add sda: done\n" ..
    "virtlun: test:/// lives in this process only; nothing outlives it\n"

  it("without a terminal needs --yes", function()
    local result = run("apply " .. DVD)
    assert.same({ 64, plan_text, "virtlun: without a terminal, apply needs --yes\n" },
      { result.code, result.out, result.err })
  end)

  it("with --yes does it, and says so on standard error", function()
    local result = run("apply --yes " .. DVD)
    assert.same({ 0, plan_text, done }, { result.code, result.out, result.err })
    assert.equal("", out_of("apply --yes -q " .. DVD))
  end)

  it("changes only what --only names, and not what --except names", function()
    local function devices(line)
      local list = {}
      for _, step in ipairs(json_of(0, line .. DVD).plans[1].steps) do list[#list + 1] = step.device end
      return table.concat(list, " ")
    end
    assert.equal("controller0 controller1", devices "plan --only controller0 --only controller1 ")
    assert.equal("controller0 controller1 controller2 controller3 controller4", devices "plan --except sd* ")
    assert.equal("controller0 controller1 controller2", devices "plan --only controller2 ")
    assert.equal(DVD .. ":2: test: nothing that is described is called 'sdb' (did you mean 'sda'?)\n",
      err_of(1, "plan --except sdb " .. DVD))
  end)

  it("asks for nothing where nothing is to do", function()
    assert.equal("test  running  test:///default\n  nothing to do\n",
      out_of("apply -c test:///default -", { stdin = 'domain "test" {}' }))
  end)

  it("is a line of data for each event with --json, the last of them the whole", function()
    local lines, said = {}, out_of("apply --json --yes " .. DVD)
    for line in said:gmatch("([^\n]+)\n") do lines[#lines + 1] = assert(dkjson.decode(line), line) end
    local first, data = lines[1], lines[#lines]
    assert.same({ 1, "step", "begin", "test", "add", "controller", "controller0", 1 }, { first.format_version,
      first.event, first.state, first.domain, first.action, first.kind, first.device, first.number })
    local made = 0
    for _, line in ipairs(lines) do made = made + (line.state == "done" and 1 or 0) end
    assert.same({ 6, 13 }, { made, #lines })
    assert.same({ "result", 1, 6, "done", "sda", "done" }, { data.event, data.format_version, data.changes,
      data.plans[1].result, data.plans[1].steps[6].device, data.plans[1].steps[6].result })
  end)

  it("prints the same for remove", function()
    local said = out_of("remove --json --yes " .. DVD)
    local data = assert(dkjson.decode(said))
    assert.same({ "result", 0, 1 }, { data.event, data.changes, select(2, said:gsub("\n", "")) })
  end)

  it("that is refused is one line of data", function()
    local data, said = json_of(1, "apply --yes -", { stdin = 'domain "test" { cdrom {} }' })
    assert.same({ "result", 1, 1 }, { data.event, select(2, said:gsub("\n", "")), #data.problems })
  end)

  it("changes nothing if any of its domains has a problem", function()
    local said = err_of(1, "apply --yes -c test:///default -",
      { stdin = 'domain "test" { controller { index = 0 } }\ndomain "none" {}' })
    assert.equal("stdin:2: none: test:///default has no domain 'none'\nnothing was changed\n", said)
  end)
end)

describe("virtlun show", function()
  it("draws what there is", function()
    assert.equal("test  running  test:///default\n`- no SCSI HBAs\n",
      out_of("show -c test:///default", { env = { LC_ALL = "C" } }))
    assert.equal("test  running  test:///default\n└─ no SCSI HBAs\n",
      out_of("show -c test:///default test", { env = { LC_ALL = "C.UTF-8" } }))
  end)

  it("draws HBAs, targets, LUNs, media and what the guest will see, and gives them as a list in JSON", function()
    local result = child.script([[
      local virtlun, cli = require "virtlun", require "virtlun.cli"
      local held = virtlun.open "test:///default"
      cli.main { "apply", "--yes", "--quiet", "spec/recipes/dvd.lua" }
      cli.main { "show", "-c", "test:///default" }
      print "--"
      cli.main { "plan", "spec/recipes/dvd.lua" }
      print "--"
      cli.main { "show", "--json", "-c", "test:///default" }
      held:close()]], { env = { LC_ALL = "C" } })
    assert.equal("", result.err)
    local tree, plan, json = result.out:match("^(.-)\n%-%-\n(.-)\n%-%-\n(.*)$")
    local later = "  [from its next boot on]"
    assert.equal(table.concat({
      "test  running  test:///default", "|- HBA 0  virtio-scsi" .. later, "|- HBA 1  virtio-scsi" .. later,
      "|- HBA 2  virtio-scsi" .. later, "|- HBA 3  virtio-scsi" .. later, "`- HBA 4  virtio-scsi" .. later,
      "   `- target 0", "      `- unit 0  cdrom sda  /var/lib/libvirt/images/cd.iso  guest [H:0:0:0]" .. later,
    }, "\n"), tree)
    assert.equal(table.concat({
      "test  running  test:///default", "  already in the configuration, waiting for the next boot:",
      "  +  controller4  HBA virtio-scsi                                   next boot",
      "  +  sda          cdrom at 4:0:0:0  /var/lib/libvirt/images/cd.iso  next boot", "  nothing to do" }, "\n"), plan)
    local domain = dkjson.decode(json).domains[1]
    assert.same({ "test", TEST, "running" }, { domain.name, domain.uri, domain.facts.state })
    assert.same({}, domain.live.devices)
    local drive = domain.config.devices[1]
    assert.same({ "cdrom", "sda", "missing", "[H:0:0:0]" }, { drive.kind, drive.dev, drive.other, drive.guest.hctl })
  end)

  it("draws a grid, and a picture", function()
    assert.equal("test  running  test:///default\n  no SCSI HBAs\n", out_of("show --grid -c test:///default"))
    assert.truthy(out_of("show --svg - -c test:///default"):find("^<svg .*no SCSI HBAs.*</svg>\n$"))
    assert.truthy(out_of("show --svg @/show.svg -c test:///default"):find("no SCSI HBAs\n$"))
    assert.truthy(files.read(folder .. "/show.svg"):find("^<svg "))
  end)

  it("tells of domains and hosts that are not there", function()
    assert.equal("tset: test:///default has no domain 'tset' (did you mean 'test'?)\n",
      err_of(1, "show -c test:///default tset"))
    assert.truthy(err_of(1, "show -c " .. NOWHERE):find("no connection to " .. NOWHERE, 1, true))
    assert.equal("no_such_domain", json_of(1, "show -c test:///default tset").problems[1].code)
  end)
end)

describe("virtlun lun", function()
  local vectors = { -- unit, LUN as Linux shows it, wire
    { 0, 0, "0x0000000000000000" }, { 1, 1, "0x0001000000000000" }, { 255, 255, "0x00ff000000000000" },
    { 256, 16640, "0x4100000000000000" }, { 257, 16641, "0x4101000000000000" }, { 300, 16684, "0x412c000000000000" },
    { 4095, 20479, "0x4fff000000000000" }, { 16383, 32767, "0x7fff000000000000" },
  }
  it("maps both ways", function()
    for _, v in ipairs(vectors) do
      local line = ("unit %d  LUN 0x%04x  guest [H:0:T:%d]  wire %s\n"):format(v[1], v[2], v[2], v[3])
      assert.equal(line, out_of("lun " .. v[1]))
      assert.equal(line, out_of("lun --from-guest " .. v[2]))
      assert.equal(line, out_of(("lun --from-guest 2:0:1:%d"):format(v[2])))
      assert.equal(line, out_of(("lun --from-guest [0:0:7:%d]"):format(v[2])))
    end
    for _, line in ipairs { "lun 300", "help cdrom" } do assert.same({}, json_of(0, line).problems) end
    local data = json_of(0, "lun 300")
    assert.same({ format_version = 1, unit = 300, lun = 16684, wire = "0x412c000000000000" },
      { format_version = data.format_version, unit = data.unit, lun = data.lun, wire = data.wire })
  end)

  it("refuses what is none", function()
    local cases = {
      ["16384"] = "unit: 16384 is out of range 0..16383", ["-1"] = "unit: -1 is out of range 0..16383",
      ["4294967295"] = "unit: 4294967295 is out of range 0..16383", ["1.5"] = "unit: '1.5' is not an integer",
      ["0x10"] = "unit: '0x10' is not an integer", ["1e3"] = "unit: '1e3' is not an integer",
      ["99999999999999999999"] = "unit: '99999999999999999999' is not an integer",
    }
    for word, said in pairs(cases) do
      assert.equal(said .. "\n", err_of(1, "lun " .. word))
      assert.equal("unit", json_of(1, "lun " .. word).problems[1].path)
    end
    local none = " is no LUN that Linux shows for a virtual drive: those are 0..255 and 16640..32767\n"
    for _, lun in ipairs { "256", "16383", "16384", "16639", "32768", "4294967295", "-1" } do
      assert.equal("lun: " .. lun .. none, err_of(1, "lun --from-guest " .. lun))
    end
    assert.equal("lun: '0x4100' is not an integer\n", err_of(1, "lun --from-guest 0x4100"))
  end)

  it("wants one of the two", function()
    for _, line in ipairs { "lun", "lun 1 --from-guest 1" } do
      local err = err_of(64, line)
      assert.truthy(err:find("^Usage: virtlun lun .*\n\nError: lun wants either a unit or %-%-from%-guest\n$"), err)
    end
  end)
end)

describe("virtlun help", function()
  local schema = virtlun.schema()

  it("has every field and every problem of the schema", function()
    local index = out_of("help")
    local topics = { "domain", "controller", "cdrom", "disk", "lun", "hostdev", "source", "insert" }
    for _, problem in ipairs(schema.problems) do topics[#topics + 1] = problem.code end
    for name in pairs(schema.shapes) do if name ~= "other" then topics[#topics + 1] = name end end
    -- One process for all topics: there are more than a hundred.
    local result = child.script('local cli = require "virtlun.cli" for topic in io.lines() do ' ..
      'print("== " .. topic, cli.main { "help", topic }) end', { stdin = table.concat(topics, "\n") .. "\n" })
    assert.equal("", result.err)
    for _, topic in ipairs(topics) do
      assert.truthy(result.out:find(("== %s\t0\n"):format(topic), 1, true), topic)
      if topic ~= "source" then assert.truthy((index:gsub("%s", " ") .. " "):find(" " .. topic .. " ", 1, true),
        topic) end
    end
    for _, shape in pairs(schema.shapes) do
      for _, field in ipairs(shape.fields) do
        if field.doc and not field.internal and field.kind ~= "moved" then
          assert.truthy(result.out:find(field.doc, 1, true), field.key)
        end
      end
    end
  end)

  it("explains what else recipes have", function()
    local index = out_of("help")
    for _, name in ipairs { "param", "include", "requires" } do
      assert.truthy(out_of("help " .. name):find("^" .. name .. ' "'), name)
      assert.truthy(index:find("\nother words of recipes\n[^\n]*" .. name), name)
    end
    assert.equal("virtlun: no help on 'params' (did you mean 'param'?); 'virtlun help' lists the topics\n",
      err_of(64, "help params"))
  end)

  it("explains a key alone, for all that have it", function()
    assert.equal("fill_gaps\n\n  of domain\n      Whether missing HBAs below those in use are added, each with the " ..
      "model of its nearest neighbour.\n      true | false\n", (out_of("help fill_gaps")))
    for _, key in ipairs { "absent", "protect", "replace", "scope" } do
      assert.truthy(out_of("help " .. key):find("^" .. key .. "\n\n  of "), key)
    end
    local absent = out_of("help absent")
    for _, kind in ipairs { "controller", "cdrom", "disk", "lun", "hostdev" } do
      assert.truthy(absent:find("  of " .. kind .. "\n", 1, true), kind)
    end
  end)

  it("shows range, default and condition of a field", function()
    local text = out_of("help controller")
    assert.truthy(text:find("  queues\n      Request queues; QEMU takes one per virtual processor if unsaid.\n" ..
      "      1..1022  (only with model = virtio-scsi | virtio-transitional | virtio-non-transitional)\n", 1, true),
        text)
    assert.truthy(out_of("help cdrom"):find("\n      default | none | .-  %(new: none%)\n"))
    assert.falsy(out_of("help cdrom"):find("\n  rotation_rate\n", 1, true))
    assert.truthy(out_of("help disk"):find("\n  rotation_rate\n", 1, true))
    assert.truthy(out_of("help io_cache"):find("^io_cache  %(error%)\n\n  io = \"native\" needs "))
    assert.equal("lun", json_of(0, "help lun").topic)
  end)

  it("suggests what was meant", function()
    assert.equal("virtlun: no help on 'cdrm' (did you mean 'cdrom'?); 'virtlun help' lists the topics\n",
      err_of(64, "help cdrm"))
    assert.equal("virtlun: no help on 'insrt' (did you mean 'insert'?); 'virtlun help' lists the topics\n",
      err_of(64, "help insrt"))
    assert.equal("virtlun: no help on 'zzzzzz'; 'virtlun help' lists the topics\n", err_of(64, "help zzzzzz"))
  end)
end)

describe("the command line", function()
  it("sends nothing hostile to a terminal, and tells no password", function()
    assert.equal("x\\x1b[2J: test:///default has no domain 'x\\x1b[2J'\n", err_of(1, "show -c test:///default x\27[2J"))
    local list = { "show", "-c", "qemu+unix://root:s3cret@host/system?socket=/nonexistent" }
    for _, json in ipairs { false, true } do
      list[4] = json and "--json" or nil
      local result = child.virtlun(list)
      local said = json and result.out or result.err
      assert.equal(1, result.code)
      assert.truthy(said:find("root:***@host", 1, true), said)
      assert.falsy(said:find("s3cret", 1, true), said)
    end
  end)

  it("ends with a word where Ctrl-C ends it, and with the place where a mistake of its own does", function()
    local result = child.script([[
      local commands, cli = require "virtlun.cli.commands", require "virtlun.cli"
      commands.help = function() error("interrupted!", 0) end -- what lua makes of SIGINT
      print(cli.main { "help" })
      commands.help = function(_, out)
        require("virtlun.cli.making").interruptible(out, function() end)
        error("interrupted!", 0)
      end
      print(cli.main { "help" })
      commands.help = function() error("a mistake", 0) end
      print(cli.main { "help" })]])
    assert.equal("130\n130\n1\n", result.out)
    assert.truthy(result.err:find("^virtlun: interrupted; nothing was changed\n" ..
      "virtlun: interrupted; what was begun may have been done, and the same again " ..
      "goes on from there\nvirtlun: a mistake\nstack traceback:"), result.err)
  end)

  it("has -h and --version", function()
    assert.equal("virtlun " .. virtlun.VERSION .. "\n", out_of("--version"))
    for _, line in ipairs { "-h", "--help" } do assert.truthy(out_of(line):find("^Usage: virtlun .*\n +apply ")) end
    local commands = "check render plan apply remove insert eject attach detach show lun help completion"
    for command in commands:gmatch("%S+") do
      assert.truthy(out_of(command .. " -h"):find("^Usage: virtlun " .. command), command)
      if command ~= "lun" then assert.equal(out_of(command .. " -h"), out_of("help " .. command)) end
    end
  end)

  it("whose output cannot be written does not claim success", function()
    local line = ("exec %s lun 256 >/dev/full"):format(child.command)
    assert.equal(1, child.run({ "sh", "-c", line }).code)
  end)

  it("that is wrong is told with the usage, and exits 64", function()
    local cases = {
      [""] = "a command is missing", ["nonsense"] = "unknown command 'nonsense'",
        ["check"] = "missing argument 'recipe'",
      ["plan --yes " .. DVD] = "unknown option '--yes'", ["lun 1 2"] = "too many arguments",
      ["plan -c"] = "option '-c' requires an argument", ["show --out x"] = "unknown option '--out'",
      ["check -p a " .. DVD] = "-p a: write it as name=value",
    }
    for line, said in pairs(cases) do
      local err = err_of(64, line)
      assert.truthy(err:find("^Usage: virtlun "), err)
      assert.truthy(err:find("Error: " .. said, 1, true), err)
    end
  end)
end)
