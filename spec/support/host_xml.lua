-- Writes documents of domains as libvirt would, for specs that need a host without having one.
local host_xml = {}

--- An HBA. address is the inside of its <address> element, left out if nil.
function host_xml.hba(index, model, address)
  local inner = address and ("<address %s/>"):format(address) or ""
  return ("<controller type='scsi' index='%d' model='%s'>%s</controller>"):format(index, model or "virtio-scsi", inner)
end

--- A drive. opts: device, path, bus, place = { controller, target, unit }, inner (more elements), driver (attributes).
function host_xml.drive(dev, opts)
  opts = opts or {}
  local place, device = opts.place or { 0, 0, 0 }, opts.device or "cdrom"
  local source = opts.path ~= false and ("<source file='%s'/>"):format(opts.path or "/old.iso") or ""
  local address = "<address type='drive' controller='%d' bus='0' target='%d' unit='%d'/>"
  local disk = "<disk type='file' device='%s'><driver name='qemu' %s/>%s<target dev='%s' bus='%s'/>%s%s%s</disk>"
  return disk:format(device,
    opts.driver or "type='raw'", source, dev, opts.bus or "scsi", device == "cdrom" and "<readonly/>" or "",
    opts.inner or "", address:format(place[1], place[2], place[3]))
end

--- A SCSI device of the host. place is where it sits in the guest.
function host_xml.hostdev(adapter, unit, place)
  return ([[<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host%d'/>
    <address bus='0' target='0' unit='%d'/></source>
    <address type='drive' controller='%d' bus='0' target='%d' unit='%d'/></hostdev>]]):format(adapter, unit, place[1],
    place[2], place[3])
end

--- A whole domain with the given devices. opts: name, arch, machine, boot (false for none), more (elements before
-- the devices).
function host_xml.domain(devices, opts)
  opts = opts or {}
  return ([[<domain type='qemu'>
  <name>%s</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <memory unit='KiB'>1048576</memory>
  %s
  <os><type arch='%s' machine='%s'>hvm</type>%s</os>
  <devices>
    %s
  </devices>
</domain>
]]):format(opts.name or "web01", opts.more or "", opts.arch or "x86_64", opts.machine or "q35",
    opts.boot == false and "" or "<boot dev='hd'/>", table.concat(devices, "\n    "))
end

--- The XML of a test driver's host whose domains have these names and nothing else.
function host_xml.node(names)
  local domains, each = {}, "<domain type='test'><name>%s</name><memory>8192</memory><os><type>hvm</type></os></domain>"
  for i, one in ipairs(names) do domains[i] = each:format(one) end
  return ("<node>%s<cpu><mhz>6000</mhz><model>x</model><active>4</active><nodes>1</nodes><sockets>1</sockets>"
    .. "<cores>4</cores><threads>1</threads></cpu><memory>8192000</memory></node>"):format(table.concat(domains))
end

return host_xml
