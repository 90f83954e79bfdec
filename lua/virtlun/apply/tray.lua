--- Trays of running CD drives, in the elements that are sent: libvirt moves trays by itself.

local core = require "virtlun.core"
local problems = require "virtlun.problems"

local tray = {}

--- What a wish changes in the one device of a document, and the wish as a model; nil if it is so already.
function tray.difference_of(host, change, document, wish)
  wish.kind, wish.dev = change.kind, change.before.dev
  local model = core.model { kind = "domain", name = host.dom.name, wish }
  return core.diff(model, document)[1], model
end

--- An element, whose tray is as `is` says, with its tray as wanted.  What could not be made of it (element nil) stays a
-- failure; nil and problems.
function tray.set(host, change, is, wanted, element, found)
  if not element then return nil, found end
  if (is or "closed") == wanted then return element end
  local document
  document, found = core.document(element)
  if not document then return nil, problems.list(found) end
  local difference, model = tray.difference_of(host, change, document, { tray = wanted })
  if not difference then return element end
  element, found = core.patch(element, model, document, { difference })
  return element, problems.list(found)
end

return tray
