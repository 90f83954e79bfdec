-- The README's five minutes on a server of one's own: every command that it shows, as a shell runs it, and every line
-- that it prints.  The running server is a booted guest; its folder of discs is called /iso there, and its host
-- qemu:///system.  UPDATE=1 rewrites what is printed, and the picture.
local child = require("support.child")
local files = require("support.files")
local host = require("support.host_xml")
local iso = require("support.iso")
local live = require("support.live")
local readme = require("support.readme")
local session = require("support.session")

describe("the README's five minutes on a running server", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, vm, folder

  setup(function()
    daemon = session.start { warm = true }
    assert(os.execute(("mkdir -m 755 %s/iso"):format(daemon.folder)))
    folder = child.folder()
    local discs = {}
    for i, name in ipairs { "a", "b", "c" } do
      discs[i] = iso.data(("%s/iso/%s.iso"):format(daemon.folder, name), "DISC" .. i)
    end
    files.write(folder .. "/virtlun", ('#!/bin/sh\nexec %s/%s "$@"\n'):format(os.getenv("PWD"), child.command))
    os.execute("chmod +x " .. folder .. "/virtlun")
    vm = daemon:boot { name = "web01", transient = false,
      devices = { host.hba(0), host.drive("sda", { path = discs[1] }) } }
    vm:wait_ready()
  end)
  teardown(function()
    vm:destroy()
    daemon:stop()
    child.remove(folder)
  end)

  local function run(command)
    local env = { PATH = folder .. ":" .. os.getenv("PATH"), LIBVIRT_DEFAULT_URI = daemon.uri, LC_ALL = "C" }
    local text = command:gsub("/iso/", daemon.folder .. "/iso/")
    local out = child.run({ "sh", "-c", ("cd %s\nexec 2>&1\n%s"):format(folder, text) }, { env = env }).out
    local function plain(word) return (word:gsub("%p", "%%%0")) end
    return (out:gsub(plain(daemon.uri), "qemu:///system"):gsub(plain(daemon.folder), ""))
  end

  it("prints what the README shows, and does it", function()
    local connection <close> = live.open(daemon)
    live.skip_if(connection.version >= 9003000 and "the README shows a host with libvirt 9.0", pending)
    local blocks = readme.of("On a server of yours", "console")
    for i, shown in ipairs(blocks) do
      local now = readme.rerun(shown, run)
      readme.update(shown, now)
      if not files.updates() then assert.equal(shown, now) end
      if i == 3 then
        assert.same({ "DISC2", "DISC3" },
          { vm:lun(0, 0).label, vm:wait_for(function() return vm:lun(0, 1) end).label })
        run "virtlun show --quiet --svg now.svg web01"
        -- A uri as long as that of a private daemon is cut off in the picture.
        local svg = files.read(folder .. "/now.svg"):gsub("(running%s+·%s+)[^<]*", "%1qemu:///system")
          :gsub(daemon.folder:gsub("%p", "%%%0"), "")
        if files.updates() then files.write("spec/recipes/web01.now.svg", svg) end
        assert.equal(files.read("spec/recipes/web01.now.svg"), svg)
      end
    end
    assert.equal(4, #blocks)
    assert.falsy(vm:lun(0, 0).medium)
  end)
end)
