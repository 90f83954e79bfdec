-- Writes an initramfs: busybox, an init, and kernel modules in an order in which each finds what it depends on.
-- Needs no cpio, no depmod and no compiler. Arguments: architecture, folder with modules, busybox, init, output,
-- module...
local arch, tree, busybox, init, output = table.unpack(arg, 1, 5)

local unpackers = { xz = "xz -dc", zst = "zstd -dqc", gz = "gzip -dc" }

local function read(path)
  local unpacker = unpackers[path:match("%.ko%.(%w+)$")]
  local file = assert(unpacker and io.popen(("%s '%s'"):format(unpacker, path)) or io.open(path, "rb"))
  local data = file:read("a")
  file:close()
  return data
end

-- Files call it virtio-rng or virtio_rng, dependencies as the file does, users as they like.
local function plain(name) return (name:gsub("-", "_")) end

local function module_files()
  local paths = {}
  local list = assert(io.popen(("find '%s' -name '*.ko' -o -name '*.ko.*'"):format(tree)))
  for path in list:lines() do paths[plain(path:match("([^/]+)%.ko"))] = path end
  list:close()
  return paths
end

-- The modules and what they depend on, dependencies first.
local function in_order(names)
  local paths, order, seen = module_files(), {}, {}
  local function add(name)
    name = plain(name)
    if seen[name] or not paths[name] then return end
    seen[name] = true
    local data = read(paths[name])
    for needed in (data:match("%f[%w]depends=([^%z]*)%z") or ""):gmatch("[^,]+") do add(needed) end
    order[#order + 1] = { name = name .. ".ko", data = data }
  end
  for _, name in ipairs(names) do add(name) end
  return order
end

-- Programs that busybox lacks: each opens the drive that it is given and exits with what one ioctl answers.
local ioctls = { ["cdrom-status"] = 0x5326, ["cdrom-eject"] = 0x5309, ["cdrom-load"] = 0x5319 }

-- Their machine code: open(argv[1], O_NONBLOCK), ioctl(fd, request, INT_MAX), exit(result).
local code = {
  x86_64 = { order = "<", machine = 62, request = "<I4", text =
    "\x48\x8b\x7c\x24\x10" .. -- mov rdi, [rsp + 16]
    "\xbe\x00\x08\x00\x00\xb8\x02\x00\x00\x00\x0f\x05" .. -- mov esi, 0x800; mov eax, 2; syscall
    "\x89\xc7\xbe%s\xba\xff\xff\xff\x7f" .. -- mov edi, eax; mov esi, request; mov edx, 0x7fffffff
    "\xb8\x10\x00\x00\x00\x0f\x05" .. -- mov eax, 16; syscall
    "\x89\xc7\xb8\x3c\x00\x00\x00\x0f\x05" }, -- mov edi, eax; mov eax, 60; syscall
  s390x = { order = ">", machine = 22, request = ">I2", text =
    "\xe3\x20\xf0\x10\x00\x04" .. -- lg %r2, 16(%r15)
    "\xa7\x39\x08\x00\x0a\x05" .. -- lghi %r3, 0x800; svc 5
    "\xa7\x39%s\xc0\x41\x7f\xff\xff\xff\x0a\x36" .. -- lghi %r3, request; lgfi %r4, 0x7fffffff; svc 54
    "\x0a\x01" }, -- svc 1
}

-- An ELF file that is loaded as a whole, and starts behind its headers.
local function program(request)
  local known = code[arch]
  local text = known.text:format(known.request:pack(request))
  local base, header, size = 0x1000000, 64 + 56, 64 + 56 + #text
  local file = (known.order .. "I2I2I4I8I8I8I4I2I2I2I2I2I2")
  return "\x7fELF\2" .. (known.order == "<" and "\1" or "\2") .. "\1" .. ("\0"):rep(9) ..
    file:pack(2, known.machine, 1, base + header, 64, 0, 0, 64, 56, 1, 0, 0, 0) ..
    (known.order .. "I4I4I8I8I8I8I8I8"):pack(1, 5, 0, base, base, size, size, 0x1000) .. text
end

local parts, length, number = {}, 0, 0

local function put(text)
  parts[#parts + 1] = text
  length = length + #text
end

local function align(to) put(("\0"):rep(-length % to)) end

-- One entry of the archive; device is { major, minor }.
local function entry(name, mode, data, device)
  number = number + 1
  data = data or ""
  device = device or { 0, 0 }
  put("070701" .. ("%08X"):rep(13):format(number, mode, 0, 0, 1, 0, #data, 0, 0, device[1], device[2], #name + 1, 0))
  put(name .. "\0")
  align(4)
  put(data)
  align(4)
end

local FOLDER, PROGRAM, FILE, DEVICE = 0x41ED, 0x81ED, 0x81A4, 0x2180

for _, name in ipairs { "bin", "sbin", "lib", "dev", "proc", "sys", "mnt", "tmp", "etc" } do entry(name, FOLDER) end
entry("dev/console", DEVICE, "", { 5, 1 })
entry("bin/busybox", PROGRAM, read(busybox))
entry("init", PROGRAM, read(init))
for name, request in pairs(ioctls) do entry("sbin/" .. name, PROGRAM, program(request)) end
local names = {}
for i, module in ipairs(in_order(table.move(arg, 6, #arg, 1, {}))) do
  entry("lib/" .. module.name, FILE, module.data)
  names[i] = module.name .. "\n"
end
entry("lib/order", FILE, table.concat(names))
entry("TRAILER!!!", 0)
align(512)

local file = assert(io.open(output, "wb"))
assert(file:write(table.concat(parts)))
assert(file:close())
