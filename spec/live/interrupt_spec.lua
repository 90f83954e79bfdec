-- Ctrl-C while the command changes a running guest: the step in flight comes to its end, the report says how far it
-- came, and the same again goes on from there; a second one gives the step up.
local child = require("support.child")
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

describe("an interrupted apply", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local DRIVES = 24
  local daemon, connection, vm, dom, first, folder

  setup(function()
    daemon = session.start { warm = true }
    connection = live.open(daemon)
    vm = daemon:boot { name = "q35", transient = false, ports = 4,
      devices = { host.hba(0), host.drive("sda", { path = live.disc(daemon, "ONE") }) } }
    dom = assert(connection:domain(vm.name))
    vm:wait_ready()
    first = live.equal_devices(vm)
    folder = child.folder()
  end)
  teardown(function()
    connection:close()
    child.remove(folder)
    daemon:stop()
  end)

  local function recipe(absent)
    local lines = { ('domain "%s" { uri = "%s",'):format(vm.name, daemon.uri) }
    for i = 1, DRIVES do
      local what = absent and "absent = true" or ('source = "%s", address = { controller = 0, target = %d }')
        :format(live.disc(daemon, "D" .. i), i)
      lines[#lines + 1] = ('cdrom { dev = "sd%s", %s },'):format(string.char(97 + i), what)
    end
    lines[#lines + 1] = "}"
    return files.write(folder .. "/recipe.lua", table.concat(lines, "\n"))
  end

  local function said() return files.read(folder .. "/err") or "" end

  -- Starts an apply that Ctrl-C reaches, as it would from a terminal.
  local function begin(...)
    os.remove(folder .. "/code")
    files.write(folder .. "/err", "")
    local line = ("(sh -c 'echo $$ >%s/pid; exec env --default-signal=INT %s apply --yes %s %s' >%s/out 2>%s/err; " ..
      "echo $? >%s/new; mv %s/new %s/code) &"):format(folder, child.command, recipe(...), "", folder, folder, folder,
      folder, folder)
    assert(os.execute(line))
  end

  local function interrupt()
    assert.equal(0, child.run({ "kill", "-INT", files.read(folder .. "/pid"):match("%d+") }).code)
  end

  local function code()
    local text = guest.await(function() return files.read(folder .. "/code") end, 60, said)
    return tonumber(text)
  end

  local function count_done()
    return select(2, said():gsub(": done\n", ""))
  end

  for _, moment in ipairs { 1, 4, 9 } do
    it(("ends after the step in flight, and is completed by the next (%d)"):format(moment), function()
      begin()
      guest.await(function() return count_done() >= moment end, 30, said)
      interrupt()
      assert.equal(130, code(), said())
      local made = count_done()
      assert.truthy(made >= moment and made < DRIVES, said())
      assert.truthy(said():find(("stopped as asked, after %d of %d changes"):format(made, DRIVES), 1, true), said())
      local told = ("of %d changes %d done, %d left"):format(DRIVES, made, DRIVES - made)
      assert.truthy(said():find(told, 1, true), said())
      assert.equal(#first + made, #live.equal_devices(vm))
      begin()
      assert.equal(0, code(), said())
      assert.equal(#first + DRIVES, #live.equal_devices(vm))
      begin(true)
      assert.equal(0, code(), said())
      assert.same(first, live.equal_devices(vm))
    end)
  end

  -- QEMU does not answer any more, so that a step never ends by itself.
  it("gives up the step in flight when it is interrupted again", function()
    local pid = child.run({ "pgrep", "-f", ("guest=%s,"):format(vm.name) }).out:match("%d+")
    local function signal(name) assert.equal(0, child.run({ "kill", "-" .. name, pid }).code) end
    begin()
    guest.await(function() return count_done() >= 1 end, 30, said)
    signal("STOP")
    interrupt()
    -- It is seen to go on waiting: only what hangs can be given up.
    guest.await(function() return not vm:virsh_ok("domcontrol", vm.name):find("ok", 1, true) end, 10, said)
    interrupt()
    local ended = code()
    signal("CONT")
    assert.equal(130, ended, said())
    assert.truthy(said():find("was given up while it was changed", 1, true), said())
    assert.truthy(said():find("1 given up", 1, true), said())
    guest.await(function() return vm:virsh_ok("domcontrol", vm.name):find("ok", 1, true) end, 10, said)
    begin()
    assert.equal(0, code(), said())
    assert.equal(#first + DRIVES, #live.equal_devices(vm))
    begin(true)
    assert.equal(0, code(), said())
    assert.is_true(live.is_done(dom, live.describe(vm, { { kind = "cdrom", dev = "sdb", absent = true } })))
  end)
end)
