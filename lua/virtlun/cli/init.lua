--- The command virtlun: reads the command line, runs the command, gives the exit status.

local commands = require "virtlun.cli.commands"
local options = require "virtlun.cli.options"
local output = require "virtlun.cli.output"
local virtlun = require "virtlun"

local cli = {}

-- argparse takes -1 for an option; a number is meant.
local function protect_numbers(args)
  local result = {}
  for _, arg in ipairs(args) do
    if arg:match("^%-%d") then result[#result + 1] = "--" end
    result[#result + 1] = arg
  end
  return result
end

--- Runs the command with the given arguments; returns the exit status.
function cli.main(args)
  local help = {} -- what -h raises, so that nothing else is looked at
  local parser = options.parser(function(text)
    help.text = text
    error(help, 0)
  end)
  local good, parsed = parser:pparse(protect_numbers(args))
  if help.text then
    print(help.text)
    return 0
  end
  local message = parsed
  if good then good, message = commands.prepare(parsed) end
  if good and parsed.version then
    print("virtlun " .. virtlun.VERSION)
    return 0
  end
  if not good or not parsed.command then
    message = good and "a command is missing" or tostring(message)
    io.stderr:write(parser:get_usage(), "\n\nError: ", message, "\n")
    return commands.USAGE
  end
  return commands[parsed.command](parsed, output.new(parsed))
end

return cli
