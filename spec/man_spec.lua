-- The manual page: that it says what help says, and that tools for manual pages have nothing against it.
local child = require("support.child")
local files = require("support.files")
local options = require("virtlun.cli.options")
local status = require("virtlun.cli.status")
local syntax = require("virtlun.cli.syntax")

local page

setup(function()
  local env = { LUA_PATH = package.path, LUA_CPATH = package.cpath }
  local result = child.run({ child.lua, "lua/tools/man.lua" }, { env = env })
  assert(result.code == 0, result.err)
  page = result.out
end)

describe("the manual page", function()
  local function shown() return (page:gsub("\\%-", "-"):gsub("\\%(aq", "'"):gsub("\\fB", ""):gsub("\\fR", "")) end

  it("has every command and option with the text of help", function()
    local text, whole = shown(), syntax.of(options.parser())
    for _, command in ipairs(whole.commands) do
      assert.truthy(text:find(".SS virtlun " .. command.name, 1, true), command.name)
      assert.truthy(text:find("\n" .. command.text .. "\n", 1, true), command.text)
      for _, list in ipairs { command.options, command.arguments } do
        for _, element in ipairs(list) do assert.truthy(text:find(element.text, 1, true), element.text) end
      end
      for _, option in ipairs(command.options) do
        assert.truthy(text:find("\n" .. table.concat(option.names, ", "), 1, true), option.names[1])
      end
    end
    assert.falsy(text:find("virtlun complete\n", 1, true))
  end)

  it("has the exit statuses and the environment, as the help of all commands has", function()
    local text, help = shown(), child.virtlun({ "-h" }).out
    for _, rows in ipairs { status.MEANINGS, options.ENVIRONMENT } do
      for _, row in ipairs(rows) do
        assert.truthy(text:find(("\n.TP\n%s\n%s\n"):format(row[1], row[2]), 1, true), row[2])
        assert.truthy(help:find(row[2], 1, true), row[2])
      end
    end
  end)

  it("names the pages of help", function()
    for _, section in ipairs(require("virtlun.help").pages) do
      local row = ("\n.TP\nvirtlun help %s\n%s.\n"):format(section.topics[1], section.text:match("[^\n]*"))
      assert.truthy(shown():find(row, 1, true), row)
    end
  end)

  it("has examples, whose commands and options there are", function()
    local text, whole = shown(), syntax.of(options.parser())
    local count = 0
    for line in text:match("%.SH EXAMPLES\n(.-)%.SH "):gmatch("\n(virtlun [^\n]+)") do
      local command = syntax.command(whole, line:match("^virtlun (%S+)"))
      assert.truthy(command, line)
      for option in line:gmatch("%-%-%a+") do assert.truthy(syntax.option(command, option), line) end
      count = count + 1
    end
    assert.is_true(count >= 4)
  end)

  local CHECKS = {
    man = { "man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z" },
    -- It has no date, so that the same sources give the same page.
    mandoc = { "sh", "-c", 'mandoc -Tlint -Wwarning "$0" | grep -v "missing date" || true' },
  }
  for tool, words in pairs(CHECKS) do
    if child.run({ "sh", "-c", "command -v " .. tool }).code ~= 0 then
      it("was not shown to " .. tool, function() pending(tool .. " is not on this machine") end)
      print(("skipped: man_spec, %s is not on this machine"):format(tool))
    else
      it("is good to " .. tool, function()
        local folder = child.folder()
        finally(function() child.remove(folder) end)
        local line = { table.unpack(words) }
        line[#line + 1] = files.write(folder .. "/virtlun.1", page)
        local result = child.run(line, { env = { LD_PRELOAD = false } })
        assert.same({ "", 0 }, { result.err, result.code })
        if tool == "mandoc" then assert.equal("", result.out) end
      end)
    end
  end
end)
