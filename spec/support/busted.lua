-- Starts busted under the interpreter that runs this file. The command `busted` runs under whatever the machine
-- calls `lua`, and leaves no way to choose. busted's runner ends with os.exit(code, true), or by the end of this
-- file: either way the Lua state is closed, so that memory checkers see what is left then.
require("busted.runner")({ standalone = false })
