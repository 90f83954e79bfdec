/*
 * rules_hba.c - rules of HBAs: which exist where, and that libvirt never has to invent one.
 */
#include "rules_common.h"

void vlun_rule_model_never(struct vlun_check *check) {
  const struct vlun_hba *hba = vlun_hba_of(here(check));
  if (hba->never) vlun_complain_here(check, "model", &(struct vlun_args){.v = hba->model, .a = hba->never});
}

void vlun_rule_model_index(struct vlun_check *check) {
  const struct vlun_hba *hba = vlun_hba_of(here(check));
  if ((hba->properties & HBA_BUILT_IN) && vlun_number(here(check), VLUN_controller_index, 0) != 0)
    vlun_complain_here(check, "model", &(struct vlun_args){.v = hba->model});
}

static bool begins(const char *text, const char *prefix) { return text && strncmp(text, prefix, strlen(prefix)) == 0; }

void vlun_rule_model_machine(struct vlun_check *check) {
  const struct vlun_hba *hba = vlun_hba_of(here(check));
  const struct vlun_model *host = check->hosts[0];
  if (!host->arch) return;
  bool s390 = begins(host->arch, "s390");
  bool pseries = begins(host->arch, "ppc64") && (begins(host->machine, "pseries") || !host->machine);
  bool x86 = strcmp(host->arch, "x86_64") == 0 || strcmp(host->arch, "i686") == 0;
  bool refused = (s390 && (hba->properties & (HBA_PCI_ONLY | HBA_NOT_S390))) ||
                 ((s390 || x86) && (hba->properties & HBA_BUILT_IN)) || (!pseries && (hba->properties & HBA_PSERIES));
  if (refused) vlun_complain_here(check, "model", &(struct vlun_args){.v = hba->model, .a = host->arch});
}

/* Whether a drive of the host stays on the HBA although the new model cannot address it there. */
static bool cannot_stay(struct vlun_check *check, const struct vlun_device *drive, struct vlun_place *place) {
  int64_t index = vlun_number(here(check), VLUN_controller_index, -1);
  bool on_it = !drive->foreign && vlun_place_of(drive->record, place) && place->controller == index;
  if (!on_it || vlun_hba_takes(vlun_hba_of(here(check)), place)) return false;
  const struct vlun_device *described = described_as(check, drive);
  return !described || !(vlun_is_absent(described) || vlun_common(described->record, COMMON_address));
}

/* Whether the HBA stays of the model that it has on the host. */
static bool keeps_model(const struct vlun_check *check) {
  int64_t index = vlun_number(here(check), VLUN_controller_index, -1);
  bool known = index >= 0 && index <= VLUN_MAX_CONTROLLER && check->controller[index];
  return known && vlun_hba_of(check->controller[index]->record) == vlun_hba_of(check->existing->record);
}

void vlun_rule_model_drives(struct vlun_check *check) {
  const struct vlun_model *host = check->hosts[0];
  if (!check->existing || keeps_model(check)) return; /* of what stays nobody looks at all drives for each HBA */
  for (size_t i = 0; i < host->count; i++) {
    struct vlun_place place;
    if (!cannot_stay(check, &host->device[i], &place)) continue;
    vlun_complain_here(check, "model",
                       &(struct vlun_args){.v = vlun_hba_of(here(check))->model,
                                           .a = label(check, &host->device[i]),
                                           .b = place_text(check, &place)});
  }
}

void vlun_rule_address_pci_zero(struct vlun_check *check) {
  const struct vlun_record *address = inner(here(check), VLUN_controller_address);
  if (!has_shape(address, SHAPE_pci)) return;
  bool zero = !vlun_number(address, VLUN_pci_domain, 0) && !vlun_number(address, VLUN_pci_bus, 0) &&
              !vlun_number(address, VLUN_pci_slot, 0) && !vlun_number(address, VLUN_pci_function, 0);
  if (zero) vlun_complain_here(check, "address", &(struct vlun_args){0});
}

void vlun_rule_iothread_address(struct vlun_check *check) {
  const struct vlun_record *address = inner(here(check), VLUN_controller_address);
  if (vlun_has(here(check), VLUN_controller_iothread) && has_shape(address, SHAPE_spapr_vio))
    vlun_complain_here(check, "iothread", &(struct vlun_args){0});
}

void vlun_rule_iothread_unknown(struct vlun_check *check) {
  const struct vlun_value *iothread = vlun_has(here(check), VLUN_controller_iothread);
  if (!iothread) return;
  const struct vlun_pool *pool = &check->hosts[0]->iothreads;
  for (size_t i = 0; i < pool->count; i++)
    if (pool->number[i] == iothread->u.number) return;
  vlun_complain_here(check, "iothread", &(struct vlun_args){.v = decimal(check, iothread->u.number)});
}

void vlun_rule_index_taken(struct vlun_check *check) {
  const struct vlun_value *index = vlun_has(here(check), VLUN_controller_index);
  const struct vlun_device *other = rival_for_number(check, INDEX, index);
  if (other)
    vlun_complain_here(check, "index",
                       &(struct vlun_args){.v = decimal(check, index->u.number),
                                           .a = other->line ? decimal(check, other->line) : NULL});
}

static int64_t lowest_used(const struct vlun_check *check) {
  int64_t lowest = 0;
  while (lowest < VLUN_MAX_CONTROLLER && !check->user[lowest]) lowest++;
  return lowest;
}

static bool fills_gaps(const struct vlun_check *check) {
  const struct vlun_record *domain = check->spot.model->domain;
  return domain && vlun_number(domain, VLUN_domain_fill_gaps, 0);
}

static void complain_of_controller(struct vlun_check *check, int64_t missing, const struct vlun_device *above,
                                   int64_t index) {
  check->spot.device = above;
  vlun_complain_here(check, "", &(struct vlun_args){.v = decimal(check, missing), .a = decimal(check, index)});
  check->spot.device = NULL;
}

void vlun_rule_controller_hole(struct vlun_check *check) {
  int64_t lowest = lowest_used(check), above = check->highest;
  if (check->hosts || fills_gaps(check)) return;
  for (int64_t i = check->highest - 1; i > lowest; i--) {
    if (check->user[i]) above = i;
    else complain_of_controller(check, i, check->user[above], above);
  }
}

void vlun_rule_controller_below(struct vlun_check *check) {
  int64_t lowest = lowest_used(check);
  if (check->highest < 0 || check->hosts || fills_gaps(check)) return;
  if (lowest > 0) complain_of_controller(check, lowest, check->user[lowest], lowest);
}

/* The highest HBA that the host's document has, and the highest that one of its drives is on; -1 for none. */
static void highest_of_host(const struct vlun_model *host, int64_t *there, int64_t *used) {
  *there = *used = -1;
  for (size_t i = 0; i < host->count; i++) {
    const struct vlun_device *device = &host->device[i];
    struct vlun_place place;
    if (device->foreign) continue;
    int64_t index = vlun_is(device, SHAPE_controller) ? vlun_number(device->record, VLUN_controller_index, -1) : -1;
    if (index > *there) *there = index;
    if (vlun_place_of(device->record, &place) && place.controller > *used) *used = place.controller;
  }
}

/* A gap that the host already has is not the recipe's error, unless a described drive above it would make libvirt fill
 * it: libvirt fills below what drives use (facts 3). */
void vlun_rule_controller_missing(struct vlun_check *check) {
  const struct vlun_device *const *user = check->user;
  int64_t above = -1, there, used;
  highest_of_host(check->hosts[0], &there, &used);
  if (fills_gaps(check)) return;
  bool drive_above = false;
  for (int64_t i = check->highest; i >= 0; i--) {
    if (user[i]) above = i;
    if (user[i] && vlun_device_is_drive(user[i])) drive_above = true;
    bool fillable = i > there || (i > used && drive_above);
    if (!user[i] && !check->controller[i] && fillable) complain_of_controller(check, i, user[above], above);
  }
}
