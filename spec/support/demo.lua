--- The main job in one process: a recipe is planned and applied to libvirt's own test driver, a disc is changed, what
-- there is then is shown, and the disc goes.
-- `make demo` runs it, and the README shows what it prints.  The test driver forgets everything when its last
-- connection closes, so this file holds one.

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
title "planned again"
run("plan", RECIPE)
title "another disc"
run("insert", "-c", held.uri, "test", "sda", "/var/lib/libvirt/images/other.iso")
title "what is there now, and what the guest will see"
run("show", "-c", held.uri, "test")
title "and the disc goes again"
run("eject", "-c", held.uri, "test", "sda")
held:close()
