-- The recipes of spec/recipes, the domain that each is applied to, and the plan that is made of them without a host.
local host = require("support.host_xml")
local plan_view = require("virtlun.view.plan")
local style = require("virtlun.view.style")
local virtlun = require("virtlun")

local recipes = {}

recipes.folder = "spec/recipes"
recipes.images = "/var/lib/libvirt/images" -- where the recipes have their images
recipes.domain = "web01" -- that all of them describe
recipes.uri = "qemu:///system" -- of the host that the expected plans are made for
recipes.libvirt = 9000000 -- and the version of its libvirt

local function image(name) return ("%s/%s"):format(recipes.images, name) end

local function cdrom(dev, name, place) return host.drive(dev, { path = image(name .. ".iso"), place = place }) end

local function disk(dev, name, place)
  return host.drive(dev, { device = "disk", path = image(name .. ".img"), place = place })
end

--- The machines of the domain: all that it has before any recipe, beside the devices of a case.
recipes.machines = {
  x86_64 = { machine = "q35", ports = 8,
    hba = host.hba(0, "virtio-scsi", "type='pci' domain='0x0000' bus='0x00' slot='0x0b' function='0x0'") },
  s390x = { machine = "s390-ccw-virtio",
    hba = host.hba(0, "virtio-scsi", "type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'") },
}
recipes.more = "<iothreads>2</iothreads>"

--- Cases: recipe (its name), plan (name of what is expected, if another), params, arches (the same plan on each),
-- devices (XML of what the domain has before), alone (true: a machine of its own is started with these devices),
-- power_off (true: what is changed comes with a power-off), iscsi (true: LUNs of a storage network are needed).
recipes.cases = {
  { recipe = "install", arches = { "x86_64" }, devices = {} },
  { recipe = "install", plan = "install.drivers", params = { disc = "drivers" }, arches = { "x86_64" },
    devices = { cdrom("sda", "installer") } },
  { recipe = "two_hbas", arches = { "x86_64", "s390x" }, devices = {} },
  { recipe = "two_hundred_drives", arches = { "x86_64", "s390x" }, alone = true, devices = {} },
  { recipe = "lun_passthrough", arches = { "s390x" }, iscsi = true, devices = {} },
  { recipe = "tape", arches = { "s390x" }, iscsi = true, devices = {} },
  { recipe = "move_drive", arches = { "x86_64" }, devices = { cdrom("sdb", "backup", { 0, 0, 1 }) } },
  { recipe = "prune", arches = { "x86_64" }, devices = { cdrom("sda", "tools"), cdrom("sdb", "installer", { 0, 0, 1 }),
    disk("sdc", "data", { 0, 0, 2 }), cdrom("sdd", "drivers", { 0, 5, 300 }) } },
  { recipe = "site_wide", arches = { "s390x" }, params = { server = "web01", release = "13" }, devices = {} },
  { recipe = "empty_drive", arches = { "x86_64" }, alone = true, devices = { cdrom("sda", "installer") } },
  { recipe = "replace_hba", arches = { "x86_64" }, alone = true, power_off = true,
    devices = { host.hba(1, "lsilogic"), disk("sdb", "data", { 1, 0, 1 }) } },
}

--- The cases of an architecture.
function recipes.cases_on(arch)
  local list = {}
  for _, case in ipairs(recipes.cases) do
    for _, known in ipairs(case.arches) do
      if known == arch then list[#list + 1] = case end
    end
  end
  return list
end

--- What a case is called, and the path of the plan that is expected of it.
function recipes.name(case) return case.plan or case.recipe end

function recipes.expected(case) return ("%s/%s.plan"):format(recipes.folder, recipes.name(case)) end

--- The label of the disc in an image; that of a disk is not told.
function recipes.label(path) return path:match("([^/]+)%.iso$"):upper() end

--- What a case's domain has before: XML of its HBA 0 and its own devices.
function recipes.devices(case, arch)
  return { recipes.machines[arch].hba, table.unpack(case.devices) }
end

-- The domain as it runs, which is also its configuration.
local function document(case, arch)
  local known, devices = recipes.machines[arch], recipes.devices(case, arch)
  for i = 1, known.ports or 0 do
    devices[#devices + 1] = ("<controller type='pci' index='%d' model='pcie-root-port'/>"):format(i)
  end
  return host.domain(devices, { arch = arch, machine = known.machine, more = recipes.more, boot = false })
end

local function facts(version)
  return {
    state = "running", active = true, persistent = true, driver = "QEMU", libvirt = version,
    image = function(path) return { label = recipes.label(path), format = "iso9660" } end,
  }
end

--- The text of a case's plan for a running domain, on a host with a version of libvirt.
function recipes.plan(case, arch, version)
  local domains, problems = virtlun.load(("%s/%s.lua"):format(recipes.folder, case.recipe), case.params)
  local desired = assert(domains, tostring(problems))[1]
  desired.uri = recipes.uri -- as -c would have it
  local xml = document(case, arch)
  local plan, more = virtlun.plan(desired, { live = xml, config = xml }, facts(version))
  assert(plan, tostring(more))
  return table.concat(plan_view.lines(plan, { paint = style.painter(false) }), "\n") .. "\n"
end

return recipes
