-- The examples of the README for many hosts: the recipe, the loop of a shell and the task of Ansible, run as they stand
-- there on hosts that are files of libvirt's test driver; of Ansible only what the task says is done here.
local child = require("support.child")
local dkjson = require("dkjson")
local files = require("support.files")
local host_xml = require("support.host_xml")
local page = require("support.readme")

local readme = page.text
local recipe = assert(files.read("spec/recipes/fleet.lua"))

local blocks = { sh = page.of("Trying again", "sh")[1], yaml = page.of("From Ansible", "yaml")[1] }

describe("the README's example of many servers", function()
  local folder, env

  before_each(function()
    folder = child.folder()
    local one = "test://" .. files.write(folder .. "/one.xml", host_xml.node { "web01", "web02" })
    local two = "test://" .. files.write(folder .. "/two.xml", host_xml.node { "web03", "web04" })
    files.write(folder .. "/fleet.lua", (recipe:gsub("qemu%+ssh://kvm1/system", one)
      :gsub("qemu%+ssh://kvm2/system", two)))
    files.write(folder .. "/virtlun", ('#!/bin/sh\nexec %s/%s "$@"\n'):format(os.getenv("PWD"), child.command))
    os.execute("chmod +x " .. folder .. "/virtlun")
    env = { PATH = folder .. ":" .. os.getenv("PATH") }
  end)

  after_each(function() child.remove(folder) end)

  local function shell(text)
    return child.run({ "sh", "-c", ("cd %s\n%s"):format(folder, text) }, { env = env })
  end

  it("is the recipe of spec/recipes", function()
    assert.truthy(readme:find("\n```lua\n-- spec/recipes/fleet.lua\n" .. recipe .. "```\n", 1, true))
  end)

  it("ends a loop when all is made", function()
    local result = shell(blocks.sh)
    assert.equal(0, result.code, result.err)
    local _, count = result.out:gsub("cdrom at 0:0:0:0  /var/lib/libvirt/images/tools.iso", "")
    assert.truthy(count > 0, result.out)
    assert.falsy(result.err:find("is left", 1, true), result.err)
    assert.is_nil(files.read(folder .. "/left.txt"))
  end)

  it("tells in a loop what is left, with its host", function()
    os.remove(folder .. "/two.xml")
    local result = shell(blocks.sh)
    local _, count = result.err:gsub("web0[34] on test://" .. folder:gsub("%p", "%%%0") .. "/two.xml is left\n", "")
    assert.equal(6, count, result.err) -- two domains, three attempts
    assert.falsy(result.err:find("web01 on", 1, true), result.err)
  end)

  it("tells Ansible whether anything was changed", function()
    local task = blocks.yaml
    local words = {}
    for word in task:match("argv: %[(.-)%]"):gmatch("[^, ]+") do words[#words + 1] = word end
    local field = task:match("changed_when: %(drives%.stdout_lines | last | from_json%)%.(%w+) > 0")
    local function run(more)
      local result = shell(table.concat(words, " ") .. more)
      local last
      for line in result.out:gmatch("[^\n]+") do last = line end
      return result.code, assert(dkjson.decode(last))[field] > 0, result.err
    end
    assert.same({ 0, true, "" }, { run("") })
    -- What the test driver was told is gone with the process: of a drive that nobody wants nothing is to be changed.
    files.write(folder .. "/fleet.lua", (files.read(folder .. "/fleet.lua"):gsub("source = iso", "absent = true")))
    assert.same({ 0, false, "" }, { run("") })
  end)
end)
