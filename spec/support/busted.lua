-- Starts busted under the interpreter that runs this file. The command `busted` runs under whatever the machine
-- calls `lua`, and leaves no way to choose. busted's runner ends with os.exit(code, true), or by the end of this
-- file: either way the Lua state is closed, so that memory checkers see what is left then.

-- Specs close what they open by <close>, which Lua 5.3 cannot read: there the collector closes it.
if not load("local _ <close> = nil") then
  rawset(_G, "loadfile", function(name)
    local file = assert(io.open(name))
    local text = file:read("a"):gsub(" <close>", "")
    file:close()
    return load(text, "@" .. name)
  end)
end

require("busted.runner")({ standalone = false })
