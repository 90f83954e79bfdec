-- Properties of apply that hold for every domain, every recipe and whatever goes wrong at any moment: what the recipe
-- does not name stays as it is, byte for byte; nothing is lost, doubled or left half-way without being told; and the
-- next apply, when nothing is wrong any more, makes all of it so, after which there is nothing to do.
--
-- VIRTLUN_ROUNDS says how many rounds are tried, VIRTLUN_SEED where the numbers begin; a failure names its seed and
-- tells its story, and VIRTLUN_SEED=seed VIRTLUN_ROUNDS=1 tries that one alone.
local apply = require("virtlun.apply")
local devices = require("support.fake.devices")
local random_host = require("support.random_host")
local random_model = require("support.random_model")
local text = require("support.text")
local xml = require("support.fake.xml")

local rounds = require("support.rounds")(400)
local first = tonumber(os.getenv("VIRTLUN_SEED") or 1)

local HALVES = { "live", "config" }

-- What is there -------------------------------------------------------------------------------------------------------

-- A name that no two devices of a half may share.
local function key_of(element)
  if element.name == "disk" then return devices.dev_of(element) end
  if element.name == "controller" then return element.attributes.type .. (element.attributes.index or "") end
  return element.name == "hostdev" and devices.name_of(element) or element.name
end

-- Whether the recipe is about a device; never about one that is not on the virtual SCSI.
local function is_touched(world, element)
  if not devices.is_hba(element) and not devices.place_of(element) then return false end
  if world.desired.prune and devices.is_cdrom(element) then return true end
  return world.touched[devices.name_of(element)] or false
end

-- Where the recipe asks for it, every drive that boots gets its place in the order.
local function text_of(world, element)
  if world.desired.boot then element = xml.put(element, "boot", nil) end
  return xml.text(element)
end

-- The texts of the devices of both halves, those only that the recipe is not about unless all are wanted.
local function snapshot(world, all)
  local seen = {}
  for _, half in ipairs(HALVES) do
    for _, element in ipairs(world.domain[half] and world.domain[half].devices or {}) do
      if all or not is_touched(world, element) then
        seen[half .. " " .. key_of(element)] = text_of(world, element)
      end
    end
  end
  return seen
end

-- What must hold at any moment ----------------------------------------------------------------------------------------

local function has_code(problems, code)
  for _, problem in ipairs(problems) do
    if problem.code == code then return true end
  end
  return false
end

local function fail(...) error((...):format(select(2, ...)), 0) end

local function check_untouched(world, before)
  local now = snapshot(world)
  for key, was in pairs(before) do
    if now[key] ~= was then fail("%s is not as it was:\n%s--- now ---\n%s", key, was, now[key] or "gone\n") end
  end
end

local function check_once(seen, half, what)
  if seen[what] then fail("%s has %s twice", half, what) end
  seen[what] = true
end

-- The models of HBAs that may come: those described, and below them copies of their neighbours, which is why it is
-- enough that libvirt's own choice is none of them.
local function check_newcomers(world, before, half, element)
  if before[half .. " " .. key_of(element)] or is_touched(world, element) then return end
  if xml.get(element, "source", "file") == random_host.THEIRS then return end
  if devices.is_hba(element) and world.hbas[devices.index_of(element)] then
    local model = element.attributes.model
    for index = 0, #world.hbas do
      if world.hbas[index] == model then return end
    end
  end
  if devices.is_hba(element) or devices.place_of(element) then
    fail("%s has got a device that nobody wants:\n%s", half, xml.text(element))
  end
end

local function check_half(world, half, before)
  local seen = {}
  for _, element in ipairs(world.domain[half].devices) do
    local place = devices.place_of(element)
    check_once(seen, half, key_of(element))
    if place then check_once(seen, half, place.text) end
    check_newcomers(world, before, half, element)
  end
end

local function check_password(world)
  local config = world.domain.config
  local text_now = config and config:text { secure = true }
  if config and not text_now:find("passwd='secret'", 1, true) then fail("the password is gone") end
end

-- Drives that stay must be there.  Only one is away that virtlun had to replace, where the host did not take it back,
-- or the guest let go of it when nobody waited any more.
local function check_kept(world, all, may_be_away)
  if world.is_contested then return end
  for _, drive in ipairs(world.desired) do
    for _, half in ipairs(HALVES) do
      local definition, name = world.domain[half], random_host.name_of(drive)
      local was = not drive.absent and drive.dev and all[half .. " " .. name]
      local is_excused = may_be_away and half == "live"
      if was and not is_excused and not definition:disk_at(drive.dev) then fail("%s has lost %s", half, name) end
    end
  end
end

-- A medium is the old one or the new one, unless it is told that it is neither.
local function check_media_kept(world, media, problems)
  for _, device in ipairs(world.desired) do
    local drive, was = world.domain.drives[device.dev], media[device.dev]
    if drive and was and device.source ~= false and not drive.medium and not has_code(problems, "not_restored") then
      fail("%s has lost its medium %s", device.dev, was)
    end
  end
end

local function check_all(world, before, all, may_be_away)
  check_untouched(world, before)
  for _, half in ipairs(HALVES) do
    if world.domain[half] then check_half(world, half, all) end
  end
  check_password(world)
  check_kept(world, all, may_be_away)
end

-- A drive has in it what its document says, when all is well; of an open tray, which a recipe may leave to the guest,
-- it says nothing.
local function check_media(world)
  for dev, drive in pairs(world.domain.drives) do
    local element = world.domain.live.devices[world.domain.live:disk_at(dev)]
    local is_open = xml.get(element, "target", "tray") == "open"
    if not is_open and drive.medium ~= (devices.location_of(element) or false) then
      fail("%s has not in it what is said of it: %s", dev, tostring(drive.medium))
    end
  end
end

-- A round -------------------------------------------------------------------------------------------------------------

local function codes_of(problems)
  local codes = {}
  for _, problem in ipairs(problems) do
    if problem.severity == "error" then codes[#codes + 1] = problem.code end
  end
  return table.concat(codes, " ")
end

-- What is in the running drives.
local function media_of(world)
  local media = {}
  for dev, drive in pairs(world.domain.drives) do media[dev] = drive.medium end
  return media
end

-- What libvirt can never do, so that the second apply may end with it too: reason by code.
local impossible = {
  cannot_eject = "facts 7: a hot-plugged drive cannot be ejected before 9.3.0",
  empty_hotplug = "facts 7: an empty drive cannot be plugged before 9.10.0",
}

local function is_impossible(problems)
  for _, problem in ipairs(problems) do
    if impossible[problem.code] then return true end
  end
  return false
end

-- libvirt's own numbers of a medium and of a hostdev are others when those were taken out and put in again.
local function without_number(words) return (words:gsub(" index='%d+'", ""):gsub("'hostdev%d+'", "'hostdev'")) end

-- Nobody but the guest opens a tray, and an empty one is shut only by a medium.
local function without_tray(words) return (words:gsub(" tray='open'", "")) end

-- is_undone: it was changed, and is as it was, as far as libvirt can make it so.
local function check_nothing_written(world, all, is_undone)
  local now = snapshot(world, true)
  for key, was in pairs(all) do
    local new, old = without_number(now[key] or ""), without_number(was)
    if is_undone then new, old = without_tray(new), without_tray(old) end
    if new ~= old then
      fail("nothing is said to be changed, and %s is another:\n%s%s", key, was, now[key])
    end
  end
  for key in pairs(now) do
    if not all[key] then fail("nothing is said to be changed, and there is %s", key) end
  end
end

-- What a plan of one device makes is also done by one operation on it, if that is chosen.
local function apply_or_operate(world, dom, plan)
  if world.operation then return world.operation(dom) end
  return plan:apply(world.opts)
end

-- What is said to be done is done, although things may still go wrong; what another client does to a device whose step
-- is made already, nobody sees.
local function check_success(world)
  world.host.fault = nil
  local plan = apply.plan(assert(world.host:open("web01")), world.desired, world.opts)
  if world.is_contested or plan and plan.changes == 0 then return end
  fail("it is said to be done, and is not")
end

-- What another client has done to a described device is not undone, whatever was planned for it.
local function check_expected(world)
  for key, words in pairs(world.expected) do
    local half, dev = key:match("^(%l+) (%l+)$")
    local at = world.domain[half] and world.domain[half]:disk_at(dev)
    local now = at and xml.text(world.domain[half].devices[at]) or false
    if world.domain[half] and now ~= words then fail("%s is not as another client has it: %s", key, now) end
  end
end

-- A drive that had to be replaced is lost only if the host has refused to take it back.
local function check_lost(world, problems)
  if world.is_cut or not has_code(problems or {}, "lost") then return end
  local refused = 0
  for _, call in ipairs(world.host.calls) do
    if call:find("^attach .*!$") then refused = refused + 1 end
  end
  if refused < 2 then fail("a drive is given up that the host would have taken back") end
end

-- The guest is not asked for the same device twice.
local function check_patience(world, plan, problems)
  if world.is_cut or world.is_contested or not has_code(problems or {}, "unplug_pending") then return end
  plan:apply()
  if world.domain.asked_twice then fail("the guest is asked twice for %s", world.domain.asked_twice) end
end

-- How it ended, as the plan and the report tell it: every step has a result, and what was undone is as it was.
local function check_report(world, plan, problems, report, all)
  report = report or {} -- of a plan that was out of date at once, or could not be compared
  local counts, told = { done = 0, failed = 0, unknown = 0, undone = 0, left = 0 }, {}
  for i, step in ipairs(world.operation and {} or plan.steps) do
    told[i] = tostring(step.result)
    counts[step.result or "left"] = counts[step.result or "left"] + 1
  end
  for result, count in pairs(world.operation and {} or counts) do
    if report[result] and report[result] ~= count then
      fail("%d steps are told as %s: %s", report[result], result, table.concat(told, " "))
    end
  end
  local is_told = has_code(problems, "not_undone") or has_code(problems, "not_restored") or has_code(problems, "lost")
  -- What came about although the look at it failed, or the host said no, is not undone, because another client may have
  -- made it; it is there when the next apply looks.
  local must_be_undone = world.opts.undo == "all" and not is_told and not world.is_unseen and not world.is_denied
  local is_unclear = world.is_cut or world.is_misled or world.before
  if is_unclear then return end
  if not report.written then check_nothing_written(world, all)
  elseif must_be_undone then check_nothing_written(world, all, true)
  end
end

local function is_told_away(problems)
  return has_code(problems, "lost") or has_code(problems, "away_later")
end

-- The first apply, in which something goes wrong.  What it says of having written must be true.
local function apply_broken(world, dom, plan, tally, before, all)
  local media = media_of(world)
  local result, problems, report = apply_or_operate(world, dom, plan)
  world.story[#world.story + 1] = result and "applied" or "failed: " .. tostring(problems)
  local gone = not result and (is_told_away(problems) or world.is_cut or world.is_misled)
  check_all(world, world.before or before, all, gone)
  -- What a host that lies says of a drive cannot be told from the truth.
  local is_excused = world.is_cut or world.is_contested or world.is_misled or is_told_away(problems or {})
  if not result and not is_excused then check_media_kept(world, media, problems) end
  if not result then check_report(world, plan, problems, report, all) end
  check_expected(world)
  check_lost(world, problems)
  if result then check_success(world) end
  check_patience(world, plan, problems)
  tally[result and "applied" or "failed"] = tally[result and "applied" or "failed"] + 1
end

-- The second apply, in which nothing goes wrong.
local function apply_again(world, tally)
  local dom = assert(world.host:open("web01"))
  local plan, problems = apply.plan(dom, world.desired, world.opts)
  if not plan then
    if not world.is_contested then fail("it cannot be planned any more: %s", tostring(problems)) end
    tally.contested = tally.contested + 1
    return nil
  end
  local result
  result, problems = plan:apply()
  if result then return dom end
  if not is_impossible(problems) and not world.is_contested then fail("it cannot be made: %s", tostring(problems)) end
  tally.impossible = tally.impossible + 1
end

-- An HBA that has come to both halves is the same in both.
local function check_hbas(world, all)
  local live, config = world.domain.live, world.domain.config
  if not live or not config or world.is_contested then return end
  for _, element in ipairs(live.devices) do
    local at = devices.is_hba(element) and config:hba_at(devices.index_of(element))
    if at and not all["live " .. key_of(element)] and not all["config " .. key_of(element)] then
      local now, next_boot = element.attributes.model, config.devices[at].attributes.model
      if now ~= next_boot then fail("HBA %s is %s, and %s after the next boot", key_of(element), now, next_boot) end
    end
  end
end

local function check_done(world, dom)
  local plan, problems = apply.plan(dom, world.desired, world.opts)
  if not plan then fail("it cannot be planned when it is made: %s", tostring(problems)) end
  if plan.changes > 0 then
    local steps = {}
    for i, step in ipairs(plan.steps) do steps[i] = ("%s %s: %s"):format(step.action, step.device, step.why) end
    fail("there is something left to do: %s", table.concat(steps, "; "))
  end
  local calls = #world.host.calls
  assert(plan:apply())
  if #world.host.calls > calls then fail("an empty plan has made calls") end
  check_media(world)
end

-- What was there before, and is to stay, as another client has just made it.
local function with_theirs(before, now)
  local both = {}
  for key, words in pairs(now) do
    if before[key] or words:find(random_host.THEIRS, 1, true) then both[key] = words end
  end
  return both
end

local function play(random, world, tally)
  local dom = assert(world.host:open("web01"))
  local all, before = snapshot(world, true), snapshot(world)
  function world.before_race() check_untouched(world, world.before or before) end
  function world.after_race() world.before = with_theirs(before, snapshot(world)) end
  local plan, problems = apply.plan(dom, world.desired, world.opts)
  if not plan then
    world.story[#world.story + 1] = "refused: " .. tostring(problems)
    local codes = codes_of(problems)
    tally.refused, tally.codes[codes] = tally.refused + 1, (tally.codes[codes] or 0) + 1
    if #world.host.calls > 0 then fail("a plan has made calls") end
    return
  end
  if plan.changes == 0 then return check_done(world, dom) end
  tally.changing = tally.changing + 1
  world.story[#world.story + 1] = random_host.break_something(random, world, plan.changes)
  apply_broken(world, dom, plan, tally, before, all)
  if random_host.is_met(world) then tally.met = tally.met + 1 end
  random_host.mend(world)
  dom = apply_again(world, tally)
  check_all(world, world.before or before, all, dom == nil)
  check_hbas(world, all)
  if dom then check_done(world, dom) end
end

-- A half in few words: one line for each device of the virtual SCSI.
local function words_of(world, half)
  local lines = {}
  for _, element in ipairs(world.domain[half] and world.domain[half].devices or {}) do
    local place, hba = devices.place_of(element), devices.is_hba(element)
    if place or hba then
      local drive = half == "live" and world.domain.drives[devices.dev_of(element)] or {}
      lines[#lines + 1] = ("  %s: %s %s %s%s%s"):format(half, key_of(element),
        hba and element.attributes.model or element.attributes.device or element.name,
        place and place.text or "", devices.path_of(element) and " " .. devices.path_of(element) or "",
        drive.hot and ", hot-plugged" or xml.get(element, "target", "tray") and ", tray open" or "")
    end
  end
  return table.concat(lines, "\n")
end

-- What a failing round was about.
local function story_of(world, seed, failure)
  local lines = { ("seed %d (VIRTLUN_SEED=%d VIRTLUN_ROUNDS=1): %s"):format(seed, seed, failure),
    ("the domain before (%s, %s, libvirt %d):"):format(world.arch, world.state, world.host.version), world.words.live,
    world.words.config, "recipe:" }
  for _, device in ipairs(world.desired) do lines[#lines + 1] = "  " .. text.of(device) end
  lines[#lines + 1] = ("  scope %s, boot %s, prune %s, %s"):format(world.desired.scope, world.desired.boot,
    world.desired.prune, world.operation and "as a single operation" or text.of(world.opts))
  table.move(world.story, 1, #world.story, #lines + 1, lines)
  lines[#lines + 1] = "calls: " .. table.concat(world.host.calls, ", ")
  return table.concat(lines, "\n")
end

describe("apply, whatever goes wrong", function()
  it("touches only what it is told to, tells the truth, and is completed by the next one", function()
    local tally = { changing = 0, met = 0, refused = 0, applied = 0, failed = 0, impossible = 0, contested = 0,
      codes = {} }
    for seed = first, first + rounds - 1 do
      local random = random_model.generator(seed)
      local world = random_host.world(random)
      world.story, world.words = {}, { live = words_of(world, "live"), config = words_of(world, "config") }
      local good, failure = xpcall(play, function(message)
        return type(message) == "string" and message or debug.traceback(message)
      end, random, world, tally)
      if not good then error(story_of(world, seed, failure), 0) end
    end
    if os.getenv("VIRTLUN_ROUNDS") then print(("%d rounds from seed %d: %s"):format(rounds, first, text.of(tally))) end
    if rounds < 200 then return end -- too few to say how many
    assert.is_true(tally.changing >= rounds * 0.7, text.of(tally))
    assert.is_true(tally.met >= rounds * 0.4, text.of(tally))
  end)
end)
