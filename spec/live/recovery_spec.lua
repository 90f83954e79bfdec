-- The daemon dies in the middle of whatever is done, and comes back: the next run of the same recipe knows what there
-- is and completes it. Nothing that is not described changes, nothing is there twice, and both halves are equal.
local files = require("support.files")
local guest = require("support.guest")
local host = require("support.host_xml")
local live = require("support.live")
local session = require("support.session")

describe("what the daemon's death has interrupted", function()
  if live.skips_all(live.missing("x86_64")) then return end

  local daemon, vm, first

  local function disc(label) return live.disc(daemon, label) end

  setup(function()
    daemon = session.start { warm = true }
    vm = daemon:boot { name = "guest", transient = false, ports = 20, devices = { host.hba(0),
      host.drive("sda", { path = disc "ONE" }),
      host.drive("sdz", { path = disc "THEIRS", place = { 0, 9, 9 }, inner = "<serial>THEIRS</serial>" }) } }
    vm:wait_ready()
    first = live.equal_devices(vm)
  end)
  teardown(function()
    vm:destroy()
    daemon:stop()
  end)

  local function pid() return tonumber((files.read(daemon.folder .. "/pid"))) end

  local function is_dead(number)
    local status = files.read(("/proc/%d/status"):format(number))
    return not status or status:find("State:\tZ", 1, true) ~= nil
  end

  -- Applies a recipe on a connection of its own, which is what the next run of a program has. A daemon that has just
  -- come back is still finding out about its domains, so that a plan may be out of date at once.
  local function run(desired)
    local connection = live.open(daemon)
    local dom, found = connection:domain("guest")
    local result
    for _ = 1, 20 do
      if dom then result, found = live.apply(dom, desired) end
      if not dom or result or found[1].code ~= "host_changed" then break end
    end
    connection:close()
    return result, found
  end

  -- The one state that no call of libvirt's leads out of: QEMU has a device that libvirt does not know. It has to be
  -- told, and the domain begins anew.
  local function complete(desired, attaches)
    local result, found = run(desired)
    if attaches and not result and found[1].code == "orphaned" then
      live.cold_boot(vm)
      result, found = run(desired)
    end
    assert.truthy(result, tostring(found))
  end

  local function revive(number)
    guest.await(function() return is_dead(number) end)
    daemon:restart_daemon()
  end

  -- Moments of the daemon's death. after(n, what): when the nth call of that kind has returned; timed: so many
  -- milliseconds after the first of the changing calls was due, which is in the midst of it, more or less.
  local changing = { attach_device = true, detach_device = true, update_device = true, define = true }

  local function after(number, what)
    return ("after call %d of %s"):format(number, what), function(body)
      local seen, victim = 0, pid()
      live.with_log(function(call)
        if call == what or what == "changes" and changing[call] then
          seen = seen + 1
          if seen == number then daemon:kill_daemon() end
        end
      end, body)
      if not is_dead(victim) then daemon:kill_daemon() end
      revive(victim)
    end
  end

  -- The domain is looked at twice before the first change: once for the plan and once to make it.
  local function timed(milliseconds)
    return ("%d ms into the changes"):format(milliseconds), function(body)
      local reads, victim = 0, pid()
      live.with_log(function(call)
        reads = reads + (call == "look" and 1 or 0)
        if call == "look" and reads == 2 then
          os.execute(("(sleep %.3f; kill -KILL %d) >/dev/null 2>&1 &"):format(milliseconds / 1000, victim))
        end
      end, body)
      if reads < 2 then daemon:kill_daemon() end
      revive(victim)
    end
  end

  local moments = {
    { after(2, "look") }, { after(1, "changes") }, { after(2, "changes") }, { timed(0) }, { timed(1) }, { timed(3) },
    { timed(6) }, { timed(10) }, { timed(15) }, { timed(25) }, { timed(60) },
  }

  local function cdrom(dev, label, place)
    return live.cdrom(dev, label and disc(label), place)
  end

  local no_drive = { kind = "cdrom", dev = "sdb", absent = true }
  local no_hba = { kind = "controller", index = 1, absent = true }

  -- name; from and to: what is described before and after; seen: what the guest sees then beside the drive that nobody
  -- describes; more: the number of devices that have come.
  local operations = {
    {
      name = "an attach", more = 1, seen = { "0 0 ONE", "5 16684 TWO" },
      from = function() return { cdrom("sda", "ONE"), no_drive, no_hba } end,
      to = function() return { cdrom("sdb", "TWO", { 0, 5, 300 }) } end,
    },
    {
      name = "an attach with its HBA", more = 2, seen = { "0 0 ONE", "3 1 TWO" },
      from = function() return { cdrom("sda", "ONE"), no_drive, no_hba } end,
      to = function() return { cdrom("sdb", "TWO", { 1, 3, 1 }) } end,
    },
    {
      name = "a change of media", more = 0, seen = { "0 0 TWO" },
      from = function() return { cdrom("sda", "ONE"), no_drive, no_hba } end,
      to = function() return { cdrom("sda", "TWO") } end,
    },
    {
      name = "an eject", more = 0, seen = {},
      from = function() return { cdrom("sda", "ONE"), no_drive, no_hba } end,
      to = function() return { live.cdrom("sda", false) } end,
    },
    {
      name = "a detach", more = 0, seen = { "0 0 ONE" },
      from = function() return { cdrom("sda", "ONE"), cdrom("sdb", "TWO", { 0, 5, 300 }), no_hba } end,
      to = function() return { no_drive } end,
    },
    {
      name = "a detach of an HBA", more = 0, seen = { "0 0 ONE" },
      from = function()
        return { cdrom("sda", "ONE"), no_drive, { kind = "controller", index = 1, model = "virtio-scsi" } }
      end,
      to = function() return { no_hba } end,
    },
  }

  local function labels()
    local seen = {}
    for _, device in ipairs(vm:luns()) do
      if device.label then seen[#seen + 1] = ("%d %d %s"):format(device.target, device.lun, device.label) end
    end
    table.sort(seen)
    return table.concat(seen, "; ")
  end

  local function check(operation)
    local devices = live.equal_devices(vm)
    assert.equal(#first + operation.more, #devices)
    assert.equal(live.device_with(first, "THEIRS.iso"), live.device_with(devices, "THEIRS.iso"))
    local wanted = table.concat(operation.seen, "; ") .. (operation.seen[1] and "; " or "") .. "9 9 THEIRS"
    vm:wait_for(function() return labels() == wanted end)
  end

  for _, operation in ipairs(operations) do
    for _, moment in ipairs(moments) do
      it(("is completed by the next run: %s, %s"):format(operation.name, moment[1]), function()
        complete(live.describe(vm, operation.from()))
        local desired = live.describe(vm, operation.to())
        moment[2](function() run(desired) end)
        complete(desired, operation.more > 0)
        check(operation)
      end)
    end
  end

  it("is completed by the next run: a define of an HBA's configuration", function()
    local desired = live.describe(vm, { { kind = "controller", index = 0, model = "virtio-scsi", queues = 2 } })
    for _, moment in ipairs(moments) do
      moment[2](function() run(desired) end)
      complete(desired)
      assert.truthy(live.device_with(live.devices(vm, "config"), "queues='2'"))
      assert.truthy(live.device_with(live.devices(vm, "config"), "THEIRS.iso"))
      local back = live.describe(vm, { { kind = "controller", index = 0, model = "virtio-scsi", queues = false } })
      complete(back)
    end
  end)
end)
