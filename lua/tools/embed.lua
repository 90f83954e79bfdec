--- Writes Lua files as a C source that has them as texts: lua embed.lua FILE... >lua_files.c
-- As text and not compiled, so that any Lua of the version takes them, and messages have their lines.

local SHORT = { ["\\"] = "\\\\", ['"'] = '\\"', ["\t"] = "\\t", ["\r"] = "\\r", ["?"] = "\\?" }

--- A line as a C literal; what is not ASCII goes as octal, which unlike hexadecimal ends after three digits.
local function literal(line)
  line = line:gsub('[\\"\t\r?]', SHORT):gsub("[^ -~]", function(byte) return ("\\%03o"):format(byte:byte()) end)
  return '    "' .. line .. '\\n"'
end

--- "lua/virtlun/view/plan.lua" is the module virtlun.view.plan, and a folder's init.lua the folder's.
local function module_of(path)
  return (path:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

local function write_text(number, path)
  print(("static const char text_%d[] ="):format(number))
  for line in io.lines(path) do print(literal(line)) end
  print("    ;\n")
end

print('/* Written by lua/tools/embed.lua. */\n#include "lua_files.h"\n')
for number, path in ipairs(arg) do write_text(number, path) end
print("const struct lvlun_file lvlun_files[] = {")
for number, path in ipairs(arg) do
  local name = path:gsub("^lua/", "")
  print(('    {"%s", "@%s", text_%d, sizeof text_%d - 1},'):format(module_of(name), name, number, number))
end
print("    {0}};")
