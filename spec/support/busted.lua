-- Starts busted under the interpreter that runs this file. The command `busted` runs under whatever the machine
-- calls `lua`, and leaves no way to choose. busted's runner ends with os.exit(code, true), or by the end of this
-- file: either way the Lua state is closed, so that memory checkers see what is left then.

-- Specs close what they open by <close>, which Lua 5.3 cannot read: there it is closed when its test ends.
if not load("local _ <close> = nil") then
  local open = {}

  local function close_all()
    for i = #open, 1, -1 do getmetatable(open[i]).__close(table.remove(open)) end
  end

  local function closed_later(finally, value)
    open[#open + 1] = value
    finally(close_all)
    return value
  end

  rawset(_G, "closed_later", closed_later)
  rawset(_G, "loadfile", function(name, ...)
    local file = assert(io.open(name))
    local text = file:read("a"):gsub("local ([%a_]+) <close> = ([^\n]+)", "local %1 = closed_later(finally, %2)")
    file:close()
    return load(text, "@" .. name, ...)
  end)
end

require("busted.runner")({ standalone = false })
