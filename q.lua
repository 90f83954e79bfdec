local v = require "virtlun"
print(pcall(v.loadstring, arg[1], "q"))
