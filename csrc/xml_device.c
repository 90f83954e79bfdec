/*
 * xml_device.c - reads devices: elements and attributes become values by the rows of the schema.  It knows no field by
 * name; of content without a row it only keeps what forbids a change.
 */
#include "xml_reader.h"

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
  if (is_given_by_libvirt(row, text, len)) {
    r->given_alias = intern(r, (const xmlChar *)text, len);
    return;
  }
  if (is_repeated(r, draft, number)) return;
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

bool vlun_start_in_device(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
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

const struct vlun_shape *vlun_device_shape(const xmlChar *name) {
  static const enum vlun_shape_id shapes[] = {SHAPE_controller, SHAPE_disk, SHAPE_hostdev};
  for (size_t i = 0; i < VLUN_COUNT(shapes); i++)
    if (is(name, vlun_shapes[shapes[i]].element)) return &vlun_shapes[shapes[i]];
  return NULL;
}

void vlun_start_device(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes) {
  const struct vlun_shape *shape = vlun_device_shape(name);
  vlun_draft_init(&r->draft[0], shape ? shape : &vlun_shapes[SHAPE_other]);
  r->tag[0] = NULL;
  r->foreign = shape ? NULL : intern(r, name, strlen((const char *)name));
  r->has_bus = false;
  r->bound = r->given_alias = NULL;
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
                                 .from = r->from,
                                 .to = r->to,
                                 .given_alias = r->given_alias,
                                 .bound = r->bound,
                                 .unclear = r->unclear};
  if (!device->record) r->model->count--;
}

void vlun_end_in_device(struct reader *r, const struct level *level) {
  if (level->text_row >= 0) take_value(r, level->draft, level->text_row, r->text.text ? r->text.text : "", r->text.len);
  else if (level->entered_by >= 0) leave_record(r, level);
  else if (level->len == 0) end_device(r);
}

/* --- what has no row ---------------------------------------------------------------------------------- */

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

void vlun_note_skipped(struct reader *r, const xmlChar *name) {
  note_bound(r, name);
  if (r->skip == 0) note_chain(r, name);
}
