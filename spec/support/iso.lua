-- Makes small disc images, byte by byte: ISO 9660 with a volume label, so that guests can tell discs apart.
local files = require("support.files")

local iso = {}

local SECTOR = 2048

local function padded(text, length, with) return text .. (with or "\0"):rep(length - #text) end

local function sector(text) return padded(text, SECTOR) end

-- Numbers that ISO 9660 wants in both orders.
local function both16(n) return ("<I2>I2"):pack(n, n) end
local function both32(n) return ("<I4>I4"):pack(n, n) end

local function text(value, length) return padded(value:upper(), length, " ") end

-- An entry of a folder; name is "\0" for itself, "\1" for its parent.
local function entry(name, where, size, is_folder)
  local date, flags = string.char(126, 1, 1, 0, 0, 0, 0), string.char(is_folder and 2 or 0, 0, 0)
  local body = "\0" .. both32(where) .. both32(size) .. date .. flags .. both16(1) .. string.char(#name) .. name
  if #body % 2 == 0 then body = body .. "\0" end
  return string.char(#body + 1) .. body
end

local no_date = ("0"):rep(16) .. "\0"

-- Sectors: 16 the volume, 17 the boot record or an end, 18 the end, 19 and 20 the path tables, 21 the root folder,
-- 22 the boot catalogue, 24 on the content.
local PATHS_LE, PATHS_BE, ROOT, CATALOGUE, CONTENT = 19, 20, 21, 22, 24

local function volume(label, sectors)
  return sector("\1CD001\1\0" .. text("", 32) .. padded(label, 32, " ") .. ("\0"):rep(8) .. both32(sectors) ..
    ("\0"):rep(32) .. both16(1) .. both16(1) .. both16(SECTOR) .. both32(10) .. ("<I4<I4>I4>I4"):pack(PATHS_LE, 0,
    PATHS_BE, 0) .. entry("\0", ROOT, SECTOR, true) .. text("", 128 * 4 + 37 * 3) .. no_date:rep(4) .. "\1\0")
end

local terminator = sector("\255CD001\1")

local function folder(file, size)
  return sector(entry("\0", ROOT, SECTOR, true) .. entry("\1", ROOT, SECTOR, true) ..
    entry(file, CONTENT, size, false))
end

local function boot_record()
  return sector(padded("\0CD001\1EL TORITO SPECIFICATION", 71) .. ("<I4"):pack(CATALOGUE))
end

-- The boot catalogue: a platform, and one image without emulation. Its 16 bit words add up to zero.
local function catalogue(platform, sectors_512)
  local head = "\1" .. string.char(platform) .. "\0\0" .. ("\0"):rep(24)
  local check = (-(1 | platform << 8) - 0xAA55) & 0xFFFF
  return sector(head .. ("<I2"):pack(check) .. "\x55\xAA" .. "\x88\0" .. ("<I2"):pack(0) .. "\0\0" ..
    ("<I2<I4"):pack(sectors_512, CONTENT))
end

-- An image with one file; boot is { platform, sectors_512 } if that file is a boot image.
local function image(label, name, data, boot)
  local content = data .. ("\0"):rep(-#data % SECTOR)
  local sectors = CONTENT + #content // SECTOR
  local paths = "\1\0%s\1\0\0\0"
  return table.concat {
    ("\0"):rep(16 * SECTOR), volume(label, sectors), boot and boot_record() or terminator, terminator,
    sector(paths:format(("<I4"):pack(ROOT)):sub(1, 6) .. ("<I2"):pack(1) .. "\0\0"),
    sector(paths:format((">I4"):pack(ROOT)):sub(1, 6) .. (">I2"):pack(1) .. "\0\0"),
    folder(name, #data), boot and catalogue(boot[1], boot[2]) or sector(""), sector(""), content,
  }
end

--- A disc of 400 KiB with a volume label. Gives the path.
function iso.data(path, label)
  return files.write(path, image(label, "CONTENT.;1", (label .. "\n"):rep(350 * 1024 // (#label + 1))))
end

return iso
