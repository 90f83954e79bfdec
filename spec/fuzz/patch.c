/*
 * patch.c - fuzzes the patcher: the input is a host's document, a NUL, bytes that say what is denied or taken away, a
 * NUL, and a second document that says what is desired.  What a plan would refuse is left alone; the rest is patched,
 * and must then be what was desired, with every other element as it was.
 */
#include "fuzz.h"

struct work {
  struct vlun_arena arena;
  struct vlun_problems problems;
  struct vlun_model host, desired;
  struct vlun_buffer xml; /* of the host, as the patcher writes it */
};

static void end(struct work *w) {
  vlun_buffer_free(&w->xml);
  vlun_model_free(&w->host);
  vlun_model_free(&w->desired);
  vlun_problems_clear(&w->problems);
  vlun_arena_free(&w->arena);
}

/* --- what is desired ---------------------------------------------------------------------------------- */

/* Each control byte is an edit of one device: it goes, or a row of it is denied. */
static void edit(struct work *w, struct vlun_device *device, uint8_t byte) {
  struct vlun_draft draft;
  const struct vlun_shape *shape = device->record->shape;
  int absent = vlun_common_row(shape, COMMON_absent), row = (byte & 0x7F) % shape->count;
  vlun_draft_from(&draft, device->record);
  if (byte == 0xFF && absent >= 0) vlun_draft_set(&draft, absent, ORIGIN_USER)->u.number = 1;
  else if (byte & 0x80) draft.set &= ~BIT(row);
  else if (vlun_row_is_sayable(&shape->rows[row]) && shape->rows[row].kind != KIND_FLAG &&
           shape->rows[row].kind != KIND_BOOL && shape->rows[row].kind != KIND_YESNO &&
           shape->rows[row].kind != KIND_ONOFF && shape->rows[row].kind != KIND_SET)
    vlun_draft_set(&draft, row, ORIGIN_USER)->no = true;
  struct vlun_record *record = vlun_draft_pack(&draft, &w->desired.arena);
  DEMAND(record);
  device->record = record;
}

/* What a document says becomes what a user says: then it is checked like a recipe. */
static void say(struct vlun_record *record) {
  struct vlun_value *value = record->value;
  for (uint64_t rest = record->set; rest; rest &= rest - 1, value++) {
    const struct vlun_row *row = &record->shape->rows[__builtin_ctzll(rest)];
    value->origin = ORIGIN_USER;
    if (value->no) continue;
    if (row->kind == KIND_RECORD) say(value->u.record);
    for (size_t i = 0; row->kind == KIND_LIST && i < value->u.list->count; i++) say(value->u.list->item[i]);
  }
}

/* A recipe has only devices that are ours, and nothing that only hosts say. */
static void make_recipe(struct work *w, const uint8_t *edits, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < w->desired.count; i++) {
    struct vlun_device device = w->desired.device[i];
    if (device.foreign || vlun_is(&device, SHAPE_other) || device.unclear) continue;
    device.place = (int)kept + 1;
    device.bound = device.given_alias = NULL;
    if (kept < count) edit(w, &device, edits[kept]);
    say(device.record);
    w->desired.device[kept++] = device;
  }
  w->desired.count = kept;
}

/* --- what must come of it ----------------------------------------------------------------------------- */

/* What the host has already, wherever that is, is not written. */
static void demand_limits(const struct vlun_change *change) {
  const struct vlun_device *device = change->desired;
  int row = vlun_common_row(device->record->shape, COMMON_address);
  struct vlun_place place;
  if (change->action == VLUN_REMOVE || (change->action == VLUN_CHANGE && !(change->rows & BIT(row)))) return;
  if (!vlun_device_is_drive(device) || !vlun_place_of(device->record, &place)) return;
  DEMAND(place.controller >= 0 && place.controller <= VLUN_MAX_CONTROLLER && place.bus == 0);
  DEMAND(place.target >= 0 && place.target <= VLUN_MAX_TARGET && place.unit >= 0 && place.unit <= VLUN_MAX_UNIT);
}

/* A plan refuses to change what the document says twice, and a source to which something is bound. */
static bool is_refused(const struct vlun_change *change) {
  if (change->action == VLUN_ADD) return false;
  const struct vlun_row *rows = change->desired->record->shape->rows;
  for (uint64_t rest = change->rows; rest; rest &= rest - 1)
    if (rows[__builtin_ctzll(rest)].flags & INTERNAL) return true;
  return (change->rows & change->current->unclear) || change->current->bound;
}

/* What stands in a document of one of its devices. */
static struct vlun_text element_of(struct work *w, const struct vlun_buffer *xml, struct vlun_model *model, size_t i) {
  struct vlun_change change = {.action = VLUN_CHANGE, .current = &model->device[i]};
  const struct vlun_changes changes = {.list = &change, .count = 1};
  struct vlun_element element = {0};
  DEMAND(vlun_elements(xml->text, xml->len, model, &changes, &element, &w->arena, &w->problems));
  return element.before;
}

static const struct vlun_change *change_of(const struct vlun_changes *changes, const struct vlun_device *device) {
  for (size_t i = 0; i < changes->count; i++)
    if (changes->list[i].current == device) return &changes->list[i];
  return NULL;
}

/* Devices that no change names are the same to the byte, and stand in the same order. */
static void demand_unchanged(struct work *w, const struct vlun_changes *changes, const struct vlun_buffer *out,
                             struct vlun_model *after) {
  size_t there = 0;
  for (size_t i = 0; i < w->host.count; i++) {
    const struct vlun_change *change = change_of(changes, &w->host.device[i]);
    if (change && change->action == VLUN_REMOVE) continue;
    DEMAND(there < after->count);
    if (!change) {
      struct vlun_text was = element_of(w, &w->xml, &w->host, i), is = element_of(w, out, after, there);
      DEMAND(was.len == is.len && memcmp(was.text, is.text, was.len) == 0);
    }
    there++;
  }
}

/* What stands before and behind the devices. */
static void demand_same_frame(const struct vlun_buffer *was, const struct vlun_buffer *is) {
  size_t before = 0, behind = 0;
  while (before < was->len && before < is->len && was->text[before] == is->text[before]) before++;
  while (behind < was->len && behind < is->len && was->text[was->len - behind - 1] == is->text[is->len - behind - 1])
    behind++;
  DEMAND(before >= 8 && behind >= 9); /* <devices ... /devices> */
}

/* Every described value is in the document; what a running drive has is not always what was written. */
static void demand_desired(struct work *w, struct vlun_model *after, const struct vlun_changes *changes) {
  DEMAND(vlun_index(after));
  for (size_t i = 0; i < changes->count; i++) {
    const struct vlun_change *change = &changes->list[i];
    const struct vlun_device *found = vlun_find(&w->arena, after, change->desired->record);
    if (change->action == VLUN_REMOVE) continue; /* what the document has twice is still there once */
    DEMAND(found);
    if (change->action == VLUN_ADD) DEMAND(vlun_agrees(change->desired->record, found->record));
    for (uint64_t rest = change->action == VLUN_CHANGE ? change->rows : 0; rest; rest &= rest - 1) {
      int row = __builtin_ctzll(rest);
      const struct vlun_value *value = vlun_get(change->desired->record, row);
      if (value && change->desired->record->shape->rows[row].kind != KIND_RAW)
        DEMAND(vlun_value_agrees(row, value, found->record));
    }
  }
}

static void patch(struct work *w, struct vlun_changes *changes) {
  struct vlun_buffer out = {0};
  struct vlun_model after = {0};
  for (size_t i = 0; i < changes->count; i++) changes->list[i].rows &= changes->list[i].desired->record->set;
  if (vlun_patch(w->xml.text, w->xml.len, changes, &out, &w->problems)) {
    DEMAND(is_xml_text(out.text, out.len));
    DEMAND(vlun_read(&after, out.text, out.len, &w->problems));
    demand_unchanged(w, changes, &out, &after);
    demand_same_frame(&w->xml, &out);
    demand_desired(w, &after, changes);
  }
  vlun_model_free(&after);
  vlun_buffer_free(&out);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

/* The host's document as the patcher writes it: from then on a patch of nothing changes no byte. */
static bool read_host(struct work *w, const char *xml, size_t len) {
  const struct vlun_changes none = {0};
  struct vlun_buffer again = {0};
  if (!vlun_read(&w->host, xml, len, &w->problems)) return false;
  DEMAND(vlun_patch(xml, len, &none, &w->xml, &w->problems));
  DEMAND(is_xml_text(w->xml.text, w->xml.len));
  DEMAND(vlun_patch(w->xml.text, w->xml.len, &none, &again, &w->problems));
  DEMAND(again.len == w->xml.len && memcmp(again.text, w->xml.text, again.len) == 0);
  vlun_buffer_free(&again);
  vlun_model_free(&w->host);
  DEMAND(vlun_read(&w->host, w->xml.text, w->xml.len, &w->problems));
  return true;
}

static bool is_checked(struct work *w) {
  struct vlun_model *const models[] = {&w->desired};
  struct vlun_model *const hosts[] = {&w->host};
  struct vlun_check check = {.problems = &w->problems, .models = models, .count = 1, .hosts = hosts, .host_count = 1};
  w->problems.errors = 0;
  vlun_check_run(&check);
  vlun_check_raw(&check);
  return w->problems.errors == 0;
}

static void change(struct work *w) {
  struct vlun_model *hosts[] = {&w->host};
  struct vlun_changes changes;
  if (!vlun_index(&w->host) || !is_checked(w)) return;
  DEMAND(vlun_complete(&w->desired, hosts, 1, 1));
  DEMAND(vlun_diff(&w->arena, &w->desired, &w->host, &changes));
  for (size_t i = 0; i < changes.count; i++)
    if (is_refused(&changes.list[i])) return;
  for (size_t i = 0; i < changes.count; i++) demand_limits(&changes.list[i]);
  if (changes.count) patch(w, &changes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *edits = memchr(data, 0, size);
  const uint8_t *second = edits ? memchr(edits + 1, 0, size - (size_t)(edits + 1 - data)) : NULL;
  struct work w = {0};
  if (!second) return 0;
  size_t len = size - (size_t)(second + 1 - data);
  if (read_host(&w, (const char *)data, (size_t)(edits - data)) &&
      vlun_read(&w.desired, (const char *)second + 1, len, &w.problems)) {
    make_recipe(&w, edits + 1, (size_t)(second - edits - 1));
    change(&w);
  }
  end(&w);
  return 0;
}
