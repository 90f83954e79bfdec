--- The command line as data, for what tells of it or looks at it: the manual page, the completion of shells.
--
-- The only file that looks into argparse's tables.

local syntax = {}

local function is_shown(element)
  return not element._hidden
end

local function list_of(elements, convert)
  local list = {}
  for _, element in ipairs(elements) do
    if is_shown(element) then list[#list + 1] = convert(element) end
  end
  return list
end

local function option_of(element)
  return {
    names = element._aliases, text = element._description, choices = element._choices,
    value = element._maxargs > 0 and (element._argname or "<value>") or nil,
  }
end

local function argument_of(element)
  return {
    name = element._name, text = element._description, choices = element._choices,
    optional = element._minargs == 0, many = element._maxargs > 1,
  }
end

local function command_of(parser)
  return {
    name = parser._name, text = parser._description, options = list_of(parser._options, option_of),
    arguments = list_of(parser._arguments, argument_of),
  }
end

--- The whole command as its parser has it: name, text, options and commands, each of which has name, text, options and
-- arguments.  An option has names, text, and where it takes a value its name (value) and its choices; an argument has
-- name, text, choices, and may be optional or stand for many.
function syntax.of(parser)
  local whole = command_of(parser)
  whole.commands = list_of(parser._commands, command_of)
  return whole
end

--- The command of that name, nil if there is none.
function syntax.command(whole, name)
  for _, command in ipairs(whole.commands) do
    if command.name == name then return command end
  end
end

--- The option of a command that goes by that name, nil if there is none.
function syntax.option(command, name)
  for _, option in ipairs(command.options) do
    for _, own in ipairs(option.names) do
      if own == name then return option end
    end
  end
end

return syntax
