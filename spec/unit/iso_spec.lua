-- What virtlun sees in the file that is to be a disc: format, label, size, whether it boots, and what proves it broken.
local core = require("virtlun.core")
local files = require("support.files")
local iso = require("support.iso_bytes")
local text = require("support.text")

local path = os.tmpname()
local PADDING = 150 * 2048

teardown(function() os.remove(path) end)

local function look(bytes)
  return assert(core.iso(files.write(path, bytes)))
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read("a")
  pipe:close()
  return output
end

local function has(command)
  return output_of("command -v " .. command) ~= ""
end

-- An ISO 9660 image of 300 sectors that is whole.
local function plain(of, more)
  of = of or {}
  of.blocks = of.blocks or 300
  return iso.image(300, iso.iso9660(of, more))
end

local function wide(label)
  local units = {}
  for _, c in utf8.codes(label) do units[#units + 1] = string.pack(">I2", c) end
  return table.concat(units)
end

describe("an image of", function()
  it("ISO 9660 is told whole", function()
    assert.same({ format = "iso9660", label = "LABEL", size = 614400, expected = 614400, bootable = false,
      platforms = {} }, look(plain()))
  end)

  it("UDF is told whole", function()
    assert.same({ format = "udf", label = "UDF", size = 614400, expected = 614400, bootable = false, platforms = {} },
      look(iso.image(300, iso.udf { blocks = 300, standard = "NSR03" })))
  end)

  it("both is told with the label of ISO 9660 and the larger size", function()
    local pieces = iso.udf { blocks = 300 }
    for i = 18, 16, -1 do pieces[i + 2] = pieces[i] end
    pieces[16], pieces[17] = iso.primary { label = "BRIDGE", blocks = 30 }, iso.terminator()
    assert.same({ format = "iso9660+udf", label = "BRIDGE", size = 614400, expected = 614400, bootable = false,
      platforms = {} }, look(iso.image(300, pieces)))
  end)

  it("neither is unknown, which is no fault", function()
    for _, bytes in ipairs { "x", "<html>not found</html>\n", ("\0"):rep(2048 * 40), ("CD001"):rep(20000) } do
      assert.same({ size = #bytes, bootable = false, platforms = {} }, look(bytes))
    end
  end)

  it("no bytes is broken", function()
    assert.same({ size = 0, broken = "empty", bootable = false, platforms = {} }, look(""))
  end)

  it("both is seen although mkisofs put a sector of its own between the two", function()
    local pieces = iso.iso9660({ blocks = 300 }, { [18] = ("MKI "):rep(512), [19] = iso.recognition("BEA01"),
      [20] = iso.recognition("NSR02"), [21] = iso.recognition("TEA01") })
    assert.equal("iso9660+udf", look(iso.image(300, pieces)).format)
    pieces[19], pieces[20], pieces[21] = ("x"):rep(2048), ("x"):rep(2048), nil
    pieces[22], pieces[23] = iso.recognition("BEA01"), iso.recognition("NSR02")
    assert.equal("iso9660", look(iso.image(300, pieces)).format)
  end)

  it("ISO 9660 is not UDF because of a lone name, and not described by an image inside it", function()
    assert.equal("iso9660", look(plain({}, { [18] = iso.recognition("NSR02") })).format)
    local inner = iso.primary { label = "INNER", blocks = 9999 }
    local found = look(plain({ label = "" }, { [18] = inner, [19] = iso.supplementary(wide("INNER")) }))
    assert.same({ nil, 614400 }, { found.label, found.expected })
    assert.equal("LABEL", look(plain({}, { [17] = inner, [18] = iso.terminator() })).label)
  end)
end)

-- Labels --------------------------------------------------------------------------------------------------------------

local BAD = "\u{FFFD}"
local labels = { -- bytes of the primary descriptor and the label
  { "VIRTIO-WIN", "VIRTIO-WIN" },
  { "  two  words   ", "  two  words" },
  { ("L"):rep(32), ("L"):rep(32) },
  { "NUL\0behind", "NUL" },
  { "CAF\xC9", "CAF\u{C9}" },
  { "Gr\xFC\xDFe", "Gr\u{FC}\u{DF}e" },
  { "Gr\u{FC}\u{DF}e", "Gr\u{FC}\u{DF}e" },
  { "\u{20AC}\u{1F4BF}", "\u{20AC}\u{1F4BF}" },
  { "cut\xE2\x82", "cut\u{E2}" .. BAD },
  { "\xC0\xAF\xED\xA0\x80", "\u{C0}\u{AF}\u{ED}\u{A0}" .. BAD },
  { "\27[31mred\r\n\t\127", BAD .. "[31mred" .. BAD:rep(4) },
  { "\u{85}\u{9B}1m", BAD .. BAD .. "1m" },
  { "a\u{202E}b\u{2066}c\u{200B}d\u{FEFF}e", "a" .. BAD .. "b" .. BAD .. "c" .. BAD .. "d" .. BAD .. "e" },
  { "", nil },
  { "\0\0\0", nil },
}
local joliets = { -- UTF-16, escape sequence and label; the primary descriptor has none
  { wide("Joliet \u{E9}\u{20AC}"), "%/E", "Joliet \u{E9}\u{20AC}" },
  { wide("Level 1   "), "%/@", "Level 1" },
  { wide("Level 2") .. "\0\0\0x", "%/C", "Level 2" },
  { "\xD8\x3D\xDC\xBF", "%/E", "\u{1F4BF}" },
  { "\xD8\x3D\0a\xDC\xBF\xFF\xFF\0\7", "%/E", BAD .. "a" .. BAD:rep(3) },
  { wide(("w"):rep(15)) .. "\xD8\x3D", "%/E", ("w"):rep(15) .. BAD },
  { "\xD8\x3D\xFF\x21", "%/E", BAD .. "\u{FF21}" },
  { wide("\u{202E}\u{2066}"), "%/E", BAD .. BAD },
  { wide("none"), "%/F", nil },
  { wide("none"), "", nil },
}
local dstrings = { -- fields of 128 bytes and the label
  { iso.dstring("Latin \xE9 ", 8, 128), "Latin \u{E9}" },
  { iso.dstring(wide("wide \u{20AC}"), 16, 128), "wide \u{20AC}" },
  { iso.dstring("\xD8\x3D\xDC\xBF\xD8\x3D", 16, 128), "\u{1F4BF}" .. BAD },
  { iso.dstring("\0a\0b\0", 16, 128), "ab" },
  { iso.dstring("NUL\0behind", 8, 128), "NUL" },
  { iso.dstring(("\1"):rep(126), 8, 128), BAD:rep(126) },
  { iso.dstring(("\xDC\0"):rep(63), 16, 128), BAD:rep(63) },
  -- What is no dstring leaves the name to the primary descriptor.
  { iso.dstring("other", 9, 128), "PRIMARY" },
  { iso.patch(iso.dstring("long", 8, 128), 127, "\128"), "PRIMARY" },
  { iso.patch(iso.dstring("long", 8, 128), 127, "\255"), "PRIMARY" },
  { iso.patch(iso.dstring("none", 8, 128), 127, "\0"), "PRIMARY" },
  { iso.patch(iso.dstring(wide("none"), 16, 128), 127, "\0"), "PRIMARY" },
  { iso.patch(iso.dstring("one", 8, 128), 127, "\1"), "PRIMARY" },
}

describe("the label", function()
  for _, row in ipairs(labels) do
    it(("%q is shown as %q"):format(row[1], row[2]), function()
      assert.equal(row[2], look(plain { label = row[1] }).label)
    end)
  end

  for _, row in ipairs(joliets) do
    it(("of Joliet %q, %s, is shown as %q"):format(row[1], row[2], row[3]), function()
      local more = { [17] = iso.supplementary(row[1], row[2]), [18] = iso.terminator() }
      assert.equal(row[3], look(plain({ label = "" }, more)).label)
      assert.equal("FIRST", look(plain({ label = "FIRST" }, more)).label)
    end)
  end

  for _, row in ipairs(dstrings) do
    it(("of UDF %q is shown as %q"):format(row[1]:sub(1, 12), row[2]), function()
      assert.equal(row[2], look(iso.image(300, iso.udf { blocks = 300, name = row[1] })).label)
    end)
  end

  it("of Joliet ends with its field, also where half a pair follows", function()
    local full = iso.patch(iso.supplementary(wide(("w"):rep(15)) .. "\xD8\x3D"), 72, "\xDC\xBF")
    assert.equal(("w"):rep(15) .. BAD, look(plain({ label = "" }, { [17] = full, [18] = iso.terminator() })).label)
  end)

  it("of Joliet is that of the first such descriptor", function()
    assert.equal("one", look(plain({ label = "" }, { [17] = iso.supplementary(wide("one")),
      [18] = iso.supplementary(wide("two")), [19] = iso.terminator() })).label)
  end)

  it("comes from UDF where ISO 9660 and Joliet have none", function()
    local pieces = iso.udf { blocks = 300, name = "U" }
    for i = 18, 16, -1 do pieces[i + 3] = pieces[i] end
    pieces[16], pieces[18] = iso.primary { label = "", blocks = 300 }, iso.terminator()
    for _, row in ipairs { { "J", "J" }, { "", "U" } } do
      pieces[17] = iso.supplementary(wide(row[1]))
      assert.equal(row[2], look(iso.image(300, pieces)).label)
    end
  end)
end)

-- UDF -----------------------------------------------------------------------------------------------------------------

describe("a UDF volume", function()
  for _, size in ipairs { 512, 1024, 2048, 4096 } do
    it(("with blocks of %d bytes is measured"):format(size), function()
      local blocks = 614 * 2048 // size
      local found = look(iso.image(614, iso.udf({ blocks = blocks, block_size = size }), size))
      assert.same({ "udf", "UDF", 614 * 2048 }, { found.format, found.label, found.expected })
    end)
  end

  for _, anchor in ipairs { 599, 343 } do
    it(("is found by an anchor in block %d of 600"):format(anchor), function()
      local found = look(iso.image(600, iso.udf { blocks = 600, anchor = anchor }))
      assert.same({ "UDF", 600 * 2048 }, { found.label, found.expected })
    end)
  end

  it("is read from the reserve sequence where the main one is damaged", function()
    local pieces = iso.udf { blocks = 300, sequence = { [64] = iso.logical(64, "RESERVE") } }
    for _, main in ipairs { 32, 0xFFFFFFFF, 64 + 2 } do
      pieces[256] = iso.anchor(256, 16 * 2048, main, 16 * 2048, 64)
      assert.equal("RESERVE", look(iso.image(300, pieces)).label)
    end
  end)

  it("is named by its logical volume, wherever that stands before the sequence ends", function()
    local function name_of(sequence)
      local pieces = iso.udf { blocks = 300, sequence = sequence }
      sequence[64] = iso.logical(64, "RESERVE")
      pieces[256] = iso.anchor(256, 16 * 2048, 32, 16 * 2048, 64)
      return look(iso.image(300, pieces)).label
    end
    assert.equal("LOGICAL", name_of { [32] = iso.logical(32, "LOGICAL"), [33] = iso.udf_primary(33, "PRIMARY") })
    assert.equal("LOGICAL", name_of { [32] = iso.udf_primary(32, "PRIMARY"), [33] = iso.logical(33, "LOGICAL") })
    assert.equal("RESERVE", name_of { [33] = iso.logical(33, "BEHIND A GAP") })
    assert.equal("RESERVE", name_of { [32] = iso.tagged(8, 32, {}), [33] = iso.logical(33, "BEHIND THE END") })
    assert.equal("RESERVE", name_of { [48] = iso.logical(48, "BEHIND THE EXTENT") })
  end)

  it("may begin and end where numbers of 32 bits do", function()
    local sequence = { [32] = iso.partition(32, 0xFFFFFFFF, 0xFFFFFFFF) }
    local found = look(iso.image(300, iso.udf { blocks = 300, sequence = sequence }))
    assert.same({ "truncated", 0x1FFFFFFFE * 2048 }, { found.broken, found.expected })
  end)

  it("says nothing where a tag is wrong", function()
    local good = iso.image(300, iso.udf { blocks = 300 })
    assert.equal("UDF", look(good).label)
    for _, block in ipairs { 256, 34 } do
      for _, offset in ipairs { 0, 3, 4, 12, 15 } do
        local at = block * 2048 + offset
        local bad = iso.patch(good, at, string.char(good:byte(at + 1) ~ 1))
        assert.are_not.equal("UDF", look(bad).label, block .. " " .. offset)
      end
    end
    -- A descriptor that is whole but was meant for another block.
    assert.equal("PRIMARY", look(iso.patch(good, 34 * 2048, iso.logical(35, "COPY"))).label)
  end)

  it("without anchor is still one", function()
    assert.same({ format = "udf", size = 40 * 2048, bootable = false, platforms = {} }, look(iso.image(40, {
      [16] = iso.recognition("BEA01"), [17] = iso.recognition("NSR03"), [18] = iso.recognition("TEA01") })))
  end)
end)

-- Booting -------------------------------------------------------------------------------------------------------------

local E, NO = iso.entry(0x88), iso.entry(0)
local EXTENSION = iso.entry(0x44)
local pc = iso.validation(0)
local catalogs = {
  { "one entry for PCs", { pc, E }, { "bios" } },
  { "one entry for UEFI", { iso.validation(0xEF), E }, { "efi" } },
  { "PCs and UEFI", { pc, E, iso.section(0x91, 0xEF, 1), E }, { "bios", "efi" } },
  { "all platforms, one twice", { iso.validation(1), E, iso.section(0x90, 2, 1), E, iso.section(0x90, 0xEF, 2), E, E,
    iso.section(0x91, 9, 1), E }, { "powerpc", "mac", "efi", "0x09" } },
  { "extensions of entries", { pc, E, iso.section(0x90, 2, 2), NO, EXTENSION, EXTENSION, E, EXTENSION,
    iso.section(0x91, 0xEF, 1), E }, { "bios", "mac", "efi" } },
  { "UEFI only, behind an entry that does not boot", { pc, NO, iso.section(0x91, 0xEF, 1), E }, { "efi" } },
  { "no entry that boots", { pc, NO }, {} },
  { "an entry that no section counts", { pc, E, iso.section(0x91, 0xEF, 0), iso.section(0x91, 2, 1), E }, { "bios" } },
  { "something else than a section", { pc, E, NO, iso.section(0x91, 0xEF, 1), E }, { "bios" } },
  { "a wrong sum", { iso.patch(pc, 28, "\1\2"), E }, {} },
  { "a wrong header", { iso.patch(iso.patch(pc, 0, "\2"), 4, "u"), E }, {} },
  { "no 55AA, and the right sum", { iso.patch(iso.patch(pc, 30, "\x56"), 4, "u"), E }, {} },
  { "no 55AA at its end, and the right sum", { iso.patch(iso.patch(pc, 31, "\xA9"), 5, "j"), E }, {} },
}

describe("a boot catalogue with", function()
  for _, row in ipairs(catalogs) do
    it(row[1], function()
      local found = look(plain({}, { [17] = iso.boot_record(40), [18] = iso.terminator(),
        [40] = iso.catalog(table.unpack(row[2])) }))
      assert.same({ #row[3] > 0, row[3] }, { found.bootable, found.platforms })
    end)
  end

  it("more sections than any image has ends with its sector, and with eight platforms", function()
    local sections = { pc, E }
    for i = 1, 31 do table.move({ iso.section(0x90, 0x20 + i, 1), E }, 1, 2, #sections + 1, sections) end
    local pieces = { [17] = iso.boot_record(40), [18] = iso.terminator(), [40] = iso.catalog(table.unpack(sections)) }
    assert.same({ "bios", "0x21", "0x22", "0x23", "0x24", "0x25", "0x26", "0x27" }, look(plain({}, pieces)).platforms)
    pieces[40] = iso.catalog(pc, E, iso.section(0x90, 0xEF, 0xFFFF), E:rep(60))
    assert.same({ "bios", "efi" }, look(plain({}, pieces)).platforms)
  end)

  it("no place in the file, or of another system, does not boot", function()
    for _, catalog in ipairs { 0, 300, 0x7FFFFFFF, 0xFFFFFFFF } do
      assert.is_false(look(plain({}, { [17] = iso.boot_record(catalog), [18] = iso.terminator() })).bootable)
    end
    local record = iso.boot_record(40, "ANOTHER SYSTEM")
    assert.is_false(look(plain({}, { [17] = record, [18] = iso.terminator(), [40] = iso.catalog(pc, E) })).bootable)
  end)
end)

-- Size ----------------------------------------------------------------------------------------------------------------

-- Lets a file grow to `image` by steps of bytes, and gives what is seen of every state of it.
local function growing(image, step, seen)
  local file = assert(io.open(path, "wb"))
  file:setvbuf("no")
  for size = step, #image, step do
    assert(file:write(image:sub(size - step + 1, size)))
    seen(assert(core.iso(path)), size)
  end
  file:close()
end

describe("a file cut short", function()
  local function verdict(found) return found.broken or found.short and "short" or "whole" end

  it("of ISO 9660 is broken if more than the padding is missing, at every sector", function()
    local counts = {}
    growing(plain(), 2048, function(found, size)
      local missing = 300 * 2048 - size
      local expected = missing > PADDING and "truncated" or missing > 0 and "short" or "whole"
      if size <= 16 * 2048 then expected = "whole" end -- nothing is known of it yet
      assert.equal(expected, verdict(found), size)
      assert.equal(size, found.size)
      counts[expected] = (counts[expected] or 0) + 1
    end)
    assert.same({ truncated = 133, short = 150, whole = 17 }, counts)
  end)

  it("of UDF is broken likewise, as soon as its descriptors are there", function()
    growing(iso.image(600, iso.udf { blocks = 600 }), 2048, function(found, size)
      local missing = 600 * 2048 - size
      local expected = missing > PADDING and "truncated" or missing > 0 and "short" or "whole"
      assert.equal(size <= 256 * 2048 and "whole" or expected, verdict(found), size)
    end)
  end)

  it("is broken one byte behind the padding, and not before", function()
    local image = plain()
    assert.equal("truncated", verdict(look(image:sub(1, -PADDING - 2))))
    assert.equal("short", verdict(look(image:sub(1, -PADDING - 1))))
    assert.equal("short", verdict(look(image:sub(1, -2))))
    assert.equal("whole", verdict(look(image)))
    assert.equal("whole", verdict(look(image .. "more")))
  end)

  it("is seen within the descriptor that says the size", function()
    local image = plain { blocks = 0x123456 }
    local needed = 16 * 2048 + 131 -- the last byte of the block size is 0 anyhow
    for size = 16 * 2048 + 1, needed + 2 do
      assert.equal(size < needed and "whole" or "truncated", verdict(look(image:sub(1, size))), size)
    end
  end)

  for _, access in ipairs { 0, 2, 3, 4 } do
    it(("is not certain on UDF that can be written (access %d)"):format(access), function()
      local found = look(iso.image(300, iso.udf { blocks = 100000, access = access }))
      assert.same({ "short", 100000 * 2048 }, { verdict(found), found.expected })
    end)
  end

  it("is not certain where the size has two values, or blocks an odd size", function()
    for _, of in ipairs {
      { blocks = 9999, be_blocks = 0 }, { blocks = 9999, be_blocks = 300 }, { blocks = 9999, block_size = 0 },
      { blocks = 9999, block_size = 4096 }, { blocks = 9999, block_size = 2047 }, { blocks = 9999, block_size = 65535 },
      { blocks = 9999, be_block_size = 512 }, { blocks = 0 },
    } do
      local found = look(plain(of))
      assert.same({ "whole" }, { verdict(found), found.expected }, text.of(of))
    end
  end)

  it("is measured in blocks of the image", function()
    for _, size in ipairs { 512, 1024, 2048 } do
      assert.equal(0xFFFFFFFF * size, look(plain { blocks = 0xFFFFFFFF, block_size = size }).expected)
    end
  end)
end)

-- Containers ----------------------------------------------------------------------------------------------------------

local containers = {
  qcow2 = { "QFI\xFB\0\0\0\2", "QFI\xFB\0\0\0\3" },
  qcow = { "QFI\xFB\0\0\0\1" },
  vmdk = { "KDMV\1\0\0\0", "# Disk DescriptorFile\nversion=1\n" },
  vdi = { ("<<< Oracle VM VirtualBox Disk Image >>>\n" .. ("\0"):rep(64)):sub(1, 64) .. "\x7F\x10\xDA\xBE" },
  vhdx = { "vhdxfile" },
  vhd = { "conectix" },
  gzip = { "\x1F\x8B\x08\0" },
  xz = { "\xFD7zXZ\0" },
  bzip2 = { "BZh91AY&SY" },
  zstd = { "\x28\xB5\x2F\xFD" },
  ["7z"] = { "7z\xBC\xAF\x27\x1C" },
  zip = { "PK\3\4" },
  ["raw CD sectors"] = { "\0" .. ("\xFF"):rep(10) .. "\0\0\2\0\1" },
}

describe("a container", function()
  for name, starts in pairs(containers) do
    it("of " .. name .. " is broken as a disc", function()
      for _, start in ipairs(starts) do
        local expected = { broken = "container", container = name, bootable = false, platforms = {} }
        for _, bytes in ipairs { start, start .. ("\0"):rep(100000) } do
          expected.size = #bytes
          assert.same(expected, look(bytes))
        end
        for i = 1, #start do
          local other = iso.patch(start, i - 1, string.char(start:byte(i) ~ 0x20))
          local found = look(other).container
          assert(found == nil or found == name or name:find("^qcow"), i)
        end
        assert.is_nil(look(start:sub(1, name == "vdi" and 67 or 2)).broken)
        -- The first sectors of an image are free for anything.
        assert.is_nil(look(iso.patch(plain(), 0, start)).broken)
      end
    end)
  end

  it("is none that has another version", function()
    for _, start in ipairs { "QFI\xFB\0\0\0\4", "BZh9", "PK\5\6", "\x1F\x8B\7", "KDM", "conectiy" } do
      assert.is_nil(look(start .. ("\0"):rep(100)).broken, start)
    end
  end)
end)

-- Strangers -----------------------------------------------------------------------------------------------------------

local formats = { iso9660 = true, udf = true, ["iso9660+udf"] = true }

-- What holds for every file there is.
local function sane(found, size)
  assert(found.size == size and (found.format == nil or formats[found.format]))
  assert(found.label == nil or (utf8.len(found.label) or 0) > 0 and not found.label:find("[%c\127]"))
  assert(found.expected == nil or found.format and found.expected > 0 and found.expected < 1 << 46)
  local lacks = found.expected ~= nil and found.expected > size
  assert(lacks == (found.short == true or found.broken == "truncated"))
  assert(found.bootable == (#found.platforms > 0) and #found.platforms <= 8)
  assert(found.broken == nil or found.broken == "truncated" or found.broken == "container" and found.container)
end

describe("a file of a stranger", function()
  -- All that virtlun reads, in one image.
  local pieces = iso.udf { blocks = 300 }
  for i = 18, 16, -1 do pieces[i + 4] = pieces[i] end
  pieces[16], pieces[17] = iso.primary { blocks = 300 }, iso.boot_record(40)
  pieces[18], pieces[19] = iso.supplementary(wide("Joliet")), iso.terminator()
  pieces[40] = iso.catalog(pc, E, iso.section(0x91, 0xEF, 1), E)
  local image = iso.image(300, pieces)

  it("is sane where nothing is wrong", function()
    local found = look(image)
    sane(found, #image)
    assert.same({ format = "iso9660+udf", label = "LABEL", size = #image, expected = #image, bootable = true,
      platforms = { "bios", "efi" } }, found)
  end)

  it("may have any value in any field", function()
    local file = assert(io.open(files.write(path, image), "r+b"))
    file:setvbuf("no")
    local kinds = {}
    local function try(offset, bytes)
      file:seek("set", offset)
      file:write(bytes)
      local found = assert(core.iso(path))
      sane(found, #image)
      kinds[(found.format or "?") .. (found.broken or "")] = true
      file:seek("set", offset)
      file:write(image:sub(offset + 1, offset + #bytes))
    end
    -- Of a UDF descriptor the tag is made anew, else it would be refused for its sum before it is read.
    local function try_tagged(block, offset, bytes)
      local at = block * 2048
      local body = iso.patch(image:sub(at + 1, at + 512), offset, bytes)
      local sum = 0
      for i = 1, 16 do sum = sum + (i == 5 and 0 or body:byte(i)) end
      try(at, iso.patch(body, 4, string.char(sum & 0xFF)))
    end
    local extremes = { "\0", "\1", "\x80", "\xFF", "\0\0\0\0", "\xFF\xFF\xFF\xFF", "\xFF\xFF\xFF\x7F" }
    for _, bytes in ipairs(extremes) do
      for _, block in ipairs { 16, 17, 18, 19, 20, 21, 22, 40 } do
        for offset = 0, 136 do try(block * 2048 + offset, bytes) end
      end
      for _, block in ipairs { 32, 33, 34, 35, 256 } do
        for offset = 0, 216 do try_tagged(block, offset, bytes) end
      end
    end
    file:close()
    assert.same({ ["iso9660"] = true, ["iso9660+udf"] = true, ["iso9660+udftruncated"] = true, udf = true }, kinds)
  end)

  it("may be cut anywhere", function()
    growing(image, 2048, function(found, size) sane(found, size) end)
    for size = 1, 600 do
      for _, start in ipairs { 16 * 2048, 40 * 2048, 256 * 2048 } do
        if size % 7 == start // 2048 % 7 then sane(look(image:sub(1, start + size)), start + size) end
      end
    end
  end)

  it("may be anything at all", function()
    math.randomseed(20)
    local words = { "\1CD001\1", "\0CD001\1", "\2CD001\1", "\255CD001\1", "\0BEA01\1", "\0NSR02\1", "\0NSR03\1",
      "\0TEA01\1", "" }
    for _ = 1, 25 do
      local noise = {}
      for i = 1, 40 * 512 do noise[i] = string.pack("<I4", math.random(0, 0xffffffff)) end
      local bytes = table.concat(noise)
      sane(look(bytes), #bytes)
      for at = 16, 39 do bytes = iso.patch(bytes, at * 2048, words[math.random(#words)]) end
      sane(look(bytes), #bytes)
    end
  end)

  it("is read a bounded number of times", function()
    local function reads()
      local file = io.open("/proc/self/io")
      if not file then return end
      local count = file:read("a"):match("syscr: (%d+)")
      file:close()
      return tonumber(count)
    end
    if not reads() then return pending("this system does not count reads") end
    local function cost(bytes)
      files.write(path, bytes)
      local own = -reads() + reads()
      local before = reads()
      core.iso(path)
      return reads() - before - own
    end
    local endless, sequence = {}, {}
    for at = 32, 250 do sequence[at] = iso.udf_primary(at, "ENDLESS") end
    local udf = iso.udf { blocks = 300, sequence = sequence }
    udf[256] = iso.anchor(256, 0xFFFFFFFF, 32, 0xFFFFFFFF, 32)
    for at = 16, 250 do endless[at] = iso.supplementary("") end
    assert.equal(33, cost(iso.image(300, endless)))
    assert.equal(3 + 1 + 128, cost(iso.image(300, udf)))
    assert.equal(5, cost(plain()))
    assert.equal(8, cost(iso.image(300, iso.udf { blocks = 300 })))
  end)
end)

-- Paths ---------------------------------------------------------------------------------------------------------------

describe("what cannot be looked at", function()
  local folder

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir %s && mkfifo %s/fifo && ln -s loop %s/loop && ln -s fifo %s/link"):format(folder, folder,
      folder, folder)))
  end)

  teardown(function() os.execute("rm -r " .. folder) end)

  local function reason(of)
    local found, why = core.iso(of)
    assert.is_nil(found)
    return why
  end

  it("is named", function()
    assert.equal("No such file or directory", reason(folder .. "/missing.iso"))
    assert.equal("No such file or directory", reason(""))
    assert.equal("Not a directory", reason(folder .. "/fifo/x.iso"))
    assert.equal("Too many levels of symbolic links", reason(folder .. "/loop"))
    assert.equal("File name too long", reason(("x"):rep(5000)))
    assert.equal("it is a directory", reason(folder))
    assert.equal("it is a character device", reason("/dev/null"))
    assert.equal("it is a FIFO", reason(folder .. "/fifo"))
    assert.equal("it is a FIFO", reason(folder .. "/link"))
    assert.equal("its name has a NUL byte", reason(path .. "\0"))
  end)

  it("is not even opened: who writes into a FIFO still waits", function()
    local writer = assert(io.popen(("echo ready; timeout 0.3 sh -c ': >%s/fifo'; echo $?"):format(folder)))
    assert.equal("ready", writer:read("l"))
    local start = os.clock()
    repeat reason(folder .. "/fifo") until os.clock() - start > 0.4
    assert.equal("124", writer:read("l"))
    writer:close()
  end)

  it("is a file that others keep to themselves", function()
    if output_of("id -u") == "0\n" then return pending("root may read every file") end
    os.execute("chmod 0 " .. files.write(path, "x"))
    local why = reason(path)
    os.execute("chmod 600 " .. path)
    assert.equal("Permission denied", why)
  end)

  it("leaves no file open", function()
    -- Counted without another process: popen's own pipe may still be open at both ends when that looks.
    local function open_files()
      local count = 0
      for number = 0, 255 do
        local file = io.open("/proc/self/fdinfo/" .. number)
        count = count + (file and file:close() and 1 or 0)
      end
      return count
    end
    local before = open_files()
    for _ = 1, 20 do
      look(plain())
      reason(folder)
    end
    assert.equal(before, open_files())
  end)

  it("is what is no path", function()
    assert.has_error(function() core.iso() end)
    assert.has_error(function() core.iso({}) end)
  end)
end)

-- Another program's image --------------------------------------------------------------------------------------------

describe("an image of xorriso", function()
  local folder

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir -p " .. folder .. "/tree"))
    files.write(folder .. "/tree/bios.img", ("b"):rep(2048))
    files.write(folder .. "/tree/efi.img", ("e"):rep(4096))
  end)

  teardown(function() os.execute("rm -r " .. folder) end)

  it("is seen as xorriso sees it", function()
    if not has("xorriso") then return pending("xorriso is not on this machine") end
    -- A sanitizer that is loaded into this process is not for xorriso.
    local image = folder .. "/x.iso"
    assert(os.execute(("LD_PRELOAD= xorriso -as mkisofs -quiet -V 'REAL_IMAGE' -J -o %s -b bios.img -c boot.cat " ..
      "-no-emul-boot -boot-load-size 4 -eltorito-alt-boot -e efi.img -no-emul-boot %s/tree >%s/log 2>&1")
      :format(image, folder, folder)))
    local report = output_of(("LD_PRELOAD= xorriso -indev %s -pvd_info -report_el_torito plain 2>&1"):format(image))
    local found = assert(core.iso(image))
    assert.equal(report:match("Volume Id%s*:%s*(%S+)"), found.label)
    assert.equal("REAL_IMAGE", found.label)
    assert.equal(#files.read(image), found.size)
    assert.equal(tonumber(report:match("Media summary:.-(%d+) data blocks")) * 2048, found.expected)
    local platforms = {}
    for name in report:gmatch("El Torito boot img :%s+%d+%s+(%u+)%s+y") do platforms[#platforms + 1] = name:lower() end
    assert.same({ "bios", "uefi" }, platforms)
    assert.same({ "bios", "efi" }, found.platforms)
    assert.same({ "iso9660" }, { found.format, found.broken or found.short })
  end)
end)
