-- Grids and pictures of domains, with what a plan does to them. Pure: documents in, text out.
local domain_view = require("virtlun.view.domain")
local grid_view = require("virtlun.view.grid")
local host = require("support.host_xml")
local style = require("virtlun.view.style")
local svg_view = require("virtlun.view.svg")
local text = require("virtlun.view.text")
local topology = require("virtlun.view.topology")
local virtlun = require("virtlun")

local RUNNING = { state = "running", active = true, persistent = true, driver = "QEMU", libvirt = 9010000 }
local S390X = { arch = "s390x", machine = "s390-ccw-virtio" }
local CCW = "type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'"

local function described(live, config, media)
  return domain_view.data {
    name = "web01", uri = "qemu:///system", facts = RUNNING, media = media,
    live = live and virtlun.read(host.domain(live, S390X)),
    config = virtlun.read(host.domain(config or live, S390X)),
  }
end

local function plan(devices, recipe)
  local xml = host.domain(devices, S390X)
  recipe.kind, recipe.name = "domain", "web01"
  return assert(virtlun.plan(recipe, { live = xml, config = xml }, RUNNING))
end

-- As it is drawn where the locale has nothing but ASCII.
local function ascii(line)
  for drawn, sign in pairs { ["│"] = "|", ["─"] = "-", ["┼"] = "+", ["·"] = "." } do
    line = line:gsub(drawn, sign)
  end
  return line
end

local function grid(picture, paint)
  local lines = grid_view.lines(picture, { paint = paint or style.painter(false) })
  for i, line in ipairs(lines) do lines[i] = ascii(line) end
  return lines
end

-- A name for each number: sda, sdb ... sdz, sdaa ...
local function dev(number)
  local letters = ""
  number = number + 1
  while number > 0 do
    number = number - 1
    letters = string.char(97 + number % 26) .. letters
    number = number // 26
  end
  return "sd" .. letters
end

local function many(place)
  local devices = { host.hba(0) }
  for i = 0, 199 do devices[i + 2] = host.drive(dev(i), { path = ("/iso/%d.iso"):format(i), place = place(i) }) end
  return topology.of(described(devices))
end

local DEVICES = {
  host.hba(0, nil, CCW), host.drive("sda"),
  host.drive("sdb", { device = "disk", path = "/r.raw", place = { 0, 0, 1 } }),
  host.drive("sdc", { path = false, place = { 0, 5, 300 } }), host.drive("sde", { place = { 0, 5, 2 } }),
}

local function changing()
  return plan(DEVICES, {
    { kind = "controller", index = 1 }, { kind = "cdrom", dev = "sda", source = "/new.iso" },
    { kind = "cdrom", dev = "sdc", absent = true },
    { kind = "cdrom", dev = "sdd", source = "/d.iso", address = { controller = 1, target = 3, unit = 0 } },
    { kind = "cdrom", dev = "sde", address = { controller = 1, target = 3, unit = 1 } },
  })
end

local LEGEND = "  C CD drive   c empty CD drive   D disk   . free"

describe("a grid", function()
  it("has a row for each target and a column for each unit that is used", function()
    assert.same({
      "web01  running  qemu:///system", "",
      "  HBA 0  virtio-scsi  ccw fe.0.0001",
      "        unit |  0       1       2       300",
      "-------------+-------------------------------",
      "    target 0 |  C sda   D sdb   .       .",
      "    target 5 |  .       .       C sde   c sdc",
      "", LEGEND,
    }, grid(topology.of(described(DEVICES))))
    assert.same({ "web01  running  qemu:///system", "  no SCSI HBAs" }, grid(topology.of(described {})))
  end)

  it("shows what a plan does, at the old place and at the new one", function()
    local marked = {
      "  HBA 0  virtio-scsi  ccw fe.0.0001",
      "        unit |  0       1       2       300",
      "-------------+-------------------------------",
      "    target 0 | ~C sda   D sdb   .       .",
      "    target 5 |  .       .      ~C sde  -c sdc", "",
      "+ HBA 1  virtio-scsi",
      "        unit |  0       1",
      "-------------+---------------",
      "    target 3 | +C sdd  ~C sde",
      "", LEGEND .. "   + comes   ~ changes   - goes",
    }
    local drawn = grid(topology.of(described(DEVICES), changing()))
    assert.same(marked, { table.unpack(drawn, 3) })
    local painted = grid(topology.of(described(DEVICES), changing()), style.painter(true))
    assert.truthy(painted[6]:find("\27[33m~C sda\27[0m", 1, true), painted[6])
    assert.truthy(painted[7]:find("\27[31m-c sdc\27[0m", 1, true), painted[7])
    assert.truthy(painted[9]:find("\27[32m+ HBA 1", 1, true), painted[9])
  end)

  it("knows of a plan alone what its recipe describes", function()
    local drawn = grid(topology.of(nil, changing()))
    assert.same({ "  HBA 0  as it is", "    target 0 | ~C sda   .       ." }, { drawn[3], drawn[6] })
  end)

  it("shows what is not the same after the next boot", function()
    local drawn = grid(topology.of(described({ DEVICES[1], DEVICES[2] }, { DEVICES[1],
      host.drive("sda", { path = "/next.iso" }), host.drive("sdb", { place = { 0, 0, 7 } }), host.hba(1) })))
    assert.same({ "    target 0 | *C sda  *C sdb", "", "* HBA 1  virtio-scsi  [from its next boot on]", "    no drives",
      "", "  C CD drive   . free   * not the same after its next boot" }, { table.unpack(drawn, 6) })
  end)

  it("shows a domain that is shut off as its configuration has it", function()
    assert.same(grid(topology.of(described(DEVICES))), grid(topology.of(described(nil, DEVICES))))
  end)

  it("tells what an HBA will be", function()
    local drawn = grid(topology.of(described({ DEVICES[1] }, { host.hba(0, "lsilogic", CCW) })))
    assert.equal("* HBA 0  virtio-scsi  ccw fe.0.0001  [then lsilogic ccw fe.0.0001]", drawn[3])
  end)

  it("with 200 drives stays within 100 columns, and shows each of them once", function()
    local shapes = {
      targets = many(function(i) return { 0, i, 0 } end), units = many(function(i) return { 0, 0, 7 * i } end),
      apart = many(function(i) return { 0, i, 7 * i } end),
      both = many(function(i) return { 0, i // 20, i % 20 } end),
    }
    local most = { targets = 60, units = 80, apart = 260, both = 45 }
    for shape, picture in pairs(shapes) do
      local drawn, seen = grid(picture), 0
      assert.is_true(#drawn <= most[shape], shape .. " " .. #drawn)
      for _, line in ipairs(drawn) do
        assert.is_true(text.width(line) <= 100, line)
        seen = seen + select(2, line:gsub("C sd%l+", ""))
      end
      assert.equal(200, seen, shape)
    end
  end)

  it("keeps its columns whatever a drive is called", function()
    local picture = topology.of(described(DEVICES))
    picture.hbas[1].targets[1].units[1].drives[1].name = "漢字\27"
    local drawn = grid(picture)
    assert.same({ "        unit |  0            1       2       300", "    target 0 |  C 漢字\\x1b   D sdb   .       ." },
      { drawn[4], drawn[6] })
  end)
end)

describe("an SVG picture", function()
  local child = require("support.child")

  local function is_xml(svg)
    local path = os.tmpname()
    require("support.files").write(path, svg)
    local result = child.run { "xmllint", "--noout", path }
    os.remove(path)
    return result.code == 0, result.err
  end

  local has_xmllint = child.run({ "sh", "-c", "command -v xmllint" }).code == 0

  it("shows every drive with its place, its medium and what the guest sees", function()
    local svg = svg_view.text { topology.of(described(DEVICES, nil, { ["/old.iso"] = { label = "DISC <1>" } })) }
    for _, part in ipairs { ">web01<", ">running · qemu:///system<", ">HBA 0<", ">virtio-scsi  ·  ccw fe.0.0001<",
      ">target 5<", ">unit 300<", ">sdc<", ">guest [H:0:5:16684]<", ">DISC &lt;1&gt;<", ">empty<", ">r.raw<",
      "<title>cdrom sda at 0:0:0:0: DISC &lt;1&gt; (/old.iso); guest [H:0:0:0] ccw-0.0.0001-scsi-0:0:0:0</title>" } do
      assert.truthy(svg:gsub("running  ·  ", "running · "):find(part, 1, true), part)
    end
    assert.falsy(svg:find('class="sign"', 1, true), "nothing changes")
    assert.falsy(svg:find('"%-?%d+%.%d%d'), "no number depends on how the machine rounds")
  end)

  it("marks what a plan changes by colour, frame and sign", function()
    local svg = svg_view.text { topology.of(described(DEVICES), changing()) }
    local signs = {}
    for action, sign in svg:gmatch('<circle class="(%l+)%-ground"[^>]*/><text class="sign"[^>]*>(.)</text>') do
      signs[action] = (signs[action] or "") .. sign
    end
    -- Each sign stands in the legend once more.
    assert.same({ add = "+++", change = "~~~~", remove = "--" }, signs)
    assert.truthy(svg:find('<rect class="slot remove"', 1, true))
    assert.truthy(svg:find(">old.iso → new.iso<", 1, true))
    assert.truthy(svg:find("<title>cdrom sda at 0:0:0:0: /old.iso → /new.iso; guest", 1, true))
    assert.truthy(svg:find(">moves to 1:0:3:1<", 1, true))
    assert.truthy(svg:find(">comes from 0:0:5:2<", 1, true))
  end)

  it("says how long an HBA is so", function()
    local config = { host.hba(0), host.drive("sda", { place = { 0, 0, 16383 } }) }
    local svg = svg_view.text { topology.of(described({}, config)) }
    assert.truthy(svg:find(">virtio-scsi  ·  from its next boot on<", 1, true))
    assert.truthy(svg:find(">unit 16383<", 1, true))
  end)

  it("is XML whatever is in it, and tells no password", function()
    local picture = topology.of(described(DEVICES))
    picture.name, picture.uri = "a<b>&\"c'\0\27[2J\xff\u{fffe}", "qemu+ssh://u:s3cret@h/"
    picture.hbas[1].targets[1].units[1].drives[1].text = ("<&]]>漢"):rep(20)
    local svg = svg_view.text { picture }
    assert.truthy(svg:find("a&lt;b&gt;&amp;&quot;c'\\x00\\x1b[2J\\xff\\u{fffe}", 1, true))
    assert.falsy(svg:find("s3cret", 1, true))
    assert.falsy(svg:find("[%z\1-\9\11-\31]"))
    assert.truthy(utf8.len(svg))
    if has_xmllint then assert(is_xml(svg)) end
  end)

  it("draws a drive once that two steps change, with what is in it before the first", function()
    local made = plan(DEVICES, { { kind = "cdrom", dev = "sda", source = "/new.iso", cache = "writeback" } })
    assert.equal(2, made.changes)
    for _, picture in ipairs { topology.of(nil, made), topology.of(described(DEVICES), made) } do
      local drives = picture.hbas[1].targets[1].units[1].drives
      assert.same({ 1, "/new.iso", "/old.iso" }, { #drives, drives[1].text, drives[1].was.text })
    end
  end)

  it("has room for one drive and for 200, and is the same each time", function()
    local function draw() return svg_view.text { many(function(i) return { 0, i // 7, i % 7 } end) } end
    local svg = draw()
    assert.equal(svg, draw())
    local width, height = svg:match('viewBox="0 0 (%d+) (%d+)"')
    assert.equal("1000", width)
    local slots = {}
    for x, y, w, h in svg:gmatch('<rect class="slot " x="(%d+)" y="(%d+)" width="(%d+)" height="(%d+)"') do
      assert.is_true(x + w <= 1000 and y + h <= tonumber(height), x .. " " .. y)
      assert.is_nil(slots[x .. " " .. y], "two drives at one place")
      slots[x .. " " .. y] = true
      slots[#slots + 1] = x
    end
    assert.equal(200, #slots)
    if has_xmllint then assert(is_xml(svg)) end
  end)

  it("draws a drive once of which a plan alone speaks twice", function()
    local made = plan(DEVICES, { { kind = "cdrom", dev = "sda", startup_policy = "optional", cache = "writeback" } })
    assert.equal(2, made.changes)
    assert.equal(1, #topology.of(nil, made).hbas[1].targets[1].units[1].drives)
  end)

  it("has a legend of all that is drawn, within its width", function()
    local live = { DEVICES[1], DEVICES[3], DEVICES[4], host.drive("sdf", { device = "lun", place = { 0, 0, 6 } }),
      host.hostdev(2, 5, { 0, 0, 7 }) }
    local picture = topology.of(described(live, { DEVICES[1], DEVICES[3], DEVICES[5] }), changing())
    local svg, last = svg_view.text { picture }, 0
    for x, y, said in svg:gmatch('<text class="plain" x="(%d+)" y="(%d+)" font%-size="12">([^<]+)</text>') do
      assert.is_true(x + 7 * #said <= 1000, said)
      last = math.max(last, tonumber(y))
    end
    for _, said in ipairs { "empty CD drive", "lun", "SCSI device of the host", "not the same after its next boot" } do
      assert.truthy(svg:find(">" .. said .. "</text>", 1, true), said)
    end
    assert.is_true(last < tonumber(svg:match('height="(%d+)"')))
  end)

  it("draws several domains below each other", function()
    local svg = svg_view.text { topology.of(described(DEVICES)), topology.of(described {}) }
    assert.equal(2, select(2, svg:gsub(">web01<", "")))
    assert.truthy(svg:find("no SCSI HBAs", 1, true))
  end)
end)
