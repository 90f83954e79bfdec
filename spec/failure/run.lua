-- Fails every allocation of every scenario: first alone, then with all that come after it; and judges what comes of it.
-- Run by the program failures:
--
--   run.lua MODULE MOST [PART]
--
-- MODULE: that of the scenarios.  MOST: how many allocations of each are failed in each of both ways, evenly spread; 0
-- for all.  PART: of the names of those that are played, without it all.
local failure = require("failure")

local module, most, part = ...
most = tonumber(most)

-- What is compared with, and found.
local findings, total = 0, 0

local function found(one, mode, n, what)
  findings = findings + 1
  print(("%s, %s, allocation %d: %s"):format(one.name, mode, n, what))
end

-- That it is the recipe which needs too much, is not so.
local function says_memory(one, what)
  what = tostring(what)
  if what:find("too_large", 1, true) then return false end
  return what:find("memory", 1, true) ~= nil or one.says ~= nil and what:find(one.says, 1, true) ~= nil
end

-- A list of problems as it prints itself, or an error of any kind.
local function words_of(value)
  if type(value) ~= "table" then return tostring(value) end
  local words = {}
  for i, problem in ipairs(value) do words[i] = tostring(problem.code) .. ": " .. tostring(problem.message) end
  return #words > 0 and table.concat(words, "; ") or tostring(value)
end

-- Where two texts part.
local function differing(shown, right)
  local at = 1
  while shown:byte(at) == right:byte(at) do at = at + 1 end
  local from = math.max(1, at - 40)
  return ("it gives ...%s\n  instead of ...%s"):format(shown:sub(from, at + 160), right:sub(from, at + 160))
end

-- A scenario once: how many allocations it took, and what is wrong with how it ended.  right: what it gives when
-- nothing fails.
local function play(one, mode, n, right)
  if one.state then
    local count, good, said = failure.state(mode, n, one.state)
    if good and (not right or said == right) or says_memory(one, said) then return count, nil, said end
    return count, "it ends with " .. said, said
  end
  local made = one.make()
  local answer = table.pack(failure.try(mode, n, one.run, made))
  local count, good, result = answer[1], answer[2], answer[3]
  local wrong
  local shown = good and one.text(made, table.unpack(answer, 3, answer.n))
  if not good then
    if not says_memory(one, result) then wrong = "it raises " .. tostring(result) end
  elseif right and shown ~= right and (result or not says_memory(one, words_of(answer[4]))) then
    wrong = differing(shown, right)
  end
  if one.again then
    local well, message = pcall(one.again, made)
    if not well then wrong = (wrong and wrong .. "\n" or "") .. "afterwards " .. tostring(message) end
  end
  return count, wrong, shown
end

local function collect()
  collectgarbage()
  collectgarbage()
  return failure.live()
end

-- Blocks that were not given back in some rounds; those who took them are told one by one.
local function look_for_leaks(one, mode, from, to, step, right, before)
  if one.only or collect() <= before then return end
  for n = from, to, step do
    local had = collect()
    play(one, mode, n, right)
    local more = collect() - had
    if more > (one.loses or 0) then found(one, mode, n, ("%d blocks are never given back"):format(more)) end
  end
end

local NEVER = math.maxinteger // 2 -- no scenario takes so much
local BETWEEN = 25 -- rounds between looks for leaks: the collector takes longer than most rounds

-- Every n-th allocation fails; how many were.
local function fail_each(one, mode, right, step)
  local n, failed, first = 1, 0, 1
  local before = collect()
  while true do
    failure.at(("%s, %s, allocation %d"):format(one.name, mode, n))
    local count, wrong = play(one, mode, n, right)
    if wrong then found(one, mode, n, wrong) end
    if count < n then break end
    failed = failed + 1
    if failed % BETWEEN == 0 then
      look_for_leaks(one, mode, first, n, step, right, before)
      first, before = n + step, collect()
    end
    -- What came after the failure must not have done harm to what lives on.
    local _, _, shown = play(one, "ever", NEVER, right)
    if shown ~= right then found(one, mode, n, "the next time " .. differing(tostring(shown), right)) end
    n = n + step
  end
  look_for_leaks(one, mode, first, n, step, right, before)
  return failed
end

local function fail_all(one)
  failure.at(one.name .. ", before anything fails")
  play(one, "ever", NEVER)
  failure.only(table.unpack(one.only or {}))
  local count, wrong, right = play(one, "ever", NEVER)
  if wrong then error(one.name .. ": " .. wrong) end
  local begun = os.clock()
  local step = most > 0 and math.max(1, count // most) or 1
  local failed = fail_each(one, "once", right, step) + fail_each(one, "ever", right, step)
  if one.finish then one.finish(one.make()) end
  total = total + failed
  print(("%-40s %6d allocations, %6d failures, %5.1f s"):format(one.name, count, failed, os.clock() - begun))
end

for _, one in ipairs(require(module)) do
  if one.name:find(part or "", 1, true) then fail_all(one) end
  io.stdout:flush()
end
print(("%d failures of memory, %d findings"):format(total, findings))
return findings == 0
