-- Problems of recipes: what Lua, the recipe's names, its parameters and its limits can get wrong.
-- luacheck: no max line length (a problem is one line, however long)
return {
  { code = "cannot_read", call = function(virtlun) return virtlun.load("no/such.lua") end,
    says = [[no/such.lua: cannot be read: No such file or directory]] },
  { code = "cannot_read", call = function(virtlun) return virtlun.load("spec") end,
    says = [[spec: cannot be read: not a regular file]] },
  { code = "cannot_read", recipe = "\ninclude \"no/such.lua\"\ndomain \"web\" {}",
    says = [[case.lua:2: no/such.lua: cannot be read: No such file or directory]] },
  { code = "cannot_read", recipe = "\ninclude \"/etc/passwd\"\ndomain \"web\" {}",
    says = [[case.lua:2: /etc/passwd: cannot be read: only a file whose name ends in .lua is included]] },
  { code = "more_problems", call = function(virtlun)
      local domain = { kind = "domain", name = "web" }
      for i = 1, 20000 do domain[i] = i end
      local _, found = virtlun.check(domain)
      return nil, virtlun.problems { found[1], found[10000], found[10001], found[10002] }
    end,
    says = [[
web.[1]: 1 is not a device (write: cdrom { ... })
web.[10000]: 10000 is not a device (write: cdrom { ... })
note: these are the first 10,000 problems; further ones are not told]] },
  { code = "syntax", recipe = "domain \"web\" {\n  cdrom { dev = \"sda\"\n",
    says = [[case.lua:3: '}' expected (to close '{' at line 2) near <eof>]] },
  { code = "syntax", recipe = "\27Lua",
    says = [[case.lua: attempt to load a binary chunk (mode is 't')]] },
  { code = "recipe_failed", recipe = "local t\ndomain \"web\" { cdrom { dev = t.dev } }",
    says = [[case.lua:2: attempt to index a nil value (local 't')]] },
  { code = "recipe_failed", recipe = "\nerror(\"the ISO is not known\")",
    says = [[case.lua:2: the ISO is not known]] },
  { code = "recipe_failed", recipe = "\n\ncdrom \"sda\"",
    says = [[case.lua:3: cdrom needs a table: cdrom { ... }]] },
  { code = "recipe_failed", recipe = "error({})",
    says = [[case.lua:1: an error that is no text was raised]] },
  { code = "unknown_name", recipe = "domain \"web\" {\n  cdrum { dev = \"sda\" },\n}",
    says = [[case.lua:2: unknown name 'cdrum' (did you mean 'cdrom'?)]] },
  { code = "unknown_name", recipe = "domain \"web\" { cdrom { dev = \"sda\", serial = os.getenv(\"HOME\") } }",
    says = [[case.lua:1: unknown name 'os']] },
  { code = "no_global", recipe = "iso = \"/a.iso\"\ndomain \"web\" {}",
    says = [[case.lua:1: 'iso' would be a global (write: local iso = ...)]] },
  { code = "too_long", recipe = "local i = 0\nwhile true do i = i + 1 end",
    says = [[case.lua:2: the recipe ran for more than 50 million instructions (an endless loop?)]] },
  -- Lua calls no handler when memory ends, so the line is not known.
  { code = "too_large", recipe = "\nlocal s = string.rep(\"x\", 2^30)",
    says = [[case.lua: the recipe needs more than 256 MiB of memory]] },
  { code = "include_cycle", call = function(virtlun) return virtlun.load("spec/unit/problems/cycle/one.lua") end,
    says = [[
spec/unit/problems/cycle/two.lua:3: includes itself: spec/unit/problems/cycle/one.lua -> spec/unit/problems/cycle/two.lua -> spec/unit/problems/cycle/one.lua]] },
  { code = "no_param", recipe = "local n = param \"drives\" { default = 1 }\ndomain \"web\" {}", params = { drivs = 2 },
    says = [[case.lua: parameter 'drivs' is not declared by the recipe (did you mean 'drives'?)]] },
  { code = "param_unset", recipe = "local iso = param \"iso\" {}\ndomain \"web\" {}",
    says = [[case.lua:1: parameter 'iso' has no value (set it with -p iso=value)]] },
  { code = "param_type", recipe = "\nlocal n = param \"n\" { default = 1 }\ndomain \"web\" {}", params = { n = "two" },
    says = [[case.lua:2: 'two' is not a number, as the default of parameter 'n' is]] },
  { code = "requires", recipe = "requires \"virtlun >= 99.1\"\ndomain \"web\" {}",
    says = ("case.lua:1: needs virtlun >= 99.1; this is %s"):format(require("virtlun").VERSION) },
  { code = "outside_domain", recipe = "domain \"web\" {}\ncdrom { dev = \"sda\" }",
    says = [[case.lua:2: sda: stands outside of every domain (put it into domain "name" { ... })]] },
  { code = "unfinished", recipe = 'domain "a"\ndomain "b" {}',
    says = [[case.lua:1: domain 'a' is followed by no table (write: domain "a" { ... })]] },
  { code = "no_domain", recipe = "-- nothing",
    says = [[case.lua: describes no domain (write: domain "name" { ... })]] },
  { code = "same_domain", recipe = "domain \"web\" {}\ndomain \"db\" {}\ndomain \"web\" {}",
    says = [[case.lua:3: web: is described twice (put its devices into one domain { ... })]] },
  { code = "provisional", xml_of = [[cdrom { dev = "sda" }, cdrom { dev = "sdb" }]],
    says = [[
case.lua:1: web: note: 2 drives are described without an address: what is written was assigned without knowing the host (a plan knows the free addresses)]] },
}
