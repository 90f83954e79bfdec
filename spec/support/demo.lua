--- The main job in one process: a recipe is planned, applied to libvirt's own test driver, shown, and planned again.
-- `make demo` runs it.  The test driver forgets everything when its last connection closes, so this file holds one.

local cli = require "virtlun.cli"
local virtlun = require "virtlun"

local RECIPE = "spec/recipes/dvd.lua"
local held = assert(virtlun.open("test:///default"))

local function title(text)
  print(("\n== %s"):format(text))
end

local function run(...)
  print("$ virtlun " .. table.concat({ ... }, " "))
  io.stdout:flush()
  local status = cli.main { ... }
  if status ~= 0 then os.exit(status, true) end
end

title "the recipe"
for line in io.lines(RECIPE) do print(line) end
title "what would change"
run("plan", RECIPE)
title "make it so"
run("apply", "--yes", "--quiet", RECIPE)
title "what is there now, and what the guest will see"
run("show", "--connect", "test:///default")
title "planned again: nothing is left to do"
run("plan", RECIPE)
held:close()
