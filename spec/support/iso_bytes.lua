-- Images of discs, written byte by byte: the descriptors of ECMA-119, ECMA-167 and El Torito that virtlun reads.
-- Every function returns a piece as text; `image` puts pieces at the blocks where they belong.
local iso = {}

-- What stands in a file from `offset` on (from 0), instead of what stood there.
function iso.patch(text, offset, bytes)
  return text:sub(1, offset) .. bytes .. text:sub(offset + #bytes + 1)
end

local function sector(fields, size)
  local text = ("\0"):rep(size or 2048)
  for offset, bytes in pairs(fields) do text = iso.patch(text, offset, bytes) end
  return text
end

local function padded(text, size, with)
  return (text .. (with or " "):rep(size)):sub(1, size)
end

-- ISO 9660 ------------------------------------------------------------------------------------------------------------

-- label, blocks and block_size; be_blocks and be_block_size only where the second copies are to differ.
function iso.primary(of)
  local size = of.block_size or 2048
  return sector({
    [0] = "\1CD001\1", [40] = padded(of.label or "LABEL", 32),
    [80] = string.pack("<I4>I4", of.blocks, of.be_blocks or of.blocks),
    [128] = string.pack("<I2>I2", size, of.be_block_size or size),
  })
end

-- A supplementary descriptor; label as UTF-16, high byte first.
function iso.supplementary(label, escape)
  return sector({ [0] = "\2CD001\1", [40] = padded(label, 32, "\0 "), [88] = escape or "%/E" })
end

function iso.boot_record(catalog, system)
  return sector({ [0] = "\0CD001\1", [7] = system or "EL TORITO SPECIFICATION", [71] = string.pack("<I4", catalog) })
end

function iso.terminator()
  return sector({ [0] = "\255CD001\1" })
end

-- A descriptor of the recognition sequence that says nothing but its name.
function iso.recognition(name)
  return sector({ [1] = name .. "\1" })
end

-- El Torito -----------------------------------------------------------------------------------------------------------

function iso.validation(platform)
  local entry = string.pack("<BBI2c24I2BB", 1, platform, 0, padded("virtlun", 24, "\0"), 0, 0x55, 0xAA)
  local sum = 0
  for i = 1, 31, 2 do sum = sum + string.unpack("<I2", entry, i) end
  return iso.patch(entry, 28, string.pack("<I2", -sum & 0xFFFF))
end

function iso.entry(indicator)
  return string.pack("<BBI2BBI2I4", indicator, 0, 0, 0, 0, 4, 40) .. ("\0"):rep(20)
end

function iso.section(header, platform, count)
  return string.pack("<BBI2", header, platform, count) .. ("\0"):rep(28)
end

function iso.catalog(...)
  return padded(table.concat({ ... }), 2048, "\0")
end

-- UDF -----------------------------------------------------------------------------------------------------------------

-- A descriptor with its tag, which knows the block where it lies.
function iso.tagged(id, block, fields)
  local tag = string.pack("<I2I2BBI2I2I2I4", id, 2, 0, 0, 1, 0, 0, block)
  local sum = 0
  for i = 1, 16 do sum = sum + tag:byte(i) end
  fields[0] = iso.patch(tag, 4, string.char(sum & 0xFF))
  return sector(fields, 512)
end

function iso.anchor(block, main_length, main, reserve_length, reserve)
  return iso.tagged(2, block, { [16] = string.pack("<I4I4I4I4", main_length, main, reserve_length or 0, reserve or 0) })
end

function iso.dstring(text, id, size)
  return padded(string.char(id) .. text, size - 1, "\0") .. string.char(#text + 1)
end

function iso.udf_primary(block, name)
  return iso.tagged(1, block, { [24] = iso.dstring(name, 8, 32) })
end

function iso.logical(block, name)
  return iso.tagged(6, block, { [84] = #name == 128 and name or iso.dstring(name, 8, 128) })
end

-- access: 1 is only read, 4 is overwritten at will.
function iso.partition(block, start, length, access)
  return iso.tagged(5, block, { [184] = string.pack("<I4I4I4", access or 1, start, length) })
end

-- Whole images --------------------------------------------------------------------------------------------------------

-- count sectors of 2048 bytes, with pieces at blocks of `block_size`.
function iso.image(count, pieces, block_size)
  local blocks = {}
  for block, piece in pairs(pieces) do blocks[#blocks + 1] = { at = block * (block_size or 2048), piece = piece } end
  table.sort(blocks, function(a, b) return a.at < b.at end)
  local parts, size = {}, 0
  for _, block in ipairs(blocks) do
    assert(block.at >= size, "two pieces of an image overlap")
    parts[#parts + 1] = ("\0"):rep(block.at - size) .. block.piece
    size = block.at + #block.piece
  end
  assert(size <= count * 2048, "the pieces do not fit into the image")
  return table.concat(parts) .. ("\0"):rep(count * 2048 - size)
end

-- The pieces of an ISO 9660 image; `more` are further ones, by sector.
function iso.iso9660(of, more)
  local pieces = { [16] = iso.primary(of), [17] = iso.terminator() }
  for at, piece in pairs(more or {}) do pieces[at] = piece end
  return pieces
end

-- The pieces of a UDF image whose partition begins in block 257. of: blocks (all of them), and maybe name, access,
-- block_size, anchor (where it is), and sequence, the descriptors themselves from block 32 on.
function iso.udf(of)
  local size, anchor = of.block_size or 2048, of.anchor or 256
  local first = 32 * 2048 // size
  local pieces = of.sequence or {
    [first] = iso.udf_primary(first, "PRIMARY"),
    [first + 1] = iso.partition(first + 1, 257, of.blocks - 257, of.access),
    [first + 2] = iso.logical(first + 2, of.name or "UDF"),
    [first + 3] = iso.tagged(8, first + 3, {}),
  }
  for i, name in ipairs({ "BEA01", of.standard or "NSR02", "TEA01" }) do
    pieces[(32768 + (i - 1) * math.max(size, 2048)) // size] = iso.recognition(name)
  end
  pieces[anchor] = iso.anchor(anchor, 16 * size, first)
  return pieces
end

return iso
