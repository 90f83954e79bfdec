-- Saved plans on the command line: what plan --out writes, and what apply --plan takes of it. Each run is a process of
-- its own, so that it always meets the stock domain of test:///.
local child = require("support.child")
local files = require("support.files")
local dkjson = require("dkjson")
local virtlun = require("virtlun")

local DVD = "spec/recipes/dvd.lua"
local plan_text = files.read("spec/recipes/dvd.plan")

local folder

local function run(line, opts)
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = (word:gsub("@", folder)) end
  local result = child.virtlun(words, opts)
  for _, key in ipairs { "out", "err" } do result[key] = result[key]:gsub(folder, "@") end
  return result
end

local function err_of(code, line, opts)
  local result = run(line, opts)
  assert.same({ "", code }, { result.out, result.code }, line .. ": " .. result.err)
  return result.err
end

-- A saved plan of a recipe, as text.
local function saved(recipe, flags)
  local result = run(("plan -c test:///default %s --out - -"):format(flags or ""), { stdin = recipe })
  assert.equal(0, result.code, result.err)
  return result.out, dkjson.decode(result.out, 1, nil, nil)
end

setup(function() folder = child.folder() end)
teardown(function() child.remove(folder) end)

describe("virtlun plan --out", function()
  it("saves what it shows, for its owner only and under no other name", function()
    local result = run("plan --out @/dvd.json " .. DVD)
    assert.same({ 0, plan_text, "virtlun: the plan is in @/dvd.json; virtlun apply --plan @/dvd.json makes it so\n" },
      { result.code, result.out, result.err })
    local list = child.run { "ls", "-l", folder }.out
    assert.truthy(list:find("^total %d+\n%-rw%-%-%-%-%-%-%- [^\n]+ dvd.json\n$"), list)
    local data = dkjson.decode(files.read(folder .. "/dvd.json"))
    assert.same({ 1, virtlun.VERSION, 6, "test:///default", "test" },
      { data.format_version, data.virtlun, data.changes, data.plans[1].uri, data.domains[1].name })
    assert.truthy(data.plans[1].fingerprint)
  end)

  it("is no recipe, and says how it is applied", function()
    files.write(folder .. "/plan.json", (saved(files.read(DVD))))
    assert.equal("@/plan.json:1: unexpected symbol near '{' (a saved plan is made so by apply --plan @/plan.json)\n",
      err_of(1, "apply --yes @/plan.json"))
  end)

  it("changes a file that is there as a whole, and leaves it where there is no plan", function()
    files.write(folder .. "/old.json", "old")
    assert.equal(1, run("plan --out @/old.json -c test:///default -", { stdin = 'domain "none" {}' }).code)
    assert.equal("old", files.read(folder .. "/old.json"))
    assert.equal(2, run("plan --detailed-exitcode -q --out @/old.json " .. DVD).code)
    assert.truthy(dkjson.decode(files.read(folder .. "/old.json")).digest)
  end)

  it("writes through a link, and into files of any name", function()
    assert(os.execute(("ln -s real.json %s/link.json"):format(folder)))
    assert.equal(0, run("plan -q --out @/link.json " .. DVD).code)
    assert.equal(0, os.execute(("test -L %s/link.json"):format(folder)) and 0)
    assert.truthy(dkjson.decode(files.read(folder .. "/real.json")).digest)
    local path = folder .. "/-it's\n$(x) XX"
    assert.equal(0, child.virtlun({ "plan", "-q", "--out", path, DVD }).code)
    assert.truthy(dkjson.decode(files.read(path)).digest)
  end)

  it("tells that a file cannot be written", function()
    local result = run("plan -q --out @/none/plan.json " .. DVD)
    assert.same({ 1, "", "@/none/plan.json: cannot be written: No such file or directory\n" },
      { result.code, result.out, result.err })
    assert.equal("@: cannot be written: Is a directory\n", run("plan -q --out @ " .. DVD).err)
    assert.equal("cannot_write", dkjson.decode(run("plan --json --out @/none/x " .. DVD).out).problems[1].code)
  end)

  it("prints nothing else where it prints the plan", function()
    local result = run("plan --out - " .. DVD)
    assert.same({ "", 1 }, { result.err, dkjson.decode(result.out).format_version })
  end)
end)

describe("virtlun apply --plan", function()
  it("makes so what was saved", function()
    run("plan -q --out @/dvd.json " .. DVD)
    local result = run("apply --yes --plan @/dvd.json")
    assert.same({ 0, plan_text }, { result.code, result.out })
    assert.truthy(result.err:find("test: [6/6] add sda: done\n", 1, true), result.err)
    local lines = run("apply --yes --json --plan -", { stdin = files.read(folder .. "/dvd.json") }).out
    local data = dkjson.decode(lines:match("([^\n]+)\n$"))
    assert.same({ 6, "done" }, { data.changes, data.plans[1].result })
  end)

  it("asks as apply does", function()
    run("plan -q --out @/dvd.json " .. DVD)
    local result = run("apply --plan @/dvd.json")
    assert.same({ 64, plan_text, "virtlun: without a terminal, apply needs --yes\n" },
      { result.code, result.out, result.err })
  end)

  it("plans with the options that the plan was made with", function()
    local text = saved('domain "test" { cdrom { dev = "sda" } }', "--config")
    assert.equal("config", dkjson.decode(text).options.scope)
    assert.equal(0, run("apply --yes --plan -", { stdin = text }).code)
    text = saved('domain "test" { cdrom { dev = "sda" }, cdrom { dev = "sdb" } }', "--only sdb")
    assert.same({ { "sdb" }, 2 }, { dkjson.decode(text).options.only, dkjson.decode(text).changes })
    local made = run("apply --yes --plan -", { stdin = text })
    assert.same({ 0, nil }, { made.code, made.err:match("add sda") })
    -- The driver cannot change what runs: with another scope it would have been refused.
    local result = run("plan -c test:///default --live --out - -", { stdin = 'domain "test" {}' })
    assert.truthy(result.err:find("cannot change a running domain", 1, true), result.err)
  end)

  it("shows no password in its plans, and keeps those of its domains", function()
    local source = [[{ protocol = "https", name = "a.iso?token=hidden", hosts = { { name = "h" } } }]]
    local text = saved(([[domain "test" { cdrom { dev = "sda", source = %s } }]]):format(source))
    local plans, domains = text:match('"plans":(.*)'), text:match('"domains":(.-)"options"')
    assert.falsy(plans:find("hidden", 1, true), plans)
    assert.truthy(domains:find("hidden", 1, true), text)
  end)

  it("loses nothing of a description", function()
    local recipe = [[domain "test" {
      fill_gaps = false, prune = nil,
      disk { dev = "sda", boot = false, serial = "a b", format = "raw", address = { controller = 0, unit = 16383 },
        iotune = { total_bytes_sec = 9007199254740993 },
        source = { protocol = "rbd", name = "p/\u{e4}&<\"'\\", hosts = { { name = "a", port = 1 }, { name = "b" } } } },
      cdrom { dev = "sdb", source = false },
    }]]
    local text, data = saved(recipe)
    local described = assert(virtlun.loadstring(recipe, "stdin"))[1]
    local domain = data.domains[1]
    table.move(domain.devices, 1, #domain.devices, 1, domain)
    domain.devices, domain.uri = nil, nil
    assert.same(described, domain)
    assert.equal("integer", math.type(domain[1].iotune.total_bytes_sec))
    assert.equal(0, run("apply --yes --plan -", { stdin = text }).code)
    assert.equal(0, run("apply --yes --plan -", { stdin = saved('domain "test" {}') }).code)
  end)

  it("knows the names of --only that belong to other domains of the plan", function()
    local domain = "<domain type='test'><name>%s</name><uuid>00000000-0000-4000-8000-00000000000%d</uuid>"
      .. "<memory>8192</memory><os><type>hvm</type></os></domain>"
    local node = files.write(folder .. "/node.xml", ("<node>%s%s</node>"):format(domain:format("a", 1),
      domain:format("b", 2)))
    local result = run(("plan -c test://%s --only sda --out - -"):format(node), { stdin = [[
      domain "a" { scope = "config", cdrom { dev = "sda" } }
      domain "b" { scope = "config", cdrom { dev = "sdb" } }]] })
    result = run("apply --yes --plan -", { stdin = (result.out:gsub("@", folder)) })
    assert.equal(0, result.code, result.err)
  end)

  it("takes recipes by any name that a file can have", function()
    local path = folder .. "/\xff\n\1.lua"
    files.write(path, 'domain "test" { cdrom { dev = "sda" } }')
    local result = child.virtlun { "plan", "-c", "test:///default", "--out", "-", path }
    assert.equal(path, dkjson.decode(result.out).domains[1].devices[1].file)
    assert.equal(0, run("apply --yes --plan -", { stdin = result.out }).code)
  end)

  it("refuses what it cannot trust, before it looks at any host", function()
    local text = saved('domain "test" { uri = "test:///default", cdrom { dev = "sda" } }')
    local cases = {
      ["{"] = "stdin: is no saved plan: ", ["[1]"] = "stdin: is no saved plan: it has no plans and domains ",
      ["7"] = "stdin: is no saved plan: it has no plans and domains ",
      [text:sub(1, #text // 2)] = "stdin: is no saved plan: ",
      [text:gsub('"format_version":1', '"format_version":2', 1)] =
        "stdin: is a saved plan of format 2; this virtlun reads format 1 (plan again)",
    }
    for _, edit in ipairs { { '"sda"', '"sdb"' }, { '"test"', '"tset"' }, { '"reattach":true', '"scope":"live"' },
      { "test:///default", "qemu:///system" } } do
      local edited, count = text:gsub(edit[1], edit[2])
      assert.truthy(count > 0, edit[1])
      cases[edited] = "stdin: is not as virtlun wrote it (change the recipe and plan again)\n"
    end
    for input, said in pairs(cases) do
      local err = err_of(1, "apply --yes --plan -", { stdin = input, env = { VIRTLUN_TRACE = "1" } })
      assert.equal(said, err:sub(1, #said))
      assert.falsy(err:find("ms  open", 1, true), err)
    end
    assert.equal("@/none.json: cannot be read: No such file or directory\n", err_of(1, "apply --plan @/none.json"))
  end)

  it("takes the file also in another order and layout", function()
    local _, data = saved('domain "test" { cdrom { dev = "sda" } }')
    assert.equal(0, run("apply --yes --plan -", { stdin = dkjson.encode(data) }).code)
  end)

  it("refuses a plan whose domain is another by now, and then changes none", function()
    -- Both domains are of test:///; the second is planned against another document than the stock one.
    local result = child.script((([[
      local virtlun, cli = require "virtlun", require "virtlun.cli"
      local held = virtlun.open "test:///default"
      local dom = held:domain "test"
      cli.main { "plan", "-q", "--out", "@/dvd.json", "spec/recipes/dvd.lua" }
      assert(dom:attach { kind = "cdrom", dev = "sdz" })
      print(cli.main { "apply", "--yes", "--plan", "@/dvd.json" })
      print(#dom:describe().config)
      cli.main { "plan", "-q", "--out", "@/dvd.json", "spec/recipes/dvd.lua" }
      print(cli.main { "apply", "-q", "--yes", "--plan", "@/dvd.json" })
      held:close()]]):gsub("@", folder)))
    assert.equal("1\n2\n0\n", result.out)
    assert.truthy(result.err:find("test: the domain has changed since it was planned (plan again)\n", 1, true),
      result.err)
  end)
end)

describe("the command line of a saved plan", function()
  it("that is wrong is told with the usage of its command", function()
    local cases = {
      ["apply"] = "missing argument 'recipe'",
      ["apply --plan x " .. DVD] = "--plan excludes a recipe: a saved plan has its own",
      ["apply --plan x -c test:///default"] = "--plan excludes -c: a saved plan has its own",
      ["apply --plan x -p a=b"] = "--plan excludes -p: a saved plan has its own",
      ["apply --plan x --live"] = "--plan excludes --live: a saved plan has its own",
      ["apply --plan x --config"] = "--plan excludes --config: a saved plan has its own",
      ["apply --plan x --only a"] = "--plan excludes --only: a saved plan has its own",
      ["apply --plan x --except a"] = "--plan excludes --except: a saved plan has its own",
      ["plan -out x " .. DVD] = "-out: write it as --out",
      ["apply -config " .. DVD] = "-config: write it as --config",
      ["plan --json --out - " .. DVD] = "--out - and --json cannot both have standard output",
      ["remove"] = "missing argument 'recipe'", ["attach test tape"] = "argument 'kind' must be one of ",
    }
    for line, said in pairs(cases) do
      local err = err_of(64, line)
      assert.truthy(err:find("^Usage: virtlun " .. line:match("%a+")), err)
      assert.truthy(err:find("\nError: " .. said, 1, true), err)
    end
    assert.truthy(err_of(1, "plan -- -out"):find("-out: cannot be read", 1, true))
  end)
end)
