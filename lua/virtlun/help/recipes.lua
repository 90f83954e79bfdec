--- What help tells of problems of recipes, of documents and of LUNs: text only, by code.  Each says why, and either
-- what is wrong, as a recipe that has the problem, or when it comes; and what to write or do instead.
-- spec/help_spec.lua runs the recipes.

return {
  unknown_key = {
    "A key that nobody reads would be a wish that nobody hears, so every key is known or a mistake.",
    wrong = [[cdrom { dev = "sda", sorce = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sda", source = "/iso/a.iso" }]],
  },
  moved_key = {
    "libvirt knows the word, but elsewhere: threads and queues are the HBA's and not the drive's.",
    wrong = [[disk { dev = "sda", source = "/a.img", format = "raw", queues = 4 }]],
    right = [[controller { index = 0, queues = 4 }, disk { dev = "sda", source = "/a.img", format = "raw" }]],
  },
  no_kind = {
    "A device is made by its constructor, which says what it is.",
    wrong = [[{ dev = "sda", source = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sda", source = "/iso/a.iso" }]],
  },
  unknown_kind = {
    "There are five kinds of devices; other devices of a domain are none of virtlun's business.",
    wrong = [[{ kind = "floppy", dev = "fda" }]],
    right = [[cdrom { dev = "sda", source = "/iso/a.iso" }]],
  },
  no_such_device = {
    "What a C program says of a device that is not there would be left out silently. Drives on other buses than SCSI" ..
      " have numbers, but are none of virtlun's.",
    when = "vlun_domain_set_text(domain, 3, ...) of a domain with two devices, or whose third is a drive on SATA.",
    instead = "Use the number that vlun_domain_add gave; vlun_domain_kind tells which devices of a host have a kind.",
  },
  wrong_type = {
    "Nothing is converted: a number in quotes may have been meant as text.",
    wrong = [[controller { index = "0" }]],
    right = [[controller { index = 0 }]],
  },
  out_of_range = {
    "The range is that of the standard (SAM), of QEMU or of libvirt; beyond it a guest would not start.",
    wrong = [[cdrom { dev = "sda", address = { controller = 0, unit = 20000 } }]],
    right = [[cdrom { dev = "sda", address = { controller = 0, unit = 16383 } }]],
  },
  unknown_word = {
    "libvirt has a fixed list of words for this key, and ignores or refuses any other.",
    wrong = [[cdrom { dev = "sda", io = "natve" }]],
    right = [[cdrom { dev = "sda", io = "native" }]],
  },
  bad_form = {
    "libvirt or QEMU takes only text of this form; some of what is not, libvirt drops without a word.",
    wrong = [[cdrom { dev = "sda", source = "a.iso" }]],
    right = [[cdrom { dev = "sda", source = "/var/lib/libvirt/images/a.iso" }]],
  },
  bad_length = {
    "The field has a fixed size in the SCSI answer of the drive, or in the structure that it is copied to.",
    wrong = [[cdrom { dev = "sda", vendor = "more than 8" }]],
    right = [[cdrom { dev = "sda", vendor = "8 or few" }]],
  },
  bad_text = {
    "XML 1.0 has no place for control characters, and libvirt reads UTF-8.",
    wrong = [[cdrom { dev = "sda", source = "/iso/a\nb.iso" }]],
    right = [[cdrom { dev = "sda", source = "/iso/a-b.iso" }]],
  },
  bad_xml = {
    "What raw says is put into the drive's element, so it has to be whole elements.",
    wrong = [[cdrom { dev = "sda", raw = "<geometry>" }]],
    right = [[cdrom { dev = "sda", raw = "<geometry cyls='1' heads='1' secs='1'/>" }]],
  },
  owned_element = {
    "An element said twice, by a key and as XML, could say two things.",
    wrong = [[cdrom { dev = "sda", raw = "<readonly/>" }]],
    right = [[cdrom { dev = "sda", readonly = true }]],
  },
  required = {
    "Without it the device cannot be found on the host, or not be made.",
    wrong = [[cdrom { source = "/iso/a.iso" }]],
    right = [[cdrom { dev = "sda", source = "/iso/a.iso" }]],
  },
  not_here = {
    "The key means something only where another one says so; libvirt ignores it elsewhere, or refuses it.",
    wrong = [[disk { dev = "sda", source = "/a.img", format = "raw", tray = "open" }]],
    right = [[cdrom { dev = "sda", tray = "open" }]],
  },
  not_removable = {
    "false means: this is explicitly not there. A device without this key is no device.",
    wrong = [[cdrom { dev = "sda", address = false }]],
    right = [[cdrom { dev = "sda", absent = true }]],
  },
  empty = {
    "An empty table says neither that something is there nor that it is not.",
    wrong = [[cdrom { dev = "sda", iotune = {} }]],
    right = [[cdrom { dev = "sda", iotune = false }]],
  },
  no_variant = {
    "There are several such tables, and which one is meant is told by a key that only one of them has.",
    wrong = [[cdrom { dev = "sda", source = { path = "/iso/a.iso" } }]],
    right = [[cdrom { dev = "sda", source = { file = "/iso/a.iso" } }]],
  },
  provisional = {
    "render asks no host, so it cannot know which addresses are free there.",
    when = "render, or virtlun.xml, of a drive without an address.",
    instead = "plan on the host, or say the address.",
  },
  cannot_read = {
    "The recipe, or one that it includes, cannot be opened: none, no right, no file, or a name without .lua.",
    wrong = [[include "no/such.lua"]],
    instead = "Look at the path; that of include is relative to the recipe that includes.",
  },
  syntax = {
    "A recipe is text of Lua, and Lua says at which place it no longer understands it.",
    wrong = "domain \"web01\" {\n  cdrom { dev = \"sda\" }",
    right = "domain \"web01\" {\n  cdrom { dev = \"sda\" }\n}",
  },
  recipe_failed = {
    "The recipe raised an error while it ran, by error() or by a mistake in its own Lua.",
    wrong = [[local site; domain "web01" { cdrom { dev = site.dev } }]],
    right = [[local site = { dev = "sda" }; domain "web01" { cdrom { dev = site.dev } }]],
  },
  unknown_name = {
    "A recipe sees its constructors and the pure part of Lua's library: no os, io, require or string patterns, so" ..
      " that it does the same everywhere and nothing else.",
    wrong = [[domain "web01" { cdrom { dev = "sda", serial = os.getenv("HOME") } }]],
    right = [[local serial = param "serial" { default = "1" }
domain "web01" { cdrom { dev = "sda", serial = serial } }]],
  },
  no_global = {
    "A name without local is usually a misspelt one, and would live on into other recipes.",
    wrong = [[iso = "/iso/a.iso"; domain "web01" { cdrom { dev = "sda", source = iso } }]],
    right = [[local iso = "/iso/a.iso"; domain "web01" { cdrom { dev = "sda", source = iso } }]],
  },
  too_long = {
    "A recipe has a limit of instructions and of seconds, which the message tells: it describes, it does not compute.",
    wrong = [[while true do end]],
    right = [[for i = 1, 1000 do domain("web" .. i) { cdrom { dev = "sda" } } end]],
  },
  too_large = {
    "A recipe has a limit, which the message tells, so that a mistake in it cannot take the memory of the machine.",
    wrong = [[local text = string.rep("x", 2^30)]],
    instead = "Describe fewer domains in one recipe; 100,000 drives need about 100 MB.",
  },
  include_cycle = {
    "A recipe that includes itself, by way of others too, would never end.",
    when = "one.lua says include \"two.lua\", and two.lua says include \"one.lua\".",
    instead = "Put what both need into a third recipe, and include that.",
  },
  no_param = {
    "A parameter that the recipe does not have would be lost without a word.",
    when = "-p drivs=2 where the recipe says: param \"drives\" { default = 1 }",
    instead = "Spell it as the recipe does: -p drives=2",
  },
  param_unset = {
    "A parameter without a default has to be given by whoever runs the recipe.",
    wrong = [[local iso = param "iso" {}; domain "web01" { cdrom { dev = "sda", source = iso } }]],
    right = [[local iso = param "iso" { default = "/iso/a.iso" }
domain "web01" { cdrom { dev = "sda", source = iso } }]],
  },
  param_type = {
    "The default says what the parameter is: a number, a boolean or text.",
    when = "-p drives=two where the recipe says: param \"drives\" { default = 1 }",
    instead = "-p drives=2",
  },
  requires = {
    "The recipe says which virtlun it was written for, and this one is older.",
    wrong = [[requires "virtlun >= 99.1"; domain "web01" {}]],
    right = [[requires "virtlun >= 0.1"; domain "web01" {}]],
  },
  outside_domain = {
    "A device has to stand in the table of the domain that it belongs to; alone it would be forgotten.",
    wrong = [[domain "web01" {}; cdrom { dev = "sda" }]],
    right = [[domain "web01" { cdrom { dev = "sda" } }]],
  },
  unfinished = {
    "domain \"name\" alone describes nothing: the table behind it does.",
    wrong = [[domain "web01"]],
    right = [[domain "web01" {}]],
  },
  no_domain = {
    "A recipe that describes nothing is more likely a mistake than a wish.",
    wrong = [[local iso = "/iso/a.iso"]],
    right = [[domain "web01" { cdrom { dev = "sda", source = "/iso/a.iso" } }]],
  },
  xml_malformed = {
    "The document is no XML, as it comes when it was cut off or edited by hand.",
    when = "virtlun.read of a damaged text; libvirt itself never gives one.",
    instead = "Get it again with: virsh dumpxml DOMAIN",
  },
  xml_doctype = {
    "A DOCTYPE can make a parser fetch files and fill memory; libvirt writes none, so none is read.",
    when = "virtlun.read of a document that does not come from libvirt.",
    instead = "Take the DOCTYPE out.",
  },
  xml_too_deep = {
    "No document of libvirt is so deep; a hostile one could exhaust the stack.",
    when = "virtlun.read of a document that does not come from libvirt.",
    instead = "Look at where the document comes from.",
  },
  xml_too_large = {
    "A domain of 100,000 drives has less than half of that; what is larger is no domain.",
    when = "virtlun.read of a document that does not come from libvirt.",
    instead = "Look at where the document comes from.",
  },
  xml_encoding = {
    "Where bytes mean something else than in ASCII, a limit could be passed unseen; libvirt itself writes UTF-8.",
    when = "virtlun.read of a document in UTF-16, or with a zero byte in it.",
    instead = "iconv -f UTF-16 -t UTF-8, and look at where the document comes from.",
  },
  xml_crowded = {
    "libxml2 works for minutes on some documents of a few megabytes; no domain has so many of anything.",
    when = "virtlun.read of a document that does not come from libvirt.",
    instead = "Look at where the document comes from.",
  },
  xml_twice = {
    "libvirt takes the first, or the last, or both, and writes it once; what was meant nobody can see.",
    when = "A document with two <devices>, edited by hand.",
    instead = "Make one of both: virsh edit DOMAIN",
  },
  more_problems = {
    "A recipe that makes a million mistakes would fill the memory with what is said of them.",
    when = "A loop that is wrong in each of its rounds.",
    instead = "Mend what is told; the next check tells the rest.",
  },
  xml_not_ours = {
    "Only domains and their SCSI devices are read; networks, pools and the like are other programs' business.",
    when = "virtlun.read(\"<network>...</network>\")",
    instead = "Give a <domain>, or a <controller>, <disk> or <hostdev> of one.",
  },
  no_lun = {
    "Linux shows unit 0..255 as that LUN and unit 256..16383 with 0x4000 more (SAM's flat space addressing); nothing" ..
      " else comes from a virtual drive.",
    when = "virtlun lun --from-guest 256",
    instead = "virtlun lun --from-guest 16640, which is unit 256",
  },
  no_memory = {
    "The machine has no memory left, or this process has reached its limit (ulimit -v).",
    when = "Many thousand drives on a small machine.",
    instead = "Describe fewer domains at once. Nothing was half done: what fails so has not reached the host.",
  },
}
