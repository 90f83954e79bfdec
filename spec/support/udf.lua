-- Makes a small disc image with UDF 1.02 and nothing else on it: a volume label and an empty root folder.
local files = require("support.files")

local udf = {}

local SECTOR = 2048
local DESCRIPTORS, ANCHOR, PARTITION, PARTITION_SECTORS = 32, 256, 257, 8

local function padded(text, length) return text .. ("\0"):rep(length - #text) end

local function crc(text)
  local sum = 0
  for i = 1, #text do
    sum = sum ~ text:byte(i) << 8
    for _ = 1, 8 do sum = (sum << 1 ~ (sum & 0x8000 ~= 0 and 0x1021 or 0)) & 0xFFFF end
  end
  return sum
end

-- A descriptor: a tag that says what it is, where it lies and what its checksum is, and a body.
local function descriptor(id, location, body)
  local rest = ("<I2I2I2I4"):pack(1, crc(body), #body, location)
  local start, sum = ("<I2I2"):pack(id, 2), 0
  for byte in (start .. "\0" .. rest):gmatch(".") do sum = sum + byte:byte() end
  return start .. string.char(sum & 0xFF) .. "\0" .. rest .. body
end

local charset = padded("\0OSTA Compressed Unicode", 64)
local time = ("<I2I2BBBBBBBB"):pack(1 << 12, 2026, 1, 1, 0, 0, 0, 0, 0, 0)

local function dstring(text, length) return padded("\8" .. text, length - 1) .. string.char(#text + 1) end
local function regid(name) return padded("\0" .. name, 32) end
local function extent(sectors, at) return ("<I4I4"):pack(sectors * SECTOR, at) end
local function long_ad(length, block) return padded(("<I4I4I2"):pack(length, block, 0), 16) end

local domain = padded("\0*OSTA UDF Compliant", 24) .. padded("\x02\x01\3", 8)
local maker = regid("*virtlun")

local function primary_volume(at, label)
  return descriptor(1, at, ("<I4I4"):pack(1, 0) .. dstring(label, 32) .. ("<I2I2I2I2I4I4"):pack(1, 1, 2, 2, 1, 1) ..
    dstring(label, 128) .. charset .. charset .. ("\0"):rep(16) .. maker .. time .. maker ..
    ("\0"):rep(64 + 4 + 2 + 22))
end

local function partition(at)
  return descriptor(5, at, ("<I4I2I2"):pack(2, 1, 0) .. padded("\2+NSR02", 32) .. ("\0"):rep(128) ..
    ("<I4I4I4"):pack(1, PARTITION, PARTITION_SECTORS) .. maker .. ("\0"):rep(128 + 156))
end

local function logical_volume(at, label)
  return descriptor(6, at, ("<I4"):pack(3) .. charset .. dstring(label, 128) .. ("<I4"):pack(SECTOR) .. domain ..
    long_ad(SECTOR, 0) .. ("<I4I4"):pack(6, 1) .. maker .. ("\0"):rep(128 + 8) .. ("<BBI2I2"):pack(1, 6, 1, 0))
end

local function file_set(label)
  return descriptor(256, 0, time .. ("<I2I2I4I4I4I4"):pack(3, 3, 1, 1, 0, 0) .. charset .. dstring(label, 128) ..
    charset .. dstring(label, 32) .. ("\0"):rep(64) .. long_ad(SECTOR, 1) .. domain .. ("\0"):rep(16 + 48))
end

-- The root folder, whose only entry is its parent: itself.
local function root_folder()
  local itself = padded(descriptor(257, 1, ("<I2BB"):pack(1, 10, 0) .. long_ad(SECTOR, 1) .. "\0\0"), 40)
  local kind = ("<I4I2I2I2BBI4I2I2"):pack(0, 4, 0, 1, 0, 4, 0, 0, 3)
  local nobody = 0xFFFFFFFF
  return descriptor(261, 1, kind .. ("<I4I4I4I2BBI4I8I8"):pack(nobody, nobody, 0x14A5, 1, 0, 0, 0, #itself, 0) ..
    time:rep(3) .. ("<I4"):pack(1) .. ("\0"):rep(16) .. maker .. ("<I8I4I4"):pack(0, 0, #itself) .. itself)
end

--- A disc with a UDF file system and a volume label. Gives the path.
function udf.data(path, label)
  local sectors = {
    [16] = "\0BEA01\1", [17] = "\0NSR02\1", [18] = "\0TEA01\1",
    [DESCRIPTORS] = primary_volume(DESCRIPTORS, label), [DESCRIPTORS + 1] = partition(DESCRIPTORS + 1),
    [DESCRIPTORS + 2] = logical_volume(DESCRIPTORS + 2, label),
    [DESCRIPTORS + 3] = descriptor(7, DESCRIPTORS + 3, ("<I4I4"):pack(4, 0)),
    [DESCRIPTORS + 4] = descriptor(8, DESCRIPTORS + 4, ("\0"):rep(496)),
    [ANCHOR] = descriptor(2, ANCHOR, extent(16, DESCRIPTORS):rep(2) .. ("\0"):rep(480)),
    [PARTITION] = file_set(label), [PARTITION + 1] = root_folder(),
  }
  local list = {}
  for i = 0, PARTITION + PARTITION_SECTORS - 1 do list[i + 1] = padded(sectors[i] or "", SECTOR) end
  return files.write(path, table.concat(list))
end

return udf
