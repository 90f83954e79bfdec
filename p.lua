local v = require "virtlun"
for _, f in ipairs{"a.lua","cyc.lua","cyc2.lua","missing.lua"} do local a,b = v.load(f); if a then a,b=v.check(a) end print(f, a, tostring(b):sub(1,300)) end
