-- Scenarios that do wrong without memory, so that what judges them can be judged.
local core = require("virtlun.core")

local kept, broken = {}, false
local DOCUMENT = "<domain><name>a</name></domain>"

return {
  { name = "leaks", make = function() end, run = function()
    local document = core.document(DOCUMENT)
    if not pcall(core.document, DOCUMENT) then kept[#kept + 1] = document end
    return "right"
  end, text = function(_, what) return what end },
  { name = "takes half for the whole", make = function() end, run = function()
    local good, document = pcall(core.document, DOCUMENT)
    return good and document:facts().name or "half"
  end, text = function(_, what) return what end },
  { name = "is not as it was", make = function() end, run = function()
    if not pcall(core.document, DOCUMENT) then broken = true end
    return broken and "wrong" or "right"
  end, text = function(_, what) return what end },
  { name = "hides why", make = function() end, run = function()
    if not pcall(core.document, DOCUMENT) then error("something else") end
    return "right"
  end, text = function(_, what) return what end },
}
