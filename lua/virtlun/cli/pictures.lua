--- Grids and SVG pictures of domains, as --grid and --svg ask for them.

local domain_view = require "virtlun.view.domain"
local grid_view = require "virtlun.view.grid"
local hosts = require "virtlun.cli.hosts"
local svg_view = require "virtlun.view.svg"
local topology = require "virtlun.view.topology"

local pictures = {}

--- Draws what topology.of gives, as the output's flags ask for.  below: something else stands above it.
function pictures.draw(list, out, below)
  if out.grid and not out.is_json and not pictures.takes_stdout(out) then
    for i, picture in ipairs(list) do
      if below or i > 1 then out:line("") end
      for _, line in ipairs(grid_view.lines(picture, { paint = out.paint })) do out:line(line) end
    end
  end
  if out.svg then out:picture(out.svg, svg_view.text(list)) end
end

--- Whether nothing else may be written to standard output.
function pictures.takes_stdout(out)
  return out.svg == "-"
end

--- The same of plans: a domain is asked once more, for what its recipe does not name; one that does not answer is drawn
-- from the plan alone.
function pictures.draw_plans(plans, out)
  if not out.grid and not out.svg then return end
  local open, list = hosts.new { readonly = true }, {}
  for i, plan in ipairs(plans) do
    local dom = open:domain(plan.domain, plan.uri)
    local description = dom and dom:describe()
    list[i] = topology.of(description and domain_view.data(description), plan)
  end
  open:close()
  pictures.draw(list, out, not out.quiet)
end

return pictures
