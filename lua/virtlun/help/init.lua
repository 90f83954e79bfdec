--- What help tells beside the schema: an explanation of each problem, and pages on what people look for.  Text only.
--
-- explanations: by code { why, wrong = a recipe that has the problem, or devices of one, when = what else has to be so
-- for it to come, right = the same recipe without it, instead = what to do where no recipe says it }.
-- pages: see pages.lua, which make writes.

local help = { explanations = {}, pages = require "virtlun.help.pages" }

for _, part in ipairs { "recipes", "rules", "hosts", "boot" } do
  for code, explanation in pairs(require("virtlun.help." .. part)) do help.explanations[code] = explanation end
end

return help
