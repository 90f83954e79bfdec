-- What the README shows is what virtlun does: its recipe, its plan, its Lua, its command lines.  Every code block is
-- tried somewhere, or says here why it is not.
local child = require("support.child")
local files = require("support.files")
local host = require("support.host_xml")
local options = require("virtlun.cli.options")
local page = require("support.readme")
local status = require("virtlun.cli.status")
local virtlun = require("virtlun")

local readme = page.text

-- Runs a command of a session as a shell does, in the tree; what goes to standard error is not shown there.
local function run(command)
  local line = ("virtlun() { %s \"$@\"; }\n%s"):format(child.command, command)
  return child.run({ "sh", "-c", line }, { env = { LC_ALL = "C" } }).out
end

-- Where blocks are tried, by section, or by section and first line; a text says where, or why not.  One that is not
-- named here is Lua that runs, or a session whose commands print what is shown.
local elsewhere = {
  ["virtlun"] = { ["-- spec/recipes/dvd.lua"] = "it is spec/recipes/dvd.lua",
    ["dvd.lua:6: web01.sda: unknown key 'sorce' (did you mean 'source'?)"] = "the messages of a wrong recipe, below" },
  ["Install"] = {
    ["make demo       # installs what is missing, builds, and shows the main job on libvirt's own test driver"]
      = "installed below",
    ["make demo"] = "make rock does it; it takes a network and root",
  },
  ["Without any server"] = { ["$ virtlun plan spec/recipes/dvd.lua"] = "the demo, below" },
  ["On a server of yours"] = { ["$ virtlun show web01"] = "spec/live/readme_spec.lua",
    ["$ virtlun import web01 >web01.lua"] = "spec/live/readme_spec.lua",
    ["$ cat >web01.lua <<'END'"] = "spec/live/readme_spec.lua",
    ["$ virtlun insert web01 sda /iso/a.iso"] = "spec/live/readme_spec.lua" },
  ["The command"] = { ["$ virtlun insert web01 sda /iso/b.iso"] = "a running domain, below",
    ["$ virtlun plan --grid --svg web01.svg web01.lua"] = "the grid, below" },
  ["Embedding"] = "spec/embed_spec.lua",
  ["In an editor"] = { ['{ "workspace.library": ["/usr/local/share/lua/5.4/virtlun"] }']
    = "there is no language server here; spec/meta_spec.lua looks at what it would read" },
  ["From Ansible"] = { ["- name: The drives of all virtual servers are as described"]
    = "spec/fleet_examples_spec.lua" },
  ["Many servers on many hosts"] = { ["-- spec/recipes/fleet.lua"] = "spec/fleet_examples_spec.lua" },
  ["Trying again"] = { ["for attempt in 1 2 3; do"] = "spec/fleet_examples_spec.lua" },
}

describe("the README shows", function()
  it("the recipe that the demo runs", function()
    local shown = page.of("virtlun", "lua")[1]:gsub("^%-%-[^\n]*\n", "")
    assert.equal(shown, (files.read("spec/recipes/dvd.lua"):gsub("^%-%-[^\n]*\n", "")))
  end)

  it("the plan of that recipe", function()
    assert.truthy(readme:find(files.read("spec/recipes/dvd.plan"), 1, true))
  end)

  for _, block in ipairs(page.blocks()) do
    local place = elsewhere[block.section] or {}
    if type(place) == "table" and not place[block.first] then
      it(("%s that works: %s, %s"):format(block.language, block.section, block.first), function()
        if block.language == "lua" then
          local result = child.script(block.text)
          assert.same({ "", "", 0 }, { result.out, result.err, result.code })
        else
          assert.equal("console", block.language, "nobody tries this block")
          local now = page.rerun(block.text, run)
          page.update(block.text, now)
          assert.equal(now, block.text)
        end
      end)
    end
  end

  it("no block that is said to be tried and is not there", function()
    local there = {}
    for _, block in ipairs(page.blocks()) do there[block.section .. "\n" .. block.first] = true end
    for section, blocks in pairs(elsewhere) do
      assert.truthy(page.section(section), section)
      for first in pairs(type(blocks) == "table" and blocks or {}) do
        assert.truthy(there[section .. "\n" .. first], section .. ": " .. first)
      end
    end
  end)

  it("what the demo prints", function()
    local shown = page.of("Without any server", "console")[1]
    local out = child.run({ child.lua, "spec/support/demo.lua" },
      { env = { LUA_PATH = package.path, LUA_CPATH = package.cpath, LC_ALL = "C" } }).out
    local now = out:match("\n== what would change\n(.*)$"):gsub("\n== [^\n]*\n", "\n")
    page.update(shown, now)
    assert.equal(now, shown)
  end)

  it("how it is installed with make", function()
    local folder = child.folder()
    finally(function() child.remove(folder) end)
    local words = page.of("Install", "sh")[1]:gsub("^make demo[^\n]*\n", "")
    local root, version = folder .. "/usr/local", _VERSION:match("%d.%d")
    local share, lib = ("%s/share/lua/%s"):format(root, version), ("%s/lib/lua/%s"):format(root, version)
    local plain
    if child.sanitized then plain = false end -- a sanitized build is not what is installed
    local env = { BUILD = plain, SANITIZE = plain, MODULE_LDFLAGS = plain, MAKEFLAGS = "-s", MAKELEVEL = false,
      DESTDIR = folder, PATH = root .. "/bin:" .. os.getenv("PATH"),
      LD_PRELOAD = false, LUA_PATH = ("%s/?.lua;%s/?/init.lua;;"):format(share, share), LUA_CPATH = lib .. "/?.so;;" }
    local result = child.run({ "sh", "-c", words }, { timeout = 120, env = env })
    assert.equal(0, result.code, result.err)
    assert.equal("virtlun " .. virtlun.VERSION .. "\n", result.out:match("[^\n]*\n$"))
    for _, file in ipairs { share .. "/virtlun/init.lua", share .. "/virtlun/meta.lua", lib .. "/virtlun/core.so",
      root .. "/share/man/man1/virtlun.1", root .. "/share/bash-completion/completions/virtlun" } do
      assert.truthy(files.read(file), file)
    end
  end)

  it("every exit status and every variable of the environment", function()
    local rows = page.section("Exit status")
    for _, row in ipairs(status.MEANINGS) do
      assert.truthy(rows:find(("\n| %d | %s |\n"):format(row[1], row[2]), 1, true), row[2])
    end
    rows = page.section("Environment")
    for _, row in ipairs(options.ENVIRONMENT) do
      assert.truthy(rows:find(("\n| `%s` | %s |\n"):format(row[1], row[2]), 1, true), row[2])
    end
  end)

  it("words of virsh that virsh has, and words of ours that we have", function()
    local has_virsh = child.run({ "sh", "-c", "command -v virsh" }).code == 0
    local parser, commands = options.parser()
    local usage = { parser:get_usage() }
    for _, command in pairs(commands) do usage[#usage + 1] = command:get_usage() end
    usage = table.concat(usage, "\n")
    local rows = 0
    for _, heading in ipairs { "virsh and virt-xml", "Terraform" } do
      for theirs, ours in page.section(heading):gmatch("\n| (`[^|]*) | ([^|]*) |") do
        for word in (heading == "Terraform" and "" or theirs):gmatch("`(%l[%l-]+)") do
          if has_virsh and word ~= "virt-xml" then
            local env = { LD_PRELOAD = false }
            assert.equal(0, child.run({ "virsh", "-c", "test:///default", "help", word }, { env = env }).code, word)
          end
        end
        for word in ours:gmatch("`(%l+) [^={]") do assert.truthy(commands[word] or word == "disk", word) end
        for flag in ours:gmatch("%-%-[%l-]+") do assert.truthy(usage:find(flag, 1, true), flag) end
        rows = rows + 1
      end
    end
    assert.truthy(rows > 30, rows)
    if not has_virsh then print("skipped: readme_spec, what virsh has: it is not on this machine") end
  end)

  it("pictures that there are, and links that lead somewhere", function()
    for path in readme:gmatch("%]%(([^)]+)%)") do
      if path:sub(1, 1) == "#" then
        local found = false
        for heading in readme:gmatch("\n#+ ([^\n]+)") do
          found = found or heading:lower():gsub("[^%w%s-]", ""):gsub(" ", "-") == path:sub(2)
        end
        assert.truthy(found, path)
      elseif not path:find("^https:") then
        assert.truthy(files.read(path), path)
      end
    end
  end)

  it("lines that fit, but for tables and what is printed", function()
    local open = false
    for line in readme:gmatch("([^\n]*)\n") do
      if line:find("^```") then open = not open end
      assert.truthy(open or #line <= 120 or line:find("^|"), line)
    end
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
    local shown = page.section("What --json prints")
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
    local parser, commands = options.parser()
    assert.truthy(parser)
    for name, command in pairs(commands) do
      assert.truthy(readme:find("`virtlun " .. name, 1, true), name)
      for flag in command:get_usage():gmatch("%[(%-%-?[%a%-]+)") do
        local plain = flag:gsub("%p", "%%%0")
        if flag ~= "-h" then assert.truthy(readme:find("`" .. plain .. "[` ]"), name .. " " .. flag) end
      end
    end
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
