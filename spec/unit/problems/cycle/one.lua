-- One half of two recipes that include each other.
-- luacheck: read globals include
include "two.lua"
