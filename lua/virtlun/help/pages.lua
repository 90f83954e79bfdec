--- Pages of help: sections of the README, written by `make docs`.  Change them there.

return {
  { topics = { "recipes" }, text = [==[
Recipes

controller, cdrom, disk, lun and hostdev build plain tables inside domain "name or uuid" { ... };
virtlun help cdrom lists the keys of each. What is left out stays as it is on a device that exists, and is the default
on a new one; false means "explicitly not": source = false is an empty drive. A drive is found by its dev (or
alias), an HBA by its index. A drive without address gets the first free one, once.

Recipes to copy from are in spec/recipes, each with the plan that it gives beside it: two HBAs with iothreads, two
hundred drives, LUNs and tapes of a storage network, a drive that moves, a site's common defaults.
]==] },
  { topics = { "removal", "prune", "absent", "protect", "replace" }, text = [==[
Removing, protecting, replacing

What a recipe does not name stays. Removal is always said:

  absent = true of a device
      removes it
  prune = true of the domain
      removes the CD drives that the recipe does not name; prune = { "cdrom", "disk" } of these
      kinds. Never what the domain boots from (a CD drive only if it boots first), and no disk, lun
      or hostdev of a running guest without --force
  protect = true of a device
      any step that would remove, replace, empty or move it is a problem
  replace = true of a device
      where it cannot be changed while it runs, it is taken out and put back changed (a disk, lun or
      hostdev only with --force, an HBA only while nothing is on it or above it); without it that
      waits for the next boot
]==] },
  { topics = { "addresses" }, text = [==[
Addresses, units and LUNs

An address is { controller = 0, bus = 0, target = 0, unit = 0 }; all but controller may be left out. On virtio-scsi
there are 256 targets of 16384 units; other models have fewer (virtlun help model), and what they have not is a
problem before anything is written. A guest sees unit 0..255 as the LUN of the same number, and unit 256..16383 as
0x4000 more (SAM's flat space method):

  $ virtlun lun 256
  unit 256  LUN 0x4100  guest [H:0:T:16640]  wire 0x4100000000000000

HBA indexes follow each other without a hole, because libvirt fills a hole with a model of its own choice (on x86 one
that most guests cannot drive). virtlun refuses holes; fill_gaps = true adds what is missing, explicitly.
]==] },
  { topics = { "halves", "scope" }, text = [==[
The two halves of a running domain

A running domain has two halves: what runs (live), and the configuration of its next boot (config), which is one after
a power-off: a guest that reboots by itself stays in what runs. Each is compared for itself, and each is changed by
libvirt's calls for devices; HBAs come before the drives that need them. scope = "live" or "config" of a domain, and
--live or --config, mean one of them; otherwise both are meant, as far as there are both. The driver test:/// and
a domain that is shut off have only the configuration to change; a domain that is transient has none.

After every step the domain is read again: a step is done when the host shows it. What the guest is asked to let go of
is waited for; a guest that takes longer than timeout is not asked twice.
]==] },
  { topics = { "media" }, text = [==[
Media

Images are looked at before a tray opens, where the files of the host can be seen: what is missing, empty, cut off or a
container of another format is refused; what is neither ISO 9660 nor UDF is told. A tray that the guest has locked is
opened by --force only. Where a medium cannot be opened, the old one is put back.
]==] },
  { topics = { "booting", "boot" }, text = [==[
Booting

libvirt knows two ways to say what boots, and refuses both at once: <os><boot>, and an order of devices. boot = 1 of
a drive is its place in that order; boot = "devices" of the domain changes from the former to the latter. What a
machine boots from is settled when it is powered on: virtlun reboot web01 --from sda says when that takes a power-off.
Only with --power-off it makes one, and writes an order of devices with that drive first, if it is not first already.
]==] },
  { topics = { "limits" }, text = [==[
What a recipe may do

A recipe is Lua in a state of its own: constructors, local iso = param "iso" { default = "/iso/a.iso" } (which
-p iso=... overrides; without default it has to be given), include "other.lua", requires "virtlun >= 0.1" and
the pure part of Lua's library, without pattern functions, files, clock or randomness. It may run 50 million
instructions and 1 second, and use 256 MiB. What is included has to end in .lua.
]==] },
  { topics = { "flags" }, text = [==[
Flags

Flags follow the command.

  -c URI
      connection, as in virsh, for domains whose recipe says none
  -p name=value
      sets a parameter that the recipe declares
  --live --config
      only the running domain, only its configuration; without either, and with both, every half
      there is (import: the configuration where there is one)
  --force
      opens a tray that the guest has locked (apply, insert, eject); lets prune and replace take a
      disk, lun or hostdev from a running guest (plan, apply)
  --no-reattach
      never replaces a drive to change its medium (apply, insert, eject)
  --timeout SECONDS
      how long a guest may take to let go of a device (30 if unsaid) or to reboot (60), and a host
      to answer (60, at least 10)
  --dev --address C:B:T:U --format
      of attach: name (the next free one), place (the first free one), format of the image (--format
      of insert too)
  --model --index --set key=value
      of attach: those of an HBA, and any other key of recipes, source.pool=... included
  --reset --power-off
      of reboot: do not ask the guest; power off and start again where only that changes what is
      booted from (--force: without asking the guest)
  --out FILE
      of plan: saves the plan too; - is standard output
  --plan FILE
      of apply: a saved plan instead of recipes, with the connections, parameters and halves that it
      was made with; refused where the domain has changed since, or the file has been
  --grid --svg FILE
      of show, plan, apply and remove: targets and units of each HBA as a grid; the whole as a
      picture, with what changes marked (- for standard output)
  --xml-diff
      of plan, apply and remove: how the host's XML changes, as a unified diff with a hunk for each
      call of libvirt
  --yes
      do not ask; without a terminal needed by apply and remove, and by detach of a disk, lun or
      hostdev of a running domain
  --only NAME --except NAME
      of plan, apply and remove: only these of the described devices, all but these; a name as for
      insert, also behind its domain's (web01.sda), by what the device is described as or has now; *
      stands for any text; again for more of them; an HBA that a drive among them needs comes all
      the same
  --limit PATTERN
      of plan, apply and remove: only domains whose name or uri fits, * for any text; again for more
  -P N --hosts N
      of plan, apply and remove: how many hosts are worked on at once (10)
  --transports WORDS
      of plan, apply and remove: the only ways to hosts that may be used, such as ssh,tls,unix;
      without it all but those that run a program of the uri's choice
  --batches SIZES
      of apply and remove: make so many domains, then so many, ... the last size until all are made:
      1,10%,100% (of the domains with changes)
  --max-fail N
      of apply and remove: begin no further domain once more than so many, or N% of all, have
      failed; 0 with --batches unless said
  --retry-file FILE
      of apply and remove: writes the domains that were not made into a file, and makes only those
      where the file is there; removes it when none is left
  --undo-all
      of apply and remove: where a step fails, undo all that were made of this domain; other domains
      keep what they got
  --json
      data on standard output, with format_version; apply and remove print a line for each event
  --detailed-exitcode
      plan exits 2 where there are changes
  -v -q --no-color
      more: why, by which calls with which XML, and what is as described; only errors; no colour
      (nor with NO_COLOR)
]==] },
  { topics = { "saved-plans" }, text = [==[
Saved plans

virtlun plan --out web01.json web01.lua saves a plan to be read and agreed on; virtlun apply --plan web01.json makes
just that, with the connections, parameters and halves that it was made with. It is refused where the domain has changed
since, or the file has been, or virtlun is of another version with another format.
]==] },
  { topics = { "exit" }, text = [==[
Exit status

  0
      Done, or nothing to do.
  1
      Something is wrong, or the answer was no.
  2
      There are changes (plan with --detailed-exitcode).
  3
      It failed after something had been changed.
  64
      The command line is wrong.
  130
      Interrupted; what was done by then stays, and plan or show tells.

129 and 143 are what 130 is, by SIGHUP and SIGTERM. 141: who reads the output has gone away; what was to be changed was
changed all the same.
]==] },
  { topics = { "environment" }, text = [==[
Environment

  LIBVIRT_DEFAULT_URI
      The connection where neither the recipe nor -c says one.
  NO_COLOR
      No colours, if it is not empty.
  LC_ALL
      Whether trees may be drawn with more than ASCII (as LC_CTYPE and LANG).
  VIRTLUN_TRACE
      Tells every call of libvirt and its duration on standard error.

libvirt's client heeds its own besides, such as LIBVIRT_AUTH_FILE.
]==] },
  { topics = { "json" }, text = [==[
What --json prints

Wrong usage prints nothing on standard output, and neither does an interrupt, but of apply and remove, which tell
what they have done. All else, as data:

  all
      format_version, problems (list); no password of a URL, a cookie or an attribute (* instead),
      except in render, which prints the recipe's own
  plan, apply, remove, insert, eject, attach, detach
      plans (list; empty if none could be made), changes (their number), counts (add, change,
      remove, pending: of all plans)
  plan, apply, remove also
      done (number of steps that were made, on all hosts), domains (list: domain, uri, changes,
      done, and result, as of a plan, but of what was only planned)
  apply, remove
      a line for each event: event (step), state (begin, waiting, done, failed, unknown, undone),
      what is waited for (guest, busy), domain, uri, number, total, action, kind, device; then one
      with event (result) and the fields above
  apply, remove of several domains
      besides, lines with event (domain), state (planning, planned, begin, done, partly, failed,
      left), domain, uri, changes (of its plan), made (so far), message (why, in one line); and with
      event (host), state (connecting, connected, waiting, answering, lost), uri, seconds (without
      an answer; told each second while it is waiting), message
  a plan
      format_version, domain, uri, state, changes, counts, fingerprint, steps, pending (in the
      configuration already, waiting for the next boot), unchanged (kind, device, described: what is
      as described in every half, as the host has it), result unless only planned: done, partly,
      failed, left
  a saved plan
      what plan has, and domains (as described; their devices in a list), options, virtlun (its
      version), digest (over all of it)
  a step
      action (add, change, remove), kind, device, before, after, fields (key, before, after, live:
      whether a running device takes it at once), why, effect, scope (live and config, live,
      config), calls, medium, guest, file, line, and unless only planned result (done, undone,
      failed, unknown where it was given up or has no answer, left)
  a call
      call (attach, detach, update, define), scope, before and xml: the element as it stands, and as
      it will be
  show
      domains (list): name, uri, facts, and live and config as far as there are: devices (list)
  a device of show
      the keys of recipes, and guest, medium, tray (open or closed; of a running CD drive), other
      (what the other half says of it: same, different, missing)
  facts
      state, active, persistent, managed_save, driver, libvirt (version number)
  render
      domains (list): domain, xml
  import
      domains (list): domain, uri, recipe
  reboot
      domain, how, events (list)
  lun, help
      unit, lun, wire; topic, text (list of lines)
  guest
      hctl, lun, by_path, certain
  medium
      label, format, bootable; in show also size, expected, platforms, broken, short; left out where
      the image cannot be seen
  a problem
      code, severity (error, warning, note), path, message, hint, value, expected, file, line, cause
      (code, name, domain, message of libvirt, and begun if it may yet come about), as far as there
      are
]==] },
  { topics = { "lua" }, text = [==[
In Lua

  local virtlun = require "virtlun"

  local domains = assert(virtlun.load("spec/recipes/dvd.lua"))
  local connection = assert(virtlun.open("test:///default"))
  local dom = assert(connection:domain("test"))
  local plan = assert(dom:plan(domains[1]))
  assert(plan.changes == 6)
  assert(plan:apply())
  assert(dom:plan(domains[1]).changes == 0)
  connection:close()

  virtlun.load(path, params), loadstring(text, name, params)
      list of described domains
  virtlun.check(desired)
      true, notes
  virtlun.xml(device or domain)
      libvirt XML
  virtlun.complete(domain)
      the domain with all that it leaves out filled in, as for a new server
  virtlun.read(xml)
      description of a <domain> or of one device
  virtlun.plan(desired, { config = xml, live = xml }, facts)
      plan, as plain data; pure
  virtlun.import(what, { uri =, live = })
      text of a recipe that plans to nothing there, and makes the same of another domain; what is a
      description, XML or { config = xml, live = xml }; pure
  virtlun.known(domains, { only =, except = })
      those of the names that a device of one of the domains has, for the option known of their
      plans
  virtlun.removal(desired, description, { scope = })
      the same domain with all absent that it names, and notes of the HBAs that others need;
      description as dom:describe() gives it
  virtlun.lun.encode(unit), decode(lun), wire(unit), hctl(address), by_path(address, address of
      the HBA)
      SCSI LUN mapping
  virtlun.schema(), virtlun.VERSION, virtlun.log(fn), virtlun.hash(text)
      schema as data, version, every libvirt call, a short text that tells texts apart
  virtlun.apply(domains, opts), virtlun.plans(domains, opts)
      many domains, each on the host of its uri, made so or only planned: { domains =, problems =,
      done =, changed =, failed = }
  virtlun.limit(domains, patterns)
      those whose name or uri fits, as --limit
  virtlun.open(uri, { readonly =, timeout =, events =, transports =, ask =, tty = })
      connection: :domains(), :domain(name), :is_local(), :on(event, fn), :close()
  dom:describe()
      live and config as descriptions, facts, media: what is known of the CD images, by path or
      volume V of pool P
  dom:plan(desired, opts), plan:apply(opts)
      what would change; making it so: { done =, notes = }
  dom:insert(drive, source, opts), dom:eject(drive, opts)
      media, as the commands: { done =, notes =, plan = }
  dom:attach(device, opts), dom:detach(drive, opts)
      devices, as the commands
  dom:reboot { from =, how =, power_off =, force =, timeout = }
      { how =, events =, notes = }: how is "reboot" (asks the guest), "reset" or, where power_off
      allows it, "power_off"
  virtlun.host_timeout(seconds), virtlun.TRANSPORTS
      what virtlun.open takes as timeout where --timeout says so many seconds; the words that its
      transports may have
  virtlun.interruptible(fn), virtlun.interrupted()
      fn(), during which Ctrl-C is not an end but a number to ask for, as in stop =
      virtlun.interrupted; a second one gives up what waits for a host
  virtlun.async(fn, done), virtlun.fd(), virtlun.dispatch()
      any of the above without blocking

opts of a plan: scope ("live", "config", or "both" where a recipe says one), only and except (lists of
names; known, a list of those that are no mistake here), force. opts of what makes changes: force,
reattach = false, timeout, undo = "all", on_progress (gets { state =, number =, total =, step =, what =,
domain = } as with --json), stop (asked before each step; its true ends the run there), and for single operations
scope, format and confirm, a function that gets the plan and whose false means that nothing is changed.

What can fail as expected returns nil, problems: a list that prints itself and whose entries have code, severity,
path, message, hint, value, expected, file, line and, for libvirt's own refusals, cause. What makes
changes gives a third result then, how it ended: { written = whether the host is changed, done =, failed =,
unknown =, undone =, left = }, numbers of steps; each step of the plan has its result.

  local virtlun = require "virtlun"

  local connection = assert(virtlun.open("test:///default"))
  local dom = assert(connection:domain("test"))
  assert(dom:attach { kind = "cdrom", source = "/iso/a.iso" })
  local result = assert(dom:insert("sda", "/iso/b.iso"))
  assert(result.done == 1 and result.plan.steps[1].device == "sda")
  assert(dom:eject("sda"))
  assert(dom:eject("sda").done == 0)
  assert(dom:detach("sda"))
  connection:close()

Many domains at once; a report and no error for what fails, because some are made all the same:

  local virtlun = require "virtlun"

  local domains = assert(virtlun.load("spec/recipes/dvd.lua"))
  local report = virtlun.apply(domains, {
    hosts = 20, batches = { 1, "10%", "100%" }, max_fail = "5%",
    confirm = function(round) return #round.late == 0 end,
    on_progress = function(event) assert(event.event) end,
  })
  assert(report.done == 6 and not report.failed, report.problems)
  for _, domain in ipairs(report.domains) do assert(domain.result == "done" and domain.plan.changes == 6) end

opts are those of a plan and of what makes changes, and uri, hosts, patience, batches, max_fail,
transports, ask, readonly, plan, confirm: lua/virtlun/fleet.lua says each. Where nothing else waits, the
call serves its own connections and nothing else; inside of virtlun.async others go on meanwhile.
]==] },
  { topics = { "editor" }, text = [==[
In an editor

lua-language-server knows the functions, and every key, word and range of recipes, where .luarc.json says in which
folder virtlun is installed:

  { "workspace.library": ["/usr/local/share/lua/5.4/virtlun"] }
]==] },
  { topics = { "hosts" }, text = [==[
Many servers on many hosts

A recipe may describe any number of domains, each with the uri of its host, in loops of Lua:

  -- spec/recipes/fleet.lua
  -- One drive for every virtual server of a site: virtlun apply -p iso=/iso/other.iso fleet.lua
  local hosts = {
    param "kvm1" { default = "qemu+ssh://kvm1/system" },
    param "kvm2" { default = "qemu+ssh://kvm2/system" },
  }
  local iso = param "iso" { default = "/var/lib/libvirt/images/tools.iso" }

  for i, uri in ipairs(hosts) do
    for number = 2 * i - 1, 2 * i do
      domain(("web%02d"):format(number)) { uri = uri, cdrom { dev = "sda", source = iso } }
    end
  end

plan and apply work on all of them: -P 10 hosts at once, five domains of a host at once, one connection for each
host (five where libvirt's client is older than 10.3, which with several calls on one connection may write where it must
not, CVE-2024-4418). All are planned first, shown once (what is the same for many is told once) and asked about once; a
mistake in any of them, on the hosts that have answered, keeps everything from being changed. Then they are made:

- A host that cannot be reached, hangs or dies keeps only its own domains from it. One that has not answered for two
  seconds is named, and its place is given to another one; the others wait no longer for it (half a second with
  --yes), and if it answers after all, its domains make a round of their own behind the others. It is given up after
  --timeout seconds; a host that hangs while its domains are made is waited for as long before the next batch.
- Domains that change while somebody is asked, and those whose connection is lost by another one's hanging call or by a
  daemon that restarts, are planned again, and asked about again unless --yes was said.
- Ctrl-C lets the steps in flight end, and begins nothing more.
]==] },
  { topics = { "batches" }, text = [==[
Batches and failures

--batches 1,10%,100% makes one domain, then a tenth, then all that are left; only domains with changes count. No
further one is begun when more than --max-fail have failed, a number or a percentage: 0 with --batches unless said.
Without either, every domain is tried. What has failed is told with the exit status 3 (1 if nothing was changed).
]==] },
  { topics = { "retry-file" }, text = [==[
Trying again

The same command again makes only what is missing. With --retry-file left.txt the domains that were not made are
written into the file, and where the file is there, only those in it are looked at; it is removed when none is left.
Until all is as described, in a shell:

  for attempt in 1 2 3; do
    virtlun apply --yes --retry-file left.txt fleet.lua && break
    grep -v '^#' left.txt | while read -r uri domain; do echo "$domain on $uri is left" >&2; done
  done
]==] },
  { topics = { "transports" }, text = [==[
Ways to hosts

The uri of a recipe runs no program: ext, and what makes a transport run one (command, netcat, ...), has to be
allowed by --transports, which is a list of the only ways that may be used: --transports ssh,tls,unix. A uri that
somebody gives by -c is theirs.
]==] },
  { topics = { "credentials" }, text = [==[
Passwords

Passwords are never arguments. libvirt takes them from its own files (auth.conf, see
https://libvirt.org/auth.html), ssh from its agent and keys; what is missing is asked for on a terminal, one host
after the other. No password of a URL, a cookie or an attribute is printed, but by render, which prints the recipe's
own; a saved plan has these too.
]==] },
  { topics = { "ansible" }, text = [==[
From Ansible

Ansible takes what was made from the last line that --json prints:

  - name: The drives of all virtual servers are as described
    ansible.builtin.command:
      argv: [virtlun, apply, --yes, --json, fleet.lua]
    register: drives
    changed_when: (drives.stdout_lines | last | from_json).done > 0
]==] },
  { topics = { "embedding" }, text = [==[
Embedding

make install (as root, then ldconfig) puts two libraries for C below /usr/local, each static and shared, with its
header and its pkg-config file; make lib only builds them, into build/lib:

  libvirtlun
      virtlun.h
      libxml2
      the core: describe, read, check, LUNs, write XML, compare, patch
  libvirtlun-lua5.4
      virtlun_lua.h
      the program's Lua 5.4, libxml2, libvirt
      all of virtlun, its Lua files compiled in

Neither needs the other; a program may have both. The headers say of each function what it takes, gives and refuses.

C without Lua. Devices are described by the keys of recipes. What is left unsaid stays as it is, and the document
that comes out is the one that went in, but for what was to be changed:

  /*
   * swap.c - a C program without Lua: puts another disc into a drive of the domain whose XML is on standard input.
   *
   *   virsh dumpxml --inactive web01 | swap sda /iso/b.iso >new.xml
   */
  #include <stdio.h>
  #include <stdlib.h>

  #include <virtlun.h>

  static void tell(const struct vlun_problems *problems) {
    const struct vlun_problem *problem;
    for (size_t i = 0; (problem = vlun_problems_get(problems, i)); i++)
      fprintf(stderr, "%s: %s%s%s\n", problem->path, problem->message, problem->hint ? "; " : "",
              problem->hint ? problem->hint : "");
  }

  int main(int argc, char **argv) {
    static char xml[1 << 20];
    size_t len = fread(xml, 1, sizeof xml, stdin);
    if (argc != 3) return 64;

    struct vlun_problems *problems = vlun_problems_new();
    struct vlun_domain *host = vlun_domain_read(xml, len, problems); /* what there is */
    struct vlun_domain *desired = vlun_domain_new(NULL, problems);   /* what there is to be */
    size_t drive = vlun_domain_add(desired, "cdrom", problems);
    vlun_domain_set_text(desired, drive, "dev", argv[1], problems);
    vlun_domain_set_text(desired, drive, "source", argv[2], problems);

    struct vlun_diff *diff = vlun_diff_new(desired, host, problems);
    const struct vlun_difference *change;
    for (size_t i = 0; (change = vlun_diff_get(diff, i)); i++)
      for (size_t k = 0; k < change->key_count; k++) fprintf(stderr, "%s: %s changes\n", change->device, change->keys[k]);
    char *text = vlun_diff_patch(diff, problems); /* the document with the change, and all else as it was */
    if (text) fputs(text, stdout);

    tell(problems);
    free(text);
    vlun_diff_free(diff);
    vlun_domain_free(desired);
    vlun_domain_free(host);
    vlun_problems_free(problems);
    return text ? 0 : 1;
  }

Here the XML goes in and comes out, so that who calls libvirt is up to the program. vlun_diff_element gives the single
elements for its calls that attach, detach and update; vlun_domain_complete serves a running domain and its
configuration at once. What a plan knows besides (what the guest feels, what may be removed, bugs of libvirt) is not in
the core but in Lua:

C with Lua. After virtlun_preload, require "virtlun" finds everything in the program itself. No file is opened;
only the command (virtlun.cli) is left out, and virtlun.view.json needs dkjson as ever:

  /* host.c - a C program with Lua inside: makes what a recipe says, by a virtlun that is compiled in. */
  #include <stdio.h>

  #include <lauxlib.h>
  #include <lualib.h>
  #include <virtlun_lua.h>

  static const char script[] = "local virtlun = require 'virtlun'\n"
                               "local recipe = assert(virtlun.loadstring(...))\n"
                               "local report = virtlun.apply(recipe)\n"
                               "assert(not report.failed, report.problems)\n"
                               "print(report.done .. ' changes made')\n";

  int main(int argc, char **argv) {
    lua_State *L = luaL_newstate();
    if (!L || argc != 2) return 64;
    luaL_openlibs(L);
    virtlun_preload(L);
    int status = luaL_loadstring(L, script);
    lua_pushstring(L, argv[1]);
    if (status == LUA_OK) status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    lua_close(L);
    return status != LUA_OK;
  }

With both files in a folder:

  cc -o swap swap.c $(pkg-config --cflags --libs virtlun)
  cc -o host host.c $(pkg-config --cflags --libs virtlun-lua5.4)
  virsh -c test:///default dumpxml test | ./swap sda /iso/b.iso
  ./host 'domain "test" { uri = "test:///default", cdrom { dev = "sda", source = "/iso/b.iso" } }'

Several states, several threads. Each Lua state is on its own; as ever in Lua, one thread at a time may be in it.
The same holds for each vlun_domain and vlun_problems, and for a domain that another is compared with. Who must not
block uses virtlun.async, virtlun.fd() and virtlun.dispatch() in the program's own loop.

What belongs to the process. libvirtlun has nothing global; libxml2 initializes itself at the first document.
libvirtlun-lua5.4 touches libvirt when the first state loads virtlun.libvirt, as virtlun.open and virtlun.apply
do: it silences libvirt's error printer, starts threads for libvirt's calls, which no signal reaches, and one more for
libvirt's event loop, unless the program runs one itself (virtlun.open(uri, { events = false })). Threads stay when
states close. The libraries call neither exit nor setlocale, print nothing, and change no signal handler but while
virtlun.interruptible runs.

Static. All but libvirt, which has no static library, and libc; the C++ library is what Debian's libxml2 wants. On
Debian 12 this takes apt-get install zlib1g-dev liblzma-dev libstdc++-12-dev:

  static() {
    pkg-config --static --libs "$1" | sed -E 's/-l([^ ]+)/-l:lib\1.a/g; s/-l:lib(virt|m|dl|pthread)\.a/-l\1/g'
  }
  cc -o host-static host.c $(pkg-config --cflags virtlun-lua5.4) -static-libgcc -Wl,--exclude-libs,ALL \
    $(static virtlun-lua5.4) -l:libstdc++.a
  cc -o swap-static swap.c $(pkg-config --cflags virtlun) -static-libgcc $(static virtlun) -l:libstdc++.a

--exclude-libs keeps the program's libxml2 apart from the one that libvirt brings.
]==] },
  { topics = { "guarantees" }, text = [==[
What virtlun guarantees and what it does not

It guarantees:

- What is not named stays. Nothing that a recipe does not name is compared, changed or removed. A drive name that
  the domain uses on another bus or for another kind of drive is a problem, never a replacement. attach never changes
  what is there, insert and eject never touch anything but the medium.
- Patched, not rewritten. What libvirt gets is the host's own element or document, patched: passwords, metadata,
  comments and namespaces such as qemu:commandline come through. What belongs to a source, such as its cookies, goes
  with it. What would be written is read back first, and has to be what was described.
- Nothing before all is good. A mistake in a recipe, or a step that this host, this machine or this state of the
  domain cannot take, is told before anything is changed.
- Believed is what the host shows. A step is done when the domain, read again, has it. "Done" of libvirt alone is
  not enough, and a step without an answer is unknown, neither done nor failed.
- A plan is made only on the domain that it was made for. Where that has changed since, apply plans again, and
  asks again unless --yes was said; a saved plan is refused, as is one that somebody has edited.
- The same again goes on. After an error, an interrupt or a lost host the next apply of the same recipe does what
  is still to be done, and what is done is not done twice. What keeps it from that is a problem with a name.
- No password of a host is printed, logged or saved, and none is ever an argument. What a recipe itself says,
  render prints, and a saved plan has.

It does not guarantee:

- The window of a define. A configuration is read again directly before it is written. Between that read and the
  write another program may change the domain, and its change is lost: libvirt has no define that is refused then.
  Device calls, which make every change of a running domain, have no such window. A define is used for changes of HBAs,
  the boot order, drives that trade places, and where many changes of a configuration are cheaper so.
- Several clients. A domain that another client keeps busy is waited for, two minutes for a step unless --timeout
  says otherwise. Nothing is locked between two steps: two that change the same device at the same time get a mixture,
  and virtlun tells where what it asked for is not there. Undoing leaves alone what another client has changed since.
- What undo leaves. Undone by itself is only what the guest cannot have begun to use: an HBA made for a drive that
  then did not come, a medium that could not be opened, a drive that could not be replaced. Everything else stays and is
  told. --undo-all brings back everything that was made, but not a boot order that was given to devices, nor what the
  guest had open in a drive that left. Undoing can fail like any change; what could not be undone is told.
- A daemon that dies. Which calls a killed libvirtd has made is seen when it is there again, and the next apply
  goes on from there. One thing it cannot mend: a device that QEMU had already taken and libvirtd had not yet written
  down is in the machine and unknown to libvirt. virtlun tells it (orphaned), and only a power-off helps. A drive that
  was out to be replaced when the daemon died is told as unseen; its configuration still has it, and the next apply
  puts it in.
- Both halves at once. The running domain and its configuration are two things to libvirt. A call for both can
  fail in between; what was made of it is told, and the next apply completes it.
- Several domains at once. Each is made by itself: nothing holds them together but the order, the batches and the
  limit of failures. --undo-all is each domain's own. A domain that two uris lead to, by two names of one host, is not
  recognized as one.
- What the sandbox is for. A recipe cannot reach files, processes, clocks or the net, and ends at its limits of time
  and memory: that keeps an honest mistake, and a recipe from elsewhere, from harming the machine that plans. It does
  not judge what the recipe describes: one that says absent = true of your disk is obeyed, after the plan has said so.
  include reads other recipes, with your rights.
- Ways to hosts. The uri of a recipe runs no program unless --transports allows it; but it names a host, and
  planning connects there, with your keys. --transports and --limit say less.
- What the guest does. A guest may keep a device, let go of it later, or lose data when a disk is taken from it by
  force. (uncertain) beside a name that the guest will see says that its firmware may number the PCI bus otherwise.

Ctrl-C (and SIGTERM, SIGHUP) lets the step in flight come to its end, then stops with the same report. A second one
gives the step up, but not while a drive is out to be replaced or a medium to be changed: what the host makes of it then
is told by plan.

A program that embeds virtlun: libvirt's calls are made by threads of their own, which no signal reaches; a daemon that
hangs or goes away blocks nobody longer than timeout says, and ends no program. At its first load virtlun.libvirt
silences libvirt's process-wide error printer, because errors are returned, and starts libvirt's event loop on a thread
unless the program runs one itself (events = false).
]==] },
  { topics = { "virsh", "virt-xml" }, text = [==[
virsh and virt-xml

virtlun speaks to the same libvirt, and both can be used side by side: there is no state besides the host's own.

  domblklist web01
      show web01
      HBAs, addresses, both halves, trays, labels of discs, what the guest will see; SCSI only
  dumpxml web01
      import web01
      a recipe of the SCSI part; the other half's differences as comments
  edit web01, define web01.xml
      apply web01.lua
      shows the change first; patches, so that what is not named stays; also live
  change-media web01 sda --insert /iso/a.iso
      insert web01 sda /iso/a.iso
      also where there is a medium already (--update); the same again is no error
  change-media web01 sda --eject
      eject web01 sda
      an empty drive is no error
  ... --live, ... --config
      --live, --config
      without either both halves, as far as there are; virsh's --current means one of them
  ... --force
      --force
      opens a locked tray; nothing else
  ... --block
      none
      a path below /dev/ is a block device
  attach-disk web01 /iso/a.iso sda --type cdrom --targetbus scsi
      attach web01 cdrom /iso/a.iso
      name and address are chosen, the HBA is added where there is none, of a model that guests can
      drive
  attach-disk ... --persistent
      attach ...
      both halves are the default
  detach-disk web01 sda
      detach web01 sda
      waits until the guest has let go, and says so if it has not; asks before a running guest loses
      a disk
  attach-device web01 d.xml, detach-device
      a device of a recipe; absent = true
      twice is once
  update-device web01 d.xml
      apply
      what libvirt would ignore or reset without a word is told or kept
  reboot, reset
      reboot, reboot --reset
      --from sda chooses what boots; waits for the event
  -c URI, LIBVIRT_DEFAULT_URI
      the same
  virt-xml web01 --edit target.dev=sda --disk path=/iso/b.iso
      insert web01 sda /iso/b.iso
  virt-xml web01 --add-device --disk ... --update
      attach web01 disk ...
      --update of virt-xml: live too
  virt-xml ... --print-diff
      plan --xml-diff

On purpose virtlun makes and removes no domains, networks, pools or images, and starts and stops none but by reboot.
]==] },
  { topics = { "terraform" }, text = [==[
Terraform

  *.tf
      a recipe
      Lua instead of HCL: loops and functions are Lua's own
  variable, -var name=value
      param, -p name=value
  module
      include
  terraform plan, -out plan, apply plan
      plan, --out plan, apply --plan plan
      a saved plan is text of JSON with a digest
  plan -detailed-exitcode
      the same, --detailed-exitcode
      2 where there are changes
  apply -auto-approve
      apply --yes
  -target=ADDRESS
      --only NAME, --except NAME, --limit DOMAIN
      * stands for any text
  -parallelism=N
      -P N
      counts hosts
  destroy
      remove
      only the drives and HBAs that the recipe names; never a domain
  state, refresh, state rm, lock
      none
      the host is asked each time; there is no file that could be wrong, lost or locked
  a block that was deleted is destroyed
      it stays
      nobody has said that it shall go: absent = true, or prune
  import
      import
      prints the recipe; nothing has to be kept
  taint, -replace
      replace = true
      where it cannot be changed while it runs
  lifecycle { prevent_destroy = true }
      protect = true
      also against emptying and moving
  lifecycle { ignore_changes }
      leave the key out
      what is not said is not compared
  drift
      plan
      of what the recipe names
  provisioners, data sources
      none

The libvirt provider makes whole domains, and virtlun changes drives of domains that there are: they go together, if the
provider is told to ignore the disks.

  file = "/iso/a.iso"
      cdrom { dev = "sda", source = "/iso/a.iso" }
  volume_id = libvirt_volume.a.id
      disk { dev = "sdb", source = { pool = "default", volume = "a" }, format = "qcow2" }
  block_device = "/dev/sdq"
      disk { dev = "sdb", source = { dev = "/dev/sdq" }, format = "raw" }
  url = "https://h/a.iso"
      source = { protocol = "https", name = "a.iso", hosts = { { name = "h" } } }
  scsi = true, wwn = "..."
      always SCSI; wwn = "..."

With the provider up to 0.8 a changed file did not reach the server
(#621 (https://github.com/dmacvicar/terraform-provider-libvirt/issues/621)), and a new disk made a new server
(#751 (https://github.com/dmacvicar/terraform-provider-libvirt/issues/751)); virtlun exchanges the disc while it runs.
]==] },
  { topics = { "libvirt" }, text = [==[
Older libvirts

What libvirt's versions do otherwise is told by the plan before, and mended as far as it can be:

  before 9.3
      a hot-plugged CD drive cannot change its medium
      replaces the drive at its place, even one that the guest has mounted or locked, and says so;
      not with --no-reattach
  before 9.3
      nor can it be ejected
      refuses, and names the ways out
  before 9.10
      an empty CD drive cannot be hot-plugged
      refuses; --config adds it for the next boot
  11.0 to 11.4
      reading a domain that another client keeps busy waits 30 s for each half
      says after 60 s (--timeout) that the host does not answer, and changes nothing
  all
      after a medium that could not be opened the drive is empty, and the document shows the old one
      puts the old medium back
  all
      a tray that the guest has locked stays shut (of a drive that need not be replaced)
      refuses; --force opens it
  all
      a failed attach may leave a new HBA behind
      removes it

Versions only word the plan: the ordinary call is tried first, and what the host then shows decides.
]==] },
}
