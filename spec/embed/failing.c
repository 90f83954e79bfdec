/*
 * failing.c - every allocation of the C API, and of libxml2 below it, failed in turn: the n-th alone, and the n-th and
 * all that follow.  Each time the result must be the right one or none, with a problem; and everything be freed again.
 * Prints how many allocations failed.  It is linked with --wrap for malloc, calloc, realloc and free.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlmemory.h>
#include <virtlun.h>

static long left = -1; /* until one fails; -1 for never */
static bool stay;      /* whether all that follow fail too */
static long blocks;    /* that are not freed yet */
static long failed;

static bool fails(void) {
  if (left < 0) return false;
  if (left > 0) {
    left--;
    return false;
  }
  if (!stay) left = -1;
  failed++;
  return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static void *counted(void *block) {
  blocks += block != NULL;
  return block;
}

void *__wrap_malloc(size_t size) { return fails() ? NULL : counted(__real_malloc(size)); }

void *__wrap_calloc(size_t count, size_t size) { return fails() ? NULL : counted(__real_calloc(count, size)); }

void *__wrap_realloc(void *block, size_t size) {
  if (fails()) return NULL;
  void *moved = __real_realloc(block, size);
  if (!block) counted(moved);
  return moved;
}

void __wrap_free(void *block) {
  blocks -= block != NULL;
  __real_free(block);
}

static char *copy_text(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = __wrap_malloc(size);
  return copy ? memcpy(copy, text, size) : NULL;
}

static const char document[] =
    "<domain type='qemu'><name>web01</name><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
    "<controller type='scsi' index='0' model='virtio-scsi'/><disk type='file' device='cdrom'>"
    "<source file='/a.iso'/><target dev='sda' bus='scsi'/><readonly/>"
    "<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk></devices></domain>";

static void describe(struct vlun_domain *domain, struct vlun_problems *problems) {
  size_t drive = vlun_domain_add(domain, "cdrom", problems);
  vlun_domain_locate(domain, drive, "host.conf", 7);
  vlun_domain_set_text(domain, drive, "dev", "sda", problems);
  vlun_domain_set_text(domain, drive, "source.protocol", "http", problems);
  vlun_domain_set_text(domain, drive, "source.name", "b.iso", problems);
  vlun_domain_set_text(domain, drive, "source.hosts[1].name", "storage", problems);
  drive = vlun_domain_add(domain, "disk", problems);
  vlun_domain_set_text(domain, drive, "dev", "sdb", problems);
  vlun_domain_set_text(domain, drive, "source", "/root.raw", problems);
  vlun_domain_set_text(domain, drive, "raw", "<mirror/>", problems);
}

/* The new document, an element and the XML of the description, or NULL. */
static char *work(struct vlun_problems *problems) {
  struct vlun_domain *host = vlun_domain_read(document, sizeof document - 1, problems);
  struct vlun_domain *desired = vlun_domain_new("web01", problems);
  describe(desired, problems);
  vlun_domain_check(desired, &host, 1, problems);
  char *xml = vlun_domain_xml(desired, 0, problems), *before = NULL, *after = NULL, *text = NULL;
  struct vlun_diff *diff = vlun_diff_new(desired, host, problems);
  char *patched = vlun_diff_patch(diff, problems);
  bool good = vlun_diff_element(diff, 0, &before, &after, problems) && patched && xml;
  if (good) {
    size_t size = strlen(xml) + strlen(patched) + strlen(before) + strlen(after) + 1;
    text = __real_malloc(size);
    snprintf(text, size, "%s%s%s%s", xml, patched, before, after);
  }
  free(xml);
  free(patched);
  free(before);
  free(after);
  vlun_diff_free(diff);
  vlun_domain_free(desired);
  vlun_domain_free(host);
  return text;
}

/* Whether it was as it should be; *ended says that nothing failed any more. */
static bool try(const char *right, long number, bool *ended) {
  long before = blocks, already = failed;
  left = number;
  struct vlun_problems *problems = vlun_problems_new();
  char *text = work(problems);
  left = -1;
  *ended = failed == already;
  bool told = !problems || vlun_problems_errors(problems) > 0;
  bool good = text ? strcmp(text, right) == 0 && vlun_problems_errors(problems) == 0 : told;
  if (!good) printf("allocation %ld: %s\n", number, text ? text : "nothing, and no problem");
  __real_free(text);
  vlun_problems_free(problems);
  if (blocks != before) printf("allocation %ld: %ld blocks are left\n", number, blocks - before);
  return good && blocks == before;
}

int main(void) {
  xmlMemSetup(__wrap_free, __wrap_malloc, __wrap_realloc, copy_text);
  struct vlun_problems *problems = vlun_problems_new();
  char *right = work(problems); /* also what libxml2 makes once and keeps */
  if (!right) return 1;
  vlun_problems_free(problems);
  long wrong = 0;
  for (int mode = 0; mode < 2; mode++) {
    bool ended = false;
    stay = mode;
    for (long number = 0; !ended; number++) wrong += !try(right, number, &ended);
  }
  printf("%ld allocations failed, %ld times wrong\n", failed, wrong);
  __real_free(right);
  return wrong > 0;
}
