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
        "csrc/complete.c",
        "csrc/diff.c",
        "csrc/iso9660.c",
        "csrc/iso_label.c",
        "csrc/iso_udf.c",
        "csrc/kind.c",
        "csrc/lua_core.c",
        "csrc/lua_iso.c",
        "csrc/lua_lun.c",
        "csrc/lua_marshal.c",
        "csrc/lua_model.c",
        "csrc/lua_push.c",
        "csrc/lua_recipe.c",
        "csrc/lua_schema.c",
        "csrc/lua_value.c",
        "csrc/lun.c",
        "csrc/model.c",
        "csrc/name.c",
        "csrc/problem.c",
        "csrc/rules.c",
        "csrc/rules_address.c",
        "csrc/rules_drive.c",
        "csrc/rules_hba.c",
        "csrc/rules_name.c",
        "csrc/schema.c",
        "csrc/suggest.c",
        "csrc/xml_boot.c",
        "csrc/xml_common.c",
        "csrc/xml_device.c",
        "csrc/xml_patch.c",
        "csrc/xml_raw.c",
        "csrc/xml_read.c",
        "csrc/xml_write.c",
      },
      defines = { "_DEFAULT_SOURCE" },
      incdirs = { "csrc", "$(LIBXML2_INCDIR)/libxml2" },
      libdirs = { "$(LIBXML2_LIBDIR)" },
      libraries = { "xml2" },
    },
    ["virtlun.libvirt"] = {
      sources = {
        "csrc/lua_virt.c",
        "csrc/virt_calls.c",
        "csrc/virt_error.c",
        "csrc/virt_events.c",
        "csrc/virt_jobs.c",
        "csrc/virt_mailbox.c",
        "csrc/virt_pool.c",
      },
      defines = { "_DEFAULT_SOURCE" },
      incdirs = { "csrc", "$(LIBVIRT_INCDIR)" },
      libdirs = { "$(LIBVIRT_LIBDIR)" },
      libraries = { "virt" },
    },
    ["virtlun.apply"] = "lua/virtlun/apply.lua",
    ["virtlun.backend"] = "lua/virtlun/backend.lua",
    ["virtlun.boot"] = "lua/virtlun/boot.lua",
    ["virtlun.cli.commands"] = "lua/virtlun/cli/commands.lua",
    ["virtlun.cli"] = "lua/virtlun/cli/init.lua",
    ["virtlun.cli.options"] = "lua/virtlun/cli/options.lua",
    ["virtlun.cli.output"] = "lua/virtlun/cli/output.lua",
    ["virtlun.drives"] = "lua/virtlun/drives.lua",
    ["virtlun.dsl"] = "lua/virtlun/dsl.lua",
    ["virtlun.forbid"] = "lua/virtlun/forbid.lua",
    ["virtlun.guest"] = "lua/virtlun/guest.lua",
    ["virtlun.host"] = "lua/virtlun/host.lua",
    ["virtlun.hotplug"] = "lua/virtlun/hotplug.lua",
    ["virtlun.images"] = "lua/virtlun/images.lua",
    ["virtlun"] = "lua/virtlun/init.lua",
    ["virtlun.jobs"] = "lua/virtlun/jobs.lua",
    ["virtlun.media"] = "lua/virtlun/media.lua",
    ["virtlun.plan"] = "lua/virtlun/plan.lua",
    ["virtlun.problems"] = "lua/virtlun/problems.lua",
    ["virtlun.quirks"] = "lua/virtlun/quirks.lua",
    ["virtlun.reboot"] = "lua/virtlun/reboot.lua",
    ["virtlun.recipe"] = "lua/virtlun/recipe.lua",
    ["virtlun.trace"] = "lua/virtlun/trace.lua",
    ["virtlun.view.help"] = "lua/virtlun/view/help.lua",
    ["virtlun.view.json"] = "lua/virtlun/view/json.lua",
    ["virtlun.view.plan"] = "lua/virtlun/view/plan.lua",
    ["virtlun.view.style"] = "lua/virtlun/view/style.lua",
    ["virtlun.view.tree"] = "lua/virtlun/view/tree.lua",
    ["virtlun.view.value"] = "lua/virtlun/view/value.lua",
  },
  install = {
    bin = { "lua/bin/virtlun" },
  },
}
