-- The other half.
-- luacheck: read globals include
include "one.lua"
