/*
 * rules_name.c - rules of what must be unique by name: dev, alias, wwn, place in the boot order.
 */
#include "rules_common.h"

static const struct vlun_value *name_of(const struct vlun_model *model) {
  return model->domain ? vlun_has(model->domain, VLUN_domain_name) : NULL;
}

void vlun_rule_same_domain(struct vlun_check *check) {
  const struct vlun_model *model = check->spot.model;
  const struct vlun_value *name = name_of(model);
  const struct vlun_value *uri = model->domain ? vlun_has(model->domain, VLUN_domain_uri) : NULL;
  if (!name) return;
  const char *key = vlun_printf(&check->arena, "%.*s\n%.*s", uri ? (int)uri->len : 0, uri ? uri->u.text : "",
                                (int)name->len, name->u.text);
  if (key && vlun_claim(check->run_claims, NAME, key, strlen(key), model))
    vlun_complain_here(check, "", &(struct vlun_args){.v = text_of(check, name)});
}

/* A domain may be described by its name or its UUID. */
void vlun_rule_other_domain(struct vlun_check *check) {
  const struct vlun_model *host = check->hosts[0];
  const struct vlun_value *said = name_of(check->spot.model), *name = name_of(host);
  if (!said || !name || (said->len == name->len && memcmp(said->u.text, name->u.text, name->len) == 0)) return;
  if (host->uuid && strlen(host->uuid) == said->len && memcmp(host->uuid, said->u.text, said->len) == 0) return;
  vlun_complain_here(check, "", &(struct vlun_args){.v = text_of(check, name)});
}

static void mark_devs(bool *taken, const struct vlun_model *model) {
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    const struct vlun_value *name = vlun_is(device, SHAPE_disk) ? vlun_has(device->record, VLUN_disk_dev) : NULL;
    bool scsi = name && name->len > 2 && memcmp(name->u.text, "sd", 2) == 0;
    int32_t index = scsi ? vlun_dev_index(name->u.text, name->len) : -1;
    if (index >= 0) taken[index] = true;
  }
}

/* The lowest drive name that neither the description nor the host uses; looked for once in a run of rules. */
static const char *free_dev(struct vlun_check *check) {
  if (check->free_dev) return check->free_dev;
  bool *taken = vlun_alloc(&check->arena, VLUN_MAX_DEV_INDEX + 1);
  char *name = vlun_alloc(&check->arena, 8);
  if (!taken || !name) return NULL;
  mark_devs(taken, check->spot.model);
  for (size_t h = 0; h < check->host_count; h++) mark_devs(taken, check->hosts[h]);
  int32_t index = 0;
  while (index <= VLUN_MAX_DEV_INDEX && taken[index]) index++;
  if (vlun_dev_name(index, name, 8)) check->free_dev = name;
  return check->free_dev;
}

/* An alias finds a device that exists; a new one needs the identity that libvirt knows it by. */
void vlun_rule_identity_missing(struct vlun_check *check) {
  const struct vlun_value *alias = vlun_common(here(check), COMMON_alias);
  int row = vlun_is(check->spot.device, SHAPE_disk) ? VLUN_disk_dev : VLUN_hostdev_source;
  bool is_new = check->hosts ? !check->existing : check->whole;
  if (alias && is_new && !vlun_has(here(check), row))
    vlun_complain_here(check, "",
                       &(struct vlun_args){.v = text_of(check, alias), .a = here(check)->shape->rows[row].key});
}

void vlun_rule_dev_taken(struct vlun_check *check) {
  const struct vlun_value *dev = vlun_has(here(check), VLUN_disk_dev);
  if (rival_for_text(check, DEV, dev))
    vlun_complain_here(check, "dev", &(struct vlun_args){.v = text_of(check, dev), .s = free_dev(check)});
}

/* A drive of another bus or kind that has the name: never replaced, always told. */
void vlun_rule_dev_host_taken(struct vlun_check *check) {
  const struct vlun_value *dev = vlun_has(here(check), VLUN_disk_dev);
  for (size_t h = 0; dev && h < check->host_count; h++) {
    const struct vlun_device *owner = vlun_find_dev(check->hosts[h], dev);
    if (!owner || owner == match(check, h)) continue;
    const char *what = vlun_printf(&check->problems->arena, "%s on bus %s", vlun_device_kind(owner->record),
                                   owner->foreign ? owner->foreign : "scsi");
    vlun_complain_here(check, "dev", &(struct vlun_args){.v = text_of(check, dev), .a = what, .s = free_dev(check)});
    return;
  }
}

/* Two names for one device of the host would be two orders for it. */
void vlun_rule_same_device(struct vlun_check *check) {
  if (!check->existing || check->silent) return;
  const struct vlun_device **first = &check->named[check->existing - check->hosts[0]->device];
  const struct vlun_device *other = *first;
  if (!other) *first = check->spot.device;
  if (other) vlun_complain_here(check, "", &(struct vlun_args){.a = other->line ? decimal(check, other->line) : NULL});
}

void vlun_rule_alias_taken(struct vlun_check *check) {
  const struct vlun_value *alias = vlun_common(here(check), COMMON_alias);
  const struct vlun_device *other = rival_for_text(check, ALIAS, alias);
  if (other)
    vlun_complain_here(check, "alias", &(struct vlun_args){.v = text_of(check, alias), .a = label(check, other)});
}

void vlun_rule_alias_host_taken(struct vlun_check *check) {
  const struct vlun_value *alias = vlun_common(here(check), COMMON_alias);
  for (size_t h = 0; alias && h < check->host_count; h++) {
    const struct vlun_device *owner = vlun_find_alias(check->hosts[h], alias);
    if (!owner || owner == match(check, h)) continue;
    vlun_complain_here(check, "alias", &(struct vlun_args){.v = text_of(check, alias), .a = label(check, owner)});
    return;
  }
}

/* The same name in other letters, with or without 0x, is the same name.  There is no rule of wwn against the host, so
 * here the host's own count too. */
void vlun_rule_wwn_taken(struct vlun_check *check) {
  const struct vlun_value *wwn = vlun_has(here(check), VLUN_disk_wwn);
  if (!wwn || wwn->len < 16) return;
  char *key = vlun_copy(&check->arena, wwn->u.text + wwn->len - 16, 16);
  if (!key) return;
  for (size_t i = 0; i < 16; i++)
    if (key[i] >= 'A' && key[i] <= 'F') key[i] = (char)(key[i] - 'A' + 'a');
  const struct vlun_device *other = rival(check, WWN, key, 16);
  if (other) vlun_complain_here(check, "wwn", &(struct vlun_args){.v = text_of(check, wwn), .a = label(check, other)});
}

void vlun_rule_boot_taken(struct vlun_check *check) {
  const struct vlun_value *boot = vlun_common(here(check), COMMON_boot);
  const struct vlun_device *other = rival_for_number(check, BOOT, boot);
  if (other)
    vlun_complain_here(check, "boot",
                       &(struct vlun_args){.v = decimal(check, boot->u.number), .a = label(check, other)});
}

void vlun_rule_boot_host_taken(struct vlun_check *check) {
  const struct vlun_value *boot = vlun_common(here(check), COMMON_boot);
  if (!boot) return;
  const struct vlun_device *owner = vlun_claimed(check->claims, HOST_BOOT, &boot->u.number, sizeof boot->u.number);
  const struct vlun_device *described = owner ? described_as(check, owner) : NULL;
  bool gives_way = described && (vlun_is_absent(described) ||
                                 vlun_get(described->record, vlun_common_row(described->record->shape, COMMON_boot)));
  if (owner && owner != match(check, 0) && !gives_way)
    vlun_complain_here(check, "boot",
                       &(struct vlun_args){.v = decimal(check, boot->u.number), .a = label(check, owner)});
}

/* The configuration decides where there is one: the running domain boots by it the next time. */
static const struct vlun_model *lasting_host(const struct vlun_check *check) {
  for (size_t h = 0; h < check->host_count; h++)
    if (!check->hosts[h]->run) return check->hosts[h];
  return check->hosts[0];
}

void vlun_rule_boot_os(struct vlun_check *check) {
  const struct vlun_model *model = check->spot.model;
  bool by_devices = model->domain && vlun_has(model->domain, VLUN_domain_boot);
  if (vlun_common(here(check), COMMON_boot) && !by_devices && lasting_host(check)->os_boot)
    vlun_complain_here(check, "boot", &(struct vlun_args){0});
}
