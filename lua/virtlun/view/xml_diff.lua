--- What a plan does to the host's XML, as a unified diff: a hunk for each call of libvirt, from the element as it
-- stands to the element as it will be.

local text = require "virtlun.view.text"

local view = {}

local NOWHERE = "/dev/null" -- as diff names what is not there

--- Lengths of the longest common tails of both lists, by where they begin.
local function common_tails(a, b)
  local tails = { [#a + 1] = {} }
  for i = #a, 1, -1 do
    tails[i] = {}
    for j = #b, 1, -1 do
      local longest = math.max(tails[i + 1][j] or 0, tails[i][j + 1] or 0)
      tails[i][j] = a[i] == b[j] and (tails[i + 1][j + 1] or 0) + 1 or longest
    end
  end
  return tails
end

--- Both lists as one: { sign, line } each, what goes before what comes.
local function merged(a, b)
  local tails, rows, i, j = common_tails(a, b), {}, 1, 1
  while i <= #a or j <= #b do
    if i <= #a and j <= #b and a[i] == b[j] then
      rows[#rows + 1] = { " ", a[i] }
      i, j = i + 1, j + 1
    elseif j > #b or i <= #a and (tails[i + 1][j] or 0) >= (tails[i][j + 1] or 0) then
      rows[#rows + 1] = { "-", a[i] }
      i = i + 1
    else
      rows[#rows + 1] = { "+", b[j] }
      j = j + 1
    end
  end
  return rows
end

local ACTIONS = { ["+"] = "add", ["-"] = "remove" }

local function range(lines)
  return ("%d,%d"):format(#lines > 0 and 1 or 0, #lines)
end

local function add_call(lines, plan, step, call, paint)
  local before, after = text.of_xml(call.before), text.of_xml(call.xml)
  if #before + #after == 0 then return end
  local name = text.shown(("%s %s (%s)"):format(plan.domain, step.device, call.scope))
  lines[#lines + 1] = paint("strong", "--- " .. (#before > 0 and name or NOWHERE))
  lines[#lines + 1] = paint("strong", ("+++ %s  %s"):format(#after > 0 and name or NOWHERE, call.call))
  lines[#lines + 1] = paint("note", ("@@ -%s +%s @@"):format(range(before), range(after)))
  for _, row in ipairs(merged(before, after)) do
    local line = row[1] .. row[2]
    lines[#lines + 1] = ACTIONS[row[1]] and paint(ACTIONS[row[1]], line) or line
  end
end

--- Lines of a plan's diff; none where nothing is to do.  opts: paint.
function view.lines(plan, opts)
  local lines = {}
  for _, step in ipairs(plan.steps) do
    for _, call in ipairs(step.calls or {}) do add_call(lines, plan, step, call, opts.paint) end
  end
  return lines
end

return view
