/*
 * xml_boot.c - how a domain boots: the order of <os><boot> becomes a boot order of devices, and one device may come
 * before all others.  Every other device keeps its place among those that boot.
 */
#include <stdio.h>
#include <stdlib.h>

#include "xml_patch.h"

/* A device that boots: order is what stands there, 0 if nothing does. */
struct seat {
  xmlNodePtr device;
  int64_t order;
  size_t number; /* in the document */
};

struct queue {
  struct seat *seat;
  size_t count;
  bool *seated; /* by number */
};

/* The text that stands in an attribute, NULL if there is none.  It is no copy: without memory for one, libxml2 2.15
 * says what it says of an attribute that is not there. */
static const char *text_of(xmlNodePtr node, const char *name) {
  const xmlAttr *attribute = xmlHasNsProp(node, (const xmlChar *)name, NULL);
  if (!attribute) return NULL;
  return attribute->children ? (const char *)attribute->children->content : "";
}

static bool says(xmlNodePtr node, const char *attribute, const char *word) {
  const char *text = text_of(node, attribute);
  return text && strcmp(text, word) == 0;
}

static bool is_element(const xmlNode *node, const char *name) {
  return !(node->ns && node->ns->prefix) && strcmp((const char *)node->name, name) == 0;
}

static int64_t order_of(xmlNodePtr device) {
  xmlNodePtr node = vlun_child_of(device, "boot", 4);
  const char *text = node ? text_of(node, "order") : NULL;
  int64_t order = text ? strtoll(text, NULL, 10) : 0;
  return order > 0 ? order < INT32_MAX ? order : INT32_MAX : 0;
}

static int by_order(const void *left, const void *right) {
  const struct seat *a = left, *b = right;
  if (a->order != b->order) return a->order < b->order ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

static void take_seat(struct queue *queue, xmlNodePtr device, size_t number) {
  if (queue->seated[number]) return;
  queue->seated[number] = true;
  queue->seat[queue->count++] = (struct seat){device, order_of(device), number};
}

/* --- what <os><boot> means ---------------------------------------------------------------------------- */

#define WORDS 4
static const char *const words[WORDS] = {"fd", "hd", "cdrom", "network"};

/* libvirt takes the first device of each word; a lun is a disk to it (measured). */
static bool is_meant(xmlNodePtr device, const char *word) {
  if (strcmp(word, "network") == 0) return is_element(device, "interface");
  if (!is_element(device, "disk")) return false;
  if (strcmp(word, "cdrom") == 0) return says(device, "device", "cdrom");
  if (strcmp(word, "fd") == 0) return says(device, "device", "floppy");
  bool plain = says(device, "device", "disk") || says(device, "device", "lun");
  return strcmp(word, "hd") == 0 && (plain || !xmlHasProp(device, (const xmlChar *)"device"));
}

static void seat_meant(struct queue *queue, xmlNodePtr *element, size_t count, const bool *denied, const char *word) {
  for (size_t i = 1; i <= count; i++) {
    if (!is_meant(element[i], word)) continue;
    if (!denied[i]) take_seat(queue, element[i], i);
    return;
  }
}

/* The number of a <boot>'s word, WORDS if it is none or the node is none. */
static size_t word_of(xmlNodePtr boot) {
  size_t word = 0;
  if (boot->type != XML_ELEMENT_NODE || !is_element(boot, "boot")) return WORDS;
  while (word < WORDS && !says(boot, "dev", words[word])) word++;
  return word;
}

/* Of a word that stands twice, libvirt takes the last (measured). */
static void seat_by_os(struct queue *queue, xmlNodePtr *element, size_t count, const bool *denied, xmlNodePtr os) {
  xmlNodePtr last[WORDS + 1] = {NULL};
  for (xmlNodePtr boot = os->children; boot; boot = boot->next) last[word_of(boot)] = boot;
  for (xmlNodePtr boot = os->children; boot; boot = boot->next) {
    size_t word = word_of(boot);
    if (word < WORDS && last[word] == boot) seat_meant(queue, element, count, denied, words[word]);
  }
}

/* --- who boots ---------------------------------------------------------------------------------------- */

/* By the place of its element, whether the description says of a device that it has no boot order. */
static bool *list_denied(struct vlun_arena *arena, const struct vlun_boot *boot, size_t count) {
  bool known = !boot->desired || vlun_index(boot->host);
  bool *denied = vlun_alloc(arena, (count + 1) * sizeof *denied);
  if (!known) arena->failed = true;
  for (size_t i = 0; boot->desired && known && denied && i < boot->desired->count; i++) {
    const struct vlun_record *record = boot->desired->device[i].record;
    int row = vlun_common_row(record->shape, COMMON_boot);
    const struct vlun_value *value = row < 0 ? NULL : vlun_get(record, row);
    const struct vlun_device *device = value && value->no ? vlun_find(arena, boot->host, record) : NULL;
    if (device && device->place >= 1 && (size_t)device->place <= count) denied[device->place] = true;
  }
  return denied;
}

/* Those that have an order, in that order. */
static void seat_ordered(struct queue *queue, xmlNodePtr *element, size_t count) {
  size_t from = queue->count;
  for (size_t i = 1; i <= count; i++)
    if (order_of(element[i])) take_seat(queue, element[i], i);
  qsort(queue->seat + from, queue->count - from, sizeof *queue->seat, by_order);
}

/* --- the boot order ----------------------------------------------------------------------------------- */

static bool set_order(xmlNodePtr device, int64_t order) { /* false without memory */
  char text[24];
  xmlNodePtr node = vlun_child_of(device, "boot", 4);
  if (!node) {
    node = xmlNewDocNode(device->doc, NULL, (const xmlChar *)"boot", NULL);
    if (!node || !vlun_append_indented(device, node)) return false;
  }
  snprintf(text, sizeof text, "%lld", (long long)order);
  const xmlAttr *attribute = xmlSetProp(node, (const xmlChar *)"order", (const xmlChar *)text);
  return attribute && attribute->name; /* libxml2 before 2.13 does not tell that it has no memory for a name */
}

/* Numbers stay where they can: a device moves only as far as those before it need. */
static bool number_seats(const struct queue *queue, bool first) {
  int64_t last = 0;
  for (size_t i = 0; i < queue->count; i++) {
    const struct seat *seat = &queue->seat[i];
    int64_t order = seat->order > last && !(first && i == 0) ? seat->order : last + 1;
    if (order != seat->order && !set_order(seat->device, order)) return false;
    last = order;
  }
  return true;
}

static void remove_os_boot(xmlNodePtr os) {
  for (xmlNodePtr boot; (boot = vlun_child_of(os, "boot", 4));) vlun_remove_with_indent(boot);
}

bool vlun_boot_by_devices(struct vlun_arena *arena, xmlNodePtr root, const struct vlun_boot *boot) {
  xmlNodePtr devices = root ? vlun_child_of(root, "devices", 7) : NULL, os = root ? vlun_child_of(root, "os", 2) : NULL;
  if (!devices) return root && !boot->first;
  size_t count;
  xmlNodePtr *element = vlun_list_elements(arena, devices, &count);
  bool *denied = element ? list_denied(arena, boot, count) : NULL;
  struct queue queue = {.seat = vlun_alloc(arena, (count + 1) * sizeof *queue.seat),
                        .seated = vlun_alloc(arena, (count + 1) * sizeof *queue.seated)};
  if (!denied || !queue.seat || !queue.seated) return false;
  if (boot->first) {
    xmlNodePtr node = vlun_element_of(element, count, boot->first);
    if (!node) return false;
    take_seat(&queue, node, (size_t)boot->first->place);
  }
  seat_ordered(&queue, element, count);
  if (os) seat_by_os(&queue, element, count, denied, os);
  if (!number_seats(&queue, boot->first != NULL)) {
    arena->failed = true;
    return false;
  }
  if (os) remove_os_boot(os);
  return true;
}
