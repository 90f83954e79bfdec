--- What help tells of the problems of booting and of rebooting: text only, by code, as in recipes.lua.

return {
  boot_none = {
    "boot = \"devices\" takes <os><boot> away; without a place for any device libvirt would write <os><boot> again.",
    when = [[domain "web01" { boot = "devices" }, no device has boot, and <os><boot> means none that is there.]],
    instead = [[boot = "devices", disk { dev = "sda", boot = 1 }]],
  },
  boot_live = {
    "The running domain was started with <os><boot>, and keeps that until it is powered off.",
    when = [[boot = "devices", and a new cdrom { dev = "sdb", boot = 1 }, with --live.]],
    instead = "Leave --live out: the order is one of the next power-on.",
  },
  boot_kernel = {
    "The host hands the kernel to the guest, which then asks no drive.",
    when = "reboot --from sda of a domain with <os><kernel>.",
    instead = "Take <kernel> out with virsh edit.",
  },
  boot_empty = {
    "An empty drive boots nothing.",
    when = "virtlun reboot web01 --from sda --power-off, and sda is empty.",
    instead = "virtlun insert web01 sda /iso/install.iso, then reboot.",
  },
  boot_live_only = {
    "A power-off starts the domain from its configuration, which does not have this drive.",
    when = "reboot --power-off --from a drive that was attached with --live.",
    instead = "virtlun attach --config the same drive first.",
  },
  not_bootable = {
    "The disc has no El Torito entry and no boot file, so the firmware will probably go on to the next drive.",
    when = "virtlun reboot web01 --from sda with a disc of drivers in it.",
    instead = "Insert a disc that boots.",
  },
  boot_medium = {
    "The medium was changed in the running domain only; after the power-off the configuration counts.",
    when = "insert --live, then reboot --power-off --from that drive.",
    instead = "virtlun insert without --live.",
  },
  boot_by_os = {
    "With <os><boot> the firmware was told at the start which drives there are; a hot-plugged one is not among them.",
    when = "reboot --from a drive that was hot-plugged.",
    instead = "reboot --power-off, or boot = \"devices\" in the recipe.",
  },
  not_up = {
    "What does not run cannot be rebooted.",
    when = "virtlun reboot of a domain that is shut off.",
    instead = "virsh start DOMAIN",
  },
  power_off_order = {
    "QEMU settles the boot order when it starts; a reboot of the guest stays in the same QEMU.",
    when = "reboot --from sdb, and the running domain boots from sda first.",
    instead = "virtlun reboot web01 --from sdb --power-off",
  },
  power_off_due = {
    "The configuration has the wanted order already, and counts from the next power-on.",
    when = "The order was changed with apply, and then reboot --from was asked for.",
    instead = "virtlun reboot web01 --from sdb --power-off",
  },
  reboot_ignored = {
    "The guest was asked by ACPI or its agent and did nothing: it hangs, or has nobody who listens.",
    when = "A guest that is still in its installer.",
    instead = "virtlun reboot --reset, as the button of a real machine; unsaved data is lost.",
  },
  shutdown_ignored = {
    "The guest was asked to shut down and did not.",
    when = "reboot --power-off of a guest without ACPI.",
    instead = "virtlun reboot --power-off --force, as pulling the plug; unsaved data is lost.",
  },
  shutdown_restarted = {
    "<on_poweroff>restart</on_poweroff> makes of every power-off a reset, which stays in the same QEMU.",
    when = "reboot --power-off of such a domain.",
    instead = "virtlun reboot --power-off --force",
  },
  reset_unseen = {
    "libvirt took the order, and no event and no state has shown it in time.",
    when = "A host under heavy load.",
    instead = "virsh domstate DOMAIN tells.",
  },
  reboot_stopped = {
    "The domain is set to stop where others reboot.",
    when = "<on_reboot>destroy</on_reboot>, as installers leave it behind.",
    instead = "virsh start DOMAIN, and mend on_reboot with virsh edit.",
  },
}
