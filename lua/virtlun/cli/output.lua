--- Where the command writes: results on standard output, messages and problems on standard error.

local virtlun = require "virtlun"
local json_view = require "virtlun.view.json"
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

--- Problems, one a line; quiet leaves out notes and warnings.
function Output:problems(found, quiet)
  for _, problem in ipairs(found) do
    if problem.severity == "error" or not quiet then
      self:message(self.paint_error(problem.severity, virtlun.line(problem)))
    end
  end
end

--- Asks a question; only y or yes is a yes.
function Output:ask(question)
  io.stdout:flush()
  io.stderr:write(question)
  local answer = (io.read("l") or ""):lower()
  return answer == "y" or answer == "yes"
end

local function is_terminal(fd)
  return os.execute(("test -t %d"):format(fd)) == true
end

--- opts.no_color wins; NO_COLOR and a dumb terminal too.
function output.new(opts)
  local may_paint = not opts.no_color and (os.getenv("NO_COLOR") or "") == "" and os.getenv("TERM") ~= "dumb"
  return setmetatable({
    paint = style.painter(may_paint and not opts.json and is_terminal(1)),
    paint_error = style.painter(may_paint and is_terminal(2)),
    can_ask = not opts.json and is_terminal(0) and is_terminal(2),
  }, Output)
end

return output
