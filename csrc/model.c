/*
 * model.c - the devices of one domain: records of values, and lists of them.
 * Knows rows only by their number; what a value means belongs to kind.c and rules.c.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void vlun_draft_init(struct vlun_draft *draft, const struct vlun_shape *shape) {
  draft->shape = shape;
  draft->set = 0;
}

void vlun_draft_from(struct vlun_draft *draft, const struct vlun_record *record) {
  vlun_draft_init(draft, record->shape);
  draft->set = record->set;
  const struct vlun_value *value = record->value;
  for (uint64_t rest = record->set; rest; rest &= rest - 1) draft->value[__builtin_ctzll(rest)] = *value++;
}

struct vlun_value *vlun_draft_set(struct vlun_draft *draft, int row, enum vlun_origin origin) {
  struct vlun_value *value = &draft->value[row];
  *value = (struct vlun_value){.origin = (uint8_t)origin};
  draft->set |= BIT(row);
  return value;
}

struct vlun_record *vlun_draft_pack(struct vlun_draft *draft, struct vlun_arena *arena) {
  size_t count = (size_t)vlun_bits(draft->set);
  struct vlun_record *record = vlun_alloc(arena, sizeof *record + count * sizeof record->value[0]);
  if (!record) return NULL;
  record->shape = draft->shape;
  record->set = draft->set;
  struct vlun_value *value = record->value;
  for (uint64_t rest = draft->set; rest; rest &= rest - 1) *value++ = draft->value[__builtin_ctzll(rest)];
  return record;
}

const struct vlun_value *vlun_get_key(const struct vlun_record *record, const char *key) {
  int row = vlun_row_of_key(record->shape, key);
  return row < 0 ? NULL : vlun_has(record, row);
}

const struct vlun_value *vlun_common(const struct vlun_record *record, enum vlun_common key) {
  int row = vlun_common_row(record->shape, key);
  return row < 0 ? NULL : vlun_has(record, row);
}

bool vlun_is_absent(const struct vlun_device *device) {
  const struct vlun_value *value = vlun_common(device->record, COMMON_absent);
  return value && value->u.number;
}

bool vlun_device_is_drive(const struct vlun_device *device) {
  return vlun_is(device, SHAPE_disk) || vlun_is(device, SHAPE_hostdev);
}

const char *vlun_device_kind(const struct vlun_record *record) {
  if (record->shape != &vlun_shapes[SHAPE_disk]) return record->shape->name;
  const struct vlun_row *row = &record->shape->rows[VLUN_disk_device];
  return row->words->word[vlun_number(record, VLUN_disk_device, row->implied)];
}

const struct vlun_shape *vlun_kind_shape(size_t number) {
  if (number < W(device, count)) return &vlun_shapes[SHAPE_disk];
  return number == W(device, count) ? &vlun_shapes[SHAPE_hostdev]
         : number < VLUN_KINDS      ? &vlun_shapes[SHAPE_controller]
                                    : NULL;
}

const char *vlun_kind_name(size_t number) {
  if (number < W(device, count)) return vlun_shapes[SHAPE_disk].rows[VLUN_disk_device].words->word[number];
  const struct vlun_shape *shape = vlun_kind_shape(number);
  return shape ? shape->name : NULL;
}

bool vlun_draft_start(struct vlun_draft *draft, const char *kind) {
  size_t number = 0;
  while (vlun_kind_name(number) && strcmp(kind, vlun_kind_name(number)) != 0) number++;
  if (!vlun_kind_name(number)) return false;
  vlun_draft_init(draft, vlun_kind_shape(number));
  if (draft->shape == &vlun_shapes[SHAPE_disk])
    vlun_draft_set(draft, VLUN_disk_device, ORIGIN_USER)->u.number = (int64_t)number;
  return true;
}

bool vlun_model_room(struct vlun_model *model, size_t count) {
  if (count <= model->size) return true;
  struct vlun_device *device = realloc(model->device, count * sizeof *device);
  if (!device) {
    model->arena.failed = true;
    return false;
  }
  model->device = device;
  model->size = count;
  return true;
}

struct vlun_device *vlun_model_add(struct vlun_model *model) {
  bool full = model->count == model->size;
  if (full && !vlun_model_room(model, model->size ? model->size * 2 : 8)) return NULL;
  return &model->device[model->count++];
}

void vlun_model_free(struct vlun_model *model) {
  free(model->device);
  vlun_arena_free(&model->arena);
  *model = (struct vlun_model){0};
}

/* Nested records of the same variant merge too; another variant, a list or a plain value replaces. */
static struct vlun_value merged_value(struct vlun_arena *arena, const struct vlun_row *row, struct vlun_value under,
                                      struct vlun_value over) {
  bool nested = row->kind == KIND_RECORD && !under.no && !over.no && under.u.record->shape == over.u.record->shape;
  if (nested) over.u.record = vlun_record_merge(arena, under.u.record, over.u.record);
  return over;
}

struct vlun_record *vlun_record_merge(struct vlun_arena *arena, const struct vlun_record *under,
                                      const struct vlun_record *over) {
  struct vlun_draft draft;
  vlun_draft_from(&draft, under);
  const struct vlun_value *value = over->value;
  for (uint64_t rest = over->set; rest; rest &= rest - 1) {
    int row = __builtin_ctzll(rest);
    bool both = draft.set & BIT(row);
    draft.value[row] = both ? merged_value(arena, &over->shape->rows[row], draft.value[row], *value) : *value;
    draft.set |= BIT(row);
    value++;
  }
  return vlun_draft_pack(&draft, arena);
}

int vlun_free_ports(const struct vlun_model *model) {
  int count = 0;
  for (size_t i = 0; i < VLUN_COUNT(model->slots.port); i++) count += model->slots.port[i] && !model->slots.used[i];
  return count;
}
