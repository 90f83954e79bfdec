/*
 * xml_read.c - reads a domain document, or that of one device, straight into a model (libxml2 SAX2): the callbacks, and
 * what a domain says besides its devices, which are xml_device.c's.
 */
#include <stdlib.h>

#include "xml_reader.h"

/* --- the domain --------------------------------------------------------------------------------------- */

static void take_text_into(struct reader *r, const char **target) {
  push(r, IN_TEXT);
  r->text_target = target;
  r->text.len = 0;
}

/* libvirt takes the first of what a domain says twice, or all of it, as it comes; it writes nothing twice. */
static void note_twice(struct reader *r, const xmlChar *name) {
  static const char *const once[] = {"name", "uuid", "os", "devices"};
  for (unsigned i = 0; i < VLUN_COUNT(once); i++) {
    if (!is(name, once[i])) continue;
    if (r->met & BIT(i)) r->twice = once[i];
    r->met |= 1u << i;
  }
}

static bool start_in_domain(struct reader *r, const xmlChar *name) {
  struct vlun_model *model = r->model;
  note_twice(r, name);
  if (is(name, "name")) take_text_into(r, &r->name);
  else if (is(name, "uuid")) take_text_into(r, &model->uuid);
  else if (is(name, "iothreads")) take_text_into(r, &r->iothreads);
  else if (is(name, "os")) push(r, IN_OS);
  else if (is(name, "features")) push(r, IN_FEATURES);
  else if (is(name, "iothreadids")) push(r, IN_IOTHREADIDS);
  else if (is(name, "devices")) push(r, IN_DEVICES);
  else return false;
  return true;
}

static void declare_iothread(struct reader *r, int64_t number) {
  struct vlun_pool *pool = &r->model->iothreads;
  if (pool->count == pool->size) {
    size_t size = pool->size ? pool->size * 2 : 8;
    int64_t *numbers = vlun_alloc(&r->model->arena, size * sizeof *numbers);
    if (!numbers) return;
    if (pool->count) memcpy(numbers, pool->number, pool->count * sizeof *numbers);
    pool->number = numbers;
    pool->size = size;
  }
  pool->number[pool->count++] = number;
}

static bool number_of(const xmlChar *text, size_t len, int64_t *number) {
  struct vlun_value value;
  if (vlun_parse(&(struct vlun_row){.kind = KIND_INT}, (const char *)text, len, &value) != PARSED) return false;
  *number = value.u.number;
  return true;
}

static void start_in_os(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  size_t len;
  if (is(name, "boot")) r->model->os_boot = true;
  if (is(name, "kernel")) r->model->os_kernel = true;
  if (!is(name, "type")) return;
  const xmlChar *text = attribute(count, attributes, "arch", &len);
  if (text) r->model->arch = intern(r, text, len);
  text = attribute(count, attributes, "machine", &len);
  if (text) r->model->machine = intern(r, text, len);
}

static void start_iothread(struct reader *r, int count, const xmlChar **attributes) {
  size_t len;
  int64_t number;
  const xmlChar *id = attribute(count, attributes, "id", &len);
  if (id && number_of(id, len, &number)) declare_iothread(r, number);
}

/* <iothreads>3</iothreads> declares 1, 2 and 3 unless <iothreadids> says which. */
static void declare_counted_iothreads(struct reader *r) {
  int64_t count = 0;
  if (!r->iothreads || r->model->iothreads.count) return;
  if (!number_of((const xmlChar *)r->iothreads, strlen(r->iothreads), &count)) return;
  for (int64_t i = 1; i <= count && i <= UINT16_MAX; i++) declare_iothread(r, i);
}

static void start_domain(struct reader *r, int count, const xmlChar **attributes) {
  size_t len;
  const xmlChar *run = attribute(count, attributes, "id", &len);
  if (run) r->model->run = intern(r, run, len);
  push(r, IN_DOMAIN);
}

static void start_at_top(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  if (is(name, "domain")) start_domain(r, count, attributes);
  else if (vlun_device_shape(name)) vlun_start_device(r, name, count, attributes);
  else r->not_ours = true, r->foreign = intern(r, name, strlen((const char *)name));
}

static bool says(int count, const xmlChar **attributes, const char *name, const char *value) {
  size_t len;
  const xmlChar *text = attribute(count, attributes, name, &len);
  return text && strlen(value) == len && memcmp(value, text, len) == 0;
}

/* A number below 256, decimal or with 0x. */
static bool small_number(int count, const xmlChar **attributes, const char *name, size_t *number) {
  size_t len;
  char digits[16];
  const xmlChar *text = attribute(count, attributes, name, &len);
  if (!text || len >= sizeof digits) return false;
  memcpy(digits, text, len);
  digits[len] = '\0';
  *number = strtoul(digits, NULL, 0);
  return *number < 256;
}

/* PCIe ports and what is in them, whichever device says so: a port's number is the bus behind it. */
static void note_slot(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  size_t number;
  if (name[0] == 'c' && is(name, "controller") && small_number(count, attributes, "index", &number)) {
    bool port = says(count, attributes, "model", "pcie-root-port") ||
                says(count, attributes, "model", "pcie-switch-downstream-port");
    if (port && says(count, attributes, "type", "pci")) r->model->slots.port[number] = true;
  } else if (name[0] == 'a' && is(name, "address") && says(count, attributes, "type", "pci") &&
             small_number(count, attributes, "bus", &number)) {
    r->model->slots.used[number] = true;
  }
}

/* --- libxml2's callbacks ------------------------------------------------------------------------------ */

/* Whether the element is of interest; what is not is skipped together with all that is in it. */
static bool start_known(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  int before = r->depth;
  switch (r->level[r->depth].place) {
    case AT_TOP: start_at_top(r, name, count, attributes); break;
    case IN_DOMAIN: start_in_domain(r, name); break;
    case IN_OS: start_in_os(r, name, count, attributes); break;
    case IN_FEATURES:
      if (is(name, "acpi")) r->model->slots.acpi = true;
      break;
    case IN_IOTHREADIDS:
      if (is(name, "iothread")) start_iothread(r, count, attributes);
      break;
    case IN_DEVICES: vlun_start_device(r, name, count, attributes); break;
    case IN_RECORD: vlun_start_in_device(r, name, count, attributes); break;
    case IN_TEXT: break;
  }
  return r->depth > before;
}

/* How many bytes before `at` the text has; 0 where the parser reads a translation of the text. */
static size_t position_of(xmlParserCtxtPtr parser, const xmlChar *at) {
  const xmlParserInput *input = parser->input;
  if (vlun_xml_translates(parser)) return 0;
  return (size_t)input->consumed + (size_t)(at - input->base);
}

/* A device begins with the last < that the parser has read: no attribute has one. */
static void note_begin(struct reader *r, xmlParserCtxtPtr parser) {
  const xmlChar *at = parser->input->cur;
  while (at > parser->input->base && *at != '<') at--;
  r->from = position_of(parser, at);
  if (r->place == 0) r->model->devices_from = r->from;
}

static void on_start(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **ns, int count, int defaulted, const xmlChar **attributes) {
  (void)uri, (void)namespaces, (void)ns, (void)defaulted;
  struct reader *r = ((xmlParserCtxtPtr)parser)->_private;
  if (!vlun_xml_deeper(parser)) return;
  if (!prefix) note_slot(r, name, count, attributes);
  if (r->skip == 0 && r->level[r->depth].place == IN_DEVICES) note_begin(r, parser);
  if (prefix && r->skip == 0 && r->level[r->depth].place == IN_DEVICES) r->place++; /* the patcher counts it too */
  if (prefix && r->depth == 0) r->not_ours = true, r->foreign = intern(r, name, strlen((const char *)name));
  if (r->skip == 0 && !prefix && start_known(r, name, count, attributes)) return;
  vlun_note_skipped(r, name);
  r->skip++;
}

static void end_level(struct reader *r) {
  struct level *level = &r->level[r->depth--];
  if (level->place == IN_TEXT) *r->text_target = intern(r, (const xmlChar *)r->text.text, r->text.len);
  if (level->place == IN_RECORD) vlun_end_in_device(r, level);
}

static void on_end(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  (void)name, (void)prefix, (void)uri;
  struct reader *r = ((xmlParserCtxtPtr)parser)->_private;
  r->guard.depth--;
  r->to = position_of(parser, ((xmlParserCtxtPtr)parser)->input->cur);
  if (r->skip) r->skip--;
  else end_level(r);
}

static void on_text(void *parser, const xmlChar *text, int len) {
  struct reader *r = ((xmlParserCtxtPtr)parser)->_private;
  const struct level *level = &r->level[r->depth];
  if (!r->skip && (level->place == IN_TEXT || level->text_row >= 0))
    vlun_buffer_add(&r->text, (const char *)text, (size_t)len);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static void silence_tree_building(xmlSAXHandler *sax) {
  sax->startDocument = NULL; /* it would make a document that nobody frees */
  sax->endDocument = NULL;
  sax->startElementNs = on_start;
  sax->endElementNs = on_end;
  sax->characters = sax->cdataBlock = on_text;
  sax->ignorableWhitespace = NULL;
  sax->comment = NULL;
  sax->processingInstruction = NULL;
}

static void finish_domain(struct reader *r) {
  struct vlun_draft draft;
  declare_counted_iothreads(r);
  if (!r->name) return;
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_domain]);
  struct vlun_value *name = vlun_draft_set(&draft, VLUN_domain_name, ORIGIN_HOST);
  name->u.text = r->name;
  name->len = (uint32_t)strlen(r->name);
  r->model->domain = vlun_draft_pack(&draft, &r->model->arena);
}

static bool read_with(struct reader *r, xmlParserCtxtPtr parser) {
  silence_tree_building(parser->sax);
  r->level[0] = (struct level){.place = AT_TOP, .path = "", .text_row = -1, .entered_by = -1};
  if (!vlun_xml_parse(parser, &r->guard, r->problems)) return false;
  finish_domain(r);
  if (r->model->arena.failed || r->text.failed) r->problems->arena.failed = true;
  if (r->not_ours)
    vlun_complain(r->problems, &(struct vlun_spot){0}, "", P_xml_not_ours, &(struct vlun_args){.v = r->foreign});
  if (r->twice) vlun_complain(r->problems, &(struct vlun_spot){0}, "", P_xml_twice, &(struct vlun_args){.v = r->twice});
  return !r->not_ours && !r->twice && !r->problems->arena.failed;
}

bool vlun_read(struct vlun_model *model, const char *xml, size_t len, struct vlun_problems *problems) {
  struct vlun_arena scratch = {0};
  struct reader *r = vlun_alloc(&scratch, sizeof *r); /* too large for a stack */
  bool good = false;
  if (r) {
    xmlParserCtxtPtr parser = vlun_xml_open(xml, len, &r->guard, problems);
    r->model = model;
    r->problems = problems;
    good = parser && read_with(r, parser);
    good = vlun_xml_close(parser, &r->guard, problems) && good;
    vlun_buffer_free(&r->text);
  } else {
    problems->arena.failed = true;
  }
  vlun_arena_free(&scratch);
  return good;
}
