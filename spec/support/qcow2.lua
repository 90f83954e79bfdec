-- Makes small images in QEMU's format qcow2, byte by byte: with data, on top of a backing file, or broken.
local files = require("support.files")

local qcow2 = {}

local CLUSTER = 65536
local RAW_BELOW = (">I4I4"):pack(0xE2792ACA, 3) .. "raw\0\0\0\0\0"
local HEADER = 104

local function cluster(text) return text .. ("\0"):rep(-#text % CLUSTER) end

-- One entry for a cluster of the image that is used once.
local function entry(number) return (">I8"):pack(1 << 63 | number * CLUSTER) end

-- Clusters: 0 the header, 1 and 2 the counts of uses, 3 and 4 the tables of clusters, 5 on the data.
local function image(data, backing, size)
  local count, extensions = (#data + CLUSTER - 1) // CLUSTER, (backing and RAW_BELOW or "") .. ("\0"):rep(8)
  local name_at, name = backing and HEADER + #extensions or 0, backing or ""
  local head = "QFI\xfb" .. (">I4I8I4I4I8I4I4I8I8I4I4I8I8I8I8I4I4"):pack(3, name_at, #name, 16,
    size or backing and 1 << 20 or count * CLUSTER, 0, 1, 3 * CLUSTER, CLUSTER, 1, 0, 0, 0, 0, 0, 4, HEADER)
  local places = {}
  for i = 1, count do places[i] = entry(4 + i) end
  return table.concat {
    cluster(head .. extensions .. name), cluster((">I8"):pack(2 * CLUSTER)), cluster(("\0\1"):rep(5 + count)),
    cluster(entry(4)), cluster(table.concat(places)), cluster(data),
  }
end

--- An image that holds what another file holds. Gives the path.
function qcow2.of(path, file) return files.write(path, image(files.read(file))) end

--- An image that shows what is below it: a raw file, or whatever libvirt takes for one.
function qcow2.over(path, backing) return files.write(path, image("", backing)) end

--- An image of so many MiB that begins with a text; the rest is empty, or what a raw file below it has there.
function qcow2.write(path, size, text, backing) return files.write(path, image(text, backing, size << 20)) end

--- A file that says it is such an image, and which QEMU finds impossible.
function qcow2.broken(path) return files.write(path, "QFI\xfb" .. (">I4"):pack(3) .. ("\xff"):rep(CLUSTER)) end

return qcow2
