--- The command line: which commands and flags there are.  What they do stands beside in other files.

local argparse = require "argparse"
local sources = require "virtlun.cli.sources"
local status = require "virtlun.cli.status"
local values = require "virtlun.cli.values"

local options = {}

-- The environment that the command heeds itself, for help and the manual page.
options.ENVIRONMENT = {
  { "LIBVIRT_DEFAULT_URI", "The connection where neither the recipe nor -c says one." },
  { "NO_COLOR", "No colours, if it is not empty." },
  { "LC_ALL", "Whether trees may be drawn with more than ASCII (as LC_CTYPE and LANG)." },
  { "VIRTLUN_TRACE", "Tells every call of libvirt and its duration on standard error." },
}

local function add_common(command)
  command:flag("--json"):description("Print data as JSON on standard output.")
  command:flag("-v --verbose"):description("Print more.")
  command:flag("-q --quiet"):description("Print only what went wrong.")
  command:flag("--no-color"):description("Print without colours.")
end

local function add_recipe(command, args)
  command:argument("recipe"):args(args or "+"):description("Recipe file, or - for standard input.")
  command:option("-p --param"):count("*"):argname("<name=value>")
    :description("Set a parameter of the recipe.")
  return command
end

local function add_connection(command, text)
  command:option("-c --connect"):argname("<uri>"):description(text or "Connection, as in virsh.")
  command:option("--timeout"):argname("<seconds>"):convert(values.seconds)
    :description("How long a guest may take (30 to let go of a device, 60 to reboot), and a host to answer (60).")
  return command
end

local function add_recipe_connection(command)
  return add_connection(command, "Connection, as in virsh, for domains whose recipe says none.")
end

local function add_scope(command)
  command:flag("--live"):description("Change only the running domain.")
  command:flag("--config"):description("Change only the configuration; with --live, both, as without either.")
  return command
end

local TRAY = "Open the tray even if the guest has locked it"
local DATA = "let prune and replace take a disk from a running guest"

local function add_selection(command)
  command:option("--only"):count("*"):argname("<name>")
    :description("Change only this of the described devices: a name as for insert, * for any text; again for more.")
  command:option("--except"):count("*"):argname("<name>"):description("Change all devices but this; again for more.")
  return command
end

--- What matters where there are many domains.
local function add_many(command)
  command:option("--limit"):count("*"):argname("<pattern>")
    :description("Only domains of this name or uri, * for any text; again for more.")
  command:option("-P --hosts"):argname("<number>"):convert(values.integer("--hosts", 1))
    :description("How many hosts are worked on at once (10).")
  command:option("--transports"):argname("<words>"):convert(values.transports)
    :description("The only ways to hosts that may be used, such as ssh,tls,unix.")
  return command
end

local function add_fleet(command)
  command:option("--batches"):argname("<sizes>"):convert(values.batches)
    :description("Make so many domains first, then so many, ... the last until all are made: 1,10%,100%.")
  command:option("--max-fail"):argname("<number>"):convert(values.max_fail)
    :description("Begin no further domain when more than so many, or so many percent, have failed.")
  command:option("--retry-file"):argname("<file>")
    :description("Write the domains that were not made into a file; where it is there, make only those in it.")
  return add_many(command)
end

local function add_undo(command)
  command:flag("--undo-all"):description("Where a step fails, undo all that were made.")
  return command
end

local function add_media(command, more)
  command:flag("--force"):description(TRAY .. (more and ", and " .. more or "") .. ".")
  command:flag("--no-reattach"):description("Never replace a drive to change its medium, as old libvirts need it.")
  return command
end

local function add_yes(command, text)
  command:flag("--yes"):description(text)
  return command
end

local function add_drive(command, text)
  command:argument("domain"):description("Name or UUID.")
  command:argument("drive"):description(text or
    "Its name (sda), its alias (ua-...), the path of its medium, or controller:bus:target:unit.")
  return command
end

local function add_format(command)
  command:option("--format"):argname("<format>"):description("Format of the image, such as raw or qcow2.")
end

local function add_attach(command)
  command:argument("domain"):description("Name or UUID.")
  command:argument("kind"):choices({ "cdrom", "disk", "lun", "hostdev", "controller" })
    :description("What to add; 'virtlun help cdrom' lists the keys of a cdrom.")
  command:argument("source"):args("?"):description("A path, or volume:POOL/NAME; without it, an empty CD drive.")
  command:option("--dev"):argname("<name>"):description("Name of the drive; if unsaid, the next free one.")
  command:option("--address"):argname("<c:b:t:u>"):convert(sources.address)
    :description("Controller, bus, target and unit; if unsaid, the first free one.")
  command:option("--model"):argname("<model>"):description("Model of an HBA.")
  command:option("--index"):argname("<number>"):convert(values.integer "--index")
    :description("Number of an HBA; if unsaid, the next one.")
  command:option("--set"):count("*"):argname("<key=value>")
    :description("Any other key of recipes, such as cache=none or source.pool=default.")
  return command
end

local function add_pictures(command)
  command:flag("--grid"):description("Draw targets and units as a grid for each HBA.")
  command:option("--svg"):argname("<file>"):description("Draw a picture into a file, - for standard output.")
  return command
end

local function add_plan_views(command)
  command:flag("--xml-diff"):description("Show how the host's XML changes, as a unified diff.")
  return add_pictures(command)
end

local function add_changes(command)
  local plan = add_scope(add_recipe_connection(add_recipe(command("plan", "Show what would change."))))
  plan:flag("--detailed-exitcode"):description("Exit 2 where there are changes.")
  plan:option("--out"):argname("<file>"):description("Save the plan, for apply --plan; - is standard output.")
  plan:flag("--force"):description("Plan as apply --force does.")
  add_plan_views(add_many(add_selection(plan)))

  local apply = add_recipe(command("apply", "Make it so, and verify."), "*")
  apply:option("--plan"):target("saved"):argname("<file>")
    :description("Instead of recipes, a saved plan, refused where the domain has changed since; - is standard input.")
  add_media(add_scope(add_recipe_connection(apply)), DATA)
  add_plan_views(add_fleet(add_undo(add_selection(add_yes(apply, "Do not ask.")))))

  local remove = add_recipe(command("remove", "Remove the drives and HBAs that recipes name, and verify."))
  add_plan_views(add_fleet(add_undo(add_selection(add_yes(add_scope(add_recipe_connection(remove)), "Do not ask.")))))
end

local function add_single_operations(command)
  local insert = add_drive(command("insert", "Put a medium into a CD drive, live."))
  insert:argument("source"):description("A path, or volume:POOL/NAME.")
  add_format(add_media(add_scope(add_connection(insert))))

  add_media(add_scope(add_connection(add_drive(command("eject", "Empty a CD drive, live.")))))

  add_format(add_scope(add_connection(add_attach(command("attach", "Add a drive or an HBA, live.")))))

  local detach = add_drive(command("detach", "Take a drive or an HBA away, live."),
    "As for insert; an HBA is called controller0.")
  add_yes(add_scope(add_connection(detach)), "Do not ask before a running domain loses a disk.")
end

local function add_reboot(command)
  local reboot = add_connection(command("reboot", "Reboot a domain, from a certain drive if one is named."))
  reboot:argument("domain"):description("Name or UUID.")
  reboot:option("--from"):argname("<drive>"):description("The drive to boot from, as for insert.")
  reboot:flag("--reset"):description("Do not ask the guest.")
  reboot:flag("--power-off"):description("Power off and start again where the boot order needs that.")
  reboot:flag("--force"):description("Power off without asking the guest.")
end

local function add_explanations(command, bare)
  local lun = command("lun", "Map a unit to the LUN that the guest sees.")
  lun:argument("unit"):args("?"):description("Unit, 0..16383.")
  lun:option("--from-guest"):argname("<lun>"):description("The inverse: a LUN as Linux shows it, or H:C:T:L.")

  local help = command("help", "Explain constructors, tables, keys, problem codes, commands, and what people look for.")
  help:argument("topic"):args("?")
    :description("Such as cdrom, source, prune, address_taken, insert or guarantees; all topics if none is given.")

  bare("completion", "Print the script that lets a shell complete virtlun's command lines.")
    :argument("shell"):choices({ "bash", "zsh", "fish" })
    :description("The shell; in bash: source <(virtlun completion bash)")
end

--- What stands below the help of all commands, in the columns of argparse.
local function end_of_help()
  local lines = {}
  local function add(title, rows)
    lines[#lines + 1] = title
    for _, row in ipairs(rows) do lines[#lines + 1] = ("   %-21s %s"):format(row[1], row[2]) end
  end
  add("Exit status:", status.MEANINGS)
  add("\nEnvironment:", options.ENVIRONMENT)
  return table.concat(lines, "\n")
end

--- The parser of the command line, and the parsers of its commands by name.
function options.parser()
  local about = "Virtual SCSI HBAs and drives of libvirt domains: described, checked, planned, made so."
  local parser = argparse("virtlun", about):add_help(false):command_target("command"):require_command(false)
  parser:help_max_width(100):epilog(end_of_help())
  parser:flag("-h --help"):description("Show this help.")
  parser:flag("--version"):description("Show the version.")

  local commands, printing = {}, {}
  local function bare(name, text)
    local new = parser:command(name, text):add_help(false)
    new:flag("-h --help"):description("Show this help.")
    commands[name] = new
    return new
  end
  local function command(name, text)
    printing[#printing + 1] = bare(name, text)
    return commands[name]
  end

  add_recipe(command("check", "Check recipes; no host is asked."))
  add_recipe(command("render", "Print the libvirt XML of recipes; no host is asked."))
  add_changes(command)
  add_single_operations(command)
  add_reboot(command)

  local show = add_pictures(add_connection(command("show", "Show HBAs, drives, media and what the guest will see.")))
  show:argument("domain"):args("*"):description("Name or UUID; all domains if none is given.")

  local import = add_connection(command("import", "Print the recipe of what a domain has."))
  import:argument("domain"):args("+"):description("Name or UUID.")
  import:flag("--live"):description("Describe the running domain, not its configuration.")

  add_explanations(command, bare)
  for _, new in ipairs(printing) do add_common(new) end -- last, because all have them
  -- What the scripts of completion call; words is a command line without its first word.
  parser:command("complete"):hidden(true):add_help(false):argument("words"):args("*")
  return parser, commands
end

-- What a saved plan has of its own.
local SAVED = { { "recipe", "a recipe" }, { "param", "-p" }, { "connect", "-c" }, { "live", "--live" },
  { "config", "--config" }, { "only", "--only" }, { "except", "--except" } }

local function is_said(value)
  return value ~= nil and not (type(value) == "table" and #value == 0)
end

--- Flags that want standard output for themselves: what is wrong if there are two; nil if nothing is.
local function conflict_of_outputs(args)
  local takers = {}
  if args.out == "-" then takers[#takers + 1] = "--out -" end
  if args.svg == "-" then takers[#takers + 1] = "--svg -" end
  if args.json then takers[#takers + 1] = "--json" end
  if #takers > 1 then return ("%s and %s cannot both have standard output"):format(takers[1], takers[2]) end
end

--- What is wrong with parsed arguments taken together, which argparse cannot say; nil if nothing is.
function options.conflict(args)
  if args.command == "apply" and not args.saved and #args.recipe == 0 then return "missing argument 'recipe'" end
  for _, own in ipairs(args.saved and SAVED or {}) do
    if is_said(args[own[1]]) then return ("--plan excludes %s: a saved plan has its own"):format(own[2]) end
  end
  return conflict_of_outputs(args)
end

return options
