--- The progress of a run with many domains: on a terminal a bar, a cell for each domain and what hangs, drawn in place;
-- elsewhere a line for each domain that has ended; and with --json an object for each event.  A single domain has the
-- progress of its steps (view/progress.lua).
--
-- Knows events and where they lead to (view/round.lua); where they are written is the output's matter.

local names = require "virtlun.view.names"
local progress = require "virtlun.view.progress"
local rounds = require "virtlun.view.round"
local style = require "virtlun.view.style"
local text = require "virtlun.view.text"

local cells = {}

local MOST_HOSTS = 3 -- that are named while they hang

-- What a domain looks like in each state; a cell that stands for several domains shows the first of these.
local STATES = {
  { "failed", "!", "✗", "error" }, { "partly", "%", "%", "warning" }, { "left", "-", "-", "warning" },
  { "running", ">", "▓", "note" }, { "planning", "o", "░", "note" }, { "planned", ":", "▒" }, { "waiting", ".", "·" },
  { "done", "#", "█", "add" }, { "unchanged", "=", "=", "faint" },
}

local RANKS = {}
for rank, state in ipairs(STATES) do RANKS[state[1]] = rank end

-- On a terminal --------------------------------------------------------------------------------------------

--- ", 3 failed, 1 left".
local function bad_ends(round)
  local words = ""
  for _, state in ipairs { "failed", "partly", "left" } do
    local count = round.counts[state] or 0
    if count > 0 then words = ("%s, %d %s"):format(words, count, state) end
  end
  return words
end

local function duration(seconds)
  return seconds < 120 and ("%d s"):format(seconds) or ("%d min"):format(math.ceil(seconds / 60))
end

--- "[#####-----] 412/1000 domains, 3 failed, 12 s, about 17 s left".
local function bar(round, now, columns)
  local count, total = round:count(), #round.domains
  local seconds, left = round:seconds(now)
  local meter = progress.meter(count, total, math.min(progress.BAR, columns // 4))
  return ("%s %d/%d domains%s%s, %s%s"):format(meter, count, total, round.is_making and "" or " planned",
    bad_ends(round), duration(seconds), left and left > 0 and (", about %s left"):format(duration(left)) or "")
end

--- The ranks of the cells, a list: each stands for so many domains and has the rank of the worst of them.
local function ranks_of(round, size)
  local ranks = {}
  for i, domain in ipairs(round.domains) do
    local cell = (i - 1) // size + 1
    ranks[cell] = math.min(ranks[cell] or #STATES, RANKS[domain.state])
  end
  return ranks
end

--- A row of cells from one of the ranks to another; what looks the same is painted in one piece.
local function row(ranks, first, last, paint)
  local parts, column = {}, style.is_utf8() and 3 or 2
  while first <= last do
    local state, count = STATES[ranks[first]], 1
    while first + count <= last and ranks[first + count] == ranks[first] do count = count + 1 end
    local signs = state[column]:rep(count)
    parts[#parts + 1] = state[4] and paint(state[4], signs) or signs
    first = first + count
  end
  return table.concat(parts)
end

local function add_rows(lines, round, width, height, paint)
  local size = math.ceil(#round.domains / (width * height))
  local ranks = ranks_of(round, size)
  for first = 1, #ranks, width do
    lines[#lines + 1] = row(ranks, first, math.min(first + width - 1, #ranks), paint)
  end
end

--- What is under way: that of the domain which has been so for longest.
local function activity(round)
  local domain, more = round.active[1], #round.active - 1
  if not domain then return nil end
  local label = round:label(domain)
  local words = domain.state == "planning" and label .. ": is planned" or label .. ": begins"
  if domain.step then words = progress.line(setmetatable({ domain = label }, { __index = domain.step })) end
  return words .. (more > 0 and (", and %d more"):format(more) or "")
end

local function silence(host)
  return ("%s has not answered for %d s"):format(names.host(host.uri), host.seconds // 1)
end

--- Lines that tell where a round stands, for a terminal of so many lines and columns.  The last column stays free, as
-- there some terminals go on to the next line, and so does a line, as what fills a terminal cannot be taken away.
function cells.lines(round, now, height, columns, paint)
  local width, lines, words = columns - 1, {}, {}
  local function add(line) lines[#lines + 1] = text.clip(text.shown(line), width, progress.ellipsis()) end
  add(bar(round, now, columns))
  add_rows(lines, round, width, math.max(height // 3, 1), paint)
  words[1] = activity(round)
  for i = 1, math.min(#round.hosts, MOST_HOSTS) do words[#words + 1] = silence(round.hosts[i]) end
  local more = #round.hosts - MOST_HOSTS
  if more > 0 then words[#words + 1] = ("and %s"):format(style.plural(more, "more host")) end
  for _, line in ipairs(words) do add(line) end
  return table.move(lines, 1, math.max(height - 1, 1), 1, {})
end

local Block = {}
Block.__index = Block

--- Whether ssh asks somebody now, on the same terminal.
function Block:is_asked(event)
  if event.state == "asking" then self.asking = event.uri end
  local is_answered = event.state == "connected" or event.state == "lost"
  if is_answered and event.uri == self.asking then self.asking = nil end
  return self.asking ~= nil
end

function Block:tell(event)
  local now = self.clock()
  self.round:take(event, now)
  if self:is_asked(event) then return self.out:clear() end
  if not self.may_redraw(now) then return end
  local height, columns = self.out:size()
  self.out:status(cells.lines(self.round, now, height, columns, self.out.paint_error))
end

-- Elsewhere ------------------------------------------------------------------------------------------------

local function made(event)
  return style.plural(event.made or 0, "change") .. " made"
end

--- How a domain ended, by its state.
local ENDS = {
  done = made,
  unchanged = function() return "nothing to do" end,
  partly = function(event)
    local words = (event.made or 0) > 0 and "failed after " .. made(event) or "failed while it was changed"
    return ("%s: %s"):format(words, event.message or "")
  end,
  failed = function(event) return "failed: " .. (event.message or "") end,
  left = function() return "left" end,
}

--- A line for each host that begins to hang, and that answers again.  hung: those that hang, by their URIs.
local function tell_of_host(out, hung, event)
  local hangs, hung_before = event.state == "waiting", hung[event.uri]
  hung[event.uri] = hangs or nil
  if hangs and not hung_before then out:progress(silence(event)) end
  if hung_before and not hangs and event.state ~= "lost" then out:progress(event.uri .. " answers again") end
end

local Lines = {}
Lines.__index = Lines

--- A line is worth what was begun: that a domain has nothing to do or could not be planned is told otherwise.
function Lines:tell(event)
  local round, out = self.round, self.out
  local domain = round:take(event, self.clock())
  if event.event == "host" then return tell_of_host(out, self.hung, event) end
  if event.event == "step" and out.verbose then return self.steps:tell(event) end
  if event.event ~= "domain" or not domain then return end
  self.begun[domain] = self.begun[domain] or event.state == "begin"
  local words = (self.begun[domain] or out.verbose) and ENDS[domain.state]
  if not words then return end
  out:progress(("[%d/%d] %s: %s"):format(round.ended, #round.domains, round:label(domain), words(event)))
end

-- As data --------------------------------------------------------------------------------------------------

--- An event as data.
function cells.data(event)
  if event.event == "step" then return progress.data(event) end
  return { event = event.event, state = event.state, domain = event.domain, uri = event.uri, changes = event.changes,
    made = event.made, seconds = event.seconds, message = event.message }
end

local Data = {}
Data.__index = Data

function Data:tell(event)
  self.out:event(cells.data(event))
end

-- A single domain ------------------------------------------------------------------------------------------

local Single = {}
Single.__index = Single

function Single:tell(event)
  if event.event == "step" then return self.steps:tell(event) end
  if event.event == "host" and not self.out.is_json then tell_of_host(self.out, self.hung, event) end
end

-- All of them ----------------------------------------------------------------------------------------------

for _, kind in ipairs { Block, Lines, Data, Single } do
  --- Takes away what is drawn, so that what follows stands alone.
  function kind:close() self.out:clear() end
end

local function kind_of(out, domains)
  if #domains == 1 then return Single end
  return out.is_json and Data or out.can_redraw and Block or Lines
end

--- Progress on an output (see cli/output.lua) of domains, a list of { domain =, uri = }, with methods tell(event),
-- which takes what virtlun.apply gives on_progress, and close().  clock: a function that gives seconds, os.time if
-- unsaid.
function cells.new(out, domains, clock)
  clock = clock or os.time
  return setmetatable({ out = out, clock = clock, round = rounds.new(domains, clock()), hung = {}, begun = {},
    may_redraw = progress.pace(), steps = progress.new(out, clock) }, kind_of(out, domains))
end

return cells
