--- Asks somebody at the terminal for what a host wants to know before it lets us in.
--
-- Passwords are not shown while they are typed, and whatever happens meanwhile, the terminal is then as it was. What is
-- typed goes to libvirt and nowhere else.

local text_view = require "virtlun.view.text"
local virtlun = require "virtlun"

local credentials = {}

--- What stty says of, or does with, the terminal on standard input; nil if it could not.
local function stty(argument)
  local pipe = io.popen(("stty %s 2>/dev/null"):format(argument))
  local said = pipe:read("a")
  return pipe:close() and said
end

--- What somebody types after the words; nil without a line.
local function read(words)
  io.stderr:write(text_view.shown(words))
  return io.read("l")
end

--- The same without showing it, also if it is typed too early; nil too where it would be seen.
local function read_unseen(words)
  local before = stty "-g"
  if not before then return nil end
  local answer = stty "-echo" and read(words)
  stty(before)
  if answer then io.stderr:write("\n") end
  return answer or nil
end

--- What somebody types for each prompt; nil if that is not to be had for one.
local function answers_to(prompts, out)
  local answers = {}
  for i, prompt in ipairs(prompts) do
    out:clear()
    local words = ("%s: %s: "):format(prompts.uri or "libvirt", prompt.prompt or prompt.type)
    local answer = (prompt.secret and read_unseen or read)(words)
    if not answer or virtlun.interrupted() then
      io.stderr:write("\n")
      return nil
    end
    answers[i] = answer == "" and prompt.default or answer
  end
  return answers
end

--- The function ask of virtlun.open for this output; nil where nobody can be asked. Signals end it like an answer that
-- does not come, and only then the program, so that the terminal is never left mute.
function credentials.ask(out)
  if not out.can_ask then return nil end
  return function(prompts)
    if virtlun.interrupted() then return nil end
    local answers, interrupted = virtlun.interruptible(function()
      return answers_to(prompts, out), virtlun.interrupted()
    end)
    -- Whoever counts signals all the time knows of it.
    if interrupted and not virtlun.interrupted() then error("interrupted!", 0) end
    return answers
  end
end

return credentials
