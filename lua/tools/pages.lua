--- Prints the pages of help, which are sections of the README as plain text: lua lua/tools/pages.lua >pages.lua
--
-- A tool of those who write virtlun: `make docs` runs it, and what it prints goes along with the sources.  Tables
-- become entries with what is said of them below, code is set in, and what Markdown needs for itself goes.

local text = require "virtlun.view.text"

local WIDTH = 100

-- Which section is the page on which topics; whole: with the sections below it, which otherwise are pages of their own.
local PAGES = {
  { "Recipes", { "recipes" } },
  { "Removing, protecting, replacing", { "removal", "prune", "absent", "protect", "replace" } },
  { "Addresses, units and LUNs", { "addresses" } },
  { "The two halves of a running domain", { "halves", "scope" } },
  { "Media", { "media" } },
  { "Booting", { "booting", "boot" } },
  { "What a recipe may do", { "limits" } },
  { "Flags", { "flags" } },
  { "Saved plans", { "saved-plans" } },
  { "Exit status", { "exit" } },
  { "Environment", { "environment" } },
  { "What --json prints", { "json" } },
  { "In Lua", { "lua" } },
  { "In an editor", { "editor" } },
  { "Many servers on many hosts", { "hosts" } },
  { "Batches and failures", { "batches" } },
  { "Trying again", { "retry-file" } },
  { "Ways to hosts", { "transports" } },
  { "Passwords", { "credentials" } },
  { "From Ansible", { "ansible" } },
  { "Embedding", { "embedding" }, whole = true },
  { "What virtlun guarantees and what it does not", { "guarantees" } },
  { "virsh and virt-xml", { "virsh", "virt-xml" } },
  { "Terraform", { "terraform" } },
  { "Older libvirts", { "libvirt" } },
}

local file = assert(io.open("README.md"))
local readme = file:read("a")
file:close()

-- Sections ---------------------------------------------------------------------------------------------------

--- The lines of a section without its heading, up to the next heading, or the next one of its rank.
local function section(heading, whole)
  local lines, rank, open
  for line in readme:gmatch("([^\n]*)\n") do
    if line:find("^```") then open = not open end
    local marks, title = (open and "" or line):match("^(##+) (.*)")
    if lines and title and not (whole and #marks > rank) then return lines end
    if lines then lines[#lines + 1] = line end
    if title == heading then lines, rank = {}, #marks end
  end
  return assert(lines, "the README has no section " .. heading)
end

-- Plain text -------------------------------------------------------------------------------------------------

local function plain(words)
  return (words:gsub("^#+ ", ""):gsub("!%[[^%]]*%]%([^)]*%)", ""):gsub("%[([^%]]*)%]%(#[^)]*%)", "%1")
    :gsub("%[([^%]]*)%]%(([^)]*)%)", "%1 (%2)"):gsub("%*%*", ""):gsub("`", ""):gsub("<(https:[^>]*)>", "%1"))
end

local function add_row(lines, row)
  local first = true
  for cell in row:gsub("\\|", "\1"):gmatch("|%s*([^|]-)%s*%f[|]") do
    local words = plain(cell):gsub("\1", "|")
    for i, part in ipairs(text.wrap(words, WIDTH - 6)) do
      lines[#lines + 1] = ((first and i == 1) and "  " or "      ") .. part
    end
    first = false
  end
end

--- Lines of a page as they are printed: first its heading.
local function lines_of(page)
  local lines, open, rows = { page[1] }, false, 0
  for _, line in ipairs(section(page[1], page.whole)) do
    rows = line:find("^|") and not open and rows + 1 or 0
    if line:find("^```") then
      open = not open
    elseif open then
      lines[#lines + 1] = line ~= "" and "  " .. line or ""
    elseif rows > 2 then -- the first is the head of the table, the second a line
      add_row(lines, line)
    elseif rows == 0 then
      lines[#lines + 1] = plain(line)
    end
  end
  while lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

-- The module -------------------------------------------------------------------------------------------------

io.write("--- Pages of help: sections of the README, written by `make docs`.  Change them there.\n\nreturn {\n")
for _, page in ipairs(PAGES) do
  local body = table.concat(lines_of(page), "\n"):gsub("\n\n\n+", "\n\n")
  local topics = {}
  for i, topic in ipairs(page[2]) do topics[i] = ("%q"):format(topic) end
  io.write(("  { topics = { %s }, text = [==[\n%s\n]==] },\n"):format(table.concat(topics, ", "), body))
end
io.write("}\n")
