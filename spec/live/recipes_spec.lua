-- The recipes of spec/recipes on running guests, as a user has them: the command plans what stands beside each recipe,
-- makes it so, and the guest then sees what was foretold.  The second apply has nothing to do and writes nothing.
local bench = require("support.bench")
local child = require("support.child")
local dkjson = require("dkjson")
local files = require("support.files")
local guest = require("support.guest")
local iso = require("support.iso")
local live = require("support.live")
local recipes = require("support.recipes")
local session = require("support.session")
local target = require("support.target")
local virtlun = require("virtlun")

local PATIENCE = 60 -- seconds for a guest to look at two hundred drives on a machine that has other work too

describe("a recipe", function()
  if live.skips_all(live.missing()) then return end

  local daemon, iscsi, here, images
  local why_no_target = target.missing()

  -- Recipes and expected plans name images and a host of the storage network that are not on this machine.  Ours are in
  -- a folder whose path is as long, so that plans keep their columns.
  local function ours(text)
    local host = ('name = "127.0.0.1", port = %d'):format(iscsi and iscsi.port or 3260)
    return (text:gsub(recipes.images, images):gsub('name = "storage%.example%.org", port = 3260', host))
  end

  local function theirs(text)
    return (text:gsub(images, recipes.images):gsub(daemon.uri:gsub("%p", "%%%0"), recipes.uri))
  end

  local function copy_recipes()
    for _, folder in ipairs { "", "/include" } do
      assert(os.execute(("mkdir %s/recipes%s"):format(daemon.folder, folder)))
      for _, name in ipairs(files.names(recipes.folder .. folder, ".lua")) do
        local text = files.read(("%s%s/%s"):format(recipes.folder, folder, name))
        files.write(("%s/recipes%s/%s"):format(daemon.folder, folder, name), ours(text))
      end
    end
  end

  -- Makes the images that a text names.
  local function make_images(text)
    for path in text:gmatch(recipes.images .. "/[%w-]+%.%l+") do
      local own = ours(path)
      if path:find("%.iso$") then iso.data(own, recipes.label(path)) else files.write(own, ("\0"):rep(4 << 20)) end
      assert(os.execute("chmod 666 " .. own)) -- QEMU runs as another user
    end
  end

  setup(function()
    daemon = session.start { warm = true }
    images = daemon.folder .. "/" .. ("i"):rep(#recipes.images - #daemon.folder - 1)
    assert(os.execute("mkdir -m 777 " .. images))
    if not why_no_target then
      iscsi = target.start()
      for lun, kind in ipairs { "disk", "tape", "changer" } do iscsi:add(lun, kind) end
    end
    copy_recipes()
    for _, case in ipairs(recipes.cases) do
      make_images(files.read(recipes.expected(case)) .. table.concat(case.devices))
    end
  end)
  teardown(function()
    collectgarbage() -- Domains hold their connection, which should be gone before the daemon is.
    daemon:stop()
    if iscsi then iscsi:stop() end
  end)

  local function boot(arch, devices)
    here = bench.boot(daemon, { name = recipes.domain, arch = arch, transient = false, more = recipes.more,
      ports = recipes.machines[arch].ports, devices = { ours(table.concat(devices, "\n")) } })
  end

  -- A command on the recipe of a case, which has to succeed; trace = true has libvirt's calls on standard error.
  local function run(command, case, flag, trace)
    local words = { command, "-c", daemon.uri, ("%s/recipes/%s.lua"):format(daemon.folder, case.recipe), flag }
    for name, value in pairs(case.params or {}) do
      table.insert(words, 2, "-p")
      table.insert(words, 3, name .. "=" .. value)
    end
    local result = child.virtlun(words, { env = { LC_ALL = "C", VIRTLUN_TRACE = trace and "1" or false } })
    assert.equal(0, result.code, result.err)
    return result
  end

  -- Applies the recipe of a case; gives how many of libvirt's calls have changed the domain, and what was said.
  local function apply(case)
    local result, writes = run("apply", case, "--yes", true), 0
    for call in result.err:gmatch("virtlun: +[%d.]+ ms  ([%w_]+)") do
      if live.is_write[call] then writes = writes + 1 end
    end
    return writes, result.out
  end

  local function is_done(case)
    local writes, said = apply(case)
    assert.equal(0, writes)
    assert.truthy(said:find("  nothing to do\n", 1, true), said)
  end

  -- The expected plans are those of one libvirt; what another one does otherwise is planned without a host.
  local function expected(case, arch)
    local version = here.connection.version
    if version // 1000 == recipes.libvirt // 1000 then return files.read(recipes.expected(case)) end
    return recipes.plan(case, arch, version)
  end

  -- What is foretold of the drives of the running domain, by their names: the label of the disc too, and whether the
  -- guest makes a block device of it, which neither a tape nor a changer is.
  local function foretold()
    local description, drives = assert(virtlun.read(here.vm:virsh_ok("dumpxml", recipes.domain))), {}
    for place, seen in pairs(virtlun.foretell(description)) do
      local drive = description[place]
      seen.label = drive.kind == "cdrom" and drive.source and recipes.label(drive.source) or nil
      seen.blk = drive.kind ~= "hostdev"
      drives[drive.dev or drive.alias] = seen
    end
    return drives
  end

  -- A line for each drive: place, disc, whether it is a block device by now.
  local function lines_of(drives)
    local lines = {}
    for _, drive in pairs(drives) do
      local place, block = drive.hctl:match("%w+(:[%d:]+)"), drive.blk and "block device" or ""
      lines[#lines + 1] = ("%s %s %s"):format(place, drive.label or "-", block)
    end
    table.sort(lines)
    return table.concat(lines, "\n")
  end

  -- What the guest calls the drives whose names are certain, and what it should: the label of the disc by each name.
  local function names_of(drives, devices)
    local by_block, named, should = {}, {}, {}
    for _, device in ipairs(devices) do by_block[device.blk or ""] = device.label or "-" end
    local links = here.vm:by_path()
    for _, drive in pairs(drives) do
      if drive.certain and drive.blk then
        named[drive.by_path] = by_block[links[drive.by_path] or "none"]
        should[drive.by_path] = drive.label or "-"
      end
    end
    return named, should
  end

  -- The guest sees the drives of the running domain where they are foretold to be, and no others.  Gives what was
  -- foretold, by the names of the drives, and the guest's list.
  local function seen()
    local drives, devices = foretold(), nil
    guest.await(function()
      devices = here.vm:luns(PATIENCE)
      return lines_of(devices) == lines_of(drives)
    end, PATIENCE, function() return ("drives at\n%s\nand not at\n%s"):format(lines_of(drives), lines_of(devices)) end)
    local named, should = names_of(drives, devices)
    assert.same(should, named)
    return drives, devices
  end

  -- What more a guest and its domain show after some recipes.
  local looks = {}

  function looks.two_hbas()
    local xml = here.vm:virsh_ok("dumpxml", recipes.domain)
    local hba = "index='%d' model='virtio%%-scsi'>%%s*<driver queues='4' iothread='%d'/>"
    for index = 1, 2 do assert.matches(hba:format(index, index), xml) end
    assert.equal(3, #here.vm:hosts())
  end

  function looks.lun_passthrough(devices)
    -- The model is the target's, so that this is the LUN itself and not a disk of QEMU's with the same data.
    assert.equal("VIRTUAL-DISK", here:ask("echo $(cat /sys/block/%s/device/model)", devices[1].blk))
  end

  function looks.tape(devices)
    assert.same({ 1, 8 }, { devices[1].type, devices[2].type }) -- SCSI's numbers of tapes and changers
  end

  function looks.move_drive(devices)
    local hbas = {}
    for _, hba in ipairs(here.vm:hosts()) do hbas[hba.number] = hba.parent end
    assert.truthy(hbas[devices[1].host])
    assert.not_equal("pci-0000:00:0b.0", hbas[devices[1].host]) -- HBA 0, where it was
  end

  local function try(case, arch)
    assert.equal(expected(case, arch), theirs(run("plan", case).out))
    local plan = dkjson.decode(run("plan", case, "--json").out).plans[1]
    local begun = guest.now()
    assert.is_true(apply(case) > 0)
    if plan.changes > 100 then
      print(("recipes_spec: %d changes on %s in %.1f s"):format(plan.changes, arch, guest.now() - begun))
    end
    is_done(case)
    if case.power_off then
      assert.same({}, here.vm:luns())
      live.cold_boot(here.vm)
      is_done(case)
    end
    local drives, devices = seen()
    for _, step in ipairs(plan.steps) do
      if step.guest then assert.equal(step.guest.hctl, drives[step.device].hctl) end
    end
    if looks[case.recipe] then looks[case.recipe](devices) end
  end

  for _, arch in ipairs { "x86_64", "s390x" } do
    describe("on " .. arch, function()
      if live.skips_all(guest.missing(arch)) then return end

      -- Adds the cases of this architecture; prepare(case) makes the domain what each is to find.
      local function add_cases(alone, prepare)
        for _, case in ipairs(recipes.cases_on(arch)) do
          if (case.alone or false) == alone then
            it(recipes.name(case) .. " is planned, made and seen, and then done", function()
              live.skip_if(case.iscsi and why_no_target, pending)
              prepare(case)
              try(case, arch)
            end)
          end
        end
      end

      describe("and a machine that runs,", function()
        setup(function() boot(arch, { recipes.machines[arch].hba }) end)
        after_each(function() here:clear() end)
        teardown(function() here:close() end)

        add_cases(false, function(case)
          for _, device in ipairs(case.devices) do
            live.virsh_device(here.vm, "attach-device", ours(device), "--live", "--config")
          end
        end)
      end)

      describe("and a machine of its own,", function()
        after_each(function() here:close() end)

        add_cases(true, function(case) boot(arch, recipes.devices(case, arch)) end)
      end)
    end)
  end
end)
