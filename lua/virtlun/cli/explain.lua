--- Commands that only explain: lun and help.

local virtlun = require "virtlun"
local help_view = require "virtlun.view.help"
local json_view = require "virtlun.view.json"
local status = require "virtlun.cli.status"

local explain = {}

-- LUNs -----------------------------------------------------------------------------------------------------

--- The number that text says in decimal digits; anything else stays text, for the LUN functions to refuse.
local function decimal(text)
  text = text:match("^%s*(.-)$")
  return text:match("^%-?%d+$") and math.tointeger(tonumber(text)) or text
end

--- A LUN as Linux shows it: the number alone, or the last of [H:C:T:L], with letters where only the guest knows.
local function guest_lun(text)
  return text:match("^%[?[%dH]+:0:[%dT]+:(%d+)%]?$") or text
end

local function lun_data(args)
  local unit, failure
  if args.from_guest then
    local text = guest_lun(args.from_guest)
    if text:find(":", 1, true) then
      local problem = virtlun.problem { code = "bad_form", value = text, expected = "a LUN or H:0:T:LUN" }
      return nil, virtlun.problems { problem }
    end
    unit, failure = virtlun.lun.decode(decimal(text))
  else
    unit = decimal(args.unit)
  end
  if not unit then return nil, failure end
  local lun
  lun, failure = virtlun.lun.encode(unit)
  if not lun then return nil, failure end
  return { unit = unit, lun = lun, wire = virtlun.lun.wire(unit) }
end

function explain.lun(args, out)
  if (args.unit == nil) == (args.from_guest == nil) then
    return status.USAGE, "lun wants either a unit or --from-guest"
  end
  local data, failure = lun_data(args)
  if not data then
    out:report(failure)
    return status.FAILED
  end
  if args.json then
    data.problems = json_view.list {}
    out:json(data)
  else
    out:line(("unit %d  LUN 0x%04x  guest [H:0:T:%d]  wire %s"):format(data.unit, data.lun, data.lun, data.wire))
  end
  return status.OK
end

-- Help -----------------------------------------------------------------------------------------------------

local function names_of(commands)
  local names = {}
  for name in pairs(commands) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Lines on a topic, nil if there are none.  A word that is both a constructor and a command, lun, is explained as the
-- former; what a key is for comes before the page on it.
local function lines_on(schema, topic, commands)
  local lines = help_view.lines(schema, topic)
  if not lines and commands[topic] then return { commands[topic]:get_help() } end
  lines = lines or help_view.key_lines(schema, topic)
  local page = help_view.page_lines(topic)
  if not lines or not page then return lines or page end
  lines[#lines + 1] = ""
  return table.move(page, 1, #page, #lines + 1, lines)
end

function explain.help(args, out)
  local schema = virtlun.schema()
  local names = names_of(args.commands)
  local lines
  if args.topic then
    lines = lines_on(schema, args.topic, args.commands)
  else
    lines = help_view.index(schema, names)
  end
  if not lines then
    local near = help_view.near(schema, names, args.topic, virtlun.suggest)
    local hint = near and (" (did you mean '%s'?)"):format(near) or ""
    out:message(("virtlun: no help on '%s'%s; 'virtlun help' lists the topics"):format(args.topic, hint))
    return status.USAGE
  end
  if args.json then
    out:json { topic = args.topic, text = json_view.list(lines), problems = json_view.list {} }
  else
    for _, line in ipairs(lines) do out:line(line) end
  end
  return status.OK
end

return explain
