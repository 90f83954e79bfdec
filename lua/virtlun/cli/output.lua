--- Where the command writes: results on standard output, messages and problems on standard error.

local virtlun = require "virtlun"
local files = require "virtlun.cli.files"
local json_view = require "virtlun.view.json"
local problems_view = require "virtlun.view.problems"
local status = require "virtlun.cli.status"
local style = require "virtlun.view.style"
local text_view = require "virtlun.view.text"

local output = {}

-- Beside its methods an output has has_begun: whether a command has begun what may change something.  Its height is
-- how many lines stand there that are taken away again.
local Output = {}
Output.__index = Output

function Output:write(text)
  self:clear()
  local good, message = io.stdout:write(text)
  if not good then self.failure = message end
end

function Output:line(text)
  self:write(text .. "\n")
end

--- Writes a picture into a file, or to standard output if its path is -; what keeps it from that is told.
function Output:picture(path, text)
  if path == "-" then return self:write(text) end
  local good, message = files.write(path, text)
  if good then return end
  self:message(("virtlun: the picture cannot be written: %s: %s"):format(path, message))
  self.has_failed = true
end

--- Whether everything was written; says so if standard output was not.
function Output:close()
  self:clear()
  local good, message = io.stdout:flush()
  local failure = self.failure or (not good and message)
  if failure then self:message("virtlun: standard output cannot be written: " .. failure) end
  return not failure and not self.has_failed
end

--- Data as JSON without passwords in it; exact: word for word.  After events, in one line as the last of them.
function Output:json(data, exact)
  if not exact then data = json_view.masked(data) end
  if self.has_events then data.event = "result" end
  self:line(json_view.text(data, self.has_events))
end

--- An event as JSON in one line, which whoever reads along gets at once.
function Output:event(data)
  self:line(json_view.text(json_view.masked(data), true))
  io.stdout:flush()
end

--- Tells something on standard error, in a line that stands for itself.
function Output:message(text)
  self:tell(text_view.shown(text))
end

function Output:tell(painted)
  self:clear()
  io.stdout:flush() -- so that a terminal shows both in their order
  io.stderr:write(painted, "\n")
end

--- From anywhere in the last line of what stands there to the beginning of its first one.
local function to_begin(height)
  return height > 1 and ("\r\27[%dA"):format(height - 1) or "\r"
end

--- Lines that the next ones, or clear, take away again; only where can_redraw.  None may be wider than the terminal,
-- and they must be fewer than it has.
function Output:status(lines)
  io.stdout:flush()
  local below = self.height > #lines and "\27[J" or ""
  -- In one piece, so that nobody sees half of it.
  io.stderr:write(to_begin(self.height) .. table.concat(lines, "\27[K\n") .. "\27[K" .. below)
  self.height = #lines
end

function Output:clear()
  if self.height > 0 then io.stderr:write(to_begin(self.height) .. (self.height > 1 and "\27[J" or "\27[K")) end
  self.height = 0
end

local NARROWEST = 20

--- The number that a variable says, or that was asked for, or the usual one.
local function size(variable, asked, usual)
  local said = math.tointeger(tonumber(os.getenv(variable) or "") or tonumber(asked))
  return said and said > 0 and said or usual
end

--- How many lines and columns the terminal has.
function Output:size()
  if not self.lines then
    local pipe = io.popen("stty size <&2 2>/dev/null")
    local lines, columns = (pipe and pipe:read("a") or ""):match("^(%d+) (%d+)")
    if pipe then pipe:close() end
    self.lines, self.columns = size("LINES", lines, 24), math.max(size("COLUMNS", columns, 80), NARROWEST)
  end
  return self.lines, self.columns
end

--- A message for people who watch; neither with --json nor with -q.
function Output:progress(text)
  if not self.is_json and not self.quiet then self:message(text) end
end

-- What hints say in the words of the library, and how the command line says it.
local FLAGS = { ['scope = "config"'] = "--config", ['how = "reset"'] = "--reset", ["power_off = true"] = "--power-off",
  ["force = true"] = "--force" }

--- A problem in one line, as it is told to somebody at the command line.
local function line_of(problem)
  local hint = problem.hint and problem.hint:gsub('[%l_]+ = [%l"]+', FLAGS)
  return virtlun.line(setmetatable({ hint = hint }, { __index = problem }))
end

--- Problems, one a line, but one line of a recipe once for all its domains; -q leaves out notes and warnings.
function Output:problems(found)
  for _, problem in ipairs(problems_view.folded(found)) do
    if problem.severity == "error" or not self.quiet then
      self:tell(self.paint_error(problem.severity, text_view.shown(line_of(problem))))
    end
  end
end

--- Problems where people look for them: on standard error, or as JSON when there is nothing else.
function Output:report(found)
  if self.is_json then self:json { problems = json_view.list(found) } else self:problems(found) end
end

--- Asks a question; only y or yes is a yes.
function Output:ask(question)
  self:clear()
  io.stdout:flush()
  io.stderr:write(text_view.shown(question))
  local answer = (io.read("l") or ""):lower()
  return answer == "y" or answer == "yes"
end

--- Whether a command may go on: with --yes, or where somebody says so.  False and the exit status if not, and no (or
-- that nothing was changed) is told.
function Output:may(args, command, question, no)
  if args.yes then return true end
  if not self.can_ask then
    local where = self.is_json and "with --json" or "without a terminal"
    self:message(("virtlun: %s, %s needs --yes"):format(where, command))
    return false, status.USAGE
  end
  if self:ask(question .. " [y/N] ") then return true end
  self:message(no or "nothing was changed")
  return false, status.FAILED
end

local function is_terminal(fd)
  return os.execute(("test -t %d"):format(fd)) == true
end

-- Commands whose JSON is a line for each event, and then one with the whole.
local MAKES_PLANS = { apply = true, remove = true }

--- opts: those of the command line: json, quiet, verbose, grid, svg, xml_diff; no_color, which wins; NO_COLOR and a
-- dumb terminal win too.
function output.new(opts)
  local is_watched, is_dumb = is_terminal(2), os.getenv("TERM") == "dumb"
  local may_paint = not opts.no_color and (os.getenv("NO_COLOR") or "") == "" and not is_dumb
  return setmetatable({
    is_json = opts.json, quiet = opts.quiet, verbose = opts.verbose,
    paint = style.painter(may_paint and not opts.json and is_terminal(1)),
    paint_error = style.painter(may_paint and is_watched),
    is_watched = is_watched, can_redraw = is_watched and not is_dumb and not opts.quiet,
    has_events = opts.json and MAKES_PLANS[opts.command],
    grid = opts.grid, svg = opts.svg, xml_diff = opts.xml_diff, timeout = opts.timeout,
    height = 0,
    can_ask = not opts.json and is_watched and is_terminal(0),
  }, Output)
end

return output
