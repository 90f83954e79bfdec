-- Plans and problems of many domains: what is the same is told once, every name is told, and the question names what
-- is lost.  Pure: plans made by hand.
local fold = require("virtlun.view.fold")
local names = require("virtlun.view.names")
local plan_view = require("virtlun.view.plan")
local problems_view = require("virtlun.view.problems")
local style = require("virtlun.view.style")
local text = require("virtlun.view.text")
local virtlun = require("virtlun")

local plain = style.painter(false)

local A, B = "qemu+ssh://a/system", "qemu+ssh://b/system"

local function insert(source, before)
  return { action = "change", kind = "cdrom", device = "sda", effect = "live", scope = "live and config",
    why = "differs: source", before = { source = before },
    fields = { { key = "source", before = before or false, after = source } } }
end

local function unplug(device, source)
  return { action = "remove", kind = "disk", device = device, effect = "live", scope = "live and config",
    before = { source = source } }
end

-- A plan with those steps.
local function plan(domain, steps, more)
  local made = { domain = domain, uri = A, state = "running", steps = steps, pending = {}, changes = #steps }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

-- Plans of domains that are numbered so.
local function plans(format, first, last, steps, more)
  local list = {}
  for i = first, last do list[#list + 1] = plan(format:format(i), steps, more) end
  return list
end

local function joined(...)
  local list = {}
  for _, some in ipairs { ... } do table.move(some, 1, #some, #list + 1, list) end
  return list
end

local function lines(list, opts)
  opts = opts or {}
  opts.paint = opts.paint or plain
  return fold.lines(list, opts)
end

describe("names", function()
  local function said(list, most)
    local entries = {}
    for i, name in ipairs(list) do entries[i] = { domain = name, uri = A } end
    return names.text(entries, most)
  end

  it("that are numbered are ranges", function()
    assert.equal("web01..web03, web05, web06", said { "web01", "web02", "web03", "web05", "web06" })
    assert.equal("web01..web03, db", said { "web03", "db", "web01", "web02" })
    assert.equal("web-01.example.org..web-03.example.org",
      said { "web-01.example.org", "web-02.example.org", "web-03.example.org" })
    assert.equal("a1b7..a1b9, a2b8", said { "a1b7", "a1b8", "a2b8", "a1b9" })
  end)

  it("are ranges only where the pattern is surely the same", function()
    assert.equal("web7..web9, web10..web12", said { "web7", "web8", "web9", "web10", "web11", "web12" })
    assert.equal("web1, web3, web02", said { "web1", "web02", "web3" })
    assert.equal("web1, db2, web3.x", said { "web1", "db2", "web3.x" })
    local huge = ("9"):rep(30)
    assert.equal(("%s1, %s3, %s5"):format(huge, huge, huge), said { huge .. "1", huge .. "3", huge .. "5" })
  end)

  it("never pass for others", function()
    assert.equal("web\\x1b[2J, 'a, b', 'web01..web09', 'it\\'s', 漢01..漢03",
      said { "web\27[2J", "a, b", "web01..web09", "it's", "漢01", "漢02", "漢03" })
  end)

  it("are told by their hosts, and counted where they are too many", function()
    local entries = { { domain = "web01", uri = A }, { domain = "web01", uri = B }, { domain = "web02", uri = A },
      { domain = "db", uri = B } }
    assert.equal(("web01, web02 on %s; web01, db on %s"):format(A, B), names.text(entries, nil, true))
    assert.equal(("web01 on %s and 3 more on 2 hosts"):format(A), names.text(entries, 1, true))
    assert.equal("a, b and 1 more", said({ "a", "b", "c" }, 2))
    assert.equal("web on qemu+ssh://root:***@h/system",
      names.text({ { domain = "web", uri = "qemu+ssh://root:s3cret@h/system" } }, nil, true))
  end)
end)

describe("a single plan", function()
  it("looks as it does alone", function()
    for _, steps in ipairs { {}, { insert("/b.iso", "/a.iso") } } do
      for _, verbose in ipairs { false, true } do
        local opts = { paint = style.painter(true), verbose = verbose }
        assert.same(plan_view.lines(plan("web01", steps), opts), fold.lines({ plan("web01", steps) }, opts))
      end
    end
  end)

  it("is more than none, of which nothing is said", function()
    assert.same({}, lines {})
  end)
end)

describe("plans that say the same", function()
  it("are one block", function()
    assert.same({
      "3 domains: web01..web03  running  " .. A,
      "  ~  sda  source /a.iso -> /b.iso  live",
      "  1 change in each: 1 to change",
      "  now: the guest loses the medium that is now in sda",
      "3 changes to 3 domains: 3 to change; 3 domains are interrupted now",
    }, lines(plans("web%02d", 1, 3, { insert("/b.iso", "/a.iso") })))
  end)

  it("are told of each host", function()
    local list = joined(plans("web%02d", 1, 3, { insert("/b.iso") }), plans("web%02d", 1, 2, { insert("/b.iso") },
      { uri = B }))
    assert.same({
      "5 domains: web01..web03  running  " .. A,
      "    web01, web02  running  " .. B,
      "  ~  sda  source unset -> /b.iso  live",
      "  1 change in each: 1 to change; none of it interrupts the running domains",
      "5 changes to 5 domains on 2 hosts: 5 to change; nothing is interrupted now",
    }, lines(list))
  end)

  it("are apart from others, in the order of the recipe, and what has nothing to do comes last", function()
    local list = joined(plans("idle%d", 1, 2, {}), plans("web%02d", 1, 2, { insert("/b.iso", "/a.iso") }),
      plans("idle%d", 3, 9, {}, { state = "shut off", uri = B }), { plan("db", { insert("/c.iso") }) },
      plans("web%02d", 3, 3, { insert("/b.iso", "/a.iso") }, { state = "shut off" }))
    local said = lines(list)
    assert.same({
      "2 domains: web01, web02  running  " .. A, "db  running  " .. A, "web03  shut off  " .. A,
      "9 domains: nothing to do",
      "4 changes to 4 of 13 domains on 2 hosts: 4 to change; 2 domains are interrupted now",
    }, { said[1], said[5], said[8], said[11], said[12] })
    assert.equal(12, #said)
  end)

  it("are apart where something else waits for the next boot", function()
    local waits = { pending = { insert("/b.iso", "/a.iso") } }
    waits.pending[1].scope, waits.pending[1].effect = "config", "next boot"
    local said = lines(joined(plans("web%d", 1, 2, {}, waits), plans("web%d", 3, 5, {}),
      plans("web%d", 6, 6, {}, waits)))
    assert.same({
      "3 domains: web1, web2, web6  running  " .. A,
      "  already in the configuration, waiting for the next boot:",
      "  ~  sda  source /a.iso -> /b.iso  next boot",
      "  nothing to do",
      "3 domains: nothing to do",
      "nothing to do for 6 domains",
    }, said)
  end)

  it("say of shut off and of paused domains what is true of them", function()
    local said = lines(plans("web%d", 1, 2, { insert("/b.iso") }, { state = "shut off" }))
    assert.same({ "  1 change in each: 1 to change", "2 changes to 2 domains: 2 to change" }, { said[3], said[4] })
    said = lines(plans("web%d", 1, 2, { insert("/b.iso") }, { state = "paused" }))
    assert.equal("  1 change in each: 1 to change; none of it interrupts the paused domains", said[3])
  end)

  it("are apart where their state is another, or what the guest feels", function()
    local said = lines { plan("web1", { insert("/b.iso") }), plan("web2", { insert("/b.iso") },
      { state = "pmsuspended" }) }
    assert.same({ "web1  running  " .. A, "web2  pmsuspended  " .. A }, { said[1], said[4] })
    local function reread(medium)
      local step = insert("raw")
      step.fields[1].key, step.fields[1].before, step.before.source = "format", "qcow2", medium
      return step
    end
    said = lines { plan("web1", { reread("/a.iso") }), plan("web2", { reread(nil) }) }
    assert.same({ "  now: the medium in sda is taken out and put back", "web2  running  " .. A }, { said[4], said[5] })
    assert.equal("2 changes to 2 domains: 2 to change; 1 domain is interrupted now", said[8])
  end)

  it("name a domain with nothing to do where it is the only one", function()
    local said = lines({ plan("db", {}), plan("web", { insert("/b.iso") }) })
    assert.same({ "db  running  " .. A, "  nothing to do",
      "1 change to 1 of 2 domains: 1 to change; nothing is interrupted now" }, { said[4], said[5], said[6] })
  end)

  it("are the same with -v only where they are so to the last call", function()
    local function with(xml)
      local step = insert("/b.iso")
      step.calls = { { call = "update", scope = "live", xml = xml } }
      return step
    end
    local list = { plan("web1", { with "<a/>" }), plan("web2", { with "<b/>" }), plan("web3", { with "<a/>" }),
      plan("db1", {}), plan("db2", {}) }
    assert.equal("3 domains: web1..web3  running  " .. A, lines(list)[1])
    local said = lines(list, { verbose = true })
    assert.same({ "2 domains: web1, web3  running  " .. A, "      update, live", "        <a/>",
      "web2  running  " .. A, "2 domains: db1, db2  running  " .. A, "  nothing to do" },
      { said[1], said[4], said[5], said[7], said[13], said[14] })
  end)

  it("have all their names told within the width", function()
    local list = {}
    for i = 1, 20 do list[i] = plan(("vm%d-漢字"):format(i * 2), { insert("/b.iso") }) end
    local said = lines(list, { width = 60 })
    assert.same({
      "20 domains: vm2-漢字, vm4-漢字, vm6-漢字, vm8-漢字,",
      "    vm10-漢字, vm12-漢字, vm14-漢字, vm16-漢字, vm18-漢字,",
      "    vm20-漢字, vm22-漢字, vm24-漢字, vm26-漢字, vm28-漢字,",
      "    vm30-漢字, vm32-漢字, vm34-漢字, vm36-漢字, vm38-漢字,",
      "    vm40-漢字  running  " .. A,
    }, { table.unpack(said, 1, 5) })
    for i = 1, 5 do assert.is_true(text.width(said[i]) <= 60) end
  end)

  it("fill a line to its last column, and no further", function()
    local list = { plan("aaa", { insert("/b.iso") }), plan("bbb", { insert("/b.iso") }),
      plan("ccc", { insert("/b.iso") }) }
    local whole = "3 domains: aaa, bbb, ccc  running  " .. A
    assert.equal(whole, lines(list, { width = #whole })[1])
    assert.same({ "3 domains: aaa, bbb,", "    ccc  running  " .. A },
      { table.unpack(lines(list, { width = #whole - 1 }), 1, 2) })
    assert.equal("3 domains: aaa, bbb,", lines(list, { width = 20 })[1])
    assert.equal("3 domains: aaa,", lines(list, { width = 19 })[1])
  end)

  it("have names counted where they are very many, but with -v", function()
    local list = plans("vm%04d", 1, 2, { insert("/b.iso") })
    for i = 1, 100 do
      list[#list + 1] = plan(("x%04d"):format(i * 2), { insert("/b.iso") }, { uri = i > 48 and B or A })
    end
    assert.equal("    and 52 more", lines(list, { width = 1000 })[2])
    local said = lines(list, { width = 10000, verbose = true })
    assert.truthy(said[1]:find("x0096  running", 1, true), said[1])
    assert.truthy(said[2]:find("x0200  running", 1, true), said[2])
    assert.falsy(table.concat(said, "\n"):find("more", 1, true))
  end)

  it("send nothing hostile to a terminal, and tell no password", function()
    local list = {}
    for i = 1, 3 do
      list[i] = plan("web\27[2J\n" .. i, { insert("/b.iso") }, { uri = "qemu+ssh://root:s3cret@h/system" })
    end
    local said = table.concat(lines(list), "\n") .. fold.question(list)
    assert.falsy(said:find("[%z\1-\9\11-\31]"), said)
    assert.falsy(said:find("s3cret", 1, true), said)
    assert.truthy(said:find("3 domains: web\\x1b[2J\\n1..web\\x1b[2J\\n3  running", 1, true), said)
  end)

  it("have headings and the last line in bold on a terminal", function()
    local said = lines(plans("web%d", 1, 2, { insert("/b.iso") }), { paint = style.painter(true) })
    assert.equal("\27[1m2 domains: web1, web2\27[0m  running  " .. A, said[1])
    assert.equal("\27[33m  ~  sda", said[2]:sub(1, 13))
    assert.equal("\27[1m2 changes", said[4]:sub(1, 13))
  end)

  it("are folded also where they are 10,000", function()
    local list = joined(plans("vm%05d", 1, 5000, { insert("/b.iso", "/a.iso"), insert("/c.iso") }),
      plans("vm%05d", 5001, 10000, {}))
    local said = lines(list)
    assert.equal("10000 changes to 5000 of 10000 domains: 10000 to change; 5000 domains are interrupted now",
      said[#said])
    assert.equal("Make 10000 changes to 5000 domains?", fold.question(list))
  end)
end)

describe("the question", function()
  it("counts changes and domains", function()
    assert.equal("Make 1 change?", fold.question { plan("web", { insert("/b.iso") }) })
    assert.equal("Make 1 change to 1 domain?", fold.question { plan("web", { insert("/b.iso") }), plan("db", {}) })
    assert.equal("Make 6 changes to 3 domains?",
      fold.question(plans("web%d", 1, 3, { insert("/b.iso"), insert("/c.iso") })))
  end)

  it("names what running domains lose, once", function()
    assert.equal("web1, which runs, loses disk sdb (/b.raw), disk sdc. Make 2 changes?",
      fold.question { plan("web1", { unplug("sdb", "/b.raw"), unplug("sdc") }) })
    assert.equal("3 running domains lose disk sdb (/b.raw): web1..web3. Make 3 changes to 3 domains?",
      fold.question(plans("web%d", 1, 3, { unplug("sdb", "/b.raw") })))
  end)

  it("leaves out what is on the disks where that differs, and tells hosts where there are several", function()
    local list = { plan("web1", { unplug("sdb", "/1.raw") }), plan("web1", { unplug("sdb", "/2.raw") }, { uri = B }),
      plan("web2", { unplug("sdb", "/1.raw") }), plan("db", { unplug("sdc", "/c.raw") }) }
    assert.equal(("3 running domains lose disk sdb: web1, web2 on %s; web1 on %s. "):format(A, B) ..
      ("db on %s, which runs, loses disk sdc (/c.raw). Make 4 changes to 4 domains?"):format(A), fold.question(list))
  end)

  it("leaves out none that lose something, however many they are", function()
    local list = {}
    for i = 1, 100 do list[i] = plan(("x%04d"):format(i * 2), { unplug("sdb", "/b.raw") }) end
    local said = fold.question(list)
    for _, one in ipairs(list) do assert.truthy(said:find(one.domain, 1, true), one.domain) end
  end)

  it("is silent of what nobody loses", function()
    local later = unplug("sdb", "/b.raw")
    later.scope = "config"
    assert.equal("Make 1 change?", fold.question { plan("web1", { later }) })
  end)
end)

describe("problems that one line of a recipe makes for many domains", function()
  local function problem(path, line, message)
    return { path = path, file = "r.lua", line = line, severity = "error", message = message or "wrong" }
  end

  local function told(list)
    local result = {}
    for i, one in ipairs(problems_view.folded(list)) do result[i] = virtlun.line(one) end
    return result
  end

  it("are told once, with the names of all, where the first stood", function()
    local list = { problem("web01.sda.address", 3), problem("db.sdz", 7), problem("web02.sda.address", 3),
      problem("web04.sda.address", 3), problem("web03.sda.address", 3) }
    assert.same({ "r.lua:3: web01..web04.sda.address: wrong", "r.lua:7: db.sdz: wrong" }, told(list))
    assert.equal("web01.sda.address", list[1].path)
  end)

  it("are of the domain itself, too, and say how many there are more than are named", function()
    local list = {}
    for i = 1, 20 do list[i] = problem("host" .. string.char(96 + i), 1) end
    assert.same({ "r.lua:1: hosta, hostb, hostc, hostd, hoste, hostf, hostg, hosth and 12 more: wrong" }, told(list))
  end)

  it("are two if they differ in anything else, and each by itself where there are but two", function()
    local list = { problem("a.sda", 3), problem("b.sda", 3), problem("c.sdb", 3), problem("d.sda", 4),
      problem("e.sda", 3, "worse") }
    assert.equal(5, #told(list))
  end)

  it("stay apart where they are of one domain", function()
    assert.equal(3, #told { problem("web01.sda", 3), problem("web01.sda", 3), problem("web01.sda", 3) })
  end)

  it("stay apart where their path says which host, or there is no line", function()
    local hosts, nowhere = {}, {}
    for i = 1, 5 do
      hosts[i] = problem(("qemu+ssh://kvm%d.example.com/system web01.sda"):format(i), 3)
      nowhere[i] = problem(("web%d"):format(i))
    end
    assert.equal(5, #told(hosts))
    assert.equal(5, #told(nowhere))
  end)
end)
