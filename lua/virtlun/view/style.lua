--- How text looks: colours on a terminal, lines of a tree, columns.  Knows nothing of what is shown.

local text = require "virtlun.view.text"

local style = {}

local CODES = {
  add = "32", change = "33", remove = "31", strong = "1", faint = "2", error = "31", warning = "33", note = "36",
  differs = "36",
}

-- What a plan does to a device, and what is not the same now and after the next boot, in one sign each.
style.SIGNS = { add = "+", change = "~", remove = "-", differs = "*", unchanged = "=" }

-- The same in words, for legends.
style.SIGN_WORDS = {
  { "add", "comes" }, { "change", "changes" }, { "remove", "goes" }, { "differs", "not the same after its next boot" },
}

--- "1 change", "2 changes".
function style.plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

--- A function paint(what, text); with colour false it returns the text as it is.
function style.painter(colour)
  if not colour then return function(_, line) return line end end
  return function(what, line) return ("\27[%sm%s\27[0m"):format(CODES[what], line) end
end

--- The line above what is shown of a domain.
function style.heading(paint, name, state, uri)
  return paint("strong", text.shown(name)) .. text.shown(("  %s  %s"):format(state or "", uri or ""))
end

--- Whether the locale can show more than ASCII.
function style.is_utf8()
  local locale = os.getenv("LC_ALL") or os.getenv("LC_CTYPE") or os.getenv("LANG") or ""
  return locale:lower():find("utf%-?8") ~= nil
end

--- Lines of a tree, with texts as they may be shown.  node: { text =, children... }.
function style.tree(node)
  local marks = style.is_utf8() and { "├─ ", "└─ ", "│  ", "   " } or { "|- ", "`- ", "|  ", "   " }
  local lines = { text.shown(node.text) }
  local function add(children, indent)
    for i, child in ipairs(children) do
      local last = i == #children
      lines[#lines + 1] = indent .. marks[last and 2 or 1] .. text.shown(child.text)
      add(child, indent .. marks[last and 4 or 3])
    end
  end
  add(node, "")
  return lines
end

--- Lines of text in columns, each cell as it may be shown.
function style.columns(rows, indent)
  local widths, lines, shown = {}, {}, {}
  for i, row in ipairs(rows) do
    shown[i] = {}
    for j, cell in ipairs(row) do
      shown[i][j] = text.shown(cell)
      widths[j] = math.max(widths[j] or 0, text.width(shown[i][j]))
    end
  end
  for i, row in ipairs(shown) do
    for j = 1, #row - 1 do row[j] = text.pad(row[j], widths[j]) end
    lines[i] = ((indent or "") .. table.concat(row, "  ")):gsub("%s+$", "")
  end
  return lines
end

return style
