include "./cyc.lua"
