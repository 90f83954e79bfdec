/*
 * api.c - the C API as a program without Lua uses it: every function of virtlun.h, and what it answers to nonsense.
 * Prints what is not as it should be, and ends with 1 then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virtlun.h>

static int wrong;

#define CHECK(condition) ((condition) ? (void)0 : (void)(wrong++, printf("line %d: %s\n", __LINE__, #condition)))
#define SAME(a, b) CHECK(same(a, b))

static bool same(const char *a, const char *b) {
  if (a && b ? strcmp(a, b) == 0 : a == b) return true;
  printf("  %s\n  is not %s\n", a ? a : "NULL", b ? b : "NULL");
  return false;
}

/* The first problem with that code. */
static const struct vlun_problem *problem(const struct vlun_problems *problems, const char *code) {
  const struct vlun_problem *found;
  for (size_t i = 0; (found = vlun_problems_get(problems, i)); i++)
    if (strcmp(found->code, code) == 0) return found;
  return NULL;
}

static void luns(void) {
  uint32_t number;
  char text[24];
  CHECK(vlun_lun_encode(256, &number) && number == 16640);
  CHECK(!vlun_lun_encode(16384, &number) && !vlun_lun_encode(-1, &number));
  CHECK(vlun_lun_decode(16640, &number) && number == 256);
  CHECK(!vlun_lun_decode(256, &number));
  CHECK(vlun_lun_wire(256, text, sizeof text));
  SAME(text, "0x4100000000000000");
  CHECK(vlun_dev_index("sdaa", 4) == 26 && vlun_dev_index("nvme0", 5) == -1);
  CHECK(vlun_dev_name(26, text, sizeof text));
  SAME(text, "sdaa");
}

static void described(void) {
  int64_t number = 0;
  bool flag = false;
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *domain = vlun_domain_new("web01", problems);
  size_t hba = vlun_domain_add(domain, "controller", problems), drive = vlun_domain_add(domain, "cdrom", problems);
  size_t disk = vlun_domain_add(domain, "disk", problems);
  CHECK(hba == 1 && drive == 2 && disk == 3 && vlun_domain_count(domain) == 3);
  CHECK(vlun_domain_set_number(domain, hba, "index", 0, problems));
  CHECK(vlun_domain_set_text(domain, hba, "address.type", "pci", problems));
  CHECK(vlun_domain_set_number(domain, hba, "address.slot", 3, problems));
  CHECK(vlun_domain_set_text(domain, drive, "dev", "sda", problems));
  CHECK(vlun_domain_set_flag(domain, drive, "source", false, problems));
  CHECK(vlun_domain_set_number(domain, drive, "address.unit", 300, problems));
  CHECK(vlun_domain_set_number(domain, drive, "address.controller", 0, problems));
  CHECK(vlun_domain_set_text(domain, disk, "dev", "sdb", problems));
  CHECK(vlun_domain_set_text(domain, disk, "source.protocol", "iscsi", problems));
  CHECK(vlun_domain_set_text(domain, disk, "source.name", "iqn.2026-01.org.example:disc/1", problems));
  CHECK(vlun_domain_set_text(domain, disk, "source.hosts[1].name", "storage", problems));
  CHECK(vlun_domain_set_number(domain, disk, "source.hosts[1].port", 3260, problems));
  CHECK(vlun_domain_set_text(domain, disk, "cache", "none", problems));
  CHECK(vlun_domain_set_flag(domain, disk, "shareable", true, problems));
  CHECK(vlun_domain_set_flag(domain, 0, "fill_gaps", true, problems));
  CHECK(vlun_problems_count(problems) == 0);

  SAME(vlun_domain_kind(domain, drive), "cdrom");
  SAME(vlun_domain_get_text(domain, hba, "address.type"), "pci");
  SAME(vlun_domain_get_text(domain, disk, "source.hosts[1].name"), "storage");
  SAME(vlun_domain_get_text(domain, disk, "cache"), "none");
  CHECK(!vlun_domain_get_text(domain, disk, "source.hosts[2].name") && !vlun_domain_get_text(domain, disk, "source"));
  CHECK(vlun_domain_get_number(domain, drive, "address.unit", &number) && number == 300);
  CHECK(!vlun_domain_get_number(domain, drive, "address.target", &number));
  CHECK(vlun_domain_get_flag(domain, drive, "source", &flag) && !flag);
  CHECK(vlun_domain_get_flag(domain, disk, "shareable", &flag) && flag);
  CHECK(!vlun_domain_get_flag(domain, disk, "transient", &flag) && !vlun_domain_get_text(domain, drive, "source"));

  CHECK(vlun_domain_check(domain, NULL, 0, problems));
  char *all = vlun_domain_xml(domain, 0, problems), *one = vlun_domain_xml(domain, drive, problems);
  CHECK(all && strstr(all, "<host name='storage' port='3260'/>") && strstr(all, "unit='300'"));
  CHECK(one && strstr(one, "<disk type='file' device='cdrom'>") == one && !strstr(one, "sdb"));
  CHECK(problem(problems, "provisional") && problem(problems, "unit_above_255"));
  CHECK(vlun_problems_errors(problems) == 0);
  free(all);
  free(one);

  /* Another source is another table; a plain path is one too. */
  CHECK(vlun_domain_set_text(domain, disk, "source.pool", "default", problems));
  CHECK(vlun_domain_set_text(domain, disk, "source.volume", "root.qcow2", problems));
  CHECK(!vlun_domain_get_text(domain, disk, "source.hosts[1].name"));
  SAME(vlun_domain_get_text(domain, disk, "source.volume"), "root.qcow2");
  CHECK(vlun_domain_set_text(domain, disk, "source", "/images/root.raw", problems));
  SAME(vlun_domain_get_text(domain, disk, "source"), "/images/root.raw");
  SAME(vlun_domain_get_text(domain, disk, "source.file"), "/images/root.raw");
  vlun_domain_free(domain);
  vlun_problems_free(problems);
}

static const struct {
  const char *kind, *key, *text, *path, *said;
} nonsense[] = {
    {"cdrom", "sorce", "/a.iso", "web01.cdrom#1", "unknown key 'sorce'"},
    {"cdrom", "address.unti", "1", "web01.cdrom#1.address", "unknown key 'unti'"},
    {"cdrom", "dev.name", "sda", "web01.cdrom#1.dev", "a table is not text"},
    {"cdrom", "", "sda", "web01.cdrom#1", "unknown key ''"},
    {"cdrom", "dev[1]", "sda", "web01.cdrom#1.dev[1]", "a list is not text"},
    {"cdrom", "dev[", "sda", "web01.cdrom#1", "unknown key 'dev['"},
    {"cdrom", "dev[1x]", "sda", "web01.cdrom#1", "unknown key 'dev[1x]'"},
    {"cdrom", "dev[x1]", "sda", "web01.cdrom#1", "unknown key 'dev[x1]'"},
    {"cdrom", "dev[1]]", "sda", "web01.cdrom#1", "unknown key 'dev[1]]'"},
    {"cdrom", "dev[123456]", "sda", "web01.cdrom#1", "unknown key 'dev[123456]'"},
    {"cdrom", "device", "disk", "web01.cdrom#1", "unknown key 'device'"},
    {"cdrom", "address.unit", "1", "web01.cdrom#1.address.unit", "'1' is not an integer"},
    {"cdrom", "address", "0:0:0:1", "web01.cdrom#1.address", "'0:0:0:1' is not a table"},
    {"cdrom", "readonly", "yes", "web01.cdrom#1.readonly", "'yes' is not true or false"},
    {"cdrom", "cache", "nonne", "web01.cdrom#1.cache", "'nonne' is not one of "},
    {"cdrom", "queues", "4", "web01.cdrom#1", "'queues' has no place here"},
    {"cdrom", "source.hosts[2].name", "a", "web01.cdrom#1.source", "2 is out of range 1"},
    {"cdrom", "source.hosts.name", "a", "web01.cdrom#1.source.hosts", "a table is not a list"},
    {"cdrom", "source.colour", "red", "web01.cdrom#1.source", "must have one of file, dev, pool or protocol"},
    {"controller", "address.slot", "3", "web01.controller#1.address.slot", "'3' is not an integer"},
    {"controller", "address.type", "usb", "web01.controller#1.address", "must have one of type = \"pci\", "},
    {"hostdev", "source.hosts[0].name", "a", "web01.hostdev#1.source.hosts", "a table is not a list"},
};

/* What a wrong key or type is told, and that nothing comes of a description with one. */
static void refused(void) {
  for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
    struct vlun_problems *problems = vlun_problems_new();
    struct vlun_domain *domain = vlun_domain_new("web01", problems);
    size_t device = vlun_domain_add(domain, nonsense[i].kind, problems);
    CHECK(!vlun_domain_set_text(domain, device, nonsense[i].key, nonsense[i].text, problems));
    const struct vlun_problem *told = vlun_problems_get(problems, 0);
    CHECK(told && vlun_problems_count(problems) == 1);
    if (told) SAME(told->path, nonsense[i].path);
    bool said = told && strncmp(told->message, nonsense[i].said, strlen(nonsense[i].said)) == 0;
    if (!said) printf("  %s: %s\n", nonsense[i].key, told ? told->message : "nothing");
    CHECK(said);
    CHECK(!vlun_domain_xml(domain, 0, problems));
    vlun_domain_free(domain);
    vlun_problems_free(problems);
  }
}

/* Problems are in the order of the devices for who looks, be it in between. */
static void in_order(void) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *domain = vlun_domain_new("web01", problems);
  size_t first = vlun_domain_add(domain, "cdrom", problems), second = vlun_domain_add(domain, "cdrom", problems);
  vlun_domain_set_text(domain, second, "b", "", problems);
  SAME(vlun_problems_get(problems, 0)->message, "unknown key 'b'");
  vlun_domain_set_text(domain, second, "a", "", problems);
  SAME(vlun_problems_get(problems, 0)->message, "unknown key 'a'");
  vlun_domain_set_text(domain, first, "z", "", problems);
  SAME(vlun_problems_get(problems, 2)->message, "unknown key 'b'");
  SAME(vlun_problems_get(problems, 0)->path, "web01.cdrom#1");
  vlun_domain_free(domain);
  vlun_problems_free(problems);
}

static void checked(void) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *domain = vlun_domain_new("web01", problems);
  CHECK(vlun_domain_add(domain, "cdrm", problems) == 0);
  CHECK(vlun_problems_errors(problems) == 1);
  SAME(vlun_problems_get(problems, 0)->hint, "did you mean 'cdrom'?");
  size_t drive = vlun_domain_add(domain, "cdrom", problems), other = vlun_domain_add(domain, "cdrom", problems);
  CHECK(vlun_domain_locate(domain, drive, "host.conf", 12));
  vlun_domain_set_text(domain, drive, "dev", "sda", problems);
  vlun_domain_set_number(domain, drive, "address.unit", 20000, problems);
  vlun_domain_set_text(domain, other, "dev", "sda", problems);
  CHECK(!vlun_domain_set_flag(domain, other, "dev", true, problems));
  CHECK(!vlun_domain_set_number(domain, other, "dev", 7, problems));
  CHECK(!vlun_domain_check(domain, NULL, 0, problems));
  vlun_domain_free(domain); /* what is told outlives it */

  const struct vlun_problem *range = problem(problems, "out_of_range");
  CHECK(range && problem(problems, "dev_taken") && problem(problems, "required") && problem(problems, "wrong_type"));
  if (range) {
    SAME(range->path, "web01.sda.address.unit");
    SAME(range->message, "20000 is out of range 0..16383");
    SAME(range->value, "20000");
    SAME(range->expected, "0..16383");
    SAME(range->file, "host.conf");
    CHECK(range->line == 12 && range->severity == VLUN_ERROR);
  }
  vlun_problems_free(problems);
}

static const char document[] = "<domain type='qemu'>\n"
                               "  <name>web01</name>\n"
                               "  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>\n"
                               "  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
                               "  <devices>\n"
                               "    <!-- stays -->\n"
                               "    <controller type='scsi' index='0' model='virtio-scsi'/>\n"
                               "    <disk type='file' device='disk'><source file='/root.raw'/>"
                               "<target dev='vda' bus='virtio'/></disk>\n"
                               "    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/>"
                               "<source file='/a.iso'/><target dev='sda' bus='scsi'/><readonly/>%s"
                               "<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>\n"
                               "  </devices>\n"
                               "</domain>\n";

static struct vlun_domain *host_with(const char *more, struct vlun_problems *problems) {
  char xml[2048];
  snprintf(xml, sizeof xml, document, more);
  return vlun_domain_read(xml, strlen(xml), problems);
}

static struct vlun_domain *wish(const char *dev, const char *source, struct vlun_problems *problems) {
  struct vlun_domain *domain = vlun_domain_new("web01", problems);
  size_t drive = vlun_domain_add(domain, "cdrom", problems);
  vlun_domain_set_text(domain, drive, "dev", dev, problems);
  if (source) vlun_domain_set_text(domain, drive, "source", source, problems);
  return domain;
}

static void compared(void) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *host = host_with("", problems), *desired = wish("sda", "/b.iso", problems);
  size_t added = vlun_domain_add(desired, "cdrom", problems);
  vlun_domain_set_text(desired, added, "dev", "sdb", problems);
  CHECK(vlun_domain_count(host) == 3 && !vlun_domain_kind(host, 2) && !vlun_domain_kind(host, 4));
  SAME(vlun_domain_get_text(host, 3, "source"), "/a.iso");

  struct vlun_diff *diff = vlun_diff_new(desired, host, problems);
  CHECK(vlun_diff_count(diff) == 2 && !vlun_diff_get(diff, 2));
  const struct vlun_difference *first = vlun_diff_get(diff, 0), *second = vlun_diff_get(diff, 1);
  if (first && second) {
    CHECK(first->action == VLUN_CHANGE && first->desired == 1 && first->current == 3 && first->key_count == 1);
    SAME(first->keys[0], "source");
    CHECK(second->action == VLUN_ADD && second->current == 0 && !second->assigned);
    SAME(second->device, "sdb");
  }
  int64_t unit = -1;
  CHECK(vlun_domain_get_number(vlun_diff_desired(diff), 2, "address.unit", &unit) && unit == 1);
  CHECK(!vlun_domain_get_number(desired, 2, "address.unit", &unit));

  char *text = vlun_diff_patch(diff, problems), *before, *after;
  CHECK(text && strstr(text, "<!-- stays -->") && strstr(text, "/b.iso") && !strstr(text, "/a.iso"));
  CHECK(vlun_diff_element(diff, 0, &before, &after, problems));
  CHECK(before && strstr(before, "/a.iso") && after && strstr(after, "/b.iso"));
  free(before);
  free(after);
  CHECK(vlun_diff_element(diff, 1, &before, &after, problems) && !before && after);
  free(after);
  CHECK(!vlun_diff_element(diff, 2, &before, &after, problems) && !before && !after);

  /* What was made is what was described, and then nothing is left to do. */
  struct vlun_domain *then = text ? vlun_domain_read(text, strlen(text), problems) : NULL;
  struct vlun_diff *rest = vlun_diff_new(desired, then, problems);
  CHECK(rest && vlun_diff_count(rest) == 0);
  char *again = vlun_diff_patch(rest, problems);
  SAME(again, text);
  CHECK(vlun_problems_count(problems) == 0);
  free(again);
  free(text);
  vlun_diff_free(rest);
  vlun_diff_free(diff);
  vlun_domain_free(then);
  vlun_domain_free(desired);
  vlun_domain_free(host);
  vlun_problems_free(problems);
}

/* Configuration and running domain: what one lacks, both get at the same place. */
static void both_documents(void) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *config = host_with("", problems), *live = host_with("", problems);
  struct vlun_domain *desired = wish("sdb", "/b.iso", problems), *hosts[] = {config, live};
  vlun_domain_add(desired, "controller", problems);
  vlun_domain_set_number(desired, 2, "index", 1, problems);
  struct vlun_domain *complete = vlun_domain_complete(desired, hosts, 2, 2, problems);
  struct vlun_diff *in_config = vlun_diff_new(complete, config, problems);
  struct vlun_diff *in_live = vlun_diff_new(complete, live, problems);
  CHECK(vlun_diff_count(in_config) == 2 && vlun_diff_count(in_live) == 2);
  CHECK(vlun_diff_desired(in_live) == complete && vlun_problems_count(problems) == 0);
  char *xml = vlun_domain_xml(complete, 0, problems); /* its addresses are the free ones of the host */
  CHECK(xml && strstr(xml, "unit='1'") && !problem(problems, "provisional"));
  free(xml);

  /* One that is complete for others is not taken for a description: its defaults would be wishes. */
  struct vlun_domain *elsewhere = host_with("", problems);
  CHECK(!vlun_diff_new(complete, elsewhere, problems));
  CHECK(problem(problems, "bad_patch"));
  vlun_domain_free(elsewhere);

  /* What is to be changed is checked, be it the second. */
  static const char other[] = "<domain type='qemu'><name>db01</name><devices/></domain>";
  struct vlun_problems *more = vlun_problems_new();
  struct vlun_domain *theirs = vlun_domain_read(other, sizeof other - 1, more), *pair[] = {config, theirs};
  CHECK(theirs && !vlun_domain_complete(desired, pair, 2, 2, more) && problem(more, "other_domain"));
  vlun_domain_free(theirs);
  vlun_problems_free(more);
  vlun_diff_free(in_config);
  vlun_diff_free(in_live);
  vlun_domain_free(complete);
  vlun_domain_free(desired);
  vlun_domain_free(config);
  vlun_domain_free(live);
  vlun_problems_free(problems);
}

/* A difference knows devices by their place in memory, which another device may change: nothing comes of it then. */
static void changed_under_a_difference(void) {
  for (int of_host = 0; of_host <= 1; of_host++) {
    struct vlun_problems *problems = vlun_problems_new();
    struct vlun_domain *host = host_with("", problems), *desired = wish("sda", "/b.iso", problems);
    struct vlun_domain *complete = vlun_domain_complete(desired, &host, 1, 1, problems);
    struct vlun_diff *diff = vlun_diff_new(complete, host, problems);
    CHECK(vlun_diff_count(diff) == 1);
    for (int i = 0; i < 50; i++) vlun_domain_add(of_host ? host : complete, "cdrom", problems);
    CHECK(vlun_problems_count(problems) == 0);
    char *before, *after, *text = vlun_diff_patch(diff, problems);
    CHECK(!text && problem(problems, "bad_patch") && vlun_problems_count(problems) == 1);
    struct vlun_problems *more = vlun_problems_new();
    CHECK(!vlun_diff_element(diff, 0, &before, &after, more) && !before && !after && problem(more, "bad_patch"));
    vlun_problems_free(more);
    vlun_diff_free(diff);
    vlun_domain_free(complete);
    vlun_domain_free(desired);
    vlun_domain_free(host);
    vlun_problems_free(problems);
  }
}

/* Memory gives the address of a document that was freed to the next one, which has another drive at the free place. */
static void read_where_another_was(void) {
  static const char taken_place[] =
      "<domain type='qemu'><name>web01</name><devices><controller type='scsi' index='0' model='virtio-scsi'/>"
      "<disk type='file' device='disk'><source file='/z.raw'/><target dev='sdz' bus='scsi'/>"
      "<address type='drive' controller='0' bus='0' target='0' unit='1'/></disk></devices></domain>";
  for (int round = 0; round < 10; round++) {
    struct vlun_problems *problems = vlun_problems_new();
    struct vlun_domain *host = host_with("", problems), *desired = wish("sdb", "/b.iso", problems);
    struct vlun_domain *complete = vlun_domain_complete(desired, &host, 1, 1, problems);
    CHECK(complete && vlun_problems_count(problems) == 0);
    vlun_domain_free(host);
    host = vlun_domain_read(taken_place, sizeof taken_place - 1, problems);
    CHECK(host && !vlun_diff_new(complete, host, problems) && problem(problems, "bad_patch"));
    vlun_domain_free(complete);
    vlun_domain_free(desired);
    vlun_domain_free(host);
    vlun_problems_free(problems);
  }
}

/* What comes of a removal of HBA 0, whose sda goes too, moves to HBA 1, stays unsaid or is on an HBA above. */
static void removes_hba(const char *code, bool drive_goes, int64_t moves_to, const char *host_has) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *host =
      host_has ? vlun_domain_read(host_has, strlen(host_has), problems) : host_with("", problems);
  struct vlun_domain *desired = vlun_domain_new("web01", problems);
  vlun_domain_add(desired, "controller", problems);
  vlun_domain_set_number(desired, 1, "index", 0, problems);
  vlun_domain_set_flag(desired, 1, "absent", true, problems);
  if (drive_goes || moves_to) {
    vlun_domain_add(desired, "cdrom", problems);
    vlun_domain_set_text(desired, 2, "dev", "sda", problems);
  }
  if (drive_goes) vlun_domain_set_flag(desired, 2, "absent", true, problems);
  if (moves_to) vlun_domain_set_number(desired, 2, "address.controller", moves_to, problems);
  CHECK(vlun_domain_check(desired, &host, 1, problems));
  struct vlun_diff *diff = vlun_diff_new(desired, host, problems);
  char *before, *after, *text = vlun_diff_patch(diff, problems);
  CHECK(diff && vlun_diff_get(diff, 0)->action == VLUN_REMOVE);
  CHECK(vlun_diff_element(diff, 0, &before, &after, problems) == !code);
  if (code) {
    CHECK(!text && problem(problems, code));
    SAME(problem(problems, code) ? problem(problems, code)->path : NULL, "web01.controller0");
  } else {
    CHECK(text && !strstr(text, "index='0'") && before && !after && vlun_problems_errors(problems) == 0);
  }
  free(before);
  free(text);
  vlun_diff_free(diff);
  vlun_domain_free(desired);
  vlun_domain_free(host);
  vlun_problems_free(problems);
}

static void removed_hbas(void) {
  static const char above[] =
      "<domain type='qemu'><name>web01</name><devices><controller type='scsi' index='0' model='virtio-scsi'/>"
      "<controller type='scsi' index='1' model='virtio-scsi'/><disk type='file' device='cdrom'>"
      "<target dev='sda' bus='scsi'/><address type='drive' controller='1' bus='0' target='0' unit='0'/></disk>"
      "</devices></domain>";
  removes_hba(NULL, true, 0, NULL);
  removes_hba("still_used", false, 0, NULL);
  removes_hba("below_used", false, 1, NULL);
  removes_hba("below_used", false, 0, above);
  removes_hba(NULL, true, 0, above);
}

/* The code of the error for a change of sda's medium in such a document. */
static void refuses(const char *code, const char *more, const char *name, bool touched) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *host = host_with(more, problems), *desired = wish("sda", "/b.iso", problems);
  if (name) vlun_domain_set_text(desired, 0, "name", name, problems);
  if (touched) vlun_domain_set_text(host, 3, "source", "/c.iso", problems);
  struct vlun_diff *diff = vlun_diff_new(desired, host, problems);
  char *text = vlun_diff_patch(diff, problems);
  CHECK(!text && vlun_problems_errors(problems) == 1);
  CHECK(problem(problems, code));
  vlun_diff_free(diff);
  vlun_domain_free(desired);
  vlun_domain_free(host);
  vlun_problems_free(problems);
}

static void refused_documents(void) {
  struct vlun_problems *problems = vlun_problems_new();
  CHECK(!vlun_domain_read("<pool/>", 7, problems) && problem(problems, "xml_not_ours"));
  CHECK(!vlun_domain_read("", 0, problems) && problem(problems, "xml_malformed"));
  CHECK(!vlun_domain_read("<!DOCTYPE a><domain/>", 21, problems) && problem(problems, "xml_doctype"));
  CHECK(!vlun_domain_read("<domain/>", SIZE_MAX, problems) && problem(problems, "xml_too_large"));
  vlun_problems_free(problems);
  refuses("bound", "<backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>", NULL, false);
  refuses("unclear", "<source file='/twice.iso'/>", NULL, false);
  refuses("other_domain", "", "db01", false);
  refuses("bad_patch", "", NULL, true);
}

/* What was read can be changed and written again, and compared with what somebody else has. */
static void read_and_changed(void) {
  static const char xml[] = "<disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><readonly/></disk>";
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *drive = vlun_domain_read(xml, sizeof xml - 1, problems);
  CHECK(vlun_domain_set_text(drive, 1, "source", "/a.iso", problems));
  char *text = vlun_domain_xml(drive, 1, problems);
  CHECK(text && strstr(text, "<source file='/a.iso'/>") && !strstr(text, "cache"));
  free(text);

  /* A device's own document is its element, so that it is patched as a whole. */
  struct vlun_domain *alone = vlun_domain_read(xml, sizeof xml - 1, problems);
  struct vlun_diff *change = vlun_diff_new(drive, alone, problems);
  char *before, *after, *whole = vlun_diff_patch(change, problems);
  CHECK(vlun_diff_count(change) == 1 && whole && strstr(whole, "/a.iso") && vlun_problems_count(problems) == 0);
  struct vlun_problems *more = vlun_problems_new();
  CHECK(!vlun_diff_element(change, 0, &before, &after, more) && problem(more, "bad_patch"));
  vlun_problems_free(more);
  free(whole);
  vlun_diff_free(change);
  vlun_domain_free(alone);
  vlun_domain_free(drive);

  struct vlun_domain *template = host_with("", problems), *host = host_with("<serial>x</serial>", problems);
  struct vlun_diff *diff = vlun_diff_new(template, host, problems);
  CHECK(diff && vlun_diff_count(diff) == 0); /* what the template leaves unsaid stays */
  struct vlun_diff *back = vlun_diff_new(host, template, problems);
  CHECK(back && vlun_diff_count(back) == 1);
  vlun_diff_free(diff);
  vlun_diff_free(back);
  vlun_domain_free(template);
  vlun_domain_free(host);
  vlun_problems_free(problems);
}

/* The one problem that a call has told, which no XML gets past. */
static void told(struct vlun_domain *domain, const char *path, const char *message, struct vlun_problems *problems) {
  const struct vlun_problem *first = vlun_problems_get(problems, 0);
  CHECK(first && vlun_problems_count(problems) == 1 && !vlun_domain_xml(domain, 0, problems));
  if (first) SAME(first->path, path);
  if (first) SAME(first->message, message);
}

/* Numbers of no device and texts that are none are told: else a document would lack what was said. */
static void no_such_devices(void) {
  for (int call = 0; call < 8; call++) {
    struct vlun_problems *problems = vlun_problems_new();
    struct vlun_domain *host = host_with("", problems); /* its second drive is virtio's */
    if (call == 0) CHECK(!vlun_domain_set_text(host, 9, "source", "/b.iso", problems));
    if (call == 1) CHECK(!vlun_domain_set_flag(host, 9, "source", false, problems));
    if (call == 2) CHECK(!vlun_domain_set_number(host, 9, "boot", 1, problems));
    if (call == 3) CHECK(!vlun_domain_xml(host, 9, problems));
    if (call <= 3) told(host, "web01", "there is no SCSI device 9", problems);
    if (call == 4) CHECK(!vlun_domain_set_text(host, 2, "source", "/b.iso", problems));
    if (call == 4) told(host, "web01", "there is no SCSI device 2", problems);
    if (call == 5) CHECK(!vlun_domain_set_text(host, 3, "source", NULL, problems));
    if (call == 5) told(host, "web01.sda.source", "says nothing", problems);
    if (call == 6) CHECK(!vlun_domain_set_flag(host, 3, NULL, false, problems));
    if (call == 6) told(host, "web01.sda", "unknown key ''", problems);
    if (call == 7) CHECK(!vlun_domain_add(host, NULL, problems) && problem(problems, "unknown_kind"));
    CHECK(call == 7 || (call >= 5) == !problem(problems, "no_such_device"));
    vlun_domain_free(host);
    vlun_problems_free(problems);
  }
}

/* Hosts that a call cannot have. */
static void no_such_hosts(void) {
  for (int call = 0; call < 6; call++) {
    struct vlun_problems *problems = vlun_problems_new();
    struct vlun_domain *domain = wish("sda", "/b.iso", problems), *host = host_with("", problems);
    struct vlun_domain *three[] = {host, host, host}, *half[] = {host, NULL};
    if (call == 0) CHECK(!vlun_domain_check(domain, three, 3, problems));
    if (call == 1) CHECK(!vlun_domain_complete(domain, three, 3, 1, problems));
    if (call <= 1) told(domain, "web01.hosts", "3 is out of range 0..2", problems);
    if (call == 2) CHECK(!vlun_domain_complete(domain, three, 1, 2, problems));
    if (call == 2) told(domain, "web01.written", "2 is out of range 0..1", problems);
    if (call == 3) CHECK(!vlun_domain_check(domain, half, 2, problems));
    if (call == 4) CHECK(!vlun_domain_complete(domain, half, 2, 1, problems));
    if (call == 3 || call == 4) told(domain, "web01", "'hosts[1]' is missing", problems);
    if (call == 5) CHECK(!vlun_domain_check(domain, NULL, 1, problems));
    if (call == 5) told(domain, "web01", "'hosts[0]' is missing", problems);
    vlun_domain_free(host);
    vlun_domain_free(domain);
    vlun_problems_free(problems);
  }
}

static void nothing_at_all(void) {
  struct vlun_problems *problems = vlun_problems_new();
  struct vlun_domain *domain = vlun_domain_new(NULL, problems);
  int64_t number;
  bool flag;
  CHECK(!vlun_domain_read(NULL, 0, problems) && !vlun_domain_read("<domain/>", 9, NULL));
  CHECK(!vlun_domain_add(NULL, "cdrom", problems) && !vlun_domain_add(domain, "cdrom", NULL));
  CHECK(!vlun_domain_get_text(NULL, 1, "dev") && !vlun_domain_get_number(domain, 1, "dev", &number));
  CHECK(!vlun_domain_get_flag(domain, 0, "fill_gaps", &flag) && !vlun_domain_kind(domain, 0));
  CHECK(!vlun_domain_complete(NULL, NULL, 0, 0, problems));
  CHECK(!vlun_domain_locate(domain, 1, "a", 1) && vlun_domain_count(NULL) == 0);
  CHECK(!vlun_diff_new(NULL, domain, problems) && !vlun_diff_patch(NULL, problems) && !vlun_diff_get(NULL, 0));
  CHECK(vlun_problems_count(problems) == 0);
  char *text = vlun_domain_xml(domain, 0, problems);
  SAME(text, "");
  CHECK(vlun_problems_get(NULL, 0) == NULL && vlun_problems_get(problems, 0) == NULL);
  free(text);
  vlun_domain_free(domain);
  vlun_domain_free(NULL);
  vlun_diff_free(NULL);
  vlun_problems_free(NULL);
  vlun_problems_free(problems);
}

int main(void) {
  luns();
  described();
  refused();
  in_order();
  checked();
  compared();
  both_documents();
  changed_under_a_difference();
  read_where_another_was();
  removed_hbas();
  refused_documents();
  read_and_changed();
  no_such_devices();
  no_such_hosts();
  nothing_at_all();
  return wrong > 0;
}
