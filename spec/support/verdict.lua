-- Judges what a run of virtlun has left, of which a call failed: nothing lost, nothing doubled, nothing changed that
-- was not to be, every half as it was or as it is to be, and a report that says just that.  It knows only what
-- support.calls has seen, and the report; findings are texts.
local verdict = {}

local HALVES = { "live", "config" }

local function each_key(...)
  local keys, list = {}, {}
  for _, devices in ipairs { ... } do
    for key in pairs(devices) do keys[key] = true end
  end
  for key in pairs(keys) do list[#list + 1] = key end
  table.sort(list)
  return ipairs(list)
end

-- A CD drive without what moves while its medium is changed.
local function frame(line)
  return line and (line:gsub("<source[^>]-/>", ""):gsub("<source.-</source>", ""):gsub(" tray='open'", "")
    :gsub("(<driver name='qemu') type='raw'", "%1"))
end

-- What has become of a device: "kept" where nothing was to change, "old", "new"; "out" where it is to be there again,
-- "emptied" where another medium is to come into it, and "wrong".
local function fate(before, wanted, after)
  if after == before then return before == wanted and "kept" or "old" end
  if after == wanted then return "new" end
  if not after then return "out" end
  local is_cdrom = before and wanted and after:find("device='cdrom'", 1, true)
  return is_cdrom and frame(after) == frame(before) and frame(before) == frame(wanted) and "emptied" or "wrong"
end

-- What the next run has to mend, and who reads the report has to know.
local IS_BETWEEN = { out = true, emptied = true }

--- The fates of all devices: list of { domain =, half =, key =, fate =, before =, after = }, and findings that need no
-- report.  replaced: names of the devices that may be out for a while.
function verdict.fates(before, wanted, after, replaced)
  local list, findings = {}, {}
  local function find(...) findings[#findings + 1] = string.format(...) end
  for name, halves in pairs(before) do
    for _, half in ipairs(HALVES) do
      local was, is, to_be = halves[half], after[name][half], wanted[name][half]
      if was and not is then find("%s is not %s any more", name, half) end
      if was and is then
        if was.rest ~= is.rest then find("%s %s: what is no device has changed:\n%s\n%s", name, half, was.rest, is.rest) end
        for _, key in ipairs(is.doubled) do find("%s %s: %s is there twice", name, half, key) end
        for _, key in each_key(was.devices, to_be.devices, is.devices) do
          local entry = { domain = name, half = half, key = key, before = was.devices[key], after = is.devices[key],
            fate = fate(was.devices[key], to_be.devices[key], is.devices[key]) }
          if was.devices[key] == to_be.devices[key] and entry.fate ~= "kept" then
            find("%s %s: %s was to stay:\n%s\n%s", name, half, key, tostring(entry.before), tostring(entry.after))
          end
          local is_allowed = half == "live" and (entry.fate == "emptied" or entry.fate == "out" and (replaced or {})[key])
          if entry.fate == "wrong" or IS_BETWEEN[entry.fate] and not is_allowed then
            find("%s %s: %s is %s:\n%s\n%s", name, half, key, entry.fate, tostring(entry.before), tostring(entry.after))
          end
          list[#list + 1] = entry
        end
      end
    end
  end
  return list, findings
end

--- Whether domains are the same, word for word.
function verdict.is_same(before, after)
  local fates, findings = verdict.fates(before, before, after)
  if #findings > 0 then return false, findings end
  for _, entry in ipairs(fates) do
    if entry.fate ~= "kept" then return false end
  end
  return true
end

-- The report -----------------------------------------------------------------------------------------------

-- The step about a device in a half, nil if there is none.
local function step_of(report, entry)
  for _, plan in ipairs(report.plans or {}) do
    for _, step in ipairs(plan.domain == entry.domain and plan.steps or {}) do
      if step.device == entry.key and step.scope:find(entry.half, 1, true) then return step end
    end
  end
end

local function is_named(report, entry)
  local path = entry.domain .. "." .. entry.key
  for _, problem in ipairs(report.problems or {}) do
    if (problem.path or ""):find(path, 1, true) then return true end
  end
  return false
end

-- What a step's result says of a device in a half.
local ALLOWED = {
  done = { new = true }, left = { old = true }, undone = { old = true },
  failed = { old = true, new = true, out = true, emptied = true },
  unknown = { old = true, new = true, out = true, emptied = true },
}

-- Single operations report no more than the plan of their domain.
local function result_of(report, name)
  for _, domain in ipairs(report.domains or report.plans or {}) do
    if domain.domain == name then return domain.result end
  end
end

-- A device without a step was not begun; or it was, and when its domain was planned again there was nothing left to do.
local function result_of_step(run, entry)
  local step = step_of(run.report, entry)
  if step then return step.result end
  return run.begun[entry.domain .. "." .. entry.key] and "unknown" or "left"
end

-- What the result of a domain says of each of its devices.
local RESULTS = {
  done = { new = true }, failed = { old = true }, left = { old = true },
  partly = { old = true, new = true, out = true, emptied = true },
}

--- Findings of a report that does not say what has become of the devices.
function verdict.report(run, fates)
  local report, findings, changed = run.report, {}, false
  local function find(...) findings[#findings + 1] = string.format(...) end
  for _, entry in ipairs(fates) do
    local is, result = entry.fate, result_of_step(run, entry)
    local where = ("%s %s: %s is %s"):format(entry.domain, entry.half, entry.key, is)
    changed = changed or is ~= "kept" and is ~= "old"
    if is ~= "kept" then
      if not ALLOWED[result][is] then find("%s, and its step is told as %s", where, result) end
      local of_domain = result_of(report, entry.domain) or "failed"
      if not RESULTS[of_domain][is] then find("%s, and its domain is told as %s", where, of_domain) end
      if IS_BETWEEN[is] and not is_named(report, entry) then find("%s, and no problem names it", where) end
    end
  end
  local is_done = run.code == 0
  if run.code ~= 0 and run.code ~= 1 and run.code ~= 3 then find("exit status %s: %s", run.code, run.err) end
  if run.code == 1 and changed then find("exit status 1, and the host has changed") end
  local errors = 0
  for _, problem in ipairs(report.problems or {}) do
    if problem.severity == "error" then errors = errors + 1 end
  end
  if is_done == (errors > 0) then find("exit status %d with %d errors", run.code, errors) end
  if is_done then
    for _, entry in ipairs(fates) do
      if entry.fate == "old" then find("exit status 0, and %s %s %s is as it was", entry.domain, entry.half, entry.key) end
    end
  end
  return findings
end

return verdict
