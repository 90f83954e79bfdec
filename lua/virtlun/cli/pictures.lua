--- Grids and SVG pictures of domains, as --grid and --svg ask for them.

local domain_view = require "virtlun.view.domain"
local grid_view = require "virtlun.view.grid"
local hosts = require "virtlun.cli.hosts"
local svg_view = require "virtlun.view.svg"
local topology = require "virtlun.view.topology"

local pictures = {}

--- Whether nothing but a picture may be written to standard output.
function pictures.takes_stdout(out)
  return out.svg == "-"
end

local function print_grids(list, out, above)
  if out.is_json or pictures.takes_stdout(out) then return end
  for i, picture in ipairs(list) do
    if above or i > 1 then out:line("") end
    for _, line in ipairs(grid_view.lines(picture, { paint = out.paint })) do out:line(line) end
  end
end

--- Draws what topology.of gives.  grid: as a grid too; above: something stands above that.
local function draw(list, out, grid, above)
  if grid then print_grids(list, out, above) end
  if out.svg then out:picture(out.svg, svg_view.text(list)) end
end

--- Draws domains, as view.domain gives them.
function pictures.domains(domains, out)
  local list = {}
  for i, domain in ipairs(domains) do list[i] = topology.of(domain) end
  draw(list, out, out.grid)
end

--- Draws plans.  A domain is asked once more, for what its recipe does not name; one that does not answer is drawn from
-- the plan alone.  quiet: nothing is to be printed.
function pictures.plans(plans, out, quiet)
  local grid = out.grid and not quiet
  if not grid and not out.svg then return end
  local open, list = hosts.new { readonly = true, tty = false, timeout = out.timeout }, {}
  for i, plan in ipairs(plans) do
    local dom = open:domain(plan.domain, plan.uri)
    local description = dom and dom:describe()
    list[i] = topology.of(description and domain_view.data(description), plan)
  end
  open:close()
  draw(list, out, grid, true)
end

return pictures
