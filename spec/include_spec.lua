-- Recipes in files: what include and load do with names of files, and which file and line problems then have.
local child = require("support.child")
local files = require("support.files")
local virtlun = require("virtlun")

local folder

local function file(name, text)
  os.execute(("mkdir -p %s/%s"):format(folder, name:match("^(.*)/") or ""))
  return files.write(folder .. "/" .. name, text)
end

-- What loading and checking says, with the folder's name taken out.
local function said(name)
  local domains, problems = virtlun.load(folder .. "/" .. name)
  if domains then domains, problems = virtlun.check(domains) end
  return (tostring(problems):gsub(folder:gsub("%p", "%%%0") .. "/", "")), domains
end

describe("include", function()
  before_each(function() folder = child.folder() end)
  after_each(function() child.remove(folder) end)

  it("gives what the file returns, and takes its place as the file's own", function()
    file("main.lua", 'domain "d" { include "one.lua" }')
    file("one.lua", "-- The first line.\n" ..
      "local c = cdrom { dev = 'sda', address = { controller = 0, target = 300 } }\nreturn c")
    assert.equal("one.lua:2: d.sda.address.target: 300 is out of range 0..255", said("main.lua"))
  end)

  it("knows the file of a device also where the file only returns it", function()
    file("main.lua", 'domain "d" {\n  include "one.lua",\n}')
    file("one.lua", "return cdrom { dev = 'sda', address = { controller = 0, target = 300 } }")
    local text = said("main.lua")
    assert.truthy(text:find("^one%.lua:?1?: d%.sda%.address%.target: 300 is out of range 0%.%.255$"), text)
  end)

  it("takes files as editors of other systems write them", function()
    file("main.lua", '\xEF\xBB\xBFdomain "d" {\r\n  include "one.lua",\r\n}\r\n')
    file("one.lua", "\xEF\xBB\xBF-- The first line.\r\nlocal c = cdrom { dev = 'sda', serial = 1 }\r\nreturn c\r\n")
    assert.equal("one.lua:2: d.sda.serial: 1 is not text", (said("main.lua"):gsub(" %(.*", "")))
    file("one.lua", "return\xEF\xBB\xBF nil")
    assert.truthy(said("main.lua"):find("one.lua:1: ", 1, true), "elsewhere it is none")
  end)

  it("is relative to the file that includes", function()
    file("main.lua", 'local c = include "sub/one.lua"\ndomain "d" { c }')
    file("sub/one.lua", 'local c = include "../other/two.lua"\nreturn c')
    file("other/two.lua", 'local c = cdrom { dev = "sda", source = "/a.iso" }\nreturn c')
    file("two.lua", "wrong()")
    assert.equal("", said("main.lua"))
  end)

  it("is relative to the file that includes also in a tail call", function()
    file("main.lua", 'local c = include "sub/one.lua"\ndomain "d" { c }')
    file("sub/one.lua", 'return include "two.lua"')
    file("sub/two.lua", 'local c = cdrom { dev = "sda", source = "/a.iso" }\nreturn c')
    file("two.lua", "wrong()")
    assert.equal("", said("main.lua"))
  end)

  it("is relative to the name that a recipe from text was given", function()
    file("one.lua", 'domain "d" {}')
    assert.truthy(virtlun.loadstring('include "one.lua"', folder .. "/named.lua"))
  end)

  it("takes an absolute path as it is", function()
    local path = file("sub/one.lua", 'domain "d" {}')
    assert.truthy(virtlun.loadstring(('include "%s"'):format(path), "anywhere/r.lua"))
  end)

  it("may include the same file twice, but not in a circle", function()
    file("main.lua", 'include "one.lua"\ninclude "two.lua"')
    file("one.lua", "local unused = 1")
    file("two.lua", 'local unused = 1\ninclude "one.lua"')
    file("main.lua", 'include "one.lua"\ninclude "two.lua"\ndomain "d" {}')
    assert.equal("", said("main.lua"))
    file("one.lua", '\n\ninclude "two.lua"')
    assert.equal("two.lua:2: includes itself: one.lua -> two.lua -> one.lua\n" ..
      "one.lua:3: includes itself: two.lua -> one.lua -> two.lua", said("main.lua"))
  end)

  it("sees a circle also through another spelling of the name", function()
    file("main.lua", 'include "./main.lua"')
    local text = said("main.lua")
    assert.truthy(text:find("includes itself: main.lua -> ", 1, true), text:sub(1, 200))
  end)

  it("tells of a file that is not there, in whose line", function()
    file("main.lua", '\ninclude "none.lua"\ndomain "d" {}')
    assert.equal("main.lua:2: none.lua: cannot be read: No such file or directory", said("main.lua"))
  end)

  it("tells of a folder that is no file", function()
    file("main.lua", '\ninclude "sub.lua"\ndomain "d" {}')
    file("sub.lua/x.lua", "")
    assert.equal("main.lua:2: sub.lua: cannot be read: not a regular file", said("main.lua"))
  end)

  it("never looks into a file of another name, which an error would quote", function()
    file("secret", "password hunter2")
    for _, path in ipairs { folder .. "/secret", "secret", "/etc/passwd", "/proc/self/environ", "/proc/self/mem",
      "/dev/zero", ".", "", "one.lua/", "one.LUA" } do
      file("main.lua", ('\ninclude %q\ndomain "d" {}'):format(path))
      local text = said("main.lua")
      assert.truthy(text:find("^main%.lua:2: .*: only a file whose name ends in %.lua is included$"), text)
    end
  end)

  it("tells of syntax and of errors in the included file by its own name and line", function()
    file("main.lua", 'include "bad.lua"\ninclude "worse.lua"\ndomain "d" {}')
    file("bad.lua", "\n\nlocal = 1")
    file("worse.lua", "\nerror('thus')")
    assert.equal("bad.lua:3: <name> expected near '='\nworse.lua:2: thus", said("main.lua"))
  end)

  it("shares nothing but what is returned", function()
    file("main.lua", 'local secret = 1\nlocal got = include "one.lua"\ndomain "d" { got }')
    file("one.lua", 'local x = secret\nreturn nil')
    assert.equal("one.lua:1: unknown name 'secret'", (said("main.lua"):gsub(" %(did.*", "")))
  end)
end)

describe("load", function()
  before_each(function() folder = child.folder() end)
  after_each(function() child.remove(folder) end)

  it("tells of a recipe that is not there", function()
    assert.equal("none.lua: cannot be read: No such file or directory", said("none.lua"))
  end)

  it("tells of a recipe that is a folder", function()
    file("sub/x.lua", "")
    assert.equal("sub: cannot be read: not a regular file", said("sub"))
  end)

  it("refuses a compiled file", function()
    file("main.lua", string.dump(function() end))
    assert.equal("main.lua: attempt to load a binary chunk (mode is 't')", said("main.lua"))
  end)

end)
