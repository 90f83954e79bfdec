-- Problems of documents and of LUNs: what a host or a guest could show that cannot be used.
local MIB = 1024 * 1024

return {
  { code = "xml_malformed", xml = "<domain>\n<name>web</nam></domain>",
    says = [[line 2: not well-formed XML: Opening and ending tag mismatch: name line 2 and nam]] },
  { code = "xml_malformed", xml = "", says = [[not well-formed XML: the document is empty]] },
  { code = "xml_malformed", xml = "no XML at all",
    says = [[line 1: not well-formed XML: Start tag expected, '<' not found]] },
  { code = "xml_malformed", xml = "<domain>&unknown;</domain>",
    says = [[line 1: not well-formed XML: Entity 'unknown' not defined]] },
  { code = "xml_malformed", xml = "<domain/><domain/>",
    says = [[line 1: not well-formed XML: Extra content at the end of the document]] },
  { code = "xml_doctype", xml = "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>",
    says = [[has a DOCTYPE, which libvirt never writes and virtlun never reads]] },
  { code = "xml_doctype", xml = "<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x.dtd'><domain/>",
    says = [[has a DOCTYPE, which libvirt never writes and virtlun never reads]] },
  { code = "xml_too_deep", xml = ("<domain>"):rep(251) .. ("</domain>"):rep(251),
    says = [[elements are nested deeper than 250]] },
  { code = "xml_too_large", xml = function() return "<domain>" .. (" "):rep(MIB):rep(64) .. "</domain>" end,
    says = [[is larger than 64 MiB]] },
  { code = "xml_encoding", xml = "<\0d\0/\0>\0",
    says = [[is UTF-16, or has NULs: virtlun reads UTF-8, and what is ASCII where UTF-8 is]] },
  { code = "xml_encoding", xml = "<?xml version='1.0' encoding='UTF-7'?><domain/>",
    says = [[is UTF-7: virtlun reads UTF-8, and what is ASCII where UTF-8 is]] },
  { code = "xml_crowded", xml = function()
      local attributes = {}
      for i = 1, 251 do attributes[i] = ("a%d='>'"):format(i) end
      return "<domain><!-- <it's --><x " .. table.concat(attributes, " ") .. "/></domain>"
    end, says = [[has more than 250 attributes in an element, which libvirt never writes]] },
  { code = "xml_crowded", xml = "<domain>" .. ("<a:b xmlns:a='c'/>"):rep(40000) .. "</domain>",
    says = [[has more than 1,000 namespaces, which libvirt never writes]] },
  { code = "xml_crowded", xml = function()
      local elements = {}
      for i = 1, 200000 do elements[i] = ("<x%d/>"):format(i) end
      return "<domain>" .. table.concat(elements) .. "</domain>"
    end, says = [[has more than 1,000,000 bytes of different names, which libvirt never writes]] },
  { code = "xml_crowded", xml = function() return "<domain>" .. ("<x/>"):rep(1000000) .. "</domain>" end,
    says = [[has more than 1,000,000 elements, which libvirt never writes]] },
  { code = "xml_twice", xml = "<domain><devices/><name>a</name><devices/></domain>",
    says = [[has <devices> twice, so that nobody knows which one counts]] },
  { code = "xml_not_ours", xml = "<network><name>default</name></network>",
    says = [[<network> is not a domain, controller, disk or hostdev]] },

  { code = "no_lun", call = function(virtlun) return virtlun.lun.decode(256) end,
    says = [[lun: 256 is no LUN that Linux shows for a virtual drive: those are 0..255 and 16640..32767]] },
}
