--- Options of the library's functions: each by its name, and what it may be.  One that is misspelt would be ignored
-- where it was to hold something back, so it is misuse, and raises.

local core = require "virtlun.core"

local opts = {}

-- What an option may be: a type of Lua, or one of some words.
local kinds = {
  readonly = "boolean", events = "boolean", timeout = "number", tty = "boolean",
  scope = { "live", "config", "both" }, force = "boolean", reattach = "boolean", format = "string", first = "number",
  on_progress = "function", confirm = "function", stop = "function", undo = { "all" }, xml = "boolean",
  only = "table", except = "table", known = "table",
  from = "string", how = { "reboot", "reset" }, power_off = "boolean",
  uri = "string", live = "boolean",
  hosts = "number", patience = "number", batches = "table", max_fail = "limit", plan = "function",
  transports = "table", ask = "function",
}

-- Which functions take which.
local of = {
  open = { "readonly", "timeout", "events", "transports", "ask", "tty" },
  change = { "scope", "only", "except", "known", "force", "reattach", "timeout", "format", "first", "xml", "undo",
    "stop", "on_progress", "confirm" },
  reboot = { "from", "how", "power_off", "force", "timeout" },
  import = { "uri", "live" },
  fleet = { "uri", "hosts", "patience", "batches", "max_fail", "transports", "ask", "readonly", "plan" },
}
table.move(of.change, 1, #of.change, #of.fleet + 1, of.fleet)

local function contains(list, value)
  for _, known in ipairs(list) do
    if known == value then return true end
  end
  return false
end

local function expected(kind)
  if kind == "limit" then return "a number or a percentage" end
  return type(kind) == "table" and "one of " .. table.concat(kind, ", ") or "a " .. kind
end

local function fits(kind, value)
  if kind == "limit" then return math.type(value) == "integer" or type(value) == "string" end
  return type(kind) == "table" and contains(kind, value) or type(value) == kind
end

local SHORTEST = 10 -- libvirt itself waits so long for a locked tray, an unplug, a change by somebody else

--- The seconds that a host has for a call where somebody says how long a step may take; nil if that is nil.
function opts.for_host(seconds)
  return seconds and math.max(seconds, SHORTEST)
end

--- What an option may be: the name of a type, "limit" (a number or a percentage), or a list of words.
function opts.kind(name)
  return kinds[name]
end

--- The names of the options that `what` takes.
function opts.names(what)
  return of[what]
end

--- Raises unless every option of `given` is one that `what` ("open", "change", "fleet", ...) takes, and is what it may
-- be.  level: that of the function whose caller is wrong, as for error.
function opts.check(given, what, level)
  if given == nil then return end
  if type(given) ~= "table" then error(("options are a table, not a %s"):format(type(given)), level + 1) end
  for name, value in pairs(given) do
    if not contains(of[what], name) then
      local near = core.suggest(tostring(name), of[what])
      error(("unknown option '%s'%s"):format(name, near and (" (did you mean '%s'?)"):format(near) or ""), level + 1)
    elseif not fits(kinds[name], value) then
      error(("option %s is %s, not %s"):format(name, expected(kinds[name]), tostring(value)), level + 1)
    end
  end
end

return opts
