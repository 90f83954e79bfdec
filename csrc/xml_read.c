/*
 * xml_read.c - reads a domain document, or that of one device, straight into a model (libxml2 SAX2).
 * It knows no field by name: rows of the schema say where values stand.  Of content without a row it only keeps
 * what forbids a change; keeping the content itself is the patcher's task.
 */
#include <string.h>

#include "xml_common.h"

#define NESTED 4 /* device, source, host: records within records */
#define MEMO 256

enum place { AT_TOP, IN_DOMAIN, IN_OS, IN_IOTHREADIDS, IN_DEVICES, IN_RECORD, IN_TEXT };

struct level {
  enum place place;
  int draft;        /* IN_RECORD: number of the record that is being read */
  const char *path; /* IN_RECORD: the element below that record, as a row spells it */
  size_t len;
  int text_row;   /* row that takes the text, -1 for none */
  int entered_by; /* row of the outer record that holds this one, -1 if this level opens none */
  int outer;      /* number of that outer record */
};

/* Names of a document are interned by libxml2, so a pair of pointers that was looked up once is known for the rest. */
struct memo {
  const struct vlun_shape *shape;
  const char *path;
  const xmlChar *name;
  size_t len;
  bool attribute;
  int row;
};

struct reader {
  struct vlun_xml_guard guard; /* first: parser->_private points here */
  struct vlun_model *model;
  struct vlun_problems *problems;
  struct level level[XML_DEEPEST + 1];
  int depth, skip;
  struct vlun_draft draft[NESTED];
  const char *tag[NESTED]; /* which variant the device's type attribute asks for */
  const char *foreign;     /* why the device at hand is none of ours */
  const char *chain;       /* the backing chain that is being skipped */
  const char *bound;       /* what belongs to the source and has no row */
  uint64_t unclear;
  bool has_bus, not_ours;
  int place;
  struct vlun_buffer text;
  const char **text_target;     /* IN_TEXT: where the text goes */
  const char *name, *iothreads; /* of the domain, as text */
  struct memo memo[MEMO];
};

static const char *intern(struct reader *r, const xmlChar *text, size_t len) {
  return vlun_copy(&r->model->arena, (const char *)text, len);
}

static bool is(const xmlChar *name, const char *text) { return strcmp((const char *)name, text) == 0; }

/* --- rows of a place ---------------------------------------------------------------------------------- */

/* Whether elem is path/name; `exact` tells whether nothing follows. */
static bool continues(const char *elem, const char *path, size_t len, const char *name, bool *exact) {
  if (!elem || elem[0] != (len ? path : name)[0] || strncmp(elem, path, len) != 0) return false; /* few begin alike */
  elem += len;
  if (len && *elem++ != '/') return false;
  size_t n = strlen(name);
  if (strncmp(elem, name, n) != 0 || (elem[n] && elem[n] != '/')) return false;
  *exact = elem[n] == '\0';
  return true;
}

/* The row of element path/name: one that has the whole element if there is any, else one that lies below it. */
static int find_element_row(const struct vlun_shape *shape, const char *path, size_t len, const char *name) {
  int found = -1;
  for (int i = 0; i < shape->count; i++) {
    bool exact;
    if (!continues(shape->rows[i].elem, path, len, name, &exact)) continue;
    if (exact && !shape->rows[i].attr) return i;
    if (found < 0) found = i;
  }
  return found;
}

static int find_attribute_row(const struct vlun_shape *shape, const char *path, size_t len, const char *name) {
  for (int i = 0; i < shape->count; i++) {
    const struct vlun_row *row = &shape->rows[i];
    if (!row->elem || !row->attr || row->attr[0] != name[0] || strcmp(row->attr, name) != 0) continue;
    if (strncmp(row->elem, path, len) == 0 && !row->elem[len]) return i;
  }
  return -1;
}

static int row_of(struct reader *r, const struct vlun_shape *shape, const char *path, size_t len, const xmlChar *name,
                  bool attribute) {
  size_t hash = ((uintptr_t)shape >> 4) ^ ((uintptr_t)name >> 2) ^ ((uintptr_t)path >> 1) ^ len;
  struct memo *memo = &r->memo[hash % MEMO];
  if (memo->shape == shape && memo->path == path && memo->name == name && memo->len == len &&
      memo->attribute == attribute)
    return memo->row;
  int row = attribute ? find_attribute_row(shape, path, len, (const char *)name)
                      : find_element_row(shape, path, len, (const char *)name);
  *memo = (struct memo){shape, path, name, len, attribute, row};
  return row;
}

/* --- values ------------------------------------------------------------------------------------------- */

/* libvirt gives every running device an alias; only a user's own is part of a description. */
static bool is_given_by_libvirt(const struct vlun_row *row, const char *text, size_t len) {
  return strcmp(row->key, "alias") == 0 && row->form && !row->form->fits(text, len);
}

/* libvirt takes the first of what stands twice; a change could not tell which of them to make. */
static bool is_repeated(struct reader *r, int draft, int number) {
  if (!(r->draft[draft].set & BIT(number))) return false;
  if (draft == 0) r->unclear |= BIT(number);
  return true;
}

static void take_value(struct reader *r, int draft, int number, const char *text, size_t len) {
  const struct vlun_row *row = &r->draft[draft].shape->rows[number];
  struct vlun_value value = {.origin = ORIGIN_HOST};
  if (is_given_by_libvirt(row, text, len) || is_repeated(r, draft, number)) return;
  enum vlun_verdict verdict = vlun_parse(row, text, len, &value);
  if (verdict == PARSED) {
    if (row->kind == KIND_STR) value.u.text = intern(r, (const xmlChar *)text, len);
    if (row->kind != KIND_STR || value.u.text) *vlun_draft_set(&r->draft[draft], number, ORIGIN_HOST) = value;
  } else if (draft == 0 && row->kind == KIND_ENUM && (row->flags & INTERNAL)) {
    r->foreign = intern(r, (const xmlChar *)text, len); /* a kind of device that virtlun does not describe */
  }
}

static bool equals(const char *text, const xmlChar *start, size_t len) {
  return text && strlen(text) == len && memcmp(text, start, len) == 0;
}

/* The device's type attribute decides which variants its source may have. */
static void take_tag(struct reader *r, int draft, const struct vlun_row *row, const xmlChar *text, size_t len) {
  const struct vlun_shape *const *variant = r->draft[draft].shape->rows[row->of].variants;
  r->tag[draft] = "";
  for (; *variant; variant++)
    if (equals((*variant)->tag, text, len)) r->tag[draft] = (*variant)->tag;
  if (*r->tag[draft]) return;
  r->unclear |= BIT(row->of); /* a kind of source that has no variant here */
  if (row->flags & IDENTITY) r->foreign = intern(r, text, len);
}

static void take_attribute(struct reader *r, int draft, int number, const xmlChar *text, size_t len) {
  const struct vlun_row *row = &r->draft[draft].shape->rows[number];
  if (row->kind == KIND_TAG) take_tag(r, draft, row, text, len);
  else if (row->kind != KIND_LIT) take_value(r, draft, number, (const char *)text, len);
  else if (draft == 0 && !equals(row->text, text, len) && strcmp(row->key, "driver") != 0)
    r->foreign = intern(r, text, len);
  if (row->kind == KIND_LIT && strcmp(row->key, "bus") == 0) r->has_bus = true;
}

/* --- records ------------------------------------------------------------------------------------------ */

static const xmlChar *attribute(int count, const xmlChar **attributes, const char *name, size_t *len) {
  for (int i = 0; i < count; i++, attributes += 5) {
    if (!is(attributes[0], name)) continue;
    *len = (size_t)(attributes[4] - attributes[3]);
    return attributes[3];
  }
  return NULL;
}

static bool fits(const struct vlun_shape *variant, const char *tag, int count, const xmlChar **attributes) {
  if (tag && variant->tag && strcmp(tag, variant->tag) != 0) return false;
  for (int i = 0; i < variant->count; i++) {
    const struct vlun_row *row = &variant->rows[i];
    if (row->kind != KIND_LIT) continue;
    size_t len;
    const xmlChar *text = attribute(count, attributes, row->attr, &len);
    if (text ? !equals(row->text, text, len) : !row->implied_for) return false;
  }
  return true;
}

static const struct vlun_shape *choose_variant(struct reader *r, int draft, const struct vlun_row *row, int count,
                                               const xmlChar **attributes) {
  const char *tag = NULL;
  for (int i = 0; i < r->draft[draft].shape->count; i++)
    if (r->draft[draft].shape->rows[i].kind == KIND_TAG &&
        &r->draft[draft].shape->rows[r->draft[draft].shape->rows[i].of] == row)
      tag = r->tag[draft];
  for (const struct vlun_shape *const *variant = row->variants; *variant; variant++)
    if (fits(*variant, tag, count, attributes)) return *variant;
  return NULL;
}

/* Whether the level is inside the device's source. */
static bool is_in_source(const struct reader *r, const struct level *level) {
  if (level->place != IN_RECORD || level->draft == 0 || level->entered_by < 0) return false;
  return strcmp(r->draft[level->outer].shape->rows[level->entered_by].key, "source") == 0;
}

/* Attributes of an element that opens a record are the record's own, or the outer record's (startupPolicy of a source).
 */
static void take_attributes(struct reader *r, const struct level *level, int count, const xmlChar **attributes) {
  for (int i = 0; i < count; i++, attributes += 5) {
    size_t len = (size_t)(attributes[4] - attributes[3]);
    int draft = level->draft,
        row = attributes[1] ? -1 : row_of(r, r->draft[draft].shape, level->path, level->len, attributes[0], true);
    if (row < 0 && !attributes[1] && level->entered_by >= 0) {
      draft = level->outer;
      const char *path = r->draft[draft].shape->rows[level->entered_by].elem;
      row = row_of(r, r->draft[draft].shape, path, strlen(path), attributes[0], true);
    }
    if (row >= 0) take_attribute(r, draft, row, attributes[3], len);
    if (row < 0 && is_in_source(r, level) && is(attributes[0], "query")) r->bound = "query";
  }
}

static struct level *push(struct reader *r, enum place place) {
  struct level *level = &r->level[++r->depth];
  *level = (struct level){.place = place, .path = "", .text_row = -1, .entered_by = -1};
  return level;
}

/* An element below a record: finds its row in the record, or in the outer one where the inner has none. */
static bool find_below(struct reader *r, const struct level *outer, const xmlChar *name, int *draft, int *row,
                       size_t *len) {
  const char *path = outer->path;
  *draft = outer->draft;
  *len = outer->len;
  *row = row_of(r, r->draft[*draft].shape, path, *len, name, false);
  if (*row < 0 && *len == 0 && outer->entered_by >= 0) {
    *draft = outer->outer;
    path = r->draft[*draft].shape->rows[outer->entered_by].elem;
    *len = strlen(path);
    *row = row_of(r, r->draft[*draft].shape, path, *len, name, false);
  }
  *len += (*len > 0) + strlen((const char *)name);
  return *row >= 0;
}

/* A record of the outer one may lie inside of another (a source's seclabel), so each gets a draft of its own. */
static bool enter_record(struct reader *r, int outer, int number, int count, const xmlChar **attributes) {
  int draft = r->level[r->depth].draft + 1;
  const struct vlun_row *row = &r->draft[outer].shape->rows[number];
  const struct vlun_shape *variant = draft < NESTED ? choose_variant(r, outer, row, count, attributes) : NULL;
  if (!variant) return false;
  vlun_draft_init(&r->draft[draft], variant);
  r->tag[draft] = NULL;
  struct level *level = push(r, IN_RECORD);
  level->draft = draft;
  level->outer = outer;
  level->entered_by = number;
  take_attributes(r, level, count, attributes);
  return true;
}

static bool start_below(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  int draft, number;
  size_t len;
  if (!find_below(r, &r->level[r->depth], name, &draft, &number, &len)) return false;
  const struct vlun_row *row = &r->draft[draft].shape->rows[number];
  bool whole = row->elem[len] == '\0' && !row->attr;
  if (whole && (row->kind == KIND_RECORD || row->kind == KIND_LIST))
    return enter_record(r, draft, number, count, attributes);
  struct level *level = push(r, IN_RECORD);
  level->draft = draft;
  level->path = row->elem;
  level->len = len;
  if (whole && row->kind == KIND_FLAG) vlun_draft_set(&r->draft[draft], number, ORIGIN_HOST)->u.number = 1;
  else if (whole) level->text_row = number;
  r->text.len = 0;
  take_attributes(r, level, count, attributes);
  return true;
}

static void append(struct reader *r, struct vlun_value *value, struct vlun_record *record) {
  struct vlun_list *old = value->u.list;
  size_t count = old ? old->count : 0;
  bool full = (count & (count - 1)) == 0; /* room doubles whenever the count reaches a power of two */
  struct vlun_list *list =
      full ? vlun_alloc(&r->model->arena, sizeof *list + (count ? 2 * count : 1) * sizeof list->item[0]) : old;
  if (!list) return;
  if (full && old) memcpy(list->item, old->item, count * sizeof list->item[0]);
  list->item[count] = record;
  list->count = count + 1;
  value->u.list = list;
}

/* An empty drive may keep a <source> that says only how to start. */
static bool is_empty(const struct vlun_draft *draft) {
  for (int i = 0; !draft->set && i < draft->shape->count; i++)
    if (draft->shape->rows[i].flags & REQUIRED) return true;
  return false;
}

static void leave_record(struct reader *r, const struct level *level) {
  if (is_empty(&r->draft[level->draft])) return;
  struct vlun_record *record = vlun_draft_pack(&r->draft[level->draft], &r->model->arena);
  struct vlun_draft *outer = &r->draft[level->outer];
  if (!record) return;
  if (outer->shape->rows[level->entered_by].kind == KIND_RECORD) {
    if (is_repeated(r, level->outer, level->entered_by)) return;
    vlun_draft_set(outer, level->entered_by, ORIGIN_HOST)->u.record = record;
    return;
  }
  if (!(outer->set & BIT(level->entered_by))) vlun_draft_set(outer, level->entered_by, ORIGIN_HOST);
  append(r, &outer->value[level->entered_by], record);
}

/* --- devices ------------------------------------------------------------------------------------------ */

static const struct vlun_shape *device_shape(const xmlChar *name) {
  static const enum vlun_shape_id shapes[] = {SHAPE_controller, SHAPE_disk, SHAPE_hostdev};
  for (size_t i = 0; i < VLUN_COUNT(shapes); i++)
    if (is(name, vlun_shapes[shapes[i]].element)) return &vlun_shapes[shapes[i]];
  return NULL;
}

static void start_device(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  const struct vlun_shape *shape = device_shape(name);
  vlun_draft_init(&r->draft[0], shape ? shape : &vlun_shapes[SHAPE_other]);
  r->tag[0] = NULL;
  r->foreign = shape ? NULL : intern(r, name, strlen((const char *)name));
  r->has_bus = false;
  r->bound = NULL;
  r->unclear = 0;
  r->place++;
  struct level *level = push(r, IN_RECORD);
  if (shape) take_attributes(r, level, count, attributes);
}

/* libvirt infers a missing bus from the name. */
static bool inferred_bus_is_scsi(const struct reader *r) {
  if (r->draft[0].shape != &vlun_shapes[SHAPE_disk] || r->has_bus) return true;
  const struct vlun_value *dev = &r->draft[0].value[VLUN_disk_dev];
  return (r->draft[0].set & BIT(VLUN_disk_dev)) && dev->len > 2 && memcmp(dev->u.text, "sd", 2) == 0;
}

static void end_device(struct reader *r) {
  if (r->draft[0].shape == &vlun_shapes[SHAPE_other] && !r->draft[0].set) return;
  if (!r->foreign && !inferred_bus_is_scsi(r)) r->foreign = "another";
  struct vlun_device *device = vlun_model_add(r->model);
  if (!device) return;
  *device = (struct vlun_device){.record = vlun_draft_pack(&r->draft[0], &r->model->arena),
                                 .foreign = r->foreign,
                                 .place = r->place,
                                 .bound = r->bound,
                                 .unclear = r->unclear};
  if (!device->record) r->model->count--;
}

/* --- the domain --------------------------------------------------------------------------------------- */

static void take_text_into(struct reader *r, const char **target) {
  push(r, IN_TEXT);
  r->text_target = target;
  r->text.len = 0;
}

static bool start_in_domain(struct reader *r, const xmlChar *name) {
  struct vlun_model *model = r->model;
  if (is(name, "name")) take_text_into(r, &r->name);
  else if (is(name, "uuid")) take_text_into(r, &model->uuid);
  else if (is(name, "iothreads")) take_text_into(r, &r->iothreads);
  else if (is(name, "os")) push(r, IN_OS);
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

static void start_at_top(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  if (is(name, "domain")) push(r, IN_DOMAIN);
  else if (device_shape(name)) start_device(r, name, count, attributes);
  else r->not_ours = true, r->foreign = intern(r, name, strlen((const char *)name));
}

/* --- libxml2's callbacks ------------------------------------------------------------------------------ */

/* Content without a row that belongs to the present source; an empty <backingStore/> only says that there is none. */
static void note_bound(struct reader *r, const xmlChar *name) {
  bool chain = r->skip == 1 && r->chain;
  if (!r->bound && (chain || (r->skip == 0 && is_in_source(r, &r->level[r->depth]))))
    r->bound = chain ? r->chain : intern(r, name, strlen((const char *)name));
}

static void note_chain(struct reader *r, const xmlChar *name) {
  bool in_device = r->level[r->depth].place == IN_RECORD && r->level[r->depth].draft == 0;
  r->chain = NULL;
  if (in_device && is(name, "backingStore")) r->chain = "backingStore";
  if (in_device && is(name, "mirror")) r->chain = "mirror";
}

/* Whether the element is of interest; what is not is skipped together with all that is in it. */
static bool start_known(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  int before = r->depth;
  switch (r->level[r->depth].place) {
    case AT_TOP: start_at_top(r, name, count, attributes); break;
    case IN_DOMAIN: start_in_domain(r, name); break;
    case IN_OS: start_in_os(r, name, count, attributes); break;
    case IN_IOTHREADIDS:
      if (is(name, "iothread")) start_iothread(r, count, attributes);
      break;
    case IN_DEVICES: start_device(r, name, count, attributes); break;
    case IN_RECORD: start_below(r, name, count, attributes); break;
    case IN_TEXT: break;
  }
  return r->depth > before;
}

static void on_start(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **ns, int count, int defaulted, const xmlChar **attributes) {
  (void)uri, (void)namespaces, (void)ns, (void)defaulted;
  struct reader *r = ((xmlParserCtxtPtr)parser)->_private;
  if (!vlun_xml_deeper(parser)) return;
  if (prefix && r->skip == 0 && r->level[r->depth].place == IN_DEVICES) r->place++; /* the patcher counts it too */
  if (prefix && r->depth == 0) r->not_ours = true, r->foreign = intern(r, name, strlen((const char *)name));
  if (r->skip == 0 && !prefix && start_known(r, name, count, attributes)) return;
  note_bound(r, name);
  if (r->skip++ == 0) note_chain(r, name);
}

static void end_level(struct reader *r) {
  struct level *level = &r->level[r->depth--];
  if (level->place == IN_TEXT) *r->text_target = intern(r, (const xmlChar *)r->text.text, r->text.len);
  if (level->place != IN_RECORD) return;
  if (level->text_row >= 0) take_value(r, level->draft, level->text_row, r->text.text ? r->text.text : "", r->text.len);
  else if (level->entered_by >= 0) leave_record(r, level);
  else if (level->len == 0) end_device(r);
}

static void on_end(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  (void)name, (void)prefix, (void)uri;
  struct reader *r = ((xmlParserCtxtPtr)parser)->_private;
  r->guard.depth--;
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
  vlun_xml_set_guard(parser, &r->guard);
  silence_tree_building(parser->sax);
  r->level[0] = (struct level){.place = AT_TOP, .path = "", .text_row = -1, .entered_by = -1};
  if (!vlun_xml_parse(parser, &r->guard, r->problems)) return false;
  finish_domain(r);
  if (r->model->arena.failed || r->text.failed) r->problems->arena.failed = true;
  if (r->not_ours)
    vlun_complain(r->problems, &(struct vlun_spot){0}, "", P_xml_not_ours, &(struct vlun_args){.v = r->foreign});
  return !r->not_ours && !r->problems->arena.failed;
}

bool vlun_read(struct vlun_model *model, const char *xml, size_t len, struct vlun_problems *problems) {
  struct vlun_arena scratch = {0};
  struct reader *r = vlun_alloc(&scratch, sizeof *r); /* too large for a stack */
  xmlParserCtxtPtr parser = r ? vlun_xml_open(xml, len, problems) : NULL;
  bool good = false;
  if (!r) problems->arena.failed = true;
  if (parser) {
    r->model = model;
    r->problems = problems;
    good = read_with(r, parser);
    vlun_buffer_free(&r->text);
    xmlFreeParserCtxt(parser);
  }
  vlun_arena_free(&scratch);
  return good;
}
