--- Where the command writes: results on standard output, messages and problems on standard error.

local virtlun = require "virtlun"
local json_view = require "virtlun.view.json"
local status = require "virtlun.cli.status"
local style = require "virtlun.view.style"

local output = {}

local Output = {}
Output.__index = Output

function Output:write(text)
  local good, message = io.stdout:write(text)
  if not good then self.failure = message end
end

function Output:line(text)
  self:write(text .. "\n")
end

--- Whether everything reached standard output; says so if it did not.
function Output:close()
  local good, message = io.stdout:flush()
  local failure = self.failure or (not good and message)
  if failure then self:message("virtlun: standard output cannot be written: " .. failure) end
  return not failure
end

function Output:json(data)
  self:line(json_view.text(data))
end

function Output:message(text)
  io.stdout:flush() -- so that a terminal shows both in their order
  io.stderr:write(text, "\n")
end

--- A message for people who watch; neither with --json nor with -q.
function Output:progress(text)
  if not self.is_json and not self.quiet then self:message(text) end
end

--- Problems, one a line; -q leaves out notes and warnings.
function Output:problems(found)
  for _, problem in ipairs(found) do
    if problem.severity == "error" or not self.quiet then
      self:message(self.paint_error(problem.severity, virtlun.line(problem)))
    end
  end
end

--- Problems where people look for them: on standard error, or as JSON when there is nothing else.
function Output:report(found)
  if self.is_json then self:json { problems = json_view.list(found) } else self:problems(found) end
end

--- Asks a question; only y or yes is a yes.
function Output:ask(question)
  io.stdout:flush()
  io.stderr:write(question)
  local answer = (io.read("l") or ""):lower()
  return answer == "y" or answer == "yes"
end

--- Whether a command may go on: with --yes, or where somebody says so.  False and the exit status if not.
function Output:may(args, command, question)
  if args.yes then return true end
  if not self.can_ask then
    local where = self.is_json and "with --json" or "without a terminal"
    self:message(("virtlun: %s, %s needs --yes"):format(where, command))
    return false, status.USAGE
  end
  if self:ask(question .. " [y/N] ") then return true end
  self:message("nothing was changed")
  return false, status.FAILED
end

local function is_terminal(fd)
  return os.execute(("test -t %d"):format(fd)) == true
end

--- opts: json, quiet, verbose, no_color, which wins; NO_COLOR and a dumb terminal win too.
function output.new(opts)
  local is_watched = is_terminal(2)
  local may_paint = not opts.no_color and (os.getenv("NO_COLOR") or "") == "" and os.getenv("TERM") ~= "dumb"
  return setmetatable({
    is_json = opts.json, quiet = opts.quiet, verbose = opts.verbose,
    paint = style.painter(may_paint and not opts.json and is_terminal(1)),
    paint_error = style.painter(may_paint and is_watched),
    is_watched = is_watched,
    can_ask = not opts.json and is_watched and is_terminal(0),
  }, Output)
end

return output
