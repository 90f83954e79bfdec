-- The progress of a run with many domains: on a terminal a block that is drawn in place, elsewhere lines, and data with
-- --json.  Pure: events made by hand, a clock that is set, an output that remembers.
local cells = require("virtlun.view.cells")
local progress = require("virtlun.view.progress")
local rounds = require("virtlun.view.round")
local style = require("virtlun.view.style")
local text = require("virtlun.view.text")

local plain = style.painter(false)

local A, B = "qemu+ssh://a/system", "qemu+ssh://b/system"

-- Runs fn where the locale is one of ASCII, or of UTF-8.
local function with_utf8(is_utf8, fn)
  local was = style.is_utf8
  style.is_utf8 = function() return is_utf8 end
  local good, message = pcall(fn)
  style.is_utf8 = was
  assert(good, message)
end

local function domains_of(count, format, uri)
  local list = {}
  for i = 1, count do list[i] = { domain = (format or "vm%04d"):format(i), uri = uri or A } end
  return list
end

local function domain(state, name, more)
  local event = { event = "domain", state = state, domain = name, uri = A }
  for key, value in pairs(more or {}) do event[key] = value end
  return event
end

local function step(state, name, more)
  local event = { event = "step", state = state, domain = name, uri = A, number = 1, total = 3,
    step = { action = "add", kind = "disk", device = "sdb" } }
  for key, value in pairs(more or {}) do event[key] = value end
  return event
end

local function host(state, uri, seconds)
  return { event = "host", state = state, uri = uri, seconds = seconds }
end

-- A round that has had events: { second, event... } each.
local function round_of(domains, ...)
  local round = rounds.new(domains, 0)
  for _, at in ipairs { ... } do
    for _, event in ipairs { table.unpack(at, 2) } do round:take(event, at[1]) end
  end
  return round
end

-- What is drawn in ASCII.
local function drawn(round, now, height, columns)
  local lines
  with_utf8(false, function() lines = cells.lines(round, now, height or 24, columns or 80, plain) end)
  return lines
end

describe("a block of cells", function()
  it("tells of planning first", function()
    local three = domains_of(3)
    assert.same({ "[--------------------] 0/3 domains planned, 0 s", "..." }, drawn(round_of(three), 0))
    local round = round_of(three, { 0, domain("planning", "vm0001"), domain("planning", "vm0002") },
      { 2, domain("planned", "vm0001", { changes = 3 }), domain("planning", "vm0003") })
    assert.same({ "[######--------------] 1/3 domains planned, 4 s, about 8 s left", ":oo",
      "vm0002: is planned, and 1 more" }, drawn(round, 4))
    round:take(domain("failed", "vm0002", { message = "no" }), 4)
    assert.same({ "[#############-------] 2/3 domains planned, 1 failed, 4 s, about 2 s left", ":!o",
      "vm0003: is planned" }, drawn(round, 4))
    round = round_of(three, { 0, domain("planning", "vm0001") }, { 2, domain("planning", "vm0001") })
    assert.equal("[--------------------] 0/3 domains planned, 4 s", drawn(round, 4)[1])
  end)

  it("then tells what is made, from the beginning of that on", function()
    local four = domains_of(4)
    local round = round_of(four, { 1, domain("planning", "vm0001"), domain("planned", "vm0001", { changes = 3 }) },
      { 100, domain("done", "vm0004", { changes = 0, made = 0 }), domain("begin", "vm0001", { changes = 3 }),
        domain("begin", "vm0002", { changes = 3 }) })
    assert.same({ "[#####---------------] 1/4 domains, 3 s", ">>.=", "vm0001: begins, and 1 more" }, drawn(round, 103))
    round:take(step("begin", "vm0001"), 103)
    round:take(domain("done", "vm0002", { changes = 3, made = 3 }), 104)
    assert.same({ "[##########----------] 2/4 domains, 10 s, about 20 s left", ">#.=", "vm0001: [1/3] add sdb" },
      drawn(round, 110))
    round:take(step("waiting", "vm0001", { what = "guest" }), 110)
    round:take(domain("partly", "vm0003", { changes = 3, made = 1, message = "no" }), 110)
    assert.same({ "[###############-----] 3/4 domains, 1 partly, 7 min, about 7 min left", ">#%=",
      "vm0001: [1/3] add sdb: waiting for the guest" }, drawn(round, 500))
    round:take(domain("left", "vm0001"), 111)
    assert.same({ "[####################] 4/4 domains, 1 partly, 1 left, 11 s", "-#%=" }, drawn(round, 111))
  end)

  it("counts a domain once that is planned again", function()
    local round = round_of(domains_of(2), { 0, domain("planned", "vm0001"), domain("begin", "vm0001") },
      { 1, step("begin", "vm0001"), domain("planning", "vm0001") })
    assert.same({ "[--------------------] 0/2 domains, 1 s", "o.", "vm0001: is planned" }, drawn(round, 1))
    round = round_of(domains_of(2), { 0, domain("planned", "vm0001"), domain("begin", "vm0001") },
      { 2, domain("failed", "vm0001"), domain("planning", "vm0001") })
    assert.same({ "[--------------------] 0/2 domains, 2 s", "o.", "vm0001: is planned" },
      { (drawn(round, 2)[1]:gsub(", about.*", "")), drawn(round, 2)[2], drawn(round, 2)[3] })
  end)

  it("names the hosts that hang, a few of them, until they answer", function()
    local round = round_of(domains_of(2), { 0, host("connecting", A), host("waiting", A, 2.5), host("waiting", B, 13) },
      { 1, host("waiting", B, 14), host("waiting", "c", 3), host("waiting", "d", 3), host("waiting", "e", 3) })
    assert.same({ A .. " has not answered for 2 s", B .. " has not answered for 14 s", "c has not answered for 3 s",
      "and 2 more hosts" }, { table.unpack(drawn(round, 1), 3) })
    round:take(host("answering", A), 2)
    round:take(host("lost", "c"), 2)
    round:take(host("connected", "d"), 2)
    assert.same({ B .. " has not answered for 14 s", "e has not answered for 3 s" },
      { table.unpack(drawn(round, 2), 3) })
  end)

  it("shows the worst of several domains in one cell where they are more than cells", function()
    local round = round_of(domains_of(1000), { 0, domain("failed", "vm0003"), domain("done", "vm0001", { changes = 1 }),
      domain("begin", "vm0999"), domain("done", "vm0002", { changes = 0 }) })
    local lines = drawn(round, 1)
    -- 8 rows of 79 cells are fewer than 1,000, so each stands for two.
    assert.equal("#!" .. ("."):rep(77), lines[2])
    for i = 3, 7 do assert.equal(("."):rep(79), lines[i]) end
    assert.equal(("."):rep(500 - 6 * 79 - 1) .. ">", lines[8])
    assert.equal("vm0999: begins", lines[9])
    assert.equal(9, #lines)
  end)

  it("has a worst state for any two", function()
    local states = { "failed", "partly", "left", "begin", "planning", "planned", "waiting", "done", "unchanged" }
    local signs = "!%->o:.#="
    local function put(round, name, state)
      if state == "unchanged" then round:take(domain("done", name, { changes = 0 }), 0)
      elseif state ~= "waiting" then round:take(domain(state, name, { changes = 1 }), 0) end
    end
    for i = 1, #states do
      for j = 1, #states do
        local round = rounds.new(domains_of(20), 0) -- two in each of the ten cells of a row
        for k = 3, 20 do put(round, ("vm%04d"):format(k), "unchanged") end
        put(round, "vm0001", states[i])
        put(round, "vm0002", states[j])
        local worst = math.min(i, j)
        assert.equal(signs:sub(worst, worst), drawn(round, 0, 3, 12)[2]:sub(1, 1))
      end
    end
  end)

  it("fits into any terminal", function()
    local round = round_of(domains_of(30), { 0, domain("begin", "vm0001"), step("begin", "vm0001"),
      host("waiting", A, 2), host("waiting", B, 2) })
    assert.same({ "[-----] 0/30 dom...", ">" .. ("."):rep(14), "vm0001: [1/3] ad...", "qemu+ssh://a/sys..." },
      drawn(round, 0, 5, 20))
    for height = 1, 12 do
      for columns = 20, 60, 7 do
        local lines = drawn(round, 0, height, columns)
        assert.is_true(#lines < height or height == 1 and #lines == 1)
        for _, line in ipairs(lines) do assert.is_true(text.width(line) < columns) end
      end
    end
  end)

  it("draws 1,000 domains in 80 columns with at most a third of the lines for cells", function()
    for height, rows in pairs { [24] = 7, [60] = 13, [9] = 3 } do
      assert.equal(1 + rows, #drawn(round_of(domains_of(1000)), 0, height))
    end
  end)

  it("has a name for the host that nobody named", function()
    local round = round_of({ { domain = "web", uri = "" } }, { 0, host("waiting", "", 2) })
    assert.truthy(table.concat(drawn(round, 0), "\n"):find("libvirt's default has not answered for 2 s", 1, true))
  end)

  it("sends nothing hostile to a terminal, and clips by width", function()
    local names = { { domain = "web\27[2J\n", uri = A }, { domain = ("漢字"):rep(30), uri = A } }
    local round = round_of(names, { 0, { event = "domain", state = "begin", domain = names[1].domain, uri = A },
      host("waiting", "qemu+ssh://root:s3cret@h/system\27[2J", 2) })
    assert.same({ "web\\x1b[2J\\n: begins", "qemu+ssh://root:***@h/system\\x1b[2J has not answered for 2 s" },
      { table.unpack(drawn(round, 0), 3) })
    round = round_of(names, { 0, { event = "domain", state = "begin", domain = names[2].domain, uri = A } })
    assert.equal(("漢字"):rep(4) .. "...", drawn(round, 0, 24, 20)[3])
  end)

  it("tells domains of the same name apart, on two hosts", function()
    local round = round_of({ { domain = "web", uri = A }, { domain = "web", uri = B }, { domain = "db", uri = B } },
      { 0, domain("begin", "web", { uri = B }), step("begin", "web", { uri = B }) })
    assert.same({ ".>.", "web on qemu+ssh://b/system: [1/3] add sdb" }, { table.unpack(drawn(round, 0), 2) })
    round:take(domain("failed", "web"), 0)
    assert.equal("!>.", drawn(round, 0)[2])
  end)

  it("has signs of its own in UTF-8, and colours", function()
    local round = round_of(domains_of(9), { 0, domain("failed", "vm0001"), domain("partly", "vm0002"),
      domain("left", "vm0003"), domain("begin", "vm0004"), domain("planning", "vm0005"), domain("planned", "vm0006"),
      domain("done", "vm0008", { changes = 1 }), domain("done", "vm0009", { changes = 0 }) })
    with_utf8(true, function()
      assert.same({ "[███████████░░░░░░░░░] 5/9 domains, 1 failed, 1 partly, 1 left, 0 s", "✗%-▓░▒·█=" },
        { table.unpack(cells.lines(round, 0, 24, 80, plain), 1, 2) })
    end)
    with_utf8(false, function()
      local row = cells.lines(round, 0, 24, 80, style.painter(true))[2]
      assert.equal("\27[31m!\27[0m\27[33m%\27[0m\27[33m-\27[0m\27[36m>\27[0m\27[36mo\27[0m:.\27[32m#\27[0m" ..
        "\27[2m=\27[0m", row)
      round = round_of(domains_of(6), { 0, domain("failed", "vm0001"), domain("failed", "vm0002"),
        domain("failed", "vm0004") })
      assert.equal("\27[31m!!\27[0m.\27[31m!\27[0m..", cells.lines(round, 0, 24, 80, style.painter(true))[2])
    end)
  end)

  it("is drawn quickly: 10,000 domains", function()
    local round = round_of(domains_of(10000, "vm%05d"))
    local begun = os.clock()
    for i = 1, 10000 do
      round:take(domain("begin", ("vm%05d"):format(i)), i)
      round:take(domain("done", ("vm%05d"):format(i), { changes = 1, made = 1 }), i)
    end
    for _ = 1, 10 do drawn(round, 10000) end
    assert.is_true(os.clock() - begun < 1, "took " .. os.clock() - begun .. " s")
  end)
end)

-- An output that remembers, progress on it, and a function that sets the clock.
local function recorder(opts, domains)
  local out, now = { said = {}, is_json = opts.json, can_redraw = opts.redraw, verbose = opts.verbose,
    paint_error = plain }, 0
  local function say(_, what) out.said[#out.said + 1] = what end
  out.event, out.progress, out.status = say, say, say
  function out.size() return 24, 80 end
  function out.clear() out.cleared = true end
  return out, cells.new(out, domains, function() return now end), function(seconds) now = seconds end
end

local function tell(shown, ...)
  for _, event in ipairs { ... } do shown:tell(event) end
end

describe("progress of many domains", function()
  it("is a block on a terminal, drawn ten times a second at most", function()
    local out, shown, at = recorder({ redraw = true }, domains_of(2))
    for _ = 1, 50 do shown:tell(host("waiting", A, 2)) end
    assert.equal(10, #out.said)
    at(1)
    shown:tell(domain("begin", "vm0001"))
    assert.equal(11, #out.said)
    assert.equal("vm0001: begins", out.said[11][3])
    shown:close()
    assert.is_true(out.cleared)
  end)

  it("leaves the terminal to ssh while that asks", function()
    local out, shown, at = recorder({ redraw = true }, domains_of(2))
    tell(shown, host("connecting", A), host("asking", A))
    assert.is_true(out.cleared)
    local before = #out.said
    at(1)
    tell(shown, host("waiting", B, 2), host("connected", B))
    assert.equal(before, #out.said)
    tell(shown, host("connected", A))
    assert.equal(before + 1, #out.said)
  end)

  it("is drawn again while a host hangs and nothing else happens", function()
    local out, shown, at = recorder({ redraw = true }, domains_of(2))
    for second = 1, 3 do
      at(second)
      shown:tell(host("waiting", A, second + 1))
    end
    local told = {}
    for i, lines in ipairs(out.said) do told[i] = lines[3]:match("%d+ s") end
    assert.same({ "2 s", "3 s", "4 s" }, told)
  end)

  it("is elsewhere a line for each domain that was begun and has ended", function()
    local out, shown = recorder({}, domains_of(9))
    for i = 1, 7 do tell(shown, domain("begin", ("vm%04d"):format(i))) end
    tell(shown, host("connecting", A), host("connected", A), domain("planning", "vm0001"), domain("planned", "vm0001"),
      domain("done", "vm0008", { changes = 0, made = 0 }), domain("failed", "vm0009", { message = "no host" }),
      step("begin", "vm0001"), step("done", "vm0001"),
      domain("done", "vm0001", { changes = 3, made = 3 }), domain("done", "vm0002", { changes = 1, made = 1 }),
      domain("done", "vm0003", { changes = 0, made = 0 }),
      domain("failed", "vm0004", { message = "vm0004: it is gone" }),
      domain("partly", "vm0005", { changes = 3, made = 2, message = "vm0005: it is gone" }),
      domain("left", "vm0006"), domain("done", "vm0007", { changes = 0, made = 2 }))
    assert.same({ "[3/9] vm0001: 3 changes made", "[4/9] vm0002: 1 change made", "[5/9] vm0003: nothing to do",
      "[6/9] vm0004: failed: vm0004: it is gone", "[7/9] vm0005: failed after 2 changes made: vm0005: it is gone",
      "[8/9] vm0006: left", "[9/9] vm0007: 2 changes made" }, out.said)
  end)

  it("names a host that begins to hang once, and when it answers again", function()
    local out, shown = recorder({}, domains_of(2))
    tell(shown, host("answering", A), host("waiting", A, 2), host("waiting", A, 3), host("waiting", B, 2),
      host("answering", A), host("waiting", A, 2), host("lost", B), host("connected", B))
    assert.same({ A .. " has not answered for 2 s", B .. " has not answered for 2 s", A .. " answers again",
      A .. " has not answered for 2 s" }, out.said)
  end)

  it("has a line for each step with -v", function()
    local out, shown = recorder({ verbose = true }, domains_of(2))
    tell(shown, domain("begin", "vm0001"), step("begin", "vm0001"), step("done", "vm0001"),
      domain("done", "vm0001", { changes = 1, made = 1 }))
    assert.same({ "vm0001: [1/3] add sdb: done", "[1/2] vm0001: 1 change made" }, out.said)
  end)

  it("tells domains of the same name apart", function()
    local out, shown = recorder({}, { { domain = "web", uri = A }, { domain = "web", uri = B } })
    tell(shown, domain("begin", "web", { uri = B }), domain("left", "web", { uri = B }))
    assert.same({ "[1/2] web on qemu+ssh://b/system: left" }, out.said)
  end)

  it("is an object for each event with --json", function()
    local out, shown = recorder({ json = true, redraw = true }, domains_of(2))
    tell(shown, host("waiting", A, 14), domain("failed", "vm0001", { changes = 3, made = 1, message = "gone" }),
      step("begin", "vm0001"))
    assert.same({ { event = "host", state = "waiting", uri = A, seconds = 14 },
      { event = "domain", state = "failed", domain = "vm0001", uri = A, changes = 3, made = 1, message = "gone" },
      { event = "step", state = "begin", domain = "vm0001", uri = A, number = 1, total = 3, action = "add",
        kind = "disk", device = "sdb" } }, out.said)
  end)

  it("of no domain at all ends", function()
    local out, shown = recorder({ redraw = true }, {})
    shown:tell(host("connecting", A))
    assert.equal("[--------------------] 0/0 domains planned, 0 s", (out.said[1][1]:gsub("░", "-")))
  end)
end)

describe("progress of a single domain", function()
  local EVENTS = { host("connecting", A), domain("planning", "vm0001"), domain("planned", "vm0001"),
    domain("begin", "vm0001"), step("begin", "vm0001"), step("waiting", "vm0001", { what = "guest" }),
    step("done", "vm0001"), domain("done", "vm0001", { changes = 1, made = 1 }) }

  it("is that of its steps", function()
    for _, opts in ipairs { {}, { redraw = true }, { json = true }, { verbose = true } } do
      local out, shown = recorder(opts, domains_of(1))
      tell(shown, table.unpack(EVENTS))
      shown:close()
      local alone = recorder(opts, domains_of(1))
      local steps = progress.new(alone, function() return 0 end)
      for i = 5, 7 do steps:tell(EVENTS[i]) end
      assert.is_true(#out.said > 0)
      assert.same(alone.said, out.said)
    end
  end)

  it("names its host while that hangs", function()
    local out, shown = recorder({ redraw = true }, domains_of(1))
    tell(shown, host("waiting", A, 2), host("waiting", A, 3), host("answering", A))
    assert.same({ A .. " has not answered for 2 s", A .. " answers again" }, out.said)
    out, shown = recorder({ json = true }, domains_of(1))
    tell(shown, host("waiting", A, 2))
    assert.same({}, out.said)
  end)
end)

describe("the pace of redraws", function()
  it("is spread over the second where the clock knows parts of it", function()
    local may_redraw, drawn_at = progress.pace(), {}
    for i = 0, 1999 do
      if may_redraw(i / 1000) then drawn_at[#drawn_at + 1] = i / 1000 end
    end
    assert.equal(20, #drawn_at)
    for i = 2, 20 do
      local pause = drawn_at[i] - drawn_at[i - 1]
      assert.is_true(pause > 0.09 and pause < 0.13, pause)
    end
  end)
end)
