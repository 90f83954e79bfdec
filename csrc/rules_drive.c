/*
 * rules_drive.c - rules of what is in a drive and how it behaves (facts 5), and of host devices (facts 6).
 */
#include "rules_common.h"

static bool is_writable(const struct vlun_record *disk) {
  return !is_cdrom(disk) && !vlun_number(disk, VLUN_disk_readonly, 0);
}

void vlun_rule_source_missing(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  const struct vlun_value *source = vlun_get(disk, VLUN_disk_source);
  bool empty = source ? source->no : !(check->spot.device->unclear & BIT(VLUN_disk_source));
  if (!is_cdrom(disk) && empty) vlun_complain_here(check, "source", &(struct vlun_args){.a = vlun_device_kind(disk)});
}

/* Files and block devices are the same only on the same host. */
static const char *source_on_host(struct vlun_check *check, const struct vlun_record *source, const char *text) {
  const struct vlun_value *uri =
      check->spot.model->domain ? vlun_has(check->spot.model->domain, VLUN_domain_uri) : NULL;
  if (source->shape == &vlun_shapes[SHAPE_network] || !uri) return text;
  return vlun_printf(&check->arena, "%.*s %s", (int)uri->len, uri->u.text, text);
}

static bool is_exclusive(const struct vlun_record *disk) {
  return source_of(disk) && is_writable(disk) && !vlun_number(disk, VLUN_disk_shareable, 0);
}

/* What tells a source from others; NULL where nothing is said of it, or memory has ended: that is nobody's. */
static const char *key_of(struct vlun_check *check, const struct vlun_record *source) {
  const char *text = source ? vlun_source_key(&check->arena, source) : NULL;
  return text && strchr(text, ':') ? text : NULL;
}

/* What the domain itself writes already counts too, drives of other buses included.  Described drives claim for
 * themselves, as they will be. */
void vlun_claim_host_sources(struct vlun_check *check) {
  const struct vlun_model *host = check->hosts[0];
  for (size_t i = 0; i < host->count; i++) {
    const struct vlun_device *device = &host->device[i];
    if (!vlun_is(device, SHAPE_disk) || !is_exclusive(device->record) || described_as(check, device)) continue;
    const struct vlun_record *source = source_of(device->record);
    const char *text = key_of(check, source);
    const char *key = text ? source_on_host(check, source, text) : NULL;
    struct vlun_spot *user = vlun_alloc(&check->arena, sizeof *user);
    if (!key || !user) return;
    *user = check->spot;
    user->device = device;
    vlun_claim(check->run_claims, SOURCE, key, strlen(key), user);
  }
}

void vlun_rule_source_shared(struct vlun_check *check) {
  const struct vlun_record *disk = here(check), *source = source_of(disk);
  if (!is_exclusive(disk)) return;
  const char *text = key_of(check, source);
  const char *key = text ? source_on_host(check, source, text) : NULL;
  struct vlun_spot *user = vlun_alloc(&check->arena, sizeof *user);
  if (!key || !user || check->silent) return;
  *user = check->spot;
  const struct vlun_spot *other = vlun_claim(check->run_claims, SOURCE, key, strlen(key), user);
  if (!other) return;
  const struct vlun_value *name = other->model->domain ? vlun_has(other->model->domain, VLUN_domain_name) : NULL;
  bool foreign = name && other->model != check->spot.model;
  const char *who = vlun_printf(&check->problems->arena, "%.*s%s%s", foreign ? (int)name->len : 0,
                                foreign ? name->u.text : "", foreign ? "." : "", label(check, other->device));
  vlun_complain_here(check, "source", &(struct vlun_args){.v = strchr(text, ':') + 1, .a = who});
}

static size_t host_count(const struct vlun_record *source, int row) {
  const struct vlun_value *hosts = vlun_has(source, row);
  return hosts ? hosts->u.list->count : 0;
}

void vlun_rule_source_hosts(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!has_shape(source, SHAPE_network)) return;
  int64_t protocol = vlun_number(source, VLUN_network_protocol, 0);
  bool many = protocol == W(protocol, rbd) || protocol == W(protocol, gluster) || protocol == W(protocol, sheepdog);
  bool may_lack =
      protocol == W(protocol, rbd) || protocol == W(protocol, sheepdog); /* their own configuration names hosts */
  size_t count = host_count(source, VLUN_network_hosts);
  bool good = count == 1 || (count == 0 && may_lack) || (count > 1 && many);
  const char *word = word_of(source, VLUN_network_protocol);
  if (!good)
    vlun_complain_here(check, "source.hosts",
                       &(struct vlun_args){.v = word, .e = many ? "at least one host" : "exactly one host"});
  else if (!vlun_has(source, VLUN_network_name) && protocol != W(protocol, nbd))
    vlun_complain_here(check, "source.name", &(struct vlun_args){.v = word, .e = "a name"});
}

/* libvirt would add the LUN, and then the host's name would differ from the recipe's for ever. */
void vlun_rule_iscsi_lun(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!has_shape(source, SHAPE_network) || vlun_number(source, VLUN_network_protocol, -1) != W(protocol, iscsi)) return;
  const struct vlun_value *name = vlun_has(source, VLUN_network_name);
  if (name && !memchr(name->u.text, '/', name->len))
    vlun_complain_here(check, "source.name", &(struct vlun_args){.v = text_of(check, name)});
}

void vlun_rule_host_socket(struct vlun_check *check) {
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

void vlun_rule_auth_secret(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  bool network = has_shape(source, SHAPE_network);
  if (!network && !has_shape(source, SHAPE_iscsi)) return;
  const struct vlun_record *auth = inner(source, network ? VLUN_network_auth : VLUN_iscsi_auth);
  if (auth && !vlun_has(auth, VLUN_auth_usage) == !vlun_has(auth, VLUN_auth_uuid))
    vlun_complain_here(check, "source.auth", &(struct vlun_args){0});
}

void vlun_rule_format_unsaid(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  bool plain_disk = !is_cdrom(disk) && !is_lun(disk) && has_shape(source_of(disk), SHAPE_file);
  if (plain_disk && !vlun_has(disk, VLUN_disk_format)) vlun_complain_here(check, "format", &(struct vlun_args){0});
}

/* Unsaid, the cache of a new CD drive is none; that of any other drive is the host's default, which native refuses. */
void vlun_rule_io_cache(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  bool gets_none = is_cdrom(disk) && !check->existing;
  int64_t cache = vlun_number(disk, VLUN_disk_cache, gets_none ? W(cache, none) : W(cache, default));
  bool native = vlun_number(disk, VLUN_disk_io, W(io, threads)) == W(io, native);
  if (native && cache != W(cache, none) && cache != W(cache, directsync))
    vlun_complain_here(check, "io", &(struct vlun_args){.v = disk->shape->rows[VLUN_disk_cache].words->word[cache]});
}

void vlun_rule_readonly_cdrom(struct vlun_check *check) {
  if (is_cdrom(here(check)) && !vlun_number(here(check), VLUN_disk_readonly, 1))
    vlun_complain_here(check, "readonly", &(struct vlun_args){.v = "false"});
}

void vlun_rule_copy_on_read_readonly(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (vlun_number(disk, VLUN_disk_copy_on_read, 0) && vlun_number(disk, VLUN_disk_readonly, 0))
    vlun_complain_here(check, "copy_on_read", &(struct vlun_args){0});
}

void vlun_rule_lun_source(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!is_lun(here(check)) || !source) return;
  bool iscsi = has_shape(source, SHAPE_network) && vlun_number(source, VLUN_network_protocol, -1) == W(protocol, iscsi);
  if (iscsi || has_shape(source, SHAPE_block) || has_shape(source, SHAPE_volume)) return;
  const char *what = has_shape(source, SHAPE_network) ? word_of(source, VLUN_network_protocol) : source->shape->name;
  vlun_complain_here(check, "source", &(struct vlun_args){.v = what});
}

void vlun_rule_lun_format(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (is_lun(disk) && vlun_number(disk, VLUN_disk_format, W(format, raw)) != W(format, raw))
    vlun_complain_here(check, "format", &(struct vlun_args){.v = word_of(disk, VLUN_disk_format)});
}

void vlun_rule_startup_source(struct vlun_check *check) {
  if (vlun_has(here(check), VLUN_disk_startup_policy) && has_shape(source_of(here(check)), SHAPE_network))
    vlun_complain_here(check, "startup_policy", &(struct vlun_args){0});
}

void vlun_rule_startup_requisite(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (!is_cdrom(disk) && vlun_number(disk, VLUN_disk_startup_policy, -1) == W(startup_policy, requisite))
    vlun_complain_here(check, "startup_policy", &(struct vlun_args){0});
}

void vlun_rule_transient_disk(struct vlun_check *check) {
  const struct vlun_record *disk = here(check), *source = source_of(disk);
  if (!vlun_number(disk, VLUN_disk_transient, 0)) return;
  if (vlun_number(disk, VLUN_disk_readonly, 0) || (source && !has_shape(source, SHAPE_file)))
    vlun_complain_here(check, "transient", &(struct vlun_args){0});
}

void vlun_rule_shareable_format(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (!vlun_number(disk, VLUN_disk_shareable, 0) || !is_writable(disk)) return;
  if (vlun_number(disk, VLUN_disk_format, W(format, raw)) != W(format, raw))
    vlun_complain_here(check, "shareable", &(struct vlun_args){.v = word_of(disk, VLUN_disk_format)});
}

void vlun_rule_rotation_rate_gap(struct vlun_check *check) {
  int64_t rate = vlun_number(here(check), VLUN_disk_rotation_rate, 1);
  if (rate > 1 && rate < 1025)
    vlun_complain_here(check, "rotation_rate", &(struct vlun_args){.v = decimal(check, rate)});
}

void vlun_rule_block_size(struct vlun_check *check) {
  static const int rows[] = {VLUN_disk_logical_block_size, VLUN_disk_physical_block_size};
  for (size_t i = 0; i < VLUN_COUNT(rows); i++) {
    int64_t size = vlun_number(here(check), rows[i], 512);
    if (size > 0 && size & (size - 1))
      vlun_complain_here(check, here(check)->shape->rows[rows[i]].key, &(struct vlun_args){.v = decimal(check, size)});
  }
}

void vlun_rule_iotune_total(struct vlun_check *check) {
  static const struct {
    int total, part[2];
  } sums[] = {{VLUN_iotune_total_bytes_sec, {VLUN_iotune_read_bytes_sec, VLUN_iotune_write_bytes_sec}},
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

void vlun_rule_iotune_group(struct vlun_check *check) {
  const struct vlun_record *iotune = inner(here(check), VLUN_disk_iotune);
  if (iotune && iotune->set == BIT(VLUN_iotune_group_name)) vlun_complain_here(check, "iotune", &(struct vlun_args){0});
}

void vlun_rule_reservations_helper(struct vlun_check *check) {
  const struct vlun_record *reservations = inner(here(check), VLUN_disk_reservations);
  if (!reservations || vlun_number(reservations, VLUN_reservations_managed, 1)) return;
  bool whole = vlun_has(reservations, VLUN_reservations_type) && vlun_has(reservations, VLUN_reservations_path) &&
               vlun_has(reservations, VLUN_reservations_mode);
  if (!whole) vlun_complain_here(check, "reservations", &(struct vlun_args){0});
}

void vlun_rule_loadparm_boot(struct vlun_check *check) {
  const struct vlun_record *disk = here(check);
  if (vlun_has(disk, VLUN_disk_loadparm) && !vlun_has(disk, VLUN_disk_boot))
    vlun_complain_here(check, "loadparm", &(struct vlun_args){0});
}

void vlun_rule_serial_long(struct vlun_check *check) {
  const struct vlun_value *serial = vlun_has(here(check), VLUN_disk_serial);
  if (serial && serial->len > 20 && serial->len <= 36)
    vlun_complain_here(check, "serial",
                       &(struct vlun_args){.v = text_of(check, serial), .a = decimal(check, serial->len)});
}

/* --- host devices ------------------------------------------------------------------------------------- */

static bool is_vhost(const struct vlun_record *hostdev) {
  return has_shape(inner(hostdev, VLUN_hostdev_source), SHAPE_vhost);
}

void vlun_rule_hostdev_one_host(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!has_shape(source, SHAPE_iscsi) || !vlun_has(source, VLUN_iscsi_hosts)) return;
  size_t count = host_count(source, VLUN_iscsi_hosts);
  if (count != 1) vlun_complain_here(check, "source.hosts", &(struct vlun_args){.v = decimal(check, (int64_t)count)});
}

/* A disk of type network gets the usual port from libvirt; a host device does not (9.0.0 and 12.8.0). */
void vlun_rule_hostdev_port(struct vlun_check *check) {
  const struct vlun_record *source = source_of(here(check));
  if (!has_shape(source, SHAPE_iscsi) || host_count(source, VLUN_iscsi_hosts) != 1) return;
  const struct vlun_record *host = vlun_has(source, VLUN_iscsi_hosts)->u.list->item[0];
  if (!vlun_has(host, VLUN_host_port)) vlun_complain_here(check, "source.hosts[1].port", &(struct vlun_args){0});
}

void vlun_rule_hostdev_address(struct vlun_check *check) {
  const struct vlun_record *address = inner(here(check), VLUN_hostdev_address);
  if (!address || !source_of(here(check)) || is_vhost(here(check)) != has_shape(address, SHAPE_drive)) return;
  bool vhost = is_vhost(here(check));
  vlun_complain_here(
      check, "address",
      &(struct vlun_args){.a = vhost ? "a vhost target" : "a SCSI device", .e = vhost ? "pci or ccw" : "drive"});
}

void vlun_rule_hostdev_vhost(struct vlun_check *check) {
  static const int rows[] = {VLUN_hostdev_sgio, VLUN_hostdev_rawio, VLUN_hostdev_readonly, VLUN_hostdev_shareable,
                             VLUN_hostdev_boot};
  for (size_t i = 0; is_vhost(here(check)) && i < VLUN_COUNT(rows); i++) {
    const char *key = here(check)->shape->rows[rows[i]].key;
    if (vlun_has(here(check), rows[i])) vlun_complain_here(check, key, &(struct vlun_args){.v = key});
  }
}

void vlun_rule_hostdev_model(struct vlun_check *check) {
  if (source_of(here(check)) && !is_vhost(here(check)) && vlun_has(here(check), VLUN_hostdev_model))
    vlun_complain_here(check, "model", &(struct vlun_args){0});
}

void vlun_rule_hostdev_twice(struct vlun_check *check) {
  const char *text = key_of(check, source_of(here(check)));
  const struct vlun_device *other = text ? rival(check, HOSTDEV_SOURCE, text, strlen(text)) : NULL;
  if (other) vlun_complain_here(check, "source", &(struct vlun_args){.a = "the same device", .b = label(check, other)});
}
