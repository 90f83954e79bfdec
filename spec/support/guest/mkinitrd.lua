-- Writes an initramfs: busybox, an init, and kernel modules in an order in which each finds what it depends on.
-- Needs no cpio and no depmod. Arguments: folder with modules, busybox, init, output, module...
local tree, busybox, init, output = table.unpack(arg, 1, 4)

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
local names = {}
for i, module in ipairs(in_order(table.move(arg, 5, #arg, 1, {}))) do
  entry("lib/" .. module.name, FILE, module.data)
  names[i] = module.name .. "\n"
end
entry("lib/order", FILE, table.concat(names))
entry("TRAILER!!!", 0)
align(512)

local file = assert(io.open(output, "wb"))
assert(file:write(table.concat(parts)))
assert(file:close())
