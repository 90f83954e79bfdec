-- Every problem with its exact text: code, severity, place, path, message and hint.  The cases are the tables in
-- spec/unit/problems; a case says what is given and what the whole list of problems then prints.
-- A code that no case meets fails, unless it belongs to a host: then it is named here, with the spec that has it.
local core = require "virtlun.core"
local virtlun = require "virtlun"

local groups = { "fields", "recipes", "documents", "hbas", "names", "drives" }

-- Codes that only a host, a plan or the command can give.
local elsewhere = {
  not_described = "options of a plan", prune_boot = "a change of a plan", needs_force = "a change of a plan",
  protected = "a change of a plan", still_used = "a change of a plan",
  needs_libvirt = "the version of a host", no_host = "a connection", no_credentials = "a connection",
  no_terminal = "a connection", transport_unknown = "a connection", transport_refused = "a connection",
  transport_runs = "a connection", no_such_domain = "a connection",
  no_config = "the state of a domain", managed_save = "the state of a domain", host_refused = "a host's answer",
  stopped = "who stops an apply", abandoned = "who stops an apply", not_undone = "a host's answer",
  put_back = "a guest", away_later = "a guest", unseen = "a host's answer",
  overlaid = "a guest", unanswered = "a host's answer", kept_theirs = "a host that changed since",
  not_made = "a host's answer", host_changed = "a host that changed since", two_uris = "the command line",
  below_used = "a change of a plan", kept = "a removal",
  cannot_write = "the command line", no_saved_plan = "the command line", plan_version = "the command line",
  plan_edited = "the command line",
  unclear = "a change of a plan", bound = "a change of a plan", other_domain = "a document of a plan",
  bad_patch = "a document that the patcher spoiled, which no input is known to do",
  boot_none = "a change of a plan", boot_live = "a change of a plan", boot_kernel = "a reboot",
  boot_empty = "a reboot", boot_live_only = "a reboot", not_bootable = "a reboot", boot_medium = "a reboot",
  boot_by_os = "a reboot",
  not_up = "a reboot", power_off_order = "a reboot", power_off_due = "a reboot", reboot_ignored = "a reboot",
  shutdown_ignored = "a reboot", shutdown_restarted = "a reboot",
  reset_unseen = "a reboot", reboot_stopped = "a reboot",
  no_such_device = "embed_spec",
  no_memory = "a machine without memory",
  not_running = "the state of a domain", no_hotplug = "the driver of a host", bad_state = "the state of a domain",
  read_only = "a connection", needs_power_off = "the state of a domain", needs_config = "a change of a plan",
  no_acpi = "a running machine",
  no_port = "a running machine",
  tray_locked = "a guest", cannot_eject = "a guest", needs_reattach = "a guest", empty_hotplug = "a guest",
  not_taken = "a host's answer", replaced = "a guest", restored = "a guest", not_restored = "a guest",
  left_empty = "a guest", lost = "a guest",
  unplug_pending = "a guest", unplug_refused = "a guest", left_behind = "a host's answer",
  not_cleared = "a host's answer", orphaned = "a host's answer", made_before = "a host's answer",
  other_place = "a host's answer",
  already_there = "a single operation", not_there = "a single operation", ambiguous = "a single operation",
  no_medium = "a single operation",
  no_such_target = "cli_fleet_spec", no_retry_file = "cli_fleet_spec", retry_unknown = "cli_fleet_spec",
  stopped_run = "fleet_spec", max_fail = "fleet_spec",
  image_missing = "an image", image_not_yet = "an image", image_unseen = "an image", image_broken = "an image",
  image_unknown = "an image", image_format = "an image", image_short = "an image",
}

-- Running a case -----------------------------------------------------------------------------------------------------

local function host_document(case, devices)
  local iothreads = case.iothreads and ("<iothreads>%d</iothreads>"):format(case.iothreads) or ""
  local os = ("<os><type arch='%s'>hvm</type>%s</os>"):format(case.arch or "x86_64", case.os or "")
  return core.document(("<domain type='kvm'><name>web</name>%s%s<devices>%s</devices></domain>"):format(iothreads, os,
    devices))
end

local function check_against_host(case, domain)
  local model, found = core.model(domain)
  found = virtlun.problems(found)
  if found:has_errors() then return found end
  local live = case.live and host_document(case, case.live) or nil
  return found:append(model:check(host_document(case, case.host), live))
end

local function check_recipe(case, text)
  local domains, found = virtlun.loadstring(text, "case.lua", case.params)
  if not domains then return found end
  if case.host then return found:append(check_against_host(case, domains[1])) end
  if case.xml_of then return found:append(select(2, virtlun.xml(domains[1]))) end
  return found:append(select(2, virtlun.check(domains)))
end

local function wrapped(devices)
  return ("domain \"web\" { %s }"):format(devices)
end

local function run(case)
  if case.call then return select(2, case.call(virtlun)) end
  if case.xml then
    return select(2, virtlun.read(type(case.xml) == "function" and case.xml() or case.xml))
  end
  return check_recipe(case, case.recipe or wrapped(case.devices or case.xml_of))
end

-- The cases ----------------------------------------------------------------------------------------------------------

local met, severities = {}, {}
for _, problem in ipairs(core.schema().problems) do severities[problem.code] = problem.severity end

for _, group in ipairs(groups) do
  describe("problems of " .. group .. ":", function()
    for number, case in ipairs(require("unit.problems." .. group)) do
      met[case.code] = true
      it(("%s (%d)"):format(case.code, number), function()
        local found = run(case)
        assert.equal(case.says, tostring(found))
        local codes = {}
        for _, problem in ipairs(found) do
          codes[problem.code] = true
          assert.equal(severities[problem.code], problem.severity)
        end
        assert.is_true(codes[case.code])
      end)
    end
  end)
end

describe("problem codes", function()
  it("are each met by a case, or belong elsewhere", function()
    local missing = {}
    for _, problem in ipairs(core.schema().problems) do
      if not met[problem.code] and not elsewhere[problem.code] then missing[#missing + 1] = problem.code end
    end
    assert.same({}, missing)
  end)

  it("that belong elsewhere exist, and are met by no case", function()
    for code in pairs(elsewhere) do
      assert.is_truthy(severities[code], code)
      assert.is_nil(met[code], code)
    end
  end)

  it("are words, with a message each, and told once only", function()
    local seen = {}
    for _, problem in ipairs(core.schema().problems) do
      assert.is_nil(seen[problem.code])
      seen[problem.code] = true
      assert.truthy(problem.code:match("^[%l%d_]+$"))
      assert.truthy(#problem.message > 0)
    end
  end)
end)

describe("a problem", function()
  local _, found = virtlun.check { kind = "domain", name = "web", file = "a.lua", line = 3,
    { kind = "cdrom", dev = "sda", address = { controller = 0, unit = 20000 }, file = "b.lua", line = 7 } }

  it("is data", function()
    assert.same({
      code = "out_of_range", severity = "error", path = "web.sda.address.unit",
      message = "20000 is out of range 0..16383",
      value = "20000", expected = "0..16383", file = "b.lua", line = 7,
    }, found[1])
  end)

  it("prints as one line, and a list of them as many", function()
    assert.equal("b.lua:7: web.sda.address.unit: 20000 is out of range 0..16383", virtlun.line(found[1]))
    assert.equal(virtlun.line(found[1]), tostring(found))
    assert.equal("", tostring(virtlun.problems {}))
  end)
end)
