-- How a plan's XML changes, what -v adds, how far an apply has come, and that none of it tells a password. Pure: plans
-- made by hand.
local dkjson = require("dkjson")
local plan_view = require("virtlun.view.plan")
local progress = require("virtlun.view.progress")
local style = require("virtlun.view.style")
local text = require("virtlun.view.text")
local xml_diff = require("virtlun.view.xml_diff")

local plain = style.painter(false)

local BEFORE = "<disk>\n  <source file='/a.iso'/>\n  <target dev='sda'/>\n  <readonly/>\n</disk>"
local AFTER = "<disk>\n  <source file='/b.iso'/>\n  <target dev='sda'/>\n  <readonly/>\n  <serial>1</serial>\n</disk>"

local function plan(calls, more)
  local step = { action = "change", kind = "cdrom", device = "sda", effect = "live", scope = "live and config",
    why = "differs: source", fields = { { key = "source", before = "/a.iso", after = "/b.iso" } }, calls = calls }
  local made = { domain = "web01", uri = "qemu:///system", state = "running", steps = { step }, pending = {},
    changes = 1 }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

describe("an XML diff", function()
  local function diff(calls, paint) return xml_diff.lines(plan(calls), { paint = paint or plain }) end

  it("has a hunk for each call", function()
    assert.same({
      "--- web01 sda (live)", "+++ web01 sda (live)  update", "@@ -1,5 +1,6 @@",
      " <disk>", "-  <source file='/a.iso'/>", "+  <source file='/b.iso'/>", "   <target dev='sda'/>", "   <readonly/>",
      "+  <serial>1</serial>", " </disk>",
      "--- web01 sda (config)", "+++ /dev/null  detach", "@@ -1,1 +0,0 @@", "-<a/>",
      "--- /dev/null", "+++ web01 sda (config)  attach", "@@ -0,0 +1,1 @@", "+<b/>",
    }, diff {
      { call = "update", scope = "live", before = BEFORE, xml = AFTER },
      { call = "detach", scope = "config", before = "<a/>" }, { call = "attach", scope = "config", xml = "<b/>" },
      { call = "define", scope = "config" },
    })
    assert.same({}, xml_diff.lines({ domain = "web01", steps = {} }, { paint = plain }))
  end)

  it("has colours on a terminal", function()
    local lines = diff({ { call = "update", scope = "live", before = "<a/>", xml = "<b/>" } }, style.painter(true))
    assert.same({ "\27[31m-<a/>\27[0m", "\27[32m+<b/>\27[0m" }, { lines[4], lines[5] })
  end)
end)

describe("a plan with -v", function()
  local function verbose(made) return plan_view.lines(made, { paint = plain, verbose = true }) end

  it("says why, by which calls, and what is as described", function()
    local calls = { { call = "update", scope = "live", before = BEFORE, xml = "<b/>" },
      { call = "detach", scope = "config", before = "<a\n/>" } }
    local unchanged = { { kind = "controller", device = "controller0", described = { model = "virtio-scsi" } },
      { kind = "disk", device = "sdb",
        described = { source = "/漢.raw", address = { controller = 0, target = 0, unit = 1 } } } }
    assert.same({
      "web01  running  qemu:///system", "  ~  sda  source /a.iso -> /b.iso  live", "      differs: source",
      "      update, live", "        <b/>", "      detach, config", "        <a", "        />",
      "  =  controller0  HBA virtio-scsi           as described",
      "  =  sdb          disk at 0:0:0:1  /漢.raw  as described",
      "  1 change: 1 to change", "  now: the guest loses the medium that is now in sda",
    }, verbose(plan(calls, { unchanged = unchanged })))
    assert.equal(4, #plan_view.lines(plan(calls, { unchanged = unchanged }), { paint = plain }))
  end)

  it("counts", function()
    local made = plan(nil, { pending = { {} } })
    assert.same({ add = 0, change = 1, remove = 0, pending = 1 }, plan_view.counts(made))
    assert.same({ add = 0, change = 2, remove = 0, pending = 1 }, plan_view.total { made, plan() })
  end)
end)

describe("what is shown of a change", function()
  local SECRET = "<disk><source protocol='https' name='x.iso' query='token=s3cret'><cookies>" ..
    "<cookie name='a'>s3cret</cookie></cookies></source></disk><graphics passwd='s3cret'/>"

  it("tells no password, and sends nothing hostile to a terminal", function()
    local source = "https://user:s3cret@host/x.iso"
    local made = plan({ { call = "update", scope = "live", before = SECRET, xml = SECRET .. "\27[2J" } },
      { domain = "web\27[2J", uri = "qemu+ssh://root:s3cret@h/system" })
    made.steps[1].fields[1].after, made.steps[1].medium = source, { label = "DISC\27[2J\n" }
    local shown = {
      plan_view.lines(made, { paint = plain, verbose = true }), xml_diff.lines(made, { paint = plain }),
      require("virtlun.view.result").lines(made), { progress.line { domain = made.domain, state = "done", number = 1,
        total = 1, step = made.steps[1] } },
    }
    local all = ""
    for _, lines in ipairs(shown) do all = all .. table.concat(lines, "\n") .. "\n" end
    assert.falsy(all:find("s3cret", 1, true), all)
    assert.falsy(all:find("[%z\1-\9\11-\31]"), all)
    assert.truthy(all:find("DISC\\x1b[2J\\n (https://user:***@host/x.iso)", 1, true), all)
  end)
end)

describe("a domain with passwords", function()
  local host = require("support.host_xml")
  local virtlun = require("virtlun")

  local DISK = [[<disk type='network' device='disk'><driver name='qemu' type='raw'/>
    <source protocol='https' name='x.raw?token=s3cret&amp;size=1' query='sig=s3cret'><host name='h' port='443'/>
      <cookies><cookie name='id'>s3cret</cookie></cookies></source>
    <target dev='sdb' bus='scsi'/><address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>]]

  it("keeps them out of every view of its plan", function()
    local xml = host.domain { host.hba(0), host.drive("sda"), DISK, "<graphics type='vnc' passwd='s3cret'/>" }
    local facts = { state = "running", active = true, persistent = true, driver = "QEMU" }
    local made = assert(virtlun.plan({ kind = "domain", name = "web01", uri = "qemu+ssh://u:s3cret@h/system",
      { kind = "disk", dev = "sdb", absent = true }, { kind = "cdrom", dev = "sda", source = "/b.iso" } },
      { live = xml, config = xml }, facts))
    local read = virtlun.read(xml)
    local domain = require("virtlun.view.domain").data { name = "web01", uri = made.uri, facts = facts, live = read,
      config = read }
    local picture = require("virtlun.view.topology").of(domain, made)
    local json = require("virtlun.view.json")
    local views = {
      plan = table.concat(plan_view.lines(made, { paint = plain, verbose = true }), "\n"),
      diff = table.concat(xml_diff.lines(made, { paint = plain }), "\n"),
      tree = table.concat(require("virtlun.view.tree").lines(domain), "\n"),
      grid = table.concat(require("virtlun.view.grid").lines(picture, { paint = plain }), "\n"),
      svg = require("virtlun.view.svg").text { picture }, json = json.text(json.masked { plans = { made } }),
    }
    for name, shown in pairs(views) do
      assert.truthy(shown:find("sdb", 1, true), name)
      assert.falsy(shown:find("s3cret", 1, true), name .. ": " .. shown)
    end
    assert.truthy(views.diff:find('name="x.raw?token=***&amp;size=1" query="sig=***"', 1, true), views.diff)
    local sent = made.steps[1].calls[1].before
    assert.truthy(sent:find("token=s3cret", 1, true), "what is sent is not masked")
  end)
end)

describe("progress", function()
  -- An output that remembers, and a clock that is set.
  local function recorder(opts)
    local out, now = { said = {}, is_json = opts.json, can_redraw = opts.redraw }, 0
    function out:event(data) self.said[#self.said + 1] = data end
    function out:progress(line) self.said[#self.said + 1] = line end
    function out:status(lines) self.said[#self.said + 1] = table.concat(lines, "\n") end
    function out:size() return 24, 80 end
    function out:clear() self.cleared = true end
    return out, progress.new(out, function() return now end), function(seconds) now = seconds end
  end

  local function event(state, number, device)
    return { state = state, what = state == "waiting" and "guest" or nil, number = number, total = 3, domain = "web01",
      step = { action = "change", kind = "cdrom", device = device or "sda" } }
  end

  it("is a line for each step where nobody watches", function()
    local out, shown = recorder {}
    for _, state in ipairs { "begin", "waiting", "done", "failed", "undone" } do shown:tell(event(state, 2)) end
    assert.same({ "web01: [2/3] change sda: waiting for the guest", "web01: [2/3] change sda: done",
      "web01: [2/3] change sda: failed", "web01: [2/3] change sda: undone" }, out.said)
    assert.equal("web01: [2/3] change sda: has no answer", progress.line(event("unknown", 2)))
    shown:tell(event("waiting", 2))
    assert.equal(4, #out.said, "who waits says so once")
    shown:tell(event("waiting", 2, "sdb"))
    local busy = event("waiting", 1)
    busy.what = "busy"
    assert.equal("web01: [1/3] change sda: waiting for another change of the domain", progress.line(busy))
    shown:tell(busy)
    assert.equal(6, #out.said, "for each step and reason")
    shown:close()
    assert.is_true(out.cleared)
  end)

  it("is one line on a terminal, that counts what is done", function()
    local out, shown, at = recorder { redraw = true }
    shown:tell(event("begin", 1))
    shown:tell(event("begin", 2, "sdb"))
    shown:tell(event("done", 1))
    at(12)
    shown:tell(event("waiting", 2, "sdb"))
    shown:tell(event("undone", 1))
    shown:tell(event("undone", 2, "sdb")) -- it had failed
    local lines = {}
    for i, line in ipairs(out.said) do lines[i] = line:gsub("█", "#"):gsub("░", "-") end
    assert.same({
      "web01 [--------------------] 0/3, 0 s: change sda", "web01 [--------------------] 0/3, 0 s: change sdb",
      "web01 [######--------------] 1/3, 0 s: change sda",
      "web01 [######--------------] 1/3, 12 s: change sdb: waiting for the guest",
      "web01 [--------------------] 0/3, 12 s: change sda: undone",
      "web01 [--------------------] 0/3, 12 s: change sdb: undone",
    }, lines)
    assert.is_true(text.width(progress.bar(event("begin", 1, ("x"):rep(200)), 0, 0, 79)) <= 79)
  end)

  it("is not drawn more often than ten times a second", function()
    local out, shown, at = recorder { redraw = true }
    for _ = 1, 50 do shown:tell(event("begin", 1)) end
    assert.equal(10, #out.said)
    at(1)
    shown:tell(event("begin", 2))
    assert.equal(11, #out.said)
  end)

  it("is data with --json", function()
    local out, shown = recorder { json = true, redraw = true }
    shown:tell(event("begin", 1))
    assert.same({ { event = "step", state = "begin", domain = "web01", number = 1, total = 3, action = "change",
      kind = "cdrom", device = "sda" } }, out.said)
    assert.truthy(dkjson.encode(out.said[1]))
  end)
end)
