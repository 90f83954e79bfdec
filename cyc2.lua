include "cyc2.lua"
