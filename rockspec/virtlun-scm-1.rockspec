-- How LuaRocks builds and installs virtlun from a checkout: luarocks --lua-version=5.4 make rockspec/virtlun-scm-1.rockspec
-- spec/rockspec_spec.lua keeps the list of files equal to the tree.
rockspec_format = "3.0"
package = "virtlun"
version = "scm-1"
source = {
  -- There is no released archive; `luarocks make` builds what lies in the current folder.
  url = "file://.",
}
description = {
  summary = "Describes virtual SCSI HBAs and drives of KVM virtual servers, and makes libvirt have them, live",
  detailed = "Say which discs are in which drives; virtlun makes it so, live, and tells you what the guest sees.",
  license = "MIT",
  labels = { "libvirt", "kvm", "scsi" },
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.3",
  "argparse",
  "dkjson",
}
external_dependencies = {
  -- libxml2's headers include each other as <libxml/...>, from a folder below the one that LuaRocks looks in.
  LIBXML2 = { header = "libxml2/libxml/parser.h" },
  LIBVIRT = { header = "libvirt/libvirt.h" },
}
build = {
  type = "builtin",
  modules = {
    ["virtlun.core"] = {
      sources = {
        "csrc/address.c",
        "csrc/arena.c",
        "csrc/check.c",
        "csrc/claims.c",
        "csrc/diff.c",
        "csrc/kind.c",
        "csrc/lun.c",
        "csrc/model.c",
        "csrc/name.c",
        "csrc/problem.c",
        "csrc/rules.c",
        "csrc/schema.c",
        "csrc/suggest.c",
      },
      defines = { "_DEFAULT_SOURCE" },
      incdirs = { "csrc", "$(LIBXML2_INCDIR)/libxml2" },
      libdirs = { "$(LIBXML2_LIBDIR)" },
      libraries = { "xml2" },
    },
    ["virtlun.libvirt"] = {
      sources = {
      },
      defines = { "_DEFAULT_SOURCE" },
      incdirs = { "csrc", "$(LIBVIRT_INCDIR)" },
      libdirs = { "$(LIBVIRT_LIBDIR)" },
      libraries = { "virt" },
    },
  },
  install = {
    bin = { "lua/bin/virtlun" },
  },
}
