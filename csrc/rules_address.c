/*
 * rules_address.c - rules of addresses: what an HBA can address, and that no two drives share a place.
 */
#include "rules_common.h"

/* The HBA of a drive; where neither the description nor the host has it, it will be a virtio-scsi one. */
static const struct vlun_hba *hba_of_place(const struct vlun_check *check, const struct vlun_place *place) {
  bool known =
      place->controller >= 0 && place->controller <= VLUN_MAX_CONTROLLER && check->controller[place->controller];
  return known ? vlun_hba_of(check->controller[place->controller]->record) : &vlun_hbas[W(model, virtio_scsi)];
}

static bool find_said_place(const struct vlun_record *record, struct vlun_place *place) {
  const struct vlun_value *value = vlun_common(record, COMMON_address);
  if (!value || value->u.record->shape != &vlun_shapes[SHAPE_drive]) return false;
  return vlun_place_of(record, place) && place->controller >= 0 && place->controller <= VLUN_MAX_CONTROLLER;
}

/* An address that the recipe gives, within the limits of its fields; found once for all rules of a device. */
static bool said_place(struct vlun_check *check, struct vlun_place *place) {
  struct vlun_seen *seen = &check->seen[check->silent];
  if (seen->place_of != check->spot.device) {
    seen->place_of = check->spot.device;
    seen->has_place = find_said_place(here(check), &seen->place);
  }
  *place = seen->place;
  return seen->has_place;
}

void vlun_rule_address_leaving(struct vlun_check *check) {
  struct vlun_place place;
  bool said = is_said(vlun_common(here(check), COMMON_address)) && said_place(check, &place);
  if (said && check->leaving[place.controller])
    vlun_complain_here(check, "address.controller", &(struct vlun_args){.v = decimal(check, place.controller)});
}

void vlun_rule_address_bus(struct vlun_check *check) {
  struct vlun_place place;
  if (said_place(check, &place) && place.bus != 0)
    vlun_complain_here(check, "address.bus", &(struct vlun_args){.v = decimal(check, place.bus)});
}

static const char *up_to(struct vlun_check *check, int64_t max) {
  return max ? vlun_printf(&check->problems->arena, "0..%" PRId64, max) : "0";
}

/* The row's own range has been checked already, so only the model's narrower one is told here. */
void vlun_rule_address_target(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place) || place.target > VLUN_MAX_TARGET) return;
  const struct vlun_hba *hba = hba_of_place(check, &place);
  if (place.target > hba->max_target)
    vlun_complain_here(
        check, "address.target",
        &(struct vlun_args){.v = decimal(check, place.target), .e = up_to(check, hba->max_target), .a = hba->model});
}

void vlun_rule_address_unit(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place) || place.unit > VLUN_MAX_UNIT) return;
  const struct vlun_hba *hba = hba_of_place(check, &place);
  if (place.unit > hba->max_unit)
    vlun_complain_here(
        check, "address.unit",
        &(struct vlun_args){.v = decimal(check, place.unit), .e = up_to(check, hba->max_unit), .a = hba->model});
}

void vlun_rule_address_reserved(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place)) return;
  const struct vlun_hba *hba = hba_of_place(check, &place);
  if (place.unit == hba->reserved)
    vlun_complain_here(check, "address.unit", &(struct vlun_args){.v = decimal(check, place.unit), .a = hba->model});
}

/* Claims need a key that lives as long as the table. */
static const struct vlun_device *rival_for_place(struct vlun_check *check, const struct vlun_place *place) {
  uint64_t *key = vlun_alloc(&check->arena, sizeof *key);
  if (!key) return NULL;
  *key = vlun_place_key(place);
  return rival(check, PLACE, key, sizeof *key);
}

/* What is out of range is told already, and is nobody's place. */
static bool is_possible(const struct vlun_place *place) {
  return place->target >= 0 && place->target <= VLUN_MAX_TARGET && place->unit >= 0 && place->unit <= VLUN_MAX_UNIT;
}

void vlun_rule_address_taken(struct vlun_check *check) {
  struct vlun_place place;
  bool said = is_said(vlun_common(here(check), COMMON_address)) && said_place(check, &place) && is_possible(&place);
  const struct vlun_device *other = said ? rival_for_place(check, &place) : NULL;
  if (other)
    vlun_complain_here(check, "address", &(struct vlun_args){.v = place_text(check, &place), .a = label(check, other)});
}

void vlun_rule_unit_above_255(struct vlun_check *check) {
  const struct vlun_model *model = check->spot.model;
  for (size_t i = 0; i < model->count; i++) {
    struct vlun_place place;
    uint32_t lun;
    check->spot.device = &model->device[i];
    if (!vlun_device_is_drive(check->spot.device) || !said_place(check, &place)) continue;
    if (place.unit <= 255 || !vlun_lun_encode(place.unit, &lun)) continue;
    vlun_complain_here(check, "address.unit",
                       &(struct vlun_args){.v = decimal(check, place.unit), .a = decimal(check, lun)});
    break; /* Once is enough to know. */
  }
  check->spot.device = NULL;
}

/* Whether the description itself moves the host's device away from the place it has. */
static bool moves_away(struct vlun_check *check, const struct vlun_device *owner, const struct vlun_place *from) {
  const struct vlun_device *device = described_as(check, owner);
  struct vlun_place to;
  if (!device || vlun_is_absent(device)) return device != NULL;
  return vlun_common(device->record, COMMON_address) && vlun_place_of(device->record, &to) &&
         vlun_place_key(&to) != vlun_place_key(from);
}

void vlun_rule_address_host_taken(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place) || !is_possible(&place)) return;
  uint64_t key = vlun_place_key(&place);
  for (size_t h = 0; h < check->host_count; h++) {
    const struct vlun_device *owner = vlun_claimed(check->claims, IN_HOST(HOST_PLACE, h), &key, sizeof key);
    if (!owner || owner == match(check, h) || moves_away(check, owner, &place)) continue;
    vlun_complain_here(check, "address", &(struct vlun_args){.v = place_text(check, &place), .a = label(check, owner)});
    return;
  }
}
