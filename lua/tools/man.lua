--- Prints the manual page of the command: lua lua/tools/man.lua >virtlun.1
--
-- It says what help says, from the same source: the parser of the command line, the exit statuses, the environment, the
-- pages of help.
-- A tool of the build; nothing of it is installed but the page.

local help = require "virtlun.help"
local options = require "virtlun.cli.options"
local status = require "virtlun.cli.status"
local syntax = require "virtlun.cli.syntax"
local virtlun = require "virtlun"

local whole = syntax.of(options.parser())

-- roff -----------------------------------------------------------------------------------------------------

local ESCAPES = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha", ["~"] = "\\(ti" }

local function escaped(text)
  return (text:gsub("[\\%-'`^~]", ESCAPES):gsub("^%.", "\\&."))
end

local function bold(text) return "\\fB" .. escaped(text) .. "\\fR" end

local function italic(text) return "\\fI" .. escaped(text) .. "\\fR" end

local function line(text) io.write(text, "\n") end

local function paragraph(label, text)
  line(".TP")
  line(label)
  line(escaped(text))
end

-- The parts of the page ------------------------------------------------------------------------------------

local function label_of_option(option)
  local names = {}
  for i, name in ipairs(option.names) do names[i] = bold(name) end
  local value = option.value and " " .. italic(option.value:gsub("[<>]", "")) or ""
  return table.concat(names, ", ") .. value
end

local function label_of_argument(argument)
  local text = argument.choices and table.concat(argument.choices, "|") or argument.name
  local label = italic(text) .. (argument.many and "..." or "")
  return argument.optional and "[" .. label .. "]" or label
end

local function key_of(option)
  return table.concat(option.names, " ") .. option.text
end

--- The options that more than half of the commands have in the same words, in the order of their first command, and
-- by their keys.
local function find_common()
  local counts, list = {}, {}
  for _, command in ipairs(whole.commands) do
    for _, option in ipairs(command.options) do
      local key = key_of(option)
      counts[key] = (counts[key] or 0) + 1
      if counts[key] == #whole.commands // 2 + 1 then list[#list + 1] = option end
    end
  end
  local is_common = {}
  for _, option in ipairs(list) do is_common[key_of(option)] = true end
  return list, is_common
end

local function print_options(list, is_common)
  for _, option in ipairs(list) do
    if not is_common[key_of(option)] then paragraph(label_of_option(option), option.text) end
  end
end

local function print_command(command, is_common)
  local labels = {}
  for i, argument in ipairs(command.arguments) do labels[i] = " " .. label_of_argument(argument) end
  line((".SS %s%s"):format(bold("virtlun " .. command.name), table.concat(labels)))
  line(escaped(command.text))
  for _, argument in ipairs(command.arguments) do paragraph(label_of_argument(argument), argument.text) end
  print_options(command.options, is_common)
end

local function print_rows(title, rows)
  line(".SH " .. title)
  for _, row in ipairs(rows) do paragraph(bold(tostring(row[1])), row[2]) end
end

local EXAMPLES = {
  { "See what a recipe would change, then change it:", "virtlun plan web01.lua\nvirtlun apply web01.lua" },
  { "Save a plan, have it read, and make just that so:",
    "virtlun plan --out web01.json web01.lua\nvirtlun apply --plan web01.json" },
  { "Put a medium into a running domain's CD drive, and take it out again:",
    "virtlun insert web01 sda /iso/a.iso\nvirtlun eject web01 sda" },
  { "Write the recipe of what a domain has:", "virtlun import web01 >web01.lua" },
}

local common, is_common = find_common()

line((".TH VIRTLUN 1 \"\" \"virtlun %s\" \"User Commands\""):format(virtlun.VERSION))
line(".SH NAME")
line("virtlun \\- describe, check, plan and make SCSI HBAs and drives of libvirt domains")
line(".SH SYNOPSIS")
line(("%s %s [%s...] [%s...]"):format(bold "virtlun", italic "command", italic "option", italic "argument"))
line(".SH DESCRIPTION")
line(escaped(whole.text))
line(".SH COMMANDS")
line(escaped("The options that most commands have stand below, under OPTIONS."))
for _, command in ipairs(whole.commands) do print_command(command, is_common) end
line(".SH OPTIONS")
print_options(common, {})
line(".PP")
line("Without a command:")
print_options(whole.options, is_common)
print_rows("EXIT STATUS", status.MEANINGS)
print_rows("ENVIRONMENT", options.ENVIRONMENT)
line(".SH EXAMPLES")
for i, example in ipairs(EXAMPLES) do
  if i > 1 then line(".PP") end
  line(escaped(example[1]))
  line(".PP")
  line(".nf")
  line(".RS")
  line(escaped(example[2]))
  line(".RE")
  line(".fi")
end
line(".SH HELP")
line(bold "virtlun help" .. " explains recipes key by key, problems code by code, and has pages:")
for _, page in ipairs(help.pages) do
  paragraph(bold("virtlun help " .. page.topics[1]), page.text:match("[^\n]*") .. ".")
end
line(".SH SEE ALSO")
line(bold("virsh") .. "(1)")
