-- What the guest feels of every effect that a step can have, and when. Pure: plans made by hand.
local feelings = require("virtlun.view.feelings")

local function field(key, before, after) return { key = key, before = before, after = after } end

local LATER = "at its next boot, after a power-off: "

local SOURCE = field("source", "/a.iso", "/b.iso")
local MOVE = field("address", { controller = 0, target = 0, unit = 0 }, { controller = 0, target = 0, unit = 1 })

-- action, scope, effect, fields, what is told; "" is nothing.
local cases = {
  { "add", "live and config", "live", nil, "" },
  { "add", "live", "live, may be refused", nil, "" },
  { "add", "config", "next boot", nil, "" },
  { "add", "live and config", "live, its boot order after a power-off", nil,
    LATER .. "sda comes into the boot order" },
  { "remove", "live and config", "live", nil, "now: the guest loses sda" },
  { "remove", "live", "live", nil, "now: the guest loses sda" },
  { "remove", "config", "next boot", nil, LATER .. "the guest loses sda" },
  { "change", "live and config", "live", { SOURCE }, "now: the guest loses the medium that is now in sda" },
  { "change", "live", "live", { field("source", "/a.iso", false) },
    "now: the guest loses the medium that is now in sda" },
  { "change", "live", "live, unless the drive was hot-plugged", { field("source", "/a.iso", false) },
    "now: the guest loses the medium that is now in sda" },
  { "change", "live", "live", { field("tray", nil, "open") }, "now: the guest loses the medium that is now in sda" },
  { "change", "live", "live", { field("tray", "open", "closed") }, "" },
  { "change", "live", "live", { field("source", false, "/b.iso") }, "" },
  { "change", "live", "live", { field("format", "raw", "qcow2") }, "now: the medium in sda is taken out and put back" },
  { "change", "live", "live", { field("startup_policy", nil, "optional") }, "" },
  { "change", "config", "next boot", { SOURCE }, "" },
  { "change", "live and config", "live, may replace the drive", { SOURCE },
    "now: may replace sda: the guest sees it go and come back" },
  { "change", "live and config", "live, replaces the drive", { SOURCE },
    "now: replaces sda: the guest sees it go and come back" },
  { "change", "live and config", "live, replaces the drive", { SOURCE, MOVE },
    "now: moves sda: the guest sees it go, and come at another place" },
  { "change", "live and config", "live, replaces the HBA", { field("queues", 1, 2) },
    "now: replaces sda: the guest sees it go and come back" },
  { "change", "config", "next boot, replaces the HBA", { field("model", "lsilogic", "virtio-scsi") },
    LATER .. "the guest finds another HBA at sda, with all that is on it" },
  { "change", "config", "next boot", { MOVE },
    LATER .. "the guest finds sda at another place, under other names" },
  { "change", "config", "next boot", { field("cache", "none", "writeback") }, "" },
  { "remove", "config", "next boot, not there now", nil, "" },
}

local function step(case)
  return { action = case[1], kind = "cdrom", device = "sda", scope = case[2], effect = case[3], fields = case[4],
    before = case[1] ~= "add" and { source = "/a.iso" } or nil }
end

local function said(plan)
  return table.concat(feelings.lines(plan), "\n")
end

describe("what the guest feels", function()
  for _, case in ipairs(cases) do
    local keys = case[4] and " of " .. case[4][#case[4]].key or ""
    it(("of %s%s, %s, %s: %s"):format(case[1], keys, case[2], case[3], case[5] == "" and "nothing" or case[5]),
      function()
        assert.equal(case[5], said { state = "running", steps = { step(case) }, pending = {} })
        assert.equal("", said { state = "shut off", steps = { step(case) }, pending = {} })
      end)
  end

  it("of another boot order comes at a power-off", function()
    local boot = { action = "change", kind = "domain", device = "web01", scope = "config", effect = "needs power-off",
      fields = { field("boot", "os", "devices") } }
    assert.equal(LATER .. "the boot order changes", said { state = "running", steps = { boot }, pending = {} })
    assert.equal(LATER .. "the boot order changes", said { state = "running", steps = {}, pending = { boot } })
  end)

  it("is told in the order of time, each drive once at a time", function()
    local gone, moved = step(cases[6]), step(cases[22])
    gone.device, moved.device = "sdb", "sdc"
    local both = { gone, moved, step(cases[17]), step(cases[8]) }
    local lines, is_now = feelings.lines { state = "running", steps = both, pending = { step(cases[7]) } }
    assert.same({ "now: the guest loses sdb; may replace sda: the guest sees it go and come back; " ..
      "the guest loses the medium that is now in sda",
      LATER .. "the guest loses sda; the guest finds sdc at another place, under other names" }, lines)
    assert.is_true(is_now)
    assert.is_false(select(2, feelings.lines { state = "running", steps = { moved }, pending = {} }))
  end)
end)
