--- Completion: the scripts for shells, and the words that they ask for.
--
-- A script only hands the command line to `virtlun complete`, which knows commands, flags and topics, and asks the host
-- for domains and drives.  Where it has no word to offer, the shell offers files.

local virtlun = require "virtlun"
local help_view = require "virtlun.view.help"
local options = require "virtlun.cli.options"
local status = require "virtlun.cli.status"
local syntax = require "virtlun.cli.syntax"

local completion = {}

-- The scripts ----------------------------------------------------------------------------------------------

-- bash splits its own words at colons, which stand in connections, so the line is split here.
local SCRIPTS = {
  bash = [==[
# Completes the command virtlun in bash.
_virtlun() {
  local line=${COMP_LINE:0:COMP_POINT} words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  mapfile -t COMPREPLY < <("$1" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _virtlun virtlun
]==],
  zsh = [==[
#compdef virtlun
# Completes the command virtlun in zsh.
_virtlun() {
  local -a found
  found=(${(f)"$($words[1] complete -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)"})
  if (( $#found )); then compadd -a found; else _files; fi
}
if [[ $funcstack[1] == _virtlun ]]; then _virtlun "$@"; else compdef _virtlun virtlun; fi
]==],
  fish = [==[
# Completes the command virtlun in fish.
function __virtlun_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($before[1] complete -- $before[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c virtlun -f -a '(__virtlun_complete)'
]==],
}

function completion.completion(args, out)
  out:write(SCRIPTS[args.shell])
  return status.OK
end

-- The words ------------------------------------------------------------------------------------------------

local TIMEOUT = 2 -- seconds: somebody waits with a finger on the key

--- What ask(connection) answers of the host that is meant; nil where there is none.
local function ask(given, question)
  local uri = given.options["-c"]
  local connection = virtlun.open(uri, { readonly = true, timeout = TIMEOUT, events = false, tty = false })
  if not connection then return nil end
  local answer = question(connection)
  connection:close()
  return answer
end

-- What an argument can be, by its name: functions of what is given on the command line already.
local words_of = {}

function words_of.domain(given)
  local domains = ask(given, function(connection) return connection:domains() end)
  local names = {}
  for i, domain in ipairs(domains or {}) do names[i] = domain.name end
  return names
end

-- Which devices a command is about; all of them where nothing is said.
local FITS = {
  insert = function(device) return device.kind == "cdrom" end,
  eject = function(device) return device.kind == "cdrom" end,
  reboot = function(device) return device.kind ~= "controller" end,
}

function words_of.drive(given, _, command)
  local description = ask(given, function(connection)
    local domain = connection:domain(given.arguments[1])
    return domain and domain:describe()
  end)
  local names, fits = {}, FITS[command.name]
  for _, half in ipairs { "live", "config" } do
    for _, device in ipairs(description and description[half] or {}) do
      local name = device.dev or device.alias or device.index and "controller" .. device.index
      if not fits or fits(device) then names[#names + 1] = name end
    end
  end
  return names
end

function words_of.topic(_, whole)
  local words = {}
  for _, list in ipairs { help_view.topics(virtlun.schema()) } do table.move(list, 1, #list, #words + 1, words) end
  for _, command in ipairs(whole.commands) do words[#words + 1] = command.name end
  return words
end

local function nothing() return {} end

local function option_names(command)
  local names = {}
  for _, option in ipairs(command.options) do table.move(option.names, 1, #option.names, #names + 1, names) end
  return names
end

--- What stands on a command line before its last word: arguments (list), options (values by name), and pending, the
-- option whose value the last word is.
local function read_before(command, words)
  local given = { arguments = {}, options = {} }
  for i = 2, #words - 1 do
    local word = words[i]
    if given.pending then
      given.options[given.pending.names[1]], given.pending = word, nil
    elseif word:match("^%-") then
      local name, value = word:match("^(%-%-[^=]+)=?(.*)$")
      local option = syntax.option(command, name or word)
      if option and value and value ~= "" then given.options[option.names[1]] = value
      elseif option and option.value then given.pending = option
      end
    else
      given.arguments[#given.arguments + 1] = word
    end
  end
  return given
end

local function argument_at(command, number)
  local last = command.arguments[#command.arguments]
  return command.arguments[number] or last and last.many and last or nil
end

--- Every word that could stand at the end of the command line.
local function all_words(whole, words)
  if #words < 2 then
    local names = option_names(whole)
    for _, command in ipairs(whole.commands) do names[#names + 1] = command.name end
    return names
  end
  local command = syntax.command(whole, words[1])
  if not command then return {} end
  local given = read_before(command, words)
  local element = given.pending or argument_at(command, #given.arguments + 1)
  if not given.pending and words[#words]:match("^%-") then return option_names(command) end
  if not element then return {} end
  local name = element.name or element.value:match("%w+")
  return element.choices or (words_of[name] or nothing)(given, whole, command)
end

--- Prints the words that the last one of a command line can become.
function completion.complete(args, out)
  local start, found, told = args.words[#args.words] or "", {}, {}
  for _, word in ipairs(all_words(syntax.of(options.parser()), args.words)) do
    if word:sub(1, #start) == start and not told[word] then found[#found + 1] = word end
    told[word] = true
  end
  table.sort(found)
  for _, word in ipairs(found) do out:line(word) end
  return status.OK
end

return completion
