--- How text looks: colours on a terminal, lines of a tree.  Knows nothing of what is shown.

local style = {}

local CODES = {
  add = "32", change = "33", remove = "31", strong = "1", faint = "2", error = "31", warning = "33", note = "36",
}

--- "1 change", "2 changes".
function style.plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

--- A function paint(what, text); with colour false it returns the text as it is.
function style.painter(colour)
  if not colour then return function(_, text) return text end end
  return function(what, text) return ("\27[%sm%s\27[0m"):format(CODES[what], text) end
end

--- Whether the locale can show more than ASCII.
local function is_utf8()
  local locale = os.getenv("LC_ALL") or os.getenv("LC_CTYPE") or os.getenv("LANG") or ""
  return locale:lower():find("utf%-?8") ~= nil
end

--- Lines of a tree.  node: { text, children... }.
function style.tree(node)
  local marks = is_utf8() and { "├─ ", "└─ ", "│  ", "   " } or { "|- ", "`- ", "|  ", "   " }
  local lines = { node.text }
  local function add(children, indent)
    for i, child in ipairs(children) do
      local last = i == #children
      lines[#lines + 1] = indent .. marks[last and 2 or 1] .. child.text
      add(child, indent .. marks[last and 4 or 3])
    end
  end
  add(node, "")
  return lines
end

--- Lines of text in columns.
function style.columns(rows, indent)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, #cell) end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for j, cell in ipairs(row) do cells[j] = cell .. (" "):rep(j < #row and widths[j] - #cell or 0) end
    lines[i] = ((indent or "") .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  return lines
end

return style
