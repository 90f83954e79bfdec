-- What the README shows is what virtlun does: its recipe, its plan, its Lua, its command lines.
local child = require("support.child")
local files = require("support.files")
local host = require("support.host_xml")
local virtlun = require("virtlun")

local readme = assert(files.read("README.md"))

-- The code blocks of a language, in order.
local function blocks(language)
  local list = {}
  for text in readme:gmatch("\n```" .. language .. "\n(.-\n)```") do list[#list + 1] = text end
  return list
end

describe("the README shows", function()
  it("the recipe that the demo runs", function()
    local shown = blocks("lua")[1]:gsub("^%-%-[^\n]*\n", "")
    assert.equal(shown, (files.read("spec/recipes/dvd.lua"):gsub("^%-%-[^\n]*\n", "")))
  end)

  it("the plan of that recipe", function()
    assert.truthy(readme:find(files.read("spec/recipes/dvd.plan"), 1, true))
  end)

  it("Lua that runs", function()
    for i = 2, #blocks("lua") do
      local result = child.script(blocks("lua")[i])
      assert.same({ "", "", 0 }, { result.out, result.err, result.code })
    end
  end)

  it("what `virtlun attach` prints", function()
    local words = readme:match("\n%$ virtlun (attach [^\n]+)")
    local line = {}
    for word in words:gmatch("%S+") do line[#line + 1] = word end
    assert.truthy(readme:find(("\n$ virtlun %s\n%s```"):format(words, child.virtlun(line).out), 1, true))
  end)

  it("what is said of a running domain", function()
    local opts = { arch = "s390x", machine = "s390-ccw-virtio" }
    local hba = host.hba(0, "virtio-scsi", "type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'")
    local function document(first, second)
      return host.domain({ hba, host.drive("sda", { path = first }),
        host.drive("sdb", { path = second, place = { 0, 5, 300 } }) }, opts)
    end
    local before, facts = document("/iso/a.iso", false), { state = "running", active = true, persistent = true }
    function facts.image() return { label = "DISC2", format = "iso9660" } end
    local recipe = { kind = "domain", name = "web01", { kind = "cdrom", dev = "sda", source = "/iso/b.iso" } }
    local plan = assert(virtlun.plan(recipe, { live = before, config = before }, facts))
    local lines = require("virtlun.view.result").lines(plan)
    table.insert(lines, "$ virtlun show web01")
    local shown = require("virtlun.view.domain").data {
      name = "web01", uri = "qemu:///system", facts = facts, media = { ["/iso/b.iso"] = facts.image() },
      live = virtlun.read(document("/iso/b.iso", false)), config = virtlun.read(document("/iso/b.iso", "/iso/c.iso")),
    }
    for _, line in ipairs(require("virtlun.view.tree").lines(shown)) do
      -- The tree is drawn as the locale can show it.
      lines[#lines + 1] = line:gsub("├─", "|-"):gsub("└─", "`-"):gsub("│", "|")
    end
    local text = table.concat(lines, "\n")
    assert.truthy(readme:find("\n$ virtlun insert web01 sda /iso/b.iso\n" .. text .. "\n```", 1, true), text)
  end)

  it("the grid and the picture of a plan", function()
    local opts = { arch = "s390x", machine = "s390-ccw-virtio" }
    local ccw = "type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'"
    local xml = host.domain({ host.hba(0, "virtio-scsi", ccw), host.drive("sda", { path = "/iso/a.iso" }),
      host.drive("sdb", { device = "disk", path = "/images/root.raw", place = { 0, 0, 1 } }),
      host.drive("sdc", { path = "/iso/tools.iso", place = { 0, 5, 300 } }) }, opts)
    local media = { ["/iso/a.iso"] = { label = "DISC1" }, ["/iso/b.iso"] = { label = "DISC2" } }
    local facts = { state = "running", active = true, persistent = true, driver = "QEMU" }
    function facts.image(path) return media[path] end
    local plan = assert(virtlun.plan({ kind = "domain", name = "web01", uri = "qemu:///system",
      { kind = "controller", index = 1 }, { kind = "cdrom", dev = "sda", source = "/iso/b.iso" },
      { kind = "cdrom", dev = "sdc", absent = true },
      { kind = "cdrom", dev = "sdd", source = false, address = { controller = 1, target = 0, unit = 0 } },
    }, { live = xml, config = xml }, facts))
    local picture = require("virtlun.view.topology").of(require("virtlun.view.domain").data {
      name = "web01", uri = "qemu:///system", facts = facts, media = media, live = virtlun.read(xml),
      config = virtlun.read(xml) }, plan)
    local lines, paint = {}, function(_, text) return text end
    for _, name in ipairs { "plan", "grid" } do
      local source = name == "plan" and plan or picture
      if name == "grid" then lines[#lines + 1] = "" end
      for _, line in ipairs(require("virtlun.view." .. name).lines(source, { paint = paint })) do
        lines[#lines + 1] = line:gsub("│", "|"):gsub("─", "-"):gsub("┼", "+"):gsub("·", ".")
      end
    end
    local text = table.concat(lines, "\n")
    local shown = "\n$ virtlun plan --grid --svg web01.svg web01.lua\n" .. text .. "\n```\n"
    assert.truthy(readme:find(shown, 1, true), text)
    local svg, path = require("virtlun.view.svg").text { picture }, readme:match("%]%(([^)]+%.svg)%)")
    if files.updates() then files.write(path, svg) end
    assert.equal(files.read(path), svg)
  end)

  it("every field of what --json prints", function()
    local shown = readme:match("\nWhat `%-%-json` prints.-\n## ")
    -- What devices say is told by virtlun help.
    local IS_DEVICE = { before = true, after = true, described = true, devices = true }
    local function look(data, command)
      for key, inner in pairs(data) do
        if type(key) == "string" then assert.truthy(shown:find("`" .. key .. "`", 1, true), command .. ": " .. key) end
        if type(inner) == "table" and not IS_DEVICE[key] then look(inner, command) end
      end
    end
    local dvd, test = "spec/recipes/dvd.lua", { "-c", "test:///default" }
    for _, line in ipairs { { "plan", dvd }, { "apply", "--yes", dvd }, { "show", table.unpack(test) },
      { "render", dvd }, { "lun", "300" }, { "help", "lun" }, { "show", "none", table.unpack(test) },
      { "check", "none.lua" } } do
      line[#line + 1] = "--json"
      local out = child.virtlun(line).out
      -- An apply prints many lines, each of them whole; the others one text of many lines.
      for text in out:gmatch(line[1] == "apply" and "[^\n]+" or ".+") do
        look(assert(require("dkjson").decode(text)), line[1])
      end
    end
  end)

  it("every flag and every command there is", function()
    local parser, commands = require("virtlun.cli.options").parser()
    assert.truthy(parser)
    for name, command in pairs(commands) do
      assert.truthy(readme:find("`virtlun " .. name, 1, true), name)
      for flag in command:get_usage():gmatch("%[(%-%-?[%a%-]+)") do
        local plain = flag:gsub("%p", "%%%0")
        if flag ~= "-h" then assert.truthy(readme:find("`" .. plain .. "[` ]"), name .. " " .. flag) end
      end
    end
  end)

  it("what `virtlun lun` prints", function()
    local shown = readme:match("\n%$ virtlun lun 256\n([^\n]+\n)")
    assert.equal(shown, child.virtlun({ "lun", "256" }).out)
  end)

  it("the messages of a wrong recipe", function()
    local recipe = ("\n"):rep(4) .. [[domain "web01" {
  cdrom { dev = "sda", sorce = "/cd.iso", address = { controller = 0, target = 0, unit = 20000 } } }]]
    local result = child.virtlun({ "check", "-" }, { stdin = recipe })
    for line in result.err:gmatch("[^\n]+") do
      assert.truthy(readme:find(line:gsub("^stdin", "dvd.lua"), 1, true), line)
    end
  end)
end)
