-- What luacheck expects of the Lua sources: no globals but Lua's own, busted's in specs, and the constructors in
-- recipes.
std = "lua54"
max_line_length = 120
-- A method keeps its `self` also where it does not need it.
self = false

files["spec"] = { std = "+busted" }

-- What editors read: it defines the names of recipes, and does nothing.
files["lua/virtlun/meta.lua"] = { ignore = { "1..", "2.." }, max_line_length = false }
-- Its lines are the README's.
files["lua/virtlun/help/pages.lua"] = { max_line_length = false }

local recipe = {
  read_globals = { "domain", "controller", "cdrom", "disk", "lun", "hostdev", "param", "include", "requires" },
}
files["spec/embed"] = { read_globals = { "host" } }
files["spec/recipes"] = recipe
files["spec/golden"] = recipe

files[".busted"] = { std = "lua54" }
files["rockspec"] = { std = "rockspec" }
