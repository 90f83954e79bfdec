/*
 * diff.c - which device of a host is the described one, and what differs.
 * Compares only what the description says; the order of the steps and their effect are the plan's business.
 */
#include <string.h>

#include "internal.h"

/* What can identify a device. */
enum space { BY_DEV, BY_ALIAS, BY_INDEX, BY_SOURCE };

struct vlun_index {
  struct vlun_claims *claims;
};

/* Host devices have no name of their own: the values of their source in one text identify them.  What only says how it
 * is reached is not among them: libvirt leaves a transport of tcp out, and takes two initiators' device for one. */
static void add_source(struct vlun_buffer *buffer, const struct vlun_record *source) {
  char scratch[32];
  const struct vlun_value *value = source->value;
  for (uint64_t rest = source->set; rest; rest &= rest - 1, value++) {
    const struct vlun_row *row = &source->shape->rows[__builtin_ctzll(rest)];
    for (size_t i = 0; row->kind == KIND_LIST && !value->no && i < value->u.list->count; i++)
      add_source(buffer, value->u.list->item[i]);
    if (row->flags & ACCESS) continue;
    if (value->no || (row->kind != KIND_STR && row->kind != KIND_INT && row->kind != KIND_ENUM)) continue;
    size_t len;
    const char *text = vlun_print(row, value, scratch, &len);
    vlun_buffer_add(buffer, ":", 1);
    vlun_buffer_add(buffer, text, len);
  }
}

const char *vlun_source_key(struct vlun_arena *arena, const struct vlun_record *source) {
  struct vlun_buffer buffer = {0};
  vlun_buffer_add(&buffer, source->shape->name, strlen(source->shape->name));
  add_source(&buffer, source);
  const char *key = buffer.failed ? NULL : vlun_copy(arena, buffer.text, buffer.len);
  if (!key) arena->failed = true;
  vlun_buffer_free(&buffer);
  return key;
}

static void enter_text(const struct vlun_index *index, enum space space, const struct vlun_value *value,
                       const struct vlun_device *device) {
  if (value) vlun_claim(index->claims, space, value->u.text, value->len, device);
}

static void enter(struct vlun_arena *arena, const struct vlun_index *index, const struct vlun_device *device) {
  const struct vlun_record *record = device->record;
  enter_text(index, BY_ALIAS, vlun_common(record, COMMON_alias), device);
  if (vlun_is(device, SHAPE_disk)) enter_text(index, BY_DEV, vlun_has(record, VLUN_disk_dev), device);
  if (device->foreign) return;
  if (vlun_is(device, SHAPE_controller)) {
    const struct vlun_value *number = vlun_has(record, VLUN_controller_index);
    if (number) vlun_claim(index->claims, BY_INDEX, &number->u.number, sizeof number->u.number, device);
  }
  if (vlun_is(device, SHAPE_hostdev) && vlun_has(record, VLUN_hostdev_source)) {
    const char *key = vlun_source_key(arena, vlun_has(record, VLUN_hostdev_source)->u.record);
    if (key) vlun_claim(index->claims, BY_SOURCE, key, strlen(key), device);
  }
}

bool vlun_index(struct vlun_model *host) {
  struct vlun_index *index = host->index ? NULL : vlun_alloc(&host->arena, sizeof *index);
  if (!index) return host->index != NULL;
  index->claims = vlun_claims_new(&host->arena, host->count);
  for (size_t i = 0; index->claims && i < host->count; i++) enter(&host->arena, index, &host->device[i]);
  if (!host->arena.failed) host->index = index;
  return host->index != NULL;
}

static const struct vlun_device *find_text(const struct vlun_index *index, enum space space,
                                           const struct vlun_value *value) {
  return value ? vlun_claimed(index->claims, space, value->u.text, value->len) : NULL;
}

const struct vlun_device *vlun_find_dev(const struct vlun_model *host, const struct vlun_value *dev) {
  return find_text(host->index, BY_DEV, dev);
}

const struct vlun_device *vlun_find_alias(const struct vlun_model *host, const struct vlun_value *alias) {
  return find_text(host->index, BY_ALIAS, alias);
}

static const struct vlun_device *find_source(struct vlun_arena *arena, const struct vlun_index *index,
                                             const struct vlun_record *desired) {
  const struct vlun_value *source = vlun_has(desired, VLUN_hostdev_source);
  const char *key = source ? vlun_source_key(arena, source->u.record) : NULL;
  return key ? vlun_claimed(index->claims, BY_SOURCE, key, strlen(key)) : NULL;
}

static const struct vlun_device *find_any(struct vlun_arena *arena, const struct vlun_index *index,
                                          const struct vlun_record *desired) {
  const struct vlun_device *found = find_text(index, BY_ALIAS, vlun_common(desired, COMMON_alias));
  if (found) return found; /* An alias outlives a change of everything else. */
  if (desired->shape == &vlun_shapes[SHAPE_disk]) return find_text(index, BY_DEV, vlun_has(desired, VLUN_disk_dev));
  if (desired->shape == &vlun_shapes[SHAPE_hostdev]) return find_source(arena, index, desired);
  const struct vlun_value *number = vlun_has(desired, VLUN_controller_index);
  return number ? vlun_claimed(index->claims, BY_INDEX, &number->u.number, sizeof number->u.number) : NULL;
}

/* A device of another bus or kind is another device, whatever its name is. */
const struct vlun_device *vlun_find(struct vlun_arena *arena, const struct vlun_model *host,
                                    const struct vlun_record *desired) {
  const struct vlun_device *found = find_any(arena, host->index, desired);
  bool same = found && !found->foreign && found->record->shape == desired->shape &&
              vlun_device_kind(found->record) == vlun_device_kind(desired);
  return same ? found : NULL;
}

/* The rows in which current is not what desired says. */
static uint64_t differing_rows(const struct vlun_record *desired, const struct vlun_record *current) {
  if (desired->shape != current->shape) return desired->set;
  uint64_t rows = 0;
  const struct vlun_value *value = desired->value;
  for (uint64_t rest = desired->set; rest; rest &= rest - 1)
    if (!vlun_value_agrees(__builtin_ctzll(rest), value++, current)) rows |= rest & -rest;
  return rows;
}

/* An open tray holds nothing, whatever libvirt still writes of its medium (facts 7): who wants a medium in the drive
 * wants it closed. */
static uint64_t open_tray(const struct vlun_device *desired, const struct vlun_device *current) {
  if (!vlun_is(desired, SHAPE_disk) || !vlun_has(desired->record, VLUN_disk_source)) return 0;
  bool unsaid = !vlun_get(desired->record, VLUN_disk_tray);
  bool open = vlun_number(current->record, VLUN_disk_tray, W(tray, closed)) == W(tray, open);
  return unsaid && open ? BIT(VLUN_disk_tray) : 0;
}

/* libvirt forgets the format of a running drive that is empty, which is none until something is in it. */
static uint64_t format_of_nothing(const struct vlun_device *desired, const struct vlun_device *current) {
  bool empty = vlun_is(desired, SHAPE_disk) && !vlun_has(desired->record, VLUN_disk_source) &&
               !vlun_has(current->record, VLUN_disk_source);
  return empty ? BIT(VLUN_disk_format) : 0;
}

/* What a running transient disk has as its image is an overlay that libvirt made over the described one. */
bool vlun_is_overlaid(const struct vlun_model *host, const struct vlun_record *current) {
  return host->run && current->shape == &vlun_shapes[SHAPE_disk] && vlun_number(current, VLUN_disk_transient, 0);
}

/* Whether something must change. */
static bool compare(const struct vlun_device *desired, const struct vlun_device *current, const struct vlun_model *host,
                    struct vlun_change *change) {
  bool absent = vlun_is_absent(desired);
  *change = (struct vlun_change){.desired = desired, .current = current, .action = VLUN_ADD};
  if (!current) return !absent;
  change->action = VLUN_REMOVE;
  if (absent) return true;
  change->action = VLUN_CHANGE;
  change->rows = differing_rows(desired->record, current->record) | (desired->record->set & current->unclear);
  if (vlun_is_overlaid(host, current->record)) change->rows &= ~(BIT(VLUN_disk_source) | BIT(VLUN_disk_format));
  if (host->run) change->rows = (change->rows | open_tray(desired, current)) & ~format_of_nothing(desired, current);
  return change->rows != 0;
}

static bool has_auth(const struct vlun_value *source) { return source && vlun_get_key(source->u.record, "auth"); }

/* What hangs on the present source and is not said: slices of the image, its chain, secrets for its host.  The chain
 * that a running domain shows is what libvirt found in the present image; the next one has its own. */
static const char *bound_to_source(const struct vlun_model *host, const struct vlun_change *change) {
  const struct vlun_device *current = change->current;
  int row = vlun_row_of_key(current->record->shape, "source");
  const struct vlun_value *after =
      row >= 0 && (change->rows & BIT(row)) ? vlun_has(change->desired->record, row) : NULL;
  if (!after) return NULL;
  const char *what = current->bound;
  if (!what && has_auth(vlun_has(current->record, row)) && !has_auth(after)) what = "auth";
  return what && host->run && strcmp(what, "backingStore") == 0 ? NULL : what;
}

const char *vlun_obstacle(const struct vlun_model *host, const struct vlun_change *change, enum vlun_code *code) {
  uint64_t unclear = change->current ? change->rows & change->current->unclear : 0;
  *code = unclear ? P_unclear : P_bound;
  if (unclear) return change->current->record->shape->rows[__builtin_ctzll(unclear)].key;
  return change->current ? bound_to_source(host, change) : NULL;
}

bool vlun_diff_one(struct vlun_arena *arena, const struct vlun_device *desired, const struct vlun_model *host,
                   struct vlun_change *change) {
  return compare(desired, vlun_find(arena, host, desired->record), host, change);
}

bool vlun_diff(struct vlun_arena *arena, const struct vlun_model *desired, struct vlun_model *host,
               struct vlun_changes *changes) {
  changes->count = 0;
  changes->list = vlun_alloc(arena, (desired->count + 1) * sizeof *changes->list);
  if (!changes->list || !vlun_index(host)) return false;
  for (size_t i = 0; i < desired->count; i++)
    changes->count += vlun_diff_one(arena, &desired->device[i], host, &changes->list[changes->count]);
  return !arena->failed;
}

bool vlun_may_change_live(const struct vlun_record *record, const struct vlun_row *row) {
  bool cdrom = record->shape == &vlun_shapes[SHAPE_disk] &&
               vlun_number(record, VLUN_disk_device, W(device, disk)) == W(device, cdrom);
  bool opens = row == &vlun_shapes[SHAPE_disk].rows[VLUN_disk_tray] &&
               vlun_number(record, VLUN_disk_tray, W(tray, closed)) == W(tray, open);
  return (row->flags & LIVE) || (cdrom && (row->flags & MEDIUM) && !opens);
}
