-- Runs of a fleet on hosts that only pretend, for specs: each test has hosts of its own, and what was told meanwhile.
local pretended = require("support.pretended_hosts")
local scheduler = require("virtlun.fleet.scheduler")
local virtlun = require("virtlun")

local runs = {}

runs.SILENT = 0.05 -- seconds, so that nobody waits long for who is silent

local usual = { silent = scheduler.SILENT, kept = scheduler.KEPT }

--- Begins a test: its hosts, and the list of events that its runs will fill.
function runs.begin()
  runs.hosts, runs.events = pretended.new(), {}
  scheduler.SILENT = runs.SILENT
  return runs.hosts, runs.events
end

--- Ends it.
function runs.finish()
  scheduler.SILENT, scheduler.KEPT = usual.silent, usual.kept
end

--- Runs a function of virtlun on the pretended hosts, and notes the events.
function runs.run(name, domains, opts)
  opts = opts or {}
  local listener = opts.on_progress
  function opts.on_progress(event)
    runs.events[#runs.events + 1] = event
    if listener then listener(event) end
  end
  return runs.hosts:within(virtlun[name], domains, opts)
end

function runs.apply(domains, opts) return runs.run("apply", domains, opts) end

--- The results of a report, in one line.
function runs.results(report)
  local words = {}
  for i, entry in ipairs(report.domains) do words[i] = entry.result end
  return table.concat(words, " ")
end

--- The noted lines that begin so, as a pattern.
function runs.logged(what)
  local lines = {}
  for _, line in ipairs(runs.hosts.log) do
    if line:find("^" .. what) then lines[#lines + 1] = line end
  end
  return lines
end

--- How many they are.
function runs.count(what) return #runs.logged(what) end

function runs.codes(found)
  local list = {}
  for i, problem in ipairs(found) do list[i] = problem.code end
  return table.concat(list, " ")
end

--- The states of a sort of event about something, in one line.
function runs.states(event, uri, domain)
  local words = {}
  for _, one in ipairs(runs.events) do
    if one.event == event and one.uri == uri and one.domain == domain then words[#words + 1] = one.state end
  end
  return table.concat(words, " ")
end

return runs
