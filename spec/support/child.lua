-- Runs programs in fresh processes and tells what they wrote where, so that specs can look at standard error, exit
-- codes and time. Nothing here knows what virtlun does.
local files = require("support.files")

local child = {}

local build = os.getenv("VIRTLUN_BUILD") or "build"

child.sanitized = os.getenv("LD_PRELOAD") ~= nil

-- The interpreter that runs the specs.
local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end

child.lua = interpreter()

--- A text as one word for the shell.
function child.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- A new folder with a short path, as sockets need one.
function child.folder()
  local pipe = assert(io.popen("mktemp -d /tmp/vlXXXXXX"))
  local path = pipe:read("l")
  pipe:close()
  return assert(path, "mktemp made no folder")
end

--- Removes a folder that child.folder made.
function child.remove(folder)
  assert(folder:match("^/tmp/vl%w+$"), "not a folder of ours: " .. folder)
  os.execute("rm -rf " .. folder)
end

local function words(list)
  local quoted = {}
  for i, word in ipairs(list) do quoted[i] = child.quote(word) end
  return table.concat(quoted, " ")
end

local function settings(env)
  local parts = {}
  for name, value in pairs(env or {}) do
    parts[#parts + 1] = value == false and "-u " .. name or child.quote(name .. "=" .. value)
  end
  table.sort(parts, function(a, b) return a:sub(1, 2) == "-u" and b:sub(1, 2) ~= "-u" end)
  return table.concat(parts, " ")
end

--- Runs a list of words. opts: env (false takes a variable away), stdin (text), timeout (seconds, 60 if unsaid).
-- Returns { out =, err =, code =, seconds = }; code is 124 after the timeout.
function child.run(list, opts)
  opts = opts or {}
  local folder = child.folder()
  files.write(folder .. "/in", opts.stdin or "")
  local begun = os.time()
  local _, _, code = os.execute(("timeout -k 2 %d env %s %s <%s/in >%s/out 2>%s/err"):format(opts.timeout or 60,
    settings(opts.env), words(list), folder, folder, folder))
  local result = {
    out = files.read(folder .. "/out"), err = files.read(folder .. "/err"), code = code, seconds = os.time() - begun,
  }
  child.remove(folder)
  return result
end

--- Runs a Lua text in a fresh interpreter that finds the built tree as this one does.
function child.script(text, opts, ...)
  opts = opts or {}
  local env = { LUA_PATH = package.path, LUA_CPATH = package.cpath }
  for name, value in pairs(opts.env or {}) do env[name] = value end
  return child.run({ child.lua, "-e", text, "-", ... }, { env = env, stdin = opts.stdin or "", timeout = opts.timeout })
end

--- Runs the command virtlun of the built tree with a list of arguments.
function child.virtlun(list, opts)
  return child.run({ build .. "/bin/virtlun", table.unpack(list) }, opts)
end

child.command = build .. "/bin/virtlun"

--- Interrupts this process, as Ctrl-C does.
function child.interrupt_us()
  local stat = assert(io.open("/proc/self/stat"))
  local pid = stat:read("n")
  stat:close()
  io.popen("kill -INT " .. pid):close() -- os.execute would keep the signal away
end

return child
