--- How a URI leads to its host, and whether it may: a transport can run programs, and so can what a URI says besides.
--
-- A URI is read as libvirt 9.0 was seen to read it: transport and parameters in whatever case, percents decoded, also
-- without "//", and all texts only up to a zero. Knows no host and opens nothing.

local transports = {}

--- What can be allowed. Besides the transports: "command", what runs a program whatever the transport, and "alias", a
-- word that stands for a URI in libvirt's own configuration, which may be any.
transports.WORDS = { "unix", "ssh", "libssh", "libssh2", "tls", "tcp", "ext", "command", "alias" }

--- What a URI in a recipe may be where nobody says anything else: a recipe describes, and runs no program.
transports.OF_RECIPES = { "unix", "ssh", "libssh", "libssh2", "tls", "tcp", "alias" }

local function set_of(list)
  local set = {}
  for _, word in ipairs(list) do set[word] = true end
  return set
end

local WORDS = set_of(transports.WORDS)

-- Reading ------------------------------------------------------------------------------------------------

local function decoded(text)
  text = text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  return text:match("^[^\0]*")
end

--- The names and values of a query; a name may come more than once. Whether ";" separates depends on what follows, so
-- that it is taken for both: a name comes after it, and it may be part of the value before.
local function parameters(query)
  local list = {}
  for start in query:gmatch("()[^&;]+") do
    local name, value = query:match("^([^&;=]*)=?([^&]*)", start)
    list[#list + 1] = { name = decoded(name):lower(), value = decoded(value) }
  end
  return list
end

--- The parts of a URI that count; nil if it is none.
local function parse(uri)
  if uri:find("[^%w%-._~:/?#%[%]@!$&'()*+,;=%%]") then return nil end
  local scheme, rest = uri:match("^(%a[%w+.-]*):([^#]*)")
  if not scheme then return nil end
  local before, query = rest:match("^([^?]*)%??(.*)$")
  local authority, path = before:match("^//([^/]*)(.*)$")
  local user, host = (authority or ""):match("^(.-)@?([^@]*)$")
  return { transport = scheme:match("%+(.*)$"), has_host = (authority or "") ~= "", user = decoded(user),
    host = decoded(host), path = decoded(path or before), parameters = parameters(query) }
end

-- Judging ------------------------------------------------------------------------------------------------

--- What a shell or ssh could take for more than a name: ssh's own configuration may give both to a program.
local function is_odd(name)
  return name:find("^-") ~= nil or name:find("[%c%s'\"`$;&<>|(){}]") ~= nil
end

-- The transports that hand a socket to a shell of the other side.
local WITH_SHELL = set_of { "ssh", "libssh", "libssh2" }

--- Whether a parameter runs a program, here or on the other side, which may well be this machine: command and netcat
-- name one, name has the daemon over there open any URI in turn, and a socket goes through a shell of the other side.
local function runs(parameter, transport)
  local name, value = parameter.name, parameter.value
  if name == "socket" then return WITH_SHELL[transport] and value:find("[^%w/._-]") ~= nil end
  return name == "command" or name == "netcat" or name == "name"
end

--- What in the URI has a program run when it is opened, nil if nothing does. An embedded driver runs the emulators of
-- the machines in its folder.
local function program_of(parts, transport)
  if transport == "ext" then return nil end -- Whoever allows that has allowed any program.
  if parts.path == "/embed" then return "path /embed" end
  for _, parameter in ipairs(parts.parameters) do
    if runs(parameter, transport) then return "parameter " .. parameter.name end
  end
end

local function transport_of(parts)
  local transport = parts.transport and parts.transport:lower()
  if not transport then return parts.has_host and "tls" or "unix" end
  return WORDS[transport] and transport ~= "command" and transport ~= "alias" and transport or nil
end

--- The transport of a URI, and what in it has a program run besides ("parameter command"), nil if nothing does.
-- nil if the transport is not known, or host or user is none. "alias" for what only libvirt's configuration knows: a
-- word, or nil, which is its default.
function transports.of(uri)
  if not uri or uri:find("^[%w_-]*$") then return "alias" end
  local parts = parse(uri)
  local transport = parts and transport_of(parts)
  if not transport or is_odd(parts.host) or is_odd(parts.user) then return nil end
  return transport, program_of(parts, transport)
end

--- The code of the problem that a URI is, and the word that the problem names; nil if it is allowed.
local function refused(uri, allowed)
  local transport, program = transports.of(uri)
  if not transport then return "transport_unknown" end
  if not allowed[transport] then return "transport_refused", transport end
  if program and not allowed.command then return "transport_runs", program end
end

--- Appends a problem to the list `found` unless the URI is allowed; whether it is. about is a described domain, or
-- { name =, file =, line = } of what is there: the problem's place. allowed is a list of transports.WORDS; nil: what a
-- recipe may say.
function transports.complain(found, about, uri, allowed)
  allowed = allowed or transports.OF_RECIPES
  local code, word = refused(uri, set_of(allowed))
  if not code then return true end
  found:complain(about, { code = code, value = word, expected = table.concat(allowed, ", "),
    a = uri or "libvirt's default" })
  return false
end

-- Terminals ----------------------------------------------------------------------------------------------

local NO_TTY = "no_tty=1" -- libvirt takes the last of several.

--- The URI with which ssh asks nobody, and fails instead; and what was put into it, nil where nothing needs to be.
function transports.without_terminal(uri)
  if transports.of(uri) ~= "ssh" then return uri end
  local before, fragment = uri:match("^([^#]*)(.*)$")
  local query = before:match("%?(.*)$")
  local added = (not query and "?" or query:find(";", 1, true) and ";" or "&") .. NO_TTY
  return before .. added .. fragment, added
end

--- The URI that libvirt tells of a connection, without what was put into it.
function transports.as_given(uri, added)
  if not added then return uri end
  local from, to = uri:find(added, 1, true)
  return from and uri:sub(1, from - 1) .. uri:sub(to + 1) or uri
end

--- Whether ssh failed because it had to ask somebody and could not. It speaks English only, and never asks about a host
-- whose key has changed.
function transports.wanted_terminal(uri, message)
  if transports.of(uri) ~= "ssh" or message:find("HOST IDENTIFICATION HAS CHANGED", 1, true) then return false end
  return message:find("Permission denied (", 1, true) ~= nil
    or message:find("Host key verification failed.", 1, true) ~= nil
end

return transports
