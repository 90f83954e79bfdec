--- The command reboot: a domain, from a certain drive if one is named.

local hosts = require "virtlun.cli.hosts"
local json_view = require "virtlun.view.json"
local sources = require "virtlun.cli.sources"
local status = require "virtlun.cli.status"

local reboot = {}

local WORDS = { reboot = "rebooted", reset = "reset", power_off = "powered off and started again" }

--- One event of the domain's life in few words.
local function event_text(event)
  return event.change or event.event
end

local function print_result(result, args, out)
  out:problems(result.notes)
  if out.quiet then return end
  local events = {}
  for i, event in ipairs(result.events) do events[i] = event_text(event) end
  local from = args.from and " from " .. args.from or ""
  out:line(("%s: %s%s (%s)"):format(args.domain, WORDS[result.how], from, table.concat(events, ", ")))
end

function reboot.reboot(args, out)
  local open = hosts.new { connect = args.connect, timeout = args.timeout, out = out }
  local dom, failure = open:domain(args.domain)
  local result, changed
  if dom then
    out.has_begun = true
    result, failure, changed = dom:reboot {
      from = args.from and sources.drive(dom, args.from), how = args.reset and "reset" or "reboot",
      power_off = args.power_off, force = args.force, timeout = args.timeout,
    }
  end
  open:close()
  if not result then
    out:report(failure)
    return changed and status.PARTLY or status.FAILED
  end
  if args.json then
    out:json { domain = args.domain, how = result.how, events = json_view.list(result.events),
      problems = json_view.list(result.notes) }
  else
    print_result(result, args, out)
  end
  return status.OK
end

return reboot
