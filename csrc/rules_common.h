/*
 * rules_common.h - what the files of rules share: looking at the device at hand, and claiming what must be unique.
 */
#ifndef VLUN_RULES_COMMON_H
#define VLUN_RULES_COMMON_H

#include <inttypes.h>
#include <string.h>

#include "internal.h"

void vlun_claim_host_sources(struct vlun_check *check);
void vlun_know_described(struct vlun_check *check);
#define RULE(id, ...) void vlun_rule_##id(struct vlun_check *check);
#include "schema/rules.def"
#undef RULE

/* What must be unique in a description, and, apart for each document of the host, what the host has. */
enum space {
  DEV,
  ALIAS,
  WWN,
  BOOT,
  PLACE,
  INDEX,
  HOSTDEV_SOURCE,
  SOURCE,
  NAME,
  DESCRIBED,
  HOST_BOOT,
  HOST_PLACE,
  SPACES
};
#define IN_HOST(space, h) ((unsigned)(space) + (unsigned)(h)*SPACES)

static inline const struct vlun_record *here(const struct vlun_check *check) { return check->spot.device->record; }

static inline char *text_of(struct vlun_check *check, const struct vlun_value *value) {
  return vlun_copy(&check->problems->arena, value->u.text, value->len);
}

static inline char *decimal(struct vlun_check *check, int64_t number) {
  return vlun_printf(&check->problems->arena, "%" PRId64, number);
}

static inline const char *label(struct vlun_check *check, const struct vlun_device *device) {
  return vlun_device_label(&check->problems->arena, device);
}

static inline const char *word_of(const struct vlun_record *record, int row) {
  const struct vlun_value *value = vlun_has(record, row);
  return value ? record->shape->rows[row].words->word[value->u.number] : "";
}

static inline bool is_cdrom(const struct vlun_record *record) {
  return record->shape == &vlun_shapes[SHAPE_disk] &&
         vlun_number(record, VLUN_disk_device, W(device, disk)) == W(device, cdrom);
}

static inline bool is_lun(const struct vlun_record *disk) {
  return vlun_number(disk, VLUN_disk_device, W(device, disk)) == W(device, lun);
}

/* The record in a row that holds one, or NULL. */
static inline const struct vlun_record *inner(const struct vlun_record *record, int row) {
  const struct vlun_value *value = vlun_has(record, row);
  return value ? value->u.record : NULL;
}

static inline const struct vlun_record *source_of(const struct vlun_record *device) {
  return inner(device, device->shape == &vlun_shapes[SHAPE_disk] ? VLUN_disk_source : VLUN_hostdev_source);
}

static inline bool has_shape(const struct vlun_record *record, enum vlun_shape_id shape) {
  return record && record->shape == &vlun_shapes[shape];
}

/* Claims key for the device at hand; if another has it already, that one. */
static inline const struct vlun_device *rival(struct vlun_check *check, enum space space, const void *key, size_t len) {
  return check->silent ? NULL : vlun_claim(check->claims, space, key, len, check->spot.device);
}

/* What the host has is in the host's own tables; here it is the description that must not contradict itself. */
static inline bool is_said(const struct vlun_value *value) { return value && value->origin != ORIGIN_HOST; }

static inline const struct vlun_device *rival_for_text(struct vlun_check *check, enum space space,
                                                       const struct vlun_value *value) {
  return is_said(value) ? rival(check, space, value->u.text, value->len) : NULL;
}

static inline const struct vlun_device *rival_for_number(struct vlun_check *check, enum space space,
                                                         const struct vlun_value *value) {
  return is_said(value) ? rival(check, space, &value->u.number, sizeof value->u.number) : NULL;
}

/* The device of the host that the one at hand is, in document h. */
static inline const struct vlun_device *match(struct vlun_check *check, size_t h) {
  struct vlun_seen *seen = &check->seen[check->silent];
  for (size_t i = 0; seen->match_of != check->spot.device && i < check->host_count; i++)
    seen->match[i] = vlun_find(&check->arena, check->hosts[i], here(check));
  seen->match_of = check->spot.device;
  return seen->match[h];
}

static inline const char *place_text(struct vlun_check *check, const struct vlun_place *place) {
  return vlun_printf(&check->problems->arena, "%" PRId64 ":%" PRId64 ":%" PRId64 ":%" PRId64, place->controller,
                     place->bus, place->target, place->unit);
}

/* The described device that the host's device is, or NULL. */
static inline const struct vlun_device *described_as(struct vlun_check *check, const struct vlun_device *owner) {
  if (!check->knows_described) vlun_know_described(check);
  return vlun_claimed(check->claims, DESCRIBED, &owner, sizeof owner);
}

#endif
