--- What help tells of the problems of plans, of hosts and of what guests answer: text only, by code, as in recipes.lua.

return {
  -- What was asked for.
  not_described = {
    "--only and --except choose among what the recipes describe; a name that fits nothing is misspelt.",
    when = "virtlun apply --only sdz web01.lua",
    instead = "Name a described device, web01.sda if several domains have one, or use * for any text.",
  },
  prune_boot = {
    "Without what it boots from a server does not come back, and nobody has said that this is meant.",
    when = "prune = { \"disk\" }, and the recipe does not name the disk with boot = 1.",
    instead = [[Name the disk in the recipe, or say it: disk { dev = "sda", absent = true }]],
  },
  needs_force = {
    "A disk that a running guest has mounted would be torn out under it, and its data with it.",
    when = "prune or replace would take a disk, lun or hostdev from a running domain.",
    instead = "Unmount it in the guest and say --force, or change the next boot only: --config",
  },
  protected = {
    "The recipe says of the device: protect = true, and asks for what protect forbids.",
    when = [[cdrom { dev = "sda", source = false, protect = true }, and there is a medium in it.]],
    instead = "Take protect = true away, look at the plan, then apply it.",
  },
  unclear = {
    "The host's document has the element twice, or in a form that virtlun does not know: a patch could miss.",
    when = "The domain was edited by hand, or uses what is newer than virtlun, such as <source dir='/d'/>.",
    instead = "Change this one device with: virsh edit DOMAIN",
  },
  bound = {
    "Elements such as <backingStore> or <encryption> describe the image that is there, and would be wrong for another.",
    when = "source of a disk with a <backingStore> is changed.",
    instead = "Take the element away with virsh edit, or remove the disk and add it with the new image.",
  },
  other_domain = {
    "A plan for one server must not be made from the document of another one.",
    when = "virtlun.plan gets the document of db01 for domain \"web01\".",
    instead = "Give the document of the domain that is described.",
  },
  still_used = {
    "libvirt drops the drive's HBA from the configuration only to add one of another model again (measured).",
    when = "controller { index = 0, absent = true }, and sda is on it.",
    instead = [[Remove the drives too: cdrom { dev = "sda", absent = true }]],
  },
  below_used = {
    "HBA numbers follow each other; a hole would be filled by libvirt with a model of its own choice.",
    when = "HBA 0 is to go, and HBA 1 has drives.",
    instead = "Move the drives to the lower HBA first, or leave the empty HBA where it is.",
  },
  needs_libvirt = {
    "An older libvirt drops a key that it does not know without a word.",
    when = "removable = true of a disk on a host with libvirt 9.0.",
    instead = "Leave the key out on this host.",
  },
  needs_config = {
    "QEMU cannot change this on a device that runs, and only the running half was asked for.",
    when = [[cdrom { dev = "sda", cache = "writeback" } with --live]],
    instead = "Without --live its configuration has it at the next boot; replace = true changes a CD drive at once.",
  },
  needs_power_off = {
    "QEMU cannot change this on a device that runs, and a transient domain has no next boot.",
    when = [[cdrom { dev = "sda", cache = "writeback" } of a transient domain.]],
    instead = "Make the domain persistent with virsh define, or say replace = true of a CD drive.",
  },
  two_uris = {
    "Somebody who says -c means that host; the recipe means another.",
    when = [[-c qemu:///system, and the recipe says uri = "qemu+ssh://kvm1/system"]],
    instead = "Leave one of them out.",
  },
  already_there = {
    "attach only adds: what is there might be in use.",
    when = "virtlun attach web01 cdrom --dev sda, and there is an sda.",
    instead = "virtlun insert changes its medium, a recipe everything else.",
  },
  not_there = {
    "No drive of the domain answers to that name, alias, medium or address.",
    when = "virtlun insert web01 sdz /iso/a.iso",
    instead = "virtlun show web01 tells what there is.",
  },
  ambiguous = {
    "A medium or an address means more than one drive.",
    when = "virtlun eject web01 /iso/a.iso, and two drives have that medium.",
    instead = "virtlun eject web01 sda",
  },
  no_medium = {
    "Only a CD drive has a medium that comes and goes; the image of a disk is the disk.",
    when = "virtlun insert web01 sdb /iso/a.iso, and sdb is a disk.",
    instead = "Name a CD drive. Another image of a disk is another disk: detach and attach.",
  },
  -- Connections.
  no_host = {
    "libvirt could not connect; its own words follow.",
    when = "The daemon does not run, the machine does not answer, or the URI is misspelt.",
    instead = "Try: virsh -c URI list. What works there works here.",
  },
  no_credentials = {
    "The host wants to know who you are, and there is neither a file that says it nor a terminal to ask on.",
    when = "qemu+tcp://kvm1/system with SASL.",
    instead = "Write auth.conf (https://libvirt.org/auth.html), or run virtlun on a terminal.",
  },
  no_terminal = {
    "ssh would ask for a password or about a host key, and asks nobody else's terminal.",
    when = "qemu+ssh://kvm1/system of a program or a job without a terminal.",
    instead = "Connect with ssh once, and give it a key: ssh-copy-id kvm1",
  },
  transport_unknown = {
    "Where only certain transports are allowed, a URI that says none that is known is not opened.",
    when = "--transports ssh, and the recipe says uri = \"qemu+foo://kvm1/system\"",
    instead = "uri = \"qemu+ssh://root@kvm1/system\"",
  },
  transport_refused = {
    "--transports is a list of the only ways that may be used.",
    when = "--transports tls, and a recipe says qemu+ssh://kvm1/system",
    instead = "--transports tls,ssh",
  },
  transport_runs = {
    "Some URIs make libvirt's client run a program of their choice; a recipe from elsewhere must not do that.",
    when = "A recipe says qemu+ssh://kvm1/system?command=/tmp/x",
    instead = "Allow it where you know the recipe: --transports ssh,command",
  },
  read_only = {
    "A connection that was opened for reading cannot change anything.",
    when = "virtlun.open(uri, { readonly = true }), and then plan:apply()",
    instead = "Open it without readonly.",
  },
  -- Domains.
  no_such_domain = {
    "The host has no domain of that name or UUID.",
    when = "The recipe says web1, and the domain is called web01.",
    instead = "virsh -c URI list --all tells their names. virtlun makes no domains.",
  },
  no_config = {
    "A transient domain lives until it is shut off; libvirt keeps no configuration of it.",
    when = "--config for a domain that was made with virsh create.",
    instead = "Leave --config out, or make the domain persistent with virsh define.",
  },
  not_running = {
    "Only a running domain has a running half.",
    when = "--live for a domain that is shut off.",
    instead = "Leave --live out: the configuration is changed.",
  },
  no_hotplug = {
    "The driver behind this connection cannot change devices of a running domain.",
    when = "--live on test:///default",
    instead = "--config",
  },
  bad_state = {
    "While a domain is suspended by its own firmware, or dying, libvirt takes no orders for its devices.",
    when = "The guest was sent to sleep (pmsuspended).",
    instead = "virsh dompmwakeup DOMAIN, then again.",
  },
  no_acpi = {
    "The machines pc and q35 plug PCI devices by ACPI; a drive on an HBA that is there needs none.",
    when = "A new HBA for a running domain without <features><acpi/></features>.",
    instead = "Use an HBA that is there, or --config.",
  },
  no_port = {
    "On q35 every new HBA takes a free pcie-root-port, and only those from the start are there.",
    when = "Two new HBAs for a running domain with one free port.",
    instead = "Use an HBA that is there, or --config: libvirt adds ports for the next boot.",
  },
  managed_save = {
    "libvirt would restore the saved memory together with the devices of then, and the guest would crash.",
    when = "The domain was stopped with virsh managedsave.",
    instead = "Start it and apply then, or give the saved state up: virsh managedsave-remove DOMAIN",
  },
  host_changed = {
    "What was read for the plan is not what is there now, so the plan may be wrong.",
    when = "Somebody else changed the domain between plan and apply.",
    instead = "Plan again; apply without --plan does that itself.",
  },
  host_refused = {
    "libvirt or QEMU said no; their own words follow, and are in `cause`.",
    when = "The file is not readable for QEMU, or another program holds a lock on it.",
    instead = "Mend what the words name; virtlun show tells what is there now.",
  },
  not_made = {
    "libvirt reported success, and afterwards the domain does not show it. Only what is shown is believed.",
    when = "Another client undid it at the same time, or a driver ignores a part of the XML.",
    instead = "virtlun plan tells what is still to be done.",
  },
  bad_patch = {
    "The document that would be written was read back before, and was not what was described. It was not written.",
    when = "A document without <devices>, which libvirt never writes, or one of which a C program said something" ..
      " after it was compared; else it is a mistake of virtlun.",
    instead = "A C program compares again. A mistake please report, with the document of the domain.",
  },
  -- Files of the command.
  no_such_target = {
    "--limit chooses among the described domains, and fits none.",
    when = "virtlun apply --limit 'db*' where only web01 and web02 are described.",
    instead = "A name, a uri, or * for any text: --limit 'web*'",
  },
  no_retry_file = {
    "The file is there and is not one that virtlun wrote, so it is neither read nor overwritten.",
    when = "--retry-file web01.lua",
    instead = "Name a file that is not there yet.",
  },
  retry_unknown = {
    "A domain was left the last time, and the recipe does not describe it any more.",
    when = "The recipe was changed between two runs with --retry-file.",
    instead = "Nothing, if that was meant.",
  },
  cannot_write = {
    "The file cannot be written: no folder, no right, no room.",
    when = "--out /root/plan.json",
    instead = "Name another place.",
  },
  no_saved_plan = {
    "The file is not what plan --out writes.",
    when = "virtlun apply --plan web01.lua",
    instead = "virtlun plan --out web01.json web01.lua, then virtlun apply --plan web01.json",
  },
  plan_version = {
    "Plans are saved in a format that changes with virtlun; an old one is not guessed at.",
    when = "The plan was saved by another version of virtlun.",
    instead = "Save it again.",
  },
  plan_edited = {
    "A saved plan carries a digest of itself, and it does not fit: what was read by somebody must be what is made.",
    when = "The file was edited, or cut off.",
    instead = "Change the recipe, and save the plan again.",
  },
  kept = {
    "remove takes away what the recipe names, and leaves an HBA that something else needs.",
    when = "The recipe's HBA 0 also has a drive that the recipe does not name.",
    instead = "Nothing; or remove that drive too.",
  },
  -- Media.
  tray_locked = {
    "A guest that has mounted a disc locks the tray, as a real drive does.",
    when = "virtlun eject web01 sda, and the guest has /dev/sr0 mounted.",
    instead = "Unmount it in the guest, or open the tray by force: --force",
  },
  cannot_eject = {
    "libvirt before 9.3 does not know the tray of a drive that was hot-plugged, and QEMU then refuses.",
    when = "virtlun eject of a drive that virtlun attach added to the running guest, on libvirt 9.0.",
    instead = "eject in the guest; or insert another medium; or detach the drive.",
  },
  needs_reattach = {
    "libvirt before 9.3 cannot change the medium of a drive that was hot-plugged, only the drive.",
    when = "virtlun insert --no-reattach of such a drive.",
    instead = "Leave --no-reattach out: the guest sees a drive go and one come.",
  },
  empty_hotplug = {
    "libvirt before 9.10 asks QEMU for a file that there is none of.",
    when = "virtlun attach web01 cdrom --live on libvirt 9.0.",
    instead = "Attach it with a medium, or for the next boot: --config",
  },
  replaced = {
    "See needs_reattach: the guest has seen a drive go and a new one come, at the same place.",
    when = "insert of a hot-plugged drive on libvirt before 9.3.",
    instead = "Nothing; --no-reattach forbids it.",
  },
  restored = {
    "The new medium could not be opened, and the drive was left empty by it, so the old one was put back.",
    when = "The new image is no readable image for QEMU.",
    instead = "Look at the new image.",
  },
  left_empty = {
    "The new medium could not be opened, and the drive was empty before, as it is now.",
    when = "The new image is no readable image for QEMU.",
    instead = "Look at the new image.",
  },
  not_restored = {
    "The new medium could not be opened, and neither could the old one any more: the drive is empty.",
    when = "The storage of both is gone.",
    instead = "virtlun insert a medium that is there.",
  },
  -- Devices that come and go.
  not_taken = {
    "libvirt says that the address is taken although nothing is there: QEMU has refused it for another reason.",
    when = "A model of HBA without that unit.",
    instead = "Choose another address; virtlun show --grid shows free ones.",
  },
  put_back = {
    "The changed device did not come, so the old one was attached again. The guest has seen it go and come.",
    when = "replace = true, and the host refused the new device.",
    instead = "Mend what the host refused; nothing is lost.",
  },
  lost = {
    "The drive was taken out to be replaced, and then neither the new nor the old one could be attached.",
    when = "The storage failed in between.",
    instead = "virtlun apply again: the configuration still has the drive.",
  },
  unplug_pending = {
    "A running guest has to let go of a device, and has not answered within --timeout. It may yet.",
    when = "The guest boots, hangs, or has no driver for hot-unplug.",
    instead = "virtlun show later; when it is gone there is nothing to do.",
  },
  away_later = {
    "It was to be replaced and the guest did not let go in time. When it does, nobody puts the new one in.",
    when = "replace = true of a device, and a guest that is busy.",
    instead = "The same apply again, later.",
  },
  unseen = {
    "The connection went while the drive was out. Whether the new one has come is not known.",
    when = "libvirt's daemon died or hung in the middle of a replacement.",
    instead = "virtlun plan, then apply.",
  },
  overlaid = {
    "The running drive writes into an overlay (a transient disk, a snapshot) that would be gone with the drive.",
    when = "replace = true of a disk with transient = true.",
    instead = "--config changes its next boot.",
  },
  unanswered = {
    "The host did not answer within --timeout; libvirt may still be doing it.",
    when = "Slow storage, or a hanging daemon.",
    instead = "virtlun plan tells what has come about.",
  },
  kept_theirs = {
    "Undoing puts back only what is still as it was made; another client has changed this in the meantime.",
    when = "--undo-all, and somebody else works on the same domain.",
    instead = "Look at it with virtlun show; nobody's change was lost.",
  },
  unplug_refused = {
    "The guest said that it keeps the device.",
    when = "A guest on s390x or with a driver that refuses while the device is in use.",
    instead = "Stop using it in the guest, then again.",
  },
  left_behind = {
    "libvirt makes an HBA for a drive and leaves it when the drive then fails (measured). It was removed.",
    when = "A drive on a new HBA, whose image QEMU cannot open.",
    instead = "Nothing.",
  },
  not_cleared = {
    "As left_behind, but the guest holds on to the HBA.",
    when = "A guest that has just found the new HBA.",
    instead = "virtlun detach DOMAIN controllerN later.",
  },
  orphaned = {
    "QEMU has the device and libvirt does not know of it, so libvirt can neither change nor remove it.",
    when = "libvirt's daemon was killed while it attached the device.",
    instead = "Power the domain off and on at a time that suits.",
  },
  other_place = {
    "The running domain and its configuration have the HBA at different places; each keeps its own.",
    when = "The HBA was hot-plugged, and added to the configuration apart.",
    instead = "Nothing: from the next boot on there is one.",
  },
  -- How a run ended.
  made_before = {
    "A later change failed; those before it are good by themselves and stay.",
    when = "The third of five changes failed.",
    instead = "Mend what failed and apply again. --undo-all brings everything back instead.",
  },
  stopped = {
    "Ctrl-C, a signal or `stop` ended the run between two changes.",
    when = "Ctrl-C during apply.",
    instead = "The same again goes on from there.",
  },
  stopped_run = {
    "Ctrl-C, a signal or `stop` ended the run before all domains were made.",
    when = "Ctrl-C during an apply of many domains.",
    instead = "The same again; with --retry-file only the domains that are left.",
  },
  max_fail = {
    "More domains have failed than may, so that one mistake is not made a thousand times.",
    when = "--max-fail 2, or --batches, which implies --max-fail 0.",
    instead = "Mend what failed; --max-fail N or N% allows more.",
  },
  abandoned = {
    "A second Ctrl-C ended the wait for a host that had begun the change.",
    when = "Ctrl-C twice while the host does not answer.",
    instead = "virtlun plan tells what has come about.",
  },
  not_undone = {
    "Undoing is itself a change of a host, and has failed for some of it; what and why stands beside.",
    when = "--undo-all where the guest does not let go of what was added.",
    instead = "virtlun plan tells where the domain stands.",
  },
  -- Images.
  image_missing = {
    "The file is not there, and the running drive would be emptied before QEMU notices.",
    when = "virtlun insert web01 sda /iso/none.iso",
    instead = "Name a file that is there; the path is one of the domain's host.",
  },
  image_not_yet = {
    "The file is not there, which matters only when the domain boots.",
    when = "A recipe for a domain that is shut off names an image that is still to be copied.",
    instead = "Copy it before the next boot.",
  },
  image_unseen = {
    "The file is on another host, or not readable for you: nobody has looked whether it is good.",
    when = "qemu+ssh://kvm1/system",
    instead = "Nothing; run virtlun on the host to have it looked at.",
  },
  image_broken = {
    "The file is empty, or shorter than its own header says at a place that is needed.",
    when = "A download was cut off.",
    instead = "Fetch it again, and compare its checksum.",
  },
  image_format = {
    "A container such as qcow2 in a drive that reads raw would show the guest the container's own bytes.",
    when = "An image a.qcow2 in a CD drive without format.",
    instead = [[cdrom { dev = "sda", source = "/a.qcow2", format = "qcow2" }]],
  },
  image_unknown = {
    "A guest can mount ISO 9660 and UDF; this is neither, though it may be meant so.",
    when = "A raw disk image in a CD drive.",
    instead = "Nothing, if the guest knows what to do with it.",
  },
  image_short = {
    "The file has fewer bytes than the file system in it says: some files of it cannot be read.",
    when = "A download was cut off.",
    instead = "Fetch it again, and compare its checksum.",
  },
}
