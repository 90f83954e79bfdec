-- Writes what the fuzzers begin with: documents, recipes and images of the specs, and the words of the schema.
-- Usage: lua corpus.lua FOLDER; makes FOLDER/read, patch, recipe and iso, and FOLDER/xml.dict and recipe.dict.
local core = require("virtlun.core")
local files = require("support.files")
local host_xml = require("support.host_xml")
local iso = require("support.iso_bytes")

local folder = arg[1]

local function seeds(target)
  local count = 0
  os.execute(("mkdir -p %s/%s"):format(folder, target))
  return function(text)
    count = count + 1
    files.write(("%s/%s/seed%03d"):format(folder, target, count), text)
  end
end

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

-- Documents -----------------------------------------------------------------------------------------------------------

-- What a running domain has besides: aliases, chains, passwords, things that virtlun does not know.
local RUNNING = [==[<domain type='kvm' id='7' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>web01</name>
<uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><iothreads>2</iothreads><iothreadids><iothread id='1'/></iothreadids>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os>
<features><acpi/></features>
<devices><emulator>/usr/bin/qemu</emulator>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/a.iso' index='1'/><backingStore/>
<target dev='sda' bus='scsi' tray='open'/><readonly/><alias name='scsi0-0-0-0'/>
<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
<disk type='network' device='disk'><driver name='qemu' type='qcow2' cache='none'/><auth username='u'>
<secret type='ceph' usage='s'/></auth>
<source protocol='rbd' name='p/i'><host name='h' port='6789'/><host name='g'/></source>
<target dev='sdb' bus='scsi'/><serial>S1</serial><wwn>5000c50015ea71aa</wwn><boot order='1'/><alias name='ua-two'/>
<address type='drive' controller='0' bus='0' target='1' unit='300'/></disk>
<!-- somebody's --><controller type='scsi' index='0' model='virtio-scsi'><driver queues='4'/><alias name='scsi0'/>
<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></controller>
<controller type='pci' index='4' model='pcie-root-port'/>
<hostdev mode='subsystem' type='scsi'>
<source><adapter name='scsi_host2'/><address bus='0' target='0' unit='0'/></source>
<address type='drive' controller='0' bus='0' target='2' unit='0'/></hostdev><q:x a='&lt;'/><![CDATA[ ]]>
</devices><q:commandline><q:arg value='-S'/></q:commandline></domain>]==]

local documents = { RUNNING,
  host_xml.domain { host_xml.hba(0), host_xml.drive("sda"), host_xml.hostdev(1, 0, { 0, 1, 0 }) } }
for _, path in ipairs(lines_of("ls spec/golden/*/expected.xml")) do
  documents[#documents + 1] = host_xml.domain({ files.read(path) }, { boot = #documents % 2 == 0 })
end

local read, patch = seeds("read"), seeds("patch")
for i, document in ipairs(documents) do
  local other = documents[i % #documents + 1]
  read(document)
  patch(document .. "\0\0" .. other)
  patch(document .. "\0\1\130\3\255\0" .. document)
  patch(RUNNING .. "\0\2\0" .. document)
end
for _, path in ipairs(lines_of("ls spec/golden/*/expected.xml")) do read((files.read(path):match("<disk.-</disk>"))) end

-- Recipes and images --------------------------------------------------------------------------------------------------

local recipe = seeds("recipe")
for _, path in ipairs(lines_of("ls spec/golden/*/recipe.lua spec/recipes/*.lua")) do recipe(files.read(path)) end

-- The image as spec/fuzz/iso.c takes it: only what is not empty, in pieces.
local function pieces(image)
  local parts = { string.pack("<I3", #image // 2048) }
  for at = 0, #image - 1, 128 do
    local bytes = image:sub(at + 1, at + 128):gsub("\0+$", "")
    if bytes ~= "" and at // 2048 < 65536 then
      parts[#parts + 1] = string.pack("<I2Bs1", at // 2048, at % 2048 // 8, bytes)
    end
  end
  return table.concat(parts)
end

local image = seeds("iso")
local catalog = iso.catalog(iso.validation(0), iso.entry(0x88), iso.section(0x91, 0xEF, 1), iso.entry(0x88))
image(pieces(iso.image(30, iso.iso9660 { blocks = 30 })))
image(pieces(iso.image(30, iso.iso9660({ blocks = 30, label = "" }, {
  [17] = iso.supplementary("\0D\0I\0S\0C"), [18] = iso.boot_record(20), [19] = iso.terminator(), [20] = catalog,
}))))
image(pieces(iso.image(600, iso.udf { blocks = 600, access = 1 })))
image(pieces(iso.image(600, iso.udf { blocks = 600, access = 4, block_size = 512 }, 512)))
for _, magic in ipairs { "QFI\xFB\0\0\0\3", "conectix", "\x1F\x8B\x08", "PK\3\4" } do
  image(pieces(magic .. ("\0"):rep(4096)))
end

-- Dictionaries --------------------------------------------------------------------------------------------------------

local function dictionary(name, words)
  local list = {}
  for word in pairs(words) do
    list[#list + 1] = '"' .. word:gsub('[\\"]', "\\%0") .. '"'
  end
  table.sort(list)
  files.write(("%s/%s.dict"):format(folder, name), table.concat(list, "\n") .. "\n")
end

local xml_words = { ["<!--"] = true, ["<![CDATA["] = true, ["<?x ?>"] = true, ["<devices>"] = true, ["&#0;"] = true,
  ["<backingStore/>"] = true, ["xmlns:a='b'"] = true, ["16383"] = true, ["255"] = true, ["0x"] = true }
local lua_words = { ["domain \"d\" {"] = true, ["local"] = true, ["function"] = true, ["return"] = true, ["end"] = true,
  ["param \"unit\" { default = 1 }"] = true, ["table.unpack"] = true, [":rep(9)"] = true, ["math.maxinteger"] = true,
  ["1e308"] = true, ["-1"] = true, ["0/0"] = true, ["false"] = true, ["absent = true"] = true }
for _, shape in pairs(core.schema().shapes) do
  for _, field in ipairs(shape.fields) do
    lua_words[field.key .. " = "] = true
    for word in (field.xml or ""):gmatch("[^/@]+") do xml_words[word] = true end
    for _, word in ipairs(field.words or {}) do
      xml_words["'" .. word .. "'"], lua_words["'" .. word .. "'"] = true, true
    end
  end
end
dictionary("xml", xml_words)
dictionary("recipe", lua_words)
