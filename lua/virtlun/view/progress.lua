--- How far an apply has come: on a terminal one line that is drawn again and again, elsewhere a line for each step, and
-- with --json an object for each event.  Knows events only; where they are written is the output's matter.

local style = require "virtlun.view.style"
local text = require "virtlun.view.text"

local progress = {}

progress.BAR = 20        -- signs in a bar
local MOST_REDRAWS = 10  -- in a second

local WORDS = { begin = "", done = ": done", failed = ": failed", unknown = ": has no answer",
  undone = ": undone" }
local WAITS = { guest = ": waiting for the guest", busy = ": waiting for another change of the domain" }

--- The step of an event in words: "change sda".
local function step_words(event)
  return ("%s %s"):format(event.step.action, event.step.device)
end

local function state_words(event)
  return WORDS[event.state] or WAITS[event.what] or ": waiting"
end

--- A line about one event, as it stays: "web01: [3/7] change sda: done".
function progress.line(event)
  local count = event.total and ("[%d/%d] "):format(event.number, event.total) or ""
  return text.shown(("%s: %s%s%s"):format(event.domain, count, step_words(event), state_words(event)))
end

--- What stands for what does not fit any more.
function progress.ellipsis()
  return style.is_utf8() and "…" or "..."
end

--- A bar of so many signs: "[######--------------]".
function progress.meter(made, total, signs)
  local full = signs * math.min(made, total) // math.max(total, 1)
  local marks = style.is_utf8() and { "█", "░" } or { "#", "-" }
  return ("[%s%s]"):format(marks[1]:rep(full), marks[2]:rep(signs - full))
end

--- How far it is when so many steps are made, in at most width columns: "web01 [###-------] 3/7, 2 s: change sda".
function progress.bar(event, made, seconds, width)
  local total = event.total or event.number
  local line = ("%s %s %d/%d, %d s: %s%s"):format(event.domain, progress.meter(made, total, progress.BAR), made,
    total, seconds, step_words(event), event.state == "done" and "" or state_words(event))
  return text.clip(text.shown(line), width, progress.ellipsis())
end

--- An event as data.
function progress.data(event)
  return {
    event = "step", state = event.state, domain = event.domain, uri = event.uri, number = event.number,
    total = event.total, what = event.what, action = event.step.action, kind = event.step.kind,
    device = event.step.device,
  }
end

--- A function of the time that says whether something may be drawn again: ten times a second, spread over it where the
-- clock knows parts of seconds.
function progress.pace()
  local second, drawn
  return function(now)
    if second ~= now // 1 then second, drawn = now // 1, 0 end
    local due = math.type(now) == "integer" and MOST_REDRAWS - 1 or MOST_REDRAWS * (now % 1)
    if drawn > due then return false end
    drawn = drawn + 1
    return true
  end
end

local Progress = {}
Progress.__index = Progress

-- Steps that one define makes are begun one after the other, and done together: only counting tells how far it is.
local IS_DONE = { done = true, undone = false }

local function count(self, event)
  if self.domain ~= event.domain then self.domain, self.made, self.is_made = event.domain, 0, {} end
  local was, is = self.is_made[event.number] or false, IS_DONE[event.state]
  if is == nil or is == was then return end
  self.is_made[event.number], self.made = is, self.made + (is and 1 or -1)
end

--- Whether the same line stands there already: who waits tells so again and again.
local function is_told(self, event)
  local line = event.state == "waiting" and progress.line(event)
  local told = line and self.told[line]
  if line then self.told[line] = true end
  return told
end

--- Shows an event of plan:apply: { state =, what =, number =, total =, step =, domain = }.
function Progress:tell(event)
  local out, now = self.out, self.clock()
  count(self, event)
  if out.is_json then
    out:event(progress.data(event))
  elseif out.can_redraw then
    -- The last column stays free: there some terminals go on to the next line.
    local seconds, width = (now - self.begun) // 1, select(2, out:size()) - 1
    if self.may_redraw(now) then out:status { progress.bar(event, self.made, seconds, width) } end
  elseif event.state ~= "begin" and not is_told(self, event) then
    out:progress(progress.line(event))
  end
end

--- Takes the line away, so that what follows stands alone.
function Progress:close()
  self.out:clear()
end

--- Progress on an output (see cli/output.lua).  clock: a function that gives seconds, os.time if unsaid.
function progress.new(out, clock)
  clock = clock or os.time
  return setmetatable({ out = out, clock = clock, begun = clock(), may_redraw = progress.pace(), told = {} }, Progress)
end

return progress
