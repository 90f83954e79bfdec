domain "a" { include "sub/b.lua", include "sub/d.lua" }
