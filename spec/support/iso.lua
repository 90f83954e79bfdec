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

--- A disc of which only the first sectors are there, up to the middle of its volume's description.
function iso.truncated(path, label)
  return files.write(path, image(label, "CONTENT.;1", ""):sub(1, 16 * SECTOR + 100))
end

-- What a PC's firmware loads to 0x7c00: prints a text on the first serial port, whenever that is ready, and halts.
local function pc_boot_sector(message)
  local code = "\xfc\x0e\x1f\xbe\x1f\x7c" .. -- cld; push cs; pop ds; mov si, 0x7c1f
    "\xba\xfd\x03\xec\xa8\x20\x74\xfb" .. -- mov dx, 0x3fd; again: in al, dx; test al, 0x20; jz again
    "\xac\x84\xc0\x74\x06" .. -- lodsb; test al, al; jz done
    "\xba\xf8\x03\xee\xeb\xed" .. -- mov dx, 0x3f8; out dx, al; jmp to mov dx, 0x3fd
    "\xfa\xf4\xeb\xfd" -- done: cli; hlt; jmp to hlt
  return padded(padded(code, 0x1f) .. message .. "\r\n\0", SECTOR)
end

--- A disc from which a PC's BIOS boots; the machine then writes "BOOTED label" to its first serial port.
function iso.bootable_x86(path, label)
  return files.write(path, image(label, "BOOT.;1", pc_boot_sector("BOOTED " .. label), { 0, 4 }))
end

-- Where s390x's kernel looks for its initramfs and command line, and where the latter's room ends.
local INITRD_START, INITRD_SIZE, COMMAND_LINE, COMMAND_LINE_ROOM = 0x10408, 0x10410, 0x10480, 896

local function overwritten(text_, at, with) return text_:sub(1, at) .. with .. text_:sub(at + #with + 1) end

-- A kernel with its initramfs as one image for address 0, as discs have it: it starts at 0x10000 rather than with its
-- own loader, which would look for a card reader.
local function s390x_boot_image(kernel, initrd, cmdline)
  local where = (#kernel + 0xFFFFF) & ~0xFFFFF
  assert(#cmdline < COMMAND_LINE_ROOM)
  local head = kernel:sub(1, 0x11000)
  head = overwritten(head, 0, (">I4I4"):pack(0x00080000, 0x80010000))
  head = overwritten(head, INITRD_START, (">I8"):pack(where))
  head = overwritten(head, INITRD_SIZE, (">I8"):pack(#initrd))
  head = overwritten(head, COMMAND_LINE, cmdline .. "\0")
  return table.concat { head, kernel:sub(#head + 1), ("\0"):rep(where - #kernel), initrd }
end

--- A disc from which s390x boots the guest that support.guest has made; the label is in its command line.
function iso.bootable_s390x(path, label)
  local kernel, initrd = files.read("build/guest/vmlinuz-s390x"), files.read("build/guest/initrd-s390x")
  local data = s390x_boot_image(assert(kernel), assert(initrd), "quiet panic=-1 label=" .. label)
  return files.write(path, image(label, "BOOT.;1", data, { 0, 0xFFFF }))
end

return iso
