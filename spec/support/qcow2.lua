-- Writes small qcow2 images, byte by byte, so that no spec needs qemu-img.
local files = require("support.files")

local qcow2 = {}

local CLUSTER = 65536
local COPIED = 1 << 63 -- the cluster is used once: it may be written in place

local function cluster(text)
  return text .. ("\0"):rep(CLUSTER - #text)
end

local HEADER = ">c4I4I8I4I4I8I4I4I8I8I4I4I8"

--- Writes an image of so many MiB (512 at most) whose first 64 KiB begin with a text; gives its path.  The rest is
-- empty, or what the image with the path base has there.
function qcow2.write(path, size, text, base)
  local at = base and HEADER:packsize() or 0
  local header = string.pack(HEADER, "QFI\xfb", 2, at, base and #base or 0, 16, size << 20, 0, 1, 3 * CLUSTER, CLUSTER,
    1, 0, 0)
  return files.write(path, cluster(header .. (base or ""))
    .. cluster(string.pack(">I8", 2 * CLUSTER)) -- table of the blocks of reference counts
    .. cluster(string.pack(">I2", 1):rep(6)) -- the six clusters of this file
    .. cluster(string.pack(">i8", COPIED | 4 * CLUSTER)) -- table of tables
    .. cluster(string.pack(">i8", COPIED | 5 * CLUSTER)) -- table of clusters
    .. cluster(text))
end

return qcow2
