--- The command virtlun: reads the command line, runs the command, gives the exit status.

local commands = require "virtlun.cli.commands"
local options = require "virtlun.cli.options"
local output = require "virtlun.cli.output"
local recipes = require "virtlun.cli.recipes"
local status = require "virtlun.cli.status"
local syntax = require "virtlun.cli.syntax"
local virtlun = require "virtlun"

local cli = {}

-- argparse takes -1 for an option; with a blank in front it is text, and the commands do without the blank.
local function protect_numbers(args)
  local result = {}
  for i, arg in ipairs(args) do result[i] = arg:match("^%-%d") and " " .. arg or arg end
  return result
end

--- The help that is asked for anywhere on the command line, so that nothing else has to be right.
local function wanted_help(args, parser, command_parsers)
  for _, arg in ipairs(args) do
    if arg == "--" then return nil end
    if arg == "-h" or arg == "--help" then return (command_parsers[args[1]] or parser):get_help() end
  end
end

--- An option of several letters behind one dash, which argparse takes for a short one and its value: -config would
-- connect to "onfig".  What is wrong with it; nil if there is none.
local function wrong_dash(args, parser)
  local command = syntax.command(syntax.of(parser), args[1])
  if not command then return nil end
  for _, arg in ipairs(args) do
    if arg == "--" then return nil end
    local name = arg:match("^%-(%a[%w-]+)")
    if name and syntax.option(command, "--" .. name) then return ("%s: write it as --%s"):format(arg, name) end
  end
end

--- Makes parameters of the values of -p.  What is wrong that argparse cannot see; nil if nothing is.
local function prepare(args)
  local message
  if args.param then args.params, message = recipes.parameters(args.param) end
  return message or options.conflict(args)
end

--- The parsed command line; nil and what is wrong with it.
local function parse(args, parser)
  local good, parsed = parser:pparse(protect_numbers(args))
  local wrong = wrong_dash(args, parser) or not good and parsed
  if not wrong and not parsed.version then wrong = not parsed.command and "a command is missing" or prepare(parsed) end
  if wrong then return nil, wrong end
  return parsed
end

--- Runs a command line; told.out becomes the output, which knows whether anything was begun.
local function run(args, told)
  local parser, command_parsers = options.parser()
  local function usage_error(message)
    io.stderr:write((command_parsers[args[1]] or parser):get_usage(), "\n\nError: ", message, "\n")
    return status.USAGE
  end
  local help = wanted_help(args, parser, command_parsers)
  if help then
    print(help)
    return status.OK
  end
  local parsed, wrong = parse(args, parser)
  if not parsed then return usage_error(wrong) end
  if parsed.version then
    print("virtlun " .. virtlun.VERSION)
    return status.OK
  end
  parsed.commands = command_parsers -- help explains them too
  local out = output.new(parsed)
  told.out = out
  local ended, seen = commands[parsed.command](parsed, out)
  if seen then return usage_error(seen) end
  return out:close() and ended or math.max(ended, status.FAILED)
end

local INTERRUPTED = "interrupted; nothing was changed"
local INTERRUPTED_LATE = "interrupted; what was begun may have been done, and the same again goes on from there"

--- Runs the command with the given arguments; returns the exit status.
-- Ctrl-C reaches Lua as an error.  The call that libvirt has begun is made as a whole or not at all; none follows it.
function cli.main(args)
  local told = {}
  local good, ended = xpcall(run, debug.traceback, args, told)
  if good then return ended end
  local interrupted = tostring(ended):find("interrupted!", 1, true)
  local words = told.out and told.out.has_begun and INTERRUPTED_LATE or INTERRUPTED
  io.stderr:write("virtlun: ", interrupted and words or tostring(ended), "\n")
  return interrupted and status.INTERRUPTED or status.FAILED
end

return cli
