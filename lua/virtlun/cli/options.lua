--- The command line: which commands and flags there are.  What they do stands in commands.lua.

local argparse = require "argparse"

local options = {}

local function add_common(command)
  command:flag("--json"):description("Print data as JSON on standard output.")
  command:flag("-v --verbose"):description("Print more.")
  command:flag("-q --quiet"):description("Print only what went wrong.")
  command:flag("--no-color"):description("Print without colours.")
  return command
end

local function add_recipe(command)
  command:argument("recipe"):args("+"):description("Recipe file, or - for standard input.")
  command:option("-p --param"):count("*"):argname("<name=value>")
    :description("Set a parameter of the recipe.")
  return command
end

local function add_connection(command)
  command:option("-c --connect"):argname("<uri>")
    :description("Connection, as in virsh, for domains whose recipe says none.")
  return command
end

--- The parser of the command line, and the parsers of its commands by name.
function options.parser()
  local about = "Virtual SCSI HBAs and drives of libvirt domains: described, checked, planned, made so."
  local parser = argparse("virtlun", about):add_help(false):command_target("command"):require_command(false)
  parser:flag("-h --help"):description("Show this help.")
  parser:flag("--version"):description("Show the version.")

  local commands = {}
  local function command(name, text)
    local new = parser:command(name, text):add_help(false)
    new:flag("-h --help"):description("Show this help.")
    commands[name] = new
    return add_common(new)
  end

  add_recipe(command("check", "Check recipes; no host is asked."))
  add_recipe(command("render", "Print the libvirt XML of recipes; no host is asked."))

  local plan = add_connection(add_recipe(command("plan", "Show what would change.")))
  plan:flag("--detailed-exitcode"):description("Exit 2 where there are changes.")

  local apply = add_connection(add_recipe(command("apply", "Make it so, and verify.")))
  apply:flag("--yes"):description("Do not ask.")

  local show = add_connection(command("show", "Show HBAs, drives and what the guest will see."))
  show:argument("domain"):args("*"):description("Name or UUID; all domains if none is given.")

  local lun = command("lun", "Map a unit to the LUN that the guest sees.")
  lun:argument("unit"):args("?"):description("Unit, 0..16383.")
  lun:option("--from-guest"):argname("<lun>"):description("The inverse: a LUN as Linux shows it, or H:C:T:L.")

  local help = command("help", "Explain a constructor, a table or a problem code.")
  help:argument("topic"):args("?"):description("Such as cdrom, source or address_taken; all topics if none is given.")
  return parser, commands
end

return options
