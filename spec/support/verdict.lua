-- Judges what a run of virtlun has left, of which a call failed: nothing lost, nothing doubled, nothing changed that
-- was not to be, every half as it was or as it is to be, and a report that says just that.  It knows only what
-- support.calls has seen, and the report; findings are texts.
local verdict = {}

local HALVES = { "live", "config" }

-- A list of findings, and find(format, ...), which adds one.
local function new_findings()
  local list = {}
  return list, function(...) list[#list + 1] = string.format(...) end
end

-- What has become of devices -------------------------------------------------------------------------------

-- A CD drive without what moves while its medium is changed.
local function frame(line)
  return line and (line:gsub("<source[^>]-/>", ""):gsub("<source.-</source>", ""):gsub(" tray='open'", "")
    :gsub("(<driver name='qemu') type='raw'", "%1"))
end

-- "kept" where nothing was to change, "old", "new"; "out" where it is to be there again, "emptied" where another medium
-- is to come into it, "lost" or "changed" where it was to stay, and "wrong".
local function fate_of(before, wanted, after)
  if before == wanted then return after == before and "kept" or after and "changed" or "lost" end
  if after == before then return "old" end
  if after == wanted then return "new" end
  if not after then return "out" end
  local is_cdrom = before and wanted and after:find("device='cdrom'", 1, true)
  return is_cdrom and frame(after) == frame(before) and frame(before) == frame(wanted) and "emptied" or "wrong"
end

local USUAL = { kept = true, old = true, new = true }

local function keys_of(...)
  local keys, list = {}, {}
  for _, devices in ipairs { ... } do
    for key in pairs(devices) do keys[key] = true end
  end
  for key in pairs(keys) do list[#list + 1] = key end
  table.sort(list)
  return list
end

-- The fates of the devices of one half.
local function fates_of(list, name, half, was, to_be, is)
  for _, key in ipairs(keys_of(was.devices, to_be.devices, is.devices)) do
    local before, after = was.devices[key], is.devices[key]
    list[#list + 1] = { domain = name, half = half, key = key, before = before, after = after,
      fate = fate_of(before, to_be.devices[key], after), where = ("%s %s: %s"):format(name, half, key) }
  end
end

--- The fates of all devices: list of { domain =, half =, key =, fate =, before =, after =, where = in words }, and
-- findings that need no report.  replaced: names of the devices that may be out for a while.
function verdict.fates(before, wanted, after, replaced)
  local list, findings, find = {}, new_findings()
  for name, halves in pairs(before) do
    for _, half in ipairs(HALVES) do
      local was, is = halves[half], after[name][half]
      if (was == nil) ~= (is == nil) then find("%s runs no more, or again", name) end
      if was and is then
        if was.rest ~= is.rest then find("%s %s: the rest has changed:\n%s\n%s", name, half, was.rest, is.rest) end
        for _, key in ipairs(is.doubled) do find("%s %s: %s is there twice", name, half, key) end
        fates_of(list, name, half, was, wanted[name][half], is)
      end
    end
  end
  for _, entry in ipairs(list) do
    local may_be_between = entry.fate == "emptied" or entry.fate == "out" and replaced and replaced[entry.key]
    if not USUAL[entry.fate] and not (entry.half == "live" and may_be_between) then
      find("%s is %s:\n%s\n%s", entry.where, entry.fate, tostring(entry.before), tostring(entry.after))
    end
  end
  return list, findings
end

--- Findings where domains are not as wanted, all of them.
function verdict.differences(before, wanted, after)
  local fates, findings = verdict.fates(before, wanted, after)
  for _, entry in ipairs(fates) do
    if entry.fate ~= "kept" and entry.fate ~= "new" then
      findings[#findings + 1] = ("in the end %s is %s: %s"):format(entry.where, entry.fate, tostring(entry.after))
    end
  end
  return findings
end

--- Whether domains are the same, word for word.
function verdict.is_same(before, after)
  return #verdict.differences(before, before, after) == 0
end

-- The report -----------------------------------------------------------------------------------------------

-- The result of the step about a device in a half.  A device without a step was not begun; or it was, and when its
-- domain was planned again there was nothing left to do.
local function result_of_step(run, entry)
  for _, plan in ipairs(run.report.plans or {}) do
    for _, step in ipairs(plan.domain == entry.domain and plan.steps or {}) do
      if step.device == entry.key and step.scope:find(entry.half, 1, true) then return step.result or "left" end
    end
  end
  return run.begun[entry.domain .. "." .. entry.key] and "unknown" or "left"
end

-- Single operations report no more than the plan of their domain.
local function result_of(report, name)
  for _, domain in ipairs(report.domains or report.plans or {}) do
    if domain.domain == name then return domain.result end
  end
  return "failed"
end

local ANY = { old = true, new = true, out = true, emptied = true }

-- What the result of a step says of its device, and that of a domain of all its devices.
local OF_STEP = { done = { new = true }, left = { old = true }, undone = { old = true }, failed = ANY, unknown = ANY }
local OF_DOMAIN = { done = { new = true }, failed = { old = true }, left = { old = true }, partly = ANY }

local function is_named(report, entry)
  for _, problem in ipairs(report.problems or {}) do
    if (problem.path or ""):find(entry.domain .. "." .. entry.key, 1, true) then return true end
  end
  return false
end

local function check_entry(run, entry, find)
  local step, domain = result_of_step(run, entry), result_of(run.report, entry.domain)
  if not OF_STEP[step][entry.fate] then find("%s is %s, and its step is told as %s", entry.where, entry.fate, step) end
  if not OF_DOMAIN[domain][entry.fate] then
    find("%s is %s, and its domain is told as %s", entry.where, entry.fate, domain)
  end
  -- What the next run has to mend, whoever reads the report has to know.
  if not USUAL[entry.fate] and not is_named(run.report, entry) then
    find("%s is %s, and no problem names it", entry.where, entry.fate)
  end
end

local function count_errors(report)
  local count = 0
  for _, problem in ipairs(report.problems or {}) do
    if problem.severity == "error" then count = count + 1 end
  end
  return count
end

local DONE, FAILED, PARTLY = 0, 1, 3

--- Findings where the report does not say what has become of the devices.
function verdict.report(run, fates)
  local findings, find = new_findings()
  local is_changed, is_left = false, false
  for _, entry in ipairs(fates) do
    if entry.fate ~= "kept" then
      check_entry(run, entry, find)
      is_changed, is_left = is_changed or entry.fate ~= "old", is_left or entry.fate ~= "new"
    end
  end
  if run.code ~= DONE and run.code ~= FAILED and run.code ~= PARTLY then find("%s", run.err) end
  if run.code == FAILED and is_changed then find("it is said that nothing has changed") end
  if run.code == DONE and is_left then find("it is said that all is done") end
  local errors = count_errors(run.report)
  if (run.code == DONE) ~= (errors == 0) then find("there are %d errors", errors) end
  return findings
end

return verdict
