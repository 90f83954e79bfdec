-- The README as specs see it: its code blocks by section, and the sessions in them: commands behind "$ ", each with
-- what it prints.
local files = require("support.files")

local readme = { path = "README.md" }

readme.text = assert(files.read(readme.path))

--- Every code block in order: { section = its heading, language =, text = with the newline at its end, first = line }.
function readme.blocks()
  local list, section, open = {}, nil, nil
  for line in readme.text:gmatch("([^\n]*)\n") do
    local language = line:match("^```(.*)")
    if open and line == "```" then
      list[#list + 1], open = open, nil
      list[#list].first = list[#list].text:match("[^\n]*")
    elseif open then
      open.text = open.text .. line .. "\n"
    elseif language then
      open = { section = section, language = language, text = "" }
    else
      section = line:match("^#+ (.*)") or section
    end
  end
  assert(not open, "the last code block has no end")
  return list
end

--- The blocks of a section, of one language.
function readme.of(section, language)
  local list = {}
  for _, block in ipairs(readme.blocks()) do
    if block.section == section and block.language == language then list[#list + 1] = block.text end
  end
  assert(list[1], "the README has no block of " .. language .. " in " .. section)
  return list
end

--- The text of a section without its heading, up to the next one of its rank or a higher one.
function readme.section(heading)
  local text = "\n" .. readme.text
  local from, to, marks = text:find("\n(#+) " .. heading:gsub("%p", "%%%0") .. "\n")
  assert(from, "the README has no section " .. heading)
  local at = to
  repeat
    local start, _, other = text:find("\n(#+) [^\n]*\n", at)
    if not start then return text:sub(to) end
    at = start + 1
    if #other <= #marks then return text:sub(to, start) end
  until false
end

--- A session run again: the text as it is now.  run(command) gives what a command prints; a command that is given
-- lines (<<'END') has them from the session.
function readme.rerun(session, run)
  local now, command, waits = {}, nil, false
  local function finish()
    if command then now[#now + 1] = "$ " .. command .. "\n" .. run(command) end
    command = nil
  end
  for line in session:gmatch("([^\n]*)\n") do
    if waits then
      command = command .. "\n" .. line
      waits = line ~= "END"
    elseif line:find("^%$ ") then
      finish()
      command = line:sub(3)
      waits = line:find("<<'END'", 1, true) ~= nil
    end
  end
  finish()
  return table.concat(now)
end

--- UPDATE=1: writes what a block says now into the README.
function readme.update(before, now)
  if not files.updates() or before == now then return end
  local from, to = readme.text:find(before, 1, true)
  readme.text = readme.text:sub(1, from - 1) .. now .. readme.text:sub(to + 1)
  files.write(readme.path, readme.text)
end

return readme
