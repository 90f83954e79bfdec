/*
 * rules.c - the rules of rules.def: what must hold between several fields, devices or domains, and between a
 * description and its host.  Every rule is a short function named after its code; a field's own range is check.c's.
 */
#include <inttypes.h>
#include <string.h>

#include "internal.h"

/* What must be unique in a description, and, apart for each document of the host, what the host has. */
enum space { DEV, ALIAS, WWN, BOOT, PLACE, INDEX, HOSTDEV_SOURCE, SOURCE, HOST_DEV, HOST_ALIAS, HOST_BOOT, HOST_PLACE, SPACES };
#define IN_HOST(space, h) ((unsigned)(space) + (unsigned)(h) * SPACES)

/* --- helpers ------------------------------------------------------------------------------------------ */

static const struct vlun_record *here(const struct vlun_check *check) { return check->spot.device->record; }

static char *text_of(struct vlun_check *check, const struct vlun_value *value) {
  return vlun_copy(&check->problems->arena, value->u.text, value->len);
}

static char *decimal(struct vlun_check *check, int64_t number) { return vlun_printf(&check->problems->arena, "%" PRId64, number); }

static const char *label(struct vlun_check *check, const struct vlun_device *device) {
  return vlun_device_label(&check->problems->arena, device);
}

static const char *word_of(const struct vlun_record *record, int row) {
  const struct vlun_value *value = vlun_has(record, row);
  return value ? record->shape->rows[row].words->word[value->u.number] : "";
}

/* key names the field below the device: "address.unit". */
void vlun_complain_here(struct vlun_check *check, const char *key, const struct vlun_args *args) {
  check->spot.row = 0;
  if (check->spot.device && *key) {
    char first[32] = "";
    size_t n = strcspn(key, ".");
    if (n < sizeof first) memcpy(first, key, n);
    check->spot.row = vlun_row_of_key(here(check)->shape, first) + 1;
  }
  vlun_complain(check->problems, &check->spot, key, check->code, args);
}

static bool is_cdrom(const struct vlun_record *record) {
  return record->shape == &vlun_shapes[SHAPE_disk] && vlun_number(record, VLUN_disk_device, W(device, disk)) == W(device, cdrom);
}

static bool is_lun(const struct vlun_record *disk) { return vlun_number(disk, VLUN_disk_device, W(device, disk)) == W(device, lun); }

/* The record in a row that holds one, or NULL. */
static const struct vlun_record *inner(const struct vlun_record *record, int row) {
  const struct vlun_value *value = vlun_has(record, row);
  return value ? value->u.record : NULL;
}

static const struct vlun_record *source_of(const struct vlun_record *device) {
  return inner(device, device->shape == &vlun_shapes[SHAPE_disk] ? VLUN_disk_source : VLUN_hostdev_source);
}

static bool has_shape(const struct vlun_record *record, enum vlun_shape_id shape) { return record && record->shape == &vlun_shapes[shape]; }

static bool is_writable(const struct vlun_record *disk) { return !is_cdrom(disk) && !vlun_number(disk, VLUN_disk_readonly, 0); }

/* The HBA of a drive, NULL if neither the description nor the host has it: then it will be a virtio-scsi one. */
static const struct vlun_hba *hba_of_place(const struct vlun_check *check, const struct vlun_place *place) {
  bool known = place->controller >= 0 && place->controller <= VLUN_MAX_CONTROLLER && check->controller[place->controller];
  return known ? vlun_hba_of(check->controller[place->controller]->record) : &vlun_hbas[W(model, virtio_scsi)];
}

/* An address that the recipe gives, within the limits of its fields. */
static bool said_place(const struct vlun_check *check, struct vlun_place *place) {
  const struct vlun_value *value = vlun_get_key(here(check), "address");
  if (!value || value->u.record->shape != &vlun_shapes[SHAPE_drive]) return false;
  vlun_place_of(here(check), place);
  return place->controller >= 0 && place->controller <= VLUN_MAX_CONTROLLER;
}

static const char *place_text(struct vlun_check *check, const struct vlun_place *place) {
  return vlun_printf(&check->problems->arena, "%" PRId64 ":%" PRId64 ":%" PRId64 ":%" PRId64, place->controller, place->bus, place->target, place->unit);
}

/* Claims key for the device at hand; if another has it already, that one. */
static const struct vlun_device *rival(struct vlun_check *check, enum space space, const void *key, size_t len) {
  return vlun_claim(check->claims, space, key, len, check->spot.device);
}

static const struct vlun_device *rival_for_text(struct vlun_check *check, enum space space, const struct vlun_value *value) {
  return value ? rival(check, space, value->u.text, value->len) : NULL;
}

static const struct vlun_device *rival_for_number(struct vlun_check *check, enum space space, const struct vlun_value *value) {
  return value ? rival(check, space, &value->u.number, sizeof value->u.number) : NULL;
}

/* The lowest drive name that neither the description nor the host uses. */
static const char *free_dev(struct vlun_check *check) {
  char name[8];
  for (int32_t i = 0; vlun_dev_name(i, name, sizeof name); i++) {
    bool taken = vlun_claimed(check->claims, DEV, name, strlen(name)) != NULL;
    for (size_t h = 0; h < check->host_count; h++) taken = taken || vlun_claimed(check->claims, IN_HOST(HOST_DEV, h), name, strlen(name));
    if (!taken) return vlun_copy(&check->problems->arena, name, strlen(name));
  }
  return NULL;
}

/* --- controllers -------------------------------------------------------------------------------------- */

static void rule_model_never(struct vlun_check *check) {
  const struct vlun_hba *hba = vlun_hba_of(here(check));
  if (hba->never) vlun_complain_here(check, "model", &(struct vlun_args){.v = hba->model, .a = hba->never});
}

static void rule_model_index(struct vlun_check *check) {
  const struct vlun_hba *hba = vlun_hba_of(here(check));
  if ((hba->properties & HBA_BUILT_IN) && vlun_number(here(check), VLUN_controller_index, 0) != 0)
    vlun_complain_here(check, "model", &(struct vlun_args){.v = hba->model});
}

static bool begins(const char *text, const char *prefix) { return text && strncmp(text, prefix, strlen(prefix)) == 0; }

static void rule_model_machine(struct vlun_check *check) {
  const struct vlun_hba *hba = vlun_hba_of(here(check));
  const struct vlun_model *host = check->hosts[0];
  if (!host->arch) return;
  bool s390 = begins(host->arch, "s390");
  bool pseries = begins(host->arch, "ppc64") && (begins(host->machine, "pseries") || !host->machine);
  bool refused = (s390 && (hba->properties & (HBA_PCI_ONLY | HBA_NOT_S390))) || (!pseries && (hba->properties & HBA_PSERIES));
  if (refused) vlun_complain_here(check, "model", &(struct vlun_args){.v = hba->model, .a = host->arch});
}

static void rule_iothread_address(struct vlun_check *check) {
  const struct vlun_record *address = inner(here(check), VLUN_controller_address);
  if (vlun_has(here(check), VLUN_controller_iothread) && has_shape(address, SHAPE_spapr_vio)) vlun_complain_here(check, "iothread", &(struct vlun_args){0});
}

static void rule_iothread_unknown(struct vlun_check *check) {
  const struct vlun_value *iothread = vlun_has(here(check), VLUN_controller_iothread);
  if (!iothread) return;
  const struct vlun_pool *pool = &check->hosts[0]->iothreads;
  for (size_t i = 0; i < pool->count; i++)
    if (pool->number[i] == iothread->u.number) return;
  vlun_complain_here(check, "iothread", &(struct vlun_args){.v = decimal(check, iothread->u.number)});
}

static void rule_index_taken(struct vlun_check *check) {
  const struct vlun_value *index = vlun_has(here(check), VLUN_controller_index);
  const struct vlun_device *other = rival_for_number(check, INDEX, index);
  if (other) vlun_complain_here(check, "index", &(struct vlun_args){.v = decimal(check, index->u.number), .a = other->line ? decimal(check, other->line) : NULL});
}

/* For each index the first device of the description that uses it: an HBA or a drive's address. */
static int64_t used_controllers(const struct vlun_check *check, const struct vlun_device *user[VLUN_MAX_CONTROLLER + 1]) {
  const struct vlun_model *model = check->spot.model;
  int64_t highest = -1;
  memset(user, 0, (VLUN_MAX_CONTROLLER + 1) * sizeof user[0]);
  for (size_t i = 0; i < model->count; i++) {
    struct vlun_device *device = &model->device[i];
    struct vlun_place place = {.controller = -1};
    if (vlun_device_flag(device, "absent")) continue;
    if (vlun_is(device, SHAPE_controller)) place.controller = vlun_number(device->record, VLUN_controller_index, -1);
    else if (vlun_get_key(device->record, "address")) vlun_place_of(device->record, &place);
    if (place.controller < 0 || place.controller > VLUN_MAX_CONTROLLER) continue;
    if (!user[place.controller]) user[place.controller] = device;
    if (place.controller > highest) highest = place.controller;
  }
  return highest;
}

static bool fills_gaps(const struct vlun_check *check) {
  const struct vlun_record *domain = check->spot.model->domain;
  return domain && vlun_number(domain, VLUN_domain_fill_gaps, 0);
}

static void complain_of_controller(struct vlun_check *check, int64_t missing, const struct vlun_device *above, int64_t index) {
  check->spot.device = above;
  vlun_complain_here(check, "", &(struct vlun_args){.v = decimal(check, missing), .a = decimal(check, index)});
  check->spot.device = NULL;
}

static void rule_controller_hole(struct vlun_check *check) {
  const struct vlun_device *user[VLUN_MAX_CONTROLLER + 1];
  int64_t highest = used_controllers(check, user);
  if (check->hosts || fills_gaps(check)) return;
  int64_t above = highest;
  bool below = false; /* whether something below `above` is described, looked for once per hole */
  for (int64_t i = highest - 1; i >= 0; i--) {
    if (user[i]) {
      above = i;
      continue;
    }
    below = false;
    for (int64_t j = 0; j < i && !below; j++) below = user[j] != NULL;
    if (below) complain_of_controller(check, i, user[above], above);
  }
}

static void rule_controller_below(struct vlun_check *check) {
  const struct vlun_device *user[VLUN_MAX_CONTROLLER + 1];
  int64_t highest = used_controllers(check, user), lowest = 0;
  if (highest < 0 || check->hosts || fills_gaps(check)) return;
  while (!user[lowest]) lowest++;
  if (lowest > 0) complain_of_controller(check, lowest, user[lowest], lowest);
}

/* A gap that the host already has below its own HBAs is not the recipe's error. */
static void rule_controller_missing(struct vlun_check *check) {
  const struct vlun_device *user[VLUN_MAX_CONTROLLER + 1];
  int64_t highest = used_controllers(check, user), above = highest;
  if (fills_gaps(check)) return;
  for (int64_t i = highest - 1; i >= 0 && !check->controller[i]; i--) {
    if (user[i]) above = i;
    else complain_of_controller(check, i, user[above], above);
  }
}

/* --- addresses ---------------------------------------------------------------------------------------- */

static void rule_address_bus(struct vlun_check *check) {
  struct vlun_place place;
  if (said_place(check, &place) && place.bus != 0) vlun_complain_here(check, "address.bus", &(struct vlun_args){.v = decimal(check, place.bus)});
}

static const char *up_to(struct vlun_check *check, int64_t max) { return max ? vlun_printf(&check->problems->arena, "0..%" PRId64, max) : "0"; }

/* The row's own range has been checked already, so only the model's narrower one is told here. */
static void rule_address_target(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place) || place.target > VLUN_MAX_TARGET) return;
  const struct vlun_hba *hba = hba_of_place(check, &place);
  if (place.target > hba->max_target)
    vlun_complain_here(check, "address.target", &(struct vlun_args){.v = decimal(check, place.target), .e = up_to(check, hba->max_target), .a = hba->model});
}

static void rule_address_unit(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place) || place.unit > VLUN_MAX_UNIT) return;
  const struct vlun_hba *hba = hba_of_place(check, &place);
  if (place.unit > hba->max_unit)
    vlun_complain_here(check, "address.unit", &(struct vlun_args){.v = decimal(check, place.unit), .e = up_to(check, hba->max_unit), .a = hba->model});
}

static void rule_address_reserved(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place)) return;
  const struct vlun_hba *hba = hba_of_place(check, &place);
  if (place.unit == hba->reserved) vlun_complain_here(check, "address.unit", &(struct vlun_args){.v = decimal(check, place.unit), .a = hba->model});
}

/* Claims need a key that lives as long as the table. */
static const struct vlun_device *rival_for_place(struct vlun_check *check, const struct vlun_place *place) {
  uint64_t *key = vlun_alloc(&check->arena, sizeof *key);
  if (!key) return NULL;
  *key = vlun_place_key(place);
  return rival(check, PLACE, key, sizeof *key);
}

static void rule_address_taken(struct vlun_check *check) {
  struct vlun_place place;
  const struct vlun_device *other = said_place(check, &place) ? rival_for_place(check, &place) : NULL;
  if (other) vlun_complain_here(check, "address", &(struct vlun_args){.v = place_text(check, &place), .a = label(check, other)});
}

static void rule_unit_above_255(struct vlun_check *check) {
  const struct vlun_model *model = check->spot.model;
  for (size_t i = 0; i < model->count; i++) {
    struct vlun_place place;
    uint32_t lun;
    check->spot.device = &model->device[i];
    if (!vlun_device_is_drive(check->spot.device) || !said_place(check, &place)) continue;
    if (place.unit <= 255 || !vlun_lun_encode(place.unit, &lun)) continue;
    vlun_complain_here(check, "address.unit", &(struct vlun_args){.v = decimal(check, place.unit), .a = decimal(check, lun)});
    break; /* Once is enough to know. */
  }
  check->spot.device = NULL;
}

/* The device of the host that the one at hand is, in document h. */
static const struct vlun_device *match(const struct vlun_check *check, size_t h) { return vlun_index_find(check->index[h], here(check)); }

/* Whether the description itself moves the host's device away from the place it has. */
static bool moves_away(struct vlun_check *check, const struct vlun_device *owner, const struct vlun_place *from) {
  const struct vlun_model *model = check->spot.model;
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    struct vlun_place to;
    if (!vlun_device_is_drive(device)) continue;
    bool same = false;
    for (size_t h = 0; h < check->host_count; h++) same = same || vlun_index_find(check->index[h], device->record) == owner;
    if (!same) continue;
    if (vlun_device_flag(device, "absent")) return true;
    return vlun_get_key(device->record, "address") && vlun_place_of(device->record, &to) && vlun_place_key(&to) != vlun_place_key(from);
  }
  return false;
}

static void rule_address_host_taken(struct vlun_check *check) {
  struct vlun_place place;
  if (!said_place(check, &place)) return;
  uint64_t key = vlun_place_key(&place);
  for (size_t h = 0; h < check->host_count; h++) {
    const struct vlun_device *owner = vlun_claimed(check->claims, IN_HOST(HOST_PLACE, h), &key, sizeof key);
    if (!owner || owner == match(check, h) || moves_away(check, owner, &place)) continue;
    vlun_complain_here(check, "address", &(struct vlun_args){.v = place_text(check, &place), .a = label(check, owner)});
    return;
  }
}

/* --- names -------------------------------------------------------------------------------------------- */

static void rule_dev_taken(struct vlun_check *check) {
  const struct vlun_value *dev = vlun_has(here(check), VLUN_disk_dev);
  if (rival_for_text(check, DEV, dev)) vlun_complain_here(check, "dev", &(struct vlun_args){.v = text_of(check, dev), .s = free_dev(check)});
}

/* A drive of another bus or kind that has the name: never replaced, always told. */
static void rule_dev_host_taken(struct vlun_check *check) {
  const struct vlun_value *dev = vlun_has(here(check), VLUN_disk_dev);
  for (size_t h = 0; dev && h < check->host_count; h++) {
    const struct vlun_device *owner = vlun_claimed(check->claims, IN_HOST(HOST_DEV, h), dev->u.text, dev->len);
    if (!owner || owner == match(check, h)) continue;
    const char *what = vlun_printf(&check->problems->arena, "%s on bus %s", vlun_device_kind(owner->record), owner->foreign ? owner->foreign : "scsi");
    vlun_complain_here(check, "dev", &(struct vlun_args){.v = text_of(check, dev), .a = what, .s = free_dev(check)});
    return;
  }
}

static void rule_alias_taken(struct vlun_check *check) {
  const struct vlun_value *alias = vlun_get_key(here(check), "alias");
  const struct vlun_device *other = rival_for_text(check, ALIAS, alias);
  if (other) vlun_complain_here(check, "alias", &(struct vlun_args){.v = text_of(check, alias), .a = label(check, other)});
}

static void rule_alias_host_taken(struct vlun_check *check) {
  const struct vlun_value *alias = vlun_get_key(here(check), "alias");
  for (size_t h = 0; alias && h < check->host_count; h++) {
    const struct vlun_device *owner = vlun_claimed(check->claims, IN_HOST(HOST_ALIAS, h), alias->u.text, alias->len);
    if (!owner || owner == match(check, h)) continue;
    vlun_complain_here(check, "alias", &(struct vlun_args){.v = text_of(check, alias), .a = label(check, owner)});
    return;
  }
}

static void rule_wwn_taken(struct vlun_check *check) {
  const struct vlun_value *wwn = vlun_has(here(check), VLUN_disk_wwn);
  const struct vlun_device *other = rival_for_text(check, WWN, wwn);
  if (other) vlun_complain_here(check, "wwn", &(struct vlun_args){.v = text_of(check, wwn), .a = label(check, other)});
}

static void rule_boot_taken(struct vlun_check *check) {
  const struct vlun_value *boot = vlun_get_key(here(check), "boot");
  const struct vlun_device *other = rival_for_number(check, BOOT, boot);
  if (other) vlun_complain_here(check, "boot", &(struct vlun_args){.v = decimal(check, boot->u.number), .a = label(check, other)});
}

static void rule_boot_host_taken(struct vlun_check *check) {
  const struct vlun_value *boot = vlun_get_key(here(check), "boot");
  if (!boot) return;
  const struct vlun_device *owner = vlun_claimed(check->claims, HOST_BOOT, &boot->u.number, sizeof boot->u.number);
  if (owner && owner != match(check, 0)) vlun_complain_here(check, "boot", &(struct vlun_args){.v = decimal(check, boot->u.number), .a = label(check, owner)});
}

static void rule_boot_os(struct vlun_check *check) {
  if (vlun_get_key(here(check), "boot") && check->hosts[0]->os_boot) vlun_complain_here(check, "boot", &(struct vlun_args){0});
}

/* --- what is in a drive ------------------------------------------------------------------------------- */

static void rule_source_missing(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  const struct vlun_value *source = vlun_get(disk, VLUN_disk_source);
  bool unsaid = !(check->spot.device->broken & BIT(VLUN_disk_source)) && !check->hosts; /* With a host it stays as it is. */
  bool empty = source ? source->no : unsaid;
  if (!is_cdrom(disk) && empty) vlun_complain_here(check, "source", &(struct vlun_args){.a = vlun_device_kind(disk)});
}

/* Files and block devices are the same only on the same host. */
static const char *source_on_host(struct vlun_check *check, const struct vlun_record *source, const char *text) {
  const struct vlun_value *uri = check->spot.model->domain ? vlun_has(check->spot.model->domain, VLUN_domain_uri) : NULL;
  if (source->shape == &vlun_shapes[SHAPE_network] || !uri) return text;
  return vlun_printf(&check->arena, "%.*s %s", (int)uri->len, uri->u.text, text);
}

static void rule_source_shared(struct vlun_check *check) {
  const struct vlun_record *disk = here(check), *source = source_of(disk);
  if (!source || !is_writable(disk) || vlun_number(disk, VLUN_disk_shareable, 0)) return;
  const char *text = vlun_source_key(&check->arena, source);
  const char *key = text ? source_on_host(check, source, text) : NULL;
  struct vlun_spot *user = vlun_alloc(&check->arena, sizeof *user);
  if (!key || !user) return;
  *user = check->spot;
  const struct vlun_spot *other = vlun_claim(check->run_claims, SOURCE, key, strlen(key), user);
  if (!other) return;
  const struct vlun_value *name = other->model->domain ? vlun_has(other->model->domain, VLUN_domain_name) : NULL;
  bool foreign = name && other->model != check->spot.model;
  const char *who = vlun_printf(&check->problems->arena, "%.*s%s%s", foreign ? (int)name->len : 0, foreign ? name->u.text : "", foreign ? "." : "", label(check, other->device));
  vlun_complain_here(check, "source", &(struct vlun_args){.v = strchr(text, ':') + 1, .a = who});
}

static size_t host_count(const struct vlun_record *source, int row) {
  const struct vlun_value *hosts = vlun_has(source, row);
  return hosts ? hosts->u.list->count : 0;
}

static void rule_source_hosts(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!has_shape(source, SHAPE_network)) return;
  int64_t protocol = vlun_number(source, VLUN_network_protocol, 0);
  bool many = protocol == W(protocol, rbd) || protocol == W(protocol, gluster) || protocol == W(protocol, sheepdog);
  bool may_lack = protocol == W(protocol, rbd) || protocol == W(protocol, sheepdog); /* their own configuration names hosts */
  size_t count = host_count(source, VLUN_network_hosts);
  bool good = count == 1 || (count == 0 && may_lack) || (count > 1 && many);
  const char *word = word_of(source, VLUN_network_protocol);
  if (!good) vlun_complain_here(check, "source.hosts", &(struct vlun_args){.v = word, .e = many ? "at least one host" : "exactly one host"});
  else if (!vlun_has(source, VLUN_network_name) && protocol != W(protocol, nbd)) vlun_complain_here(check, "source.name", &(struct vlun_args){.v = word, .e = "a name"});
}

static void rule_host_socket(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  bool network = has_shape(source, SHAPE_network);
  if (!network && !has_shape(source, SHAPE_iscsi)) return;
  const struct vlun_value *hosts = vlun_has(source, network ? VLUN_network_hosts : VLUN_iscsi_hosts);
  for (size_t i = 0; hosts && i < hosts->u.list->count; i++) {
    const struct vlun_record *host = hosts->u.list->item[i];
    bool unix_transport = vlun_number(host, VLUN_host_transport, W(transport, tcp)) == W(transport, unix_socket);
    if (unix_transport == (vlun_has(host, VLUN_host_socket) != NULL)) continue;
    vlun_complain_here(check, vlun_printf(&check->problems->arena, "source.hosts[%zu]", i + 1), &(struct vlun_args){0});
  }
}

static void rule_auth_secret(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  bool network = has_shape(source, SHAPE_network);
  if (!network && !has_shape(source, SHAPE_iscsi)) return;
  const struct vlun_record *auth = inner(source, network ? VLUN_network_auth : VLUN_iscsi_auth);
  if (auth && !vlun_has(auth, VLUN_auth_usage) == !vlun_has(auth, VLUN_auth_uuid)) vlun_complain_here(check, "source.auth", &(struct vlun_args){0});
}

static void rule_format_unsaid(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  bool plain_disk = !is_cdrom(disk) && !is_lun(disk) && has_shape(source_of(disk), SHAPE_file);
  if (plain_disk && !check->hosts && !vlun_has(disk, VLUN_disk_format)) vlun_complain_here(check, "format", &(struct vlun_args){0});
}

/* Unsaid, the cache of a new CD drive is none; that of any other drive is the host's default, which native refuses. */
static void rule_io_cache(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  int64_t cache = vlun_number(disk, VLUN_disk_cache, is_cdrom(disk) ? W(cache, none) : W(cache, default));
  bool native = vlun_number(disk, VLUN_disk_io, W(io, threads)) == W(io, native);
  bool unsaid_on_host = check->hosts && !vlun_has(disk, VLUN_disk_cache);
  if (native && !unsaid_on_host && cache != W(cache, none) && cache != W(cache, directsync))
    vlun_complain_here(check, "io", &(struct vlun_args){.v = disk->shape->rows[VLUN_disk_cache].words->word[cache]});
}

static void rule_readonly_cdrom(struct vlun_check *check) {
  if (is_cdrom(here(check)) && !vlun_number(here(check), VLUN_disk_readonly, 1)) vlun_complain_here(check, "readonly", &(struct vlun_args){.v = "false"});
}

static void rule_copy_on_read_readonly(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (vlun_number(disk, VLUN_disk_copy_on_read, 0) && vlun_number(disk, VLUN_disk_readonly, 0)) vlun_complain_here(check, "copy_on_read", &(struct vlun_args){0});
}

static void rule_lun_source(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!is_lun(here(check)) || !source) return;
  bool iscsi = has_shape(source, SHAPE_network) && vlun_number(source, VLUN_network_protocol, -1) == W(protocol, iscsi);
  if (iscsi || has_shape(source, SHAPE_block) || has_shape(source, SHAPE_volume)) return;
  const char *what = has_shape(source, SHAPE_network) ? word_of(source, VLUN_network_protocol) : source->shape->name;
  vlun_complain_here(check, "source", &(struct vlun_args){.v = what});
}

static void rule_lun_format(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (is_lun(disk) && vlun_number(disk, VLUN_disk_format, W(format, raw)) != W(format, raw))
    vlun_complain_here(check, "format", &(struct vlun_args){.v = word_of(disk, VLUN_disk_format)});
}

static void rule_startup_source(struct vlun_check *check) {
  if (vlun_has(here(check), VLUN_disk_startup_policy) && has_shape(source_of(here(check)), SHAPE_network))
    vlun_complain_here(check, "startup_policy", &(struct vlun_args){0});
}

static void rule_startup_requisite(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (!is_cdrom(disk) && vlun_number(disk, VLUN_disk_startup_policy, -1) == W(startup_policy, requisite))
    vlun_complain_here(check, "startup_policy", &(struct vlun_args){0});
}

static void rule_transient_disk(struct vlun_check *check) {
  const struct vlun_record *disk = here(check), *source = source_of(disk);
  if (!vlun_number(disk, VLUN_disk_transient, 0)) return;
  if (vlun_number(disk, VLUN_disk_readonly, 0) || (source && !has_shape(source, SHAPE_file))) vlun_complain_here(check, "transient", &(struct vlun_args){0});
}

static void rule_shareable_format(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (!vlun_number(disk, VLUN_disk_shareable, 0) || !is_writable(disk)) return;
  if (vlun_number(disk, VLUN_disk_format, W(format, raw)) != W(format, raw))
    vlun_complain_here(check, "shareable", &(struct vlun_args){.v = word_of(disk, VLUN_disk_format)});
}

static void rule_rotation_rate_gap(struct vlun_check *check) {
  int64_t rate = vlun_number(here(check), VLUN_disk_rotation_rate, 1);
  if (rate > 1 && rate < 1025) vlun_complain_here(check, "rotation_rate", &(struct vlun_args){.v = decimal(check, rate)});
}

static void rule_block_size(struct vlun_check *check) {
  static const int rows[] = {VLUN_disk_logical_block_size, VLUN_disk_physical_block_size};
  for (size_t i = 0; i < VLUN_COUNT(rows); i++) {
    int64_t size = vlun_number(here(check), rows[i], 512);
    if (size & (size - 1)) vlun_complain_here(check, here(check)->shape->rows[rows[i]].key, &(struct vlun_args){.v = decimal(check, size)});
  }
}

static void rule_iotune_total(struct vlun_check *check) {
  static const struct { int total, part[2]; } sums[] = {
      {VLUN_iotune_total_bytes_sec, {VLUN_iotune_read_bytes_sec, VLUN_iotune_write_bytes_sec}},
      {VLUN_iotune_total_iops_sec, {VLUN_iotune_read_iops_sec, VLUN_iotune_write_iops_sec}},
      {VLUN_iotune_total_bytes_sec_max, {VLUN_iotune_read_bytes_sec_max, VLUN_iotune_write_bytes_sec_max}},
      {VLUN_iotune_total_iops_sec_max, {VLUN_iotune_read_iops_sec_max, VLUN_iotune_write_iops_sec_max}}};
  const struct vlun_record *iotune = inner(here(check), VLUN_disk_iotune);
  for (size_t i = 0; iotune && i < VLUN_COUNT(sums) * 2; i++) {
    int total = sums[i / 2].total, part = sums[i / 2].part[i % 2];
    if (!vlun_number(iotune, total, 0) || !vlun_number(iotune, part, 0)) continue;
    const struct vlun_row *rows = iotune->shape->rows;
    vlun_complain_here(check, "iotune", &(struct vlun_args){.v = rows[total].key, .a = rows[part].key});
  }
}

static void rule_iotune_group(struct vlun_check *check) {
  const struct vlun_record *iotune = inner(here(check), VLUN_disk_iotune);
  if (iotune && iotune->set == BIT(VLUN_iotune_group_name)) vlun_complain_here(check, "iotune", &(struct vlun_args){0});
}

static void rule_loadparm_boot(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (vlun_has(disk, VLUN_disk_loadparm) && !vlun_has(disk, VLUN_disk_boot)) vlun_complain_here(check, "loadparm", &(struct vlun_args){0});
}

static void rule_serial_long(struct vlun_check *check) {
  const struct vlun_value *serial = vlun_has(here(check), VLUN_disk_serial);
  if (serial && serial->len > 20 && serial->len <= 36) vlun_complain_here(check, "serial", &(struct vlun_args){.v = text_of(check, serial), .a = decimal(check, serial->len)});
}

/* --- host devices ------------------------------------------------------------------------------------- */

static bool is_vhost(const struct vlun_record *hostdev) { return has_shape(inner(hostdev, VLUN_hostdev_source), SHAPE_vhost); }

static void rule_hostdev_one_host(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!has_shape(source, SHAPE_iscsi) || !vlun_has(source, VLUN_iscsi_hosts)) return;
  size_t count = host_count(source, VLUN_iscsi_hosts);
  if (count != 1) vlun_complain_here(check, "source.hosts", &(struct vlun_args){.v = decimal(check, (int64_t)count)});
}

static void rule_hostdev_address(struct vlun_check *check) {
  const struct vlun_record *address = inner(here(check), VLUN_hostdev_address);
  if (!address || !source_of(here(check)) || is_vhost(here(check)) != has_shape(address, SHAPE_drive)) return;
  bool vhost = is_vhost(here(check));
  vlun_complain_here(check, "address", &(struct vlun_args){.a = vhost ? "a vhost target" : "a SCSI device", .e = vhost ? "pci or ccw" : "drive"});
}

static void rule_hostdev_vhost(struct vlun_check *check) {
  static const int rows[] = {VLUN_hostdev_sgio, VLUN_hostdev_rawio, VLUN_hostdev_readonly, VLUN_hostdev_shareable, VLUN_hostdev_boot};
  for (size_t i = 0; is_vhost(here(check)) && i < VLUN_COUNT(rows); i++) {
    const char *key = here(check)->shape->rows[rows[i]].key;
    if (vlun_has(here(check), rows[i])) vlun_complain_here(check, key, &(struct vlun_args){.v = key});
  }
}

static void rule_hostdev_model(struct vlun_check *check) {
  if (source_of(here(check)) && !is_vhost(here(check)) && vlun_has(here(check), VLUN_hostdev_model)) vlun_complain_here(check, "model", &(struct vlun_args){0});
}

static void rule_hostdev_twice(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  const char *text = source ? vlun_source_key(&check->arena, source) : NULL;
  const struct vlun_device *other = text ? rival(check, HOSTDEV_SOURCE, text, strlen(text)) : NULL;
  if (other) vlun_complain_here(check, "source", &(struct vlun_args){.a = "the same device", .b = label(check, other)});
}

/* --- the runner --------------------------------------------------------------------------------------- */

/* Devices that the recipe removes take part only in the rules that keep identities apart. */
enum scope {
  EVERY = 1, HOST = 2, OF_DOMAIN = 4, OF_CONTROLLER = 8, OF_DISK = 16, OF_HOSTDEV = 32,
  CONTROLLER = OF_CONTROLLER, DISK = OF_DISK, HOSTDEV = OF_HOSTDEV, DRIVE = OF_DISK | OF_HOSTDEV,
  ANY = OF_CONTROLLER | OF_DISK | OF_HOSTDEV, DOMAIN = OF_DOMAIN,
  EVERY_CONTROLLER = EVERY | CONTROLLER, EVERY_DISK = EVERY | DISK,
  HOST_CONTROLLER = HOST | CONTROLLER, HOST_DISK = HOST | DISK, HOST_DRIVE = HOST | DRIVE, HOST_ANY = HOST | ANY, HOST_DOMAIN = HOST | DOMAIN
};

static const struct {
  enum vlun_code code;
  unsigned scope;
  void (*rule)(struct vlun_check *);
} rules[] = {
#define RULE(id, severity, scope, message, hint) {P_##id, scope, rule_##id},
#include "schema/rules.def"
#undef RULE
};

static void run_rules(struct vlun_check *check, unsigned scope, bool absent) {
  for (size_t i = 0; i < VLUN_COUNT(rules); i++) {
    bool wanted = (rules[i].scope & scope) && (check->hosts || !(rules[i].scope & HOST)) && (!absent || (rules[i].scope & EVERY));
    if (!wanted) continue;
    check->code = rules[i].code;
    rules[i].rule(check);
  }
}

static unsigned scope_of(const struct vlun_device *device) {
  if (vlun_is(device, SHAPE_controller)) return OF_CONTROLLER;
  return vlun_is(device, SHAPE_disk) ? OF_DISK : OF_HOSTDEV;
}

static void know_controllers(struct vlun_check *check, const struct vlun_model *model) {
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (!vlun_is(device, SHAPE_controller) || device->foreign || vlun_device_flag(device, "absent")) continue;
    int64_t index = vlun_number(device->record, VLUN_controller_index, -1);
    bool says_model = vlun_has(device->record, VLUN_controller_model) || check->controller[index >= 0 && index <= VLUN_MAX_CONTROLLER ? index : 0] == NULL;
    if (index >= 0 && index <= VLUN_MAX_CONTROLLER && says_model) check->controller[index] = device;
  }
}

static void claim_host_device(struct vlun_check *check, size_t h, const struct vlun_device *device) {
  const struct vlun_value *dev = vlun_is(device, SHAPE_disk) ? vlun_has(device->record, VLUN_disk_dev) : NULL;
  const struct vlun_value *alias = vlun_get_key(device->record, "alias"), *boot = vlun_get_key(device->record, "boot");
  if (dev) vlun_claim(check->claims, IN_HOST(HOST_DEV, h), dev->u.text, dev->len, device);
  if (alias) vlun_claim(check->claims, IN_HOST(HOST_ALIAS, h), alias->u.text, alias->len, device);
  if (boot && h == 0) vlun_claim(check->claims, HOST_BOOT, &boot->u.number, sizeof boot->u.number, device);
  struct vlun_place place;
  uint64_t *key = vlun_alloc(&check->arena, sizeof *key);
  if (!key || device->foreign || !vlun_place_of(device->record, &place)) return;
  *key = vlun_place_key(&place);
  vlun_claim(check->claims, IN_HOST(HOST_PLACE, h), key, sizeof *key, device);
}

static bool know_hosts(struct vlun_check *check) {
  for (size_t h = 0; h < check->host_count; h++) {
    check->index[h] = vlun_index_new(&check->arena, check->hosts[h]);
    if (!check->index[h]) return false;
    know_controllers(check, check->hosts[h]);
    for (size_t i = 0; i < check->hosts[h]->count; i++) claim_host_device(check, h, &check->hosts[h]->device[i]);
  }
  return true;
}

static bool check_model(struct vlun_check *check, size_t number) {
  const struct vlun_model *model = check->models[number];
  check->spot = (struct vlun_spot){.model = model, .domain = number};
  memset(check->controller, 0, sizeof check->controller);
  check->claims = vlun_claims_new(&check->arena, model->count * 2);
  if (!check->claims || !know_hosts(check)) return false;
  know_controllers(check, model);
  for (size_t i = 0; i < model->count; i++) {
    check->spot.device = &model->device[i];
    run_rules(check, scope_of(check->spot.device), vlun_device_flag(check->spot.device, "absent"));
  }
  check->spot.device = NULL;
  run_rules(check, OF_DOMAIN, false);
  return true;
}

void vlun_check_rules(struct vlun_check *check) {
  check->run_claims = vlun_claims_new(&check->arena, check->count);
  bool good = check->run_claims != NULL;
  for (size_t i = 0; good && i < check->count; i++) good = check_model(check, i);
  if (!good || check->arena.failed) check->problems->arena.failed = true;
  vlun_arena_free(&check->arena);
}
