/*
 * rules.c - runs the rules of rules.def: what must hold between several fields, devices or domains, and between a
 * description and its host.  The rules themselves are short functions named after their codes, in rules_*.c; the
 * range of a single field is check.c's.
 */
#include "rules_common.h"

/* Devices that the recipe removes take part only in the rules that keep identities apart. */
/* clang-format off */
enum scope {
  EVERY = 1, HOST = 2, OF_DOMAIN = 4, OF_CONTROLLER = 8, OF_DISK = 16, OF_HOSTDEV = 32,
  CONTROLLER = OF_CONTROLLER, DISK = OF_DISK, HOSTDEV = OF_HOSTDEV, DRIVE = OF_DISK | OF_HOSTDEV,
  ANY = OF_CONTROLLER | OF_DISK | OF_HOSTDEV, DOMAIN = OF_DOMAIN,
  EVERY_CONTROLLER = EVERY | CONTROLLER, EVERY_DISK = EVERY | DISK, HOST_EVERY_DISK = HOST | EVERY | DISK,
  EVERY_HOSTDEV = EVERY | HOSTDEV, HOST_EVERY = HOST | EVERY | ANY,
  HOST_CONTROLLER = HOST | CONTROLLER, HOST_DISK = HOST | DISK, HOST_DRIVE = HOST | DRIVE, HOST_ANY = HOST | ANY,
  HOST_DOMAIN = HOST | DOMAIN
};
/* clang-format on */

static const struct {
  enum vlun_code code;
  unsigned scope;
  void (*rule)(struct vlun_check *);
} rules[] = {
#define RULE(id, severity, scope, message, hint) {P_##id, scope, vlun_rule_##id},
#include "schema/rules.def"
#undef RULE
};

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* Whether what the host has is against the rule already, and for the same reason: another bad value is the recipe's. */
static bool is_so_on_host(struct vlun_check *check, void (*rule)(struct vlun_check *)) {
  if (!check->spot.device || !check->existing) return false;
  const struct vlun_device *device = check->spot.device;
  const char *found = check->found;
  check->spot.device = check->existing;
  check->silent = true;
  check->complained = false;
  rule(check);
  check->silent = false;
  check->spot.device = device;
  return check->complained && same_text(check->found, found);
}

/* What the host already has against a rule is not the recipe's error; it is looked at only if the rule complains. */
static void run_rule(struct vlun_check *check, void (*rule)(struct vlun_check *)) {
  size_t count = check->problems->count, errors = check->problems->errors;
  check->complained = false;
  rule(check);
  if (!check->complained || !is_so_on_host(check, rule)) return;
  check->problems->count = count;
  check->problems->errors = errors;
}

static void run_rules(struct vlun_check *check, unsigned scope, bool absent) {
  for (size_t i = 0; i < VLUN_COUNT(rules); i++) {
    bool wanted =
        (rules[i].scope & scope) && (check->hosts || !(rules[i].scope & HOST)) && (!absent || (rules[i].scope & EVERY));
    if (!wanted) continue;
    check->code = rules[i].code;
    run_rule(check, rules[i].rule);
  }
}

static unsigned scope_of(const struct vlun_device *device) {
  if (vlun_is(device, SHAPE_controller)) return OF_CONTROLLER;
  return vlun_is(device, SHAPE_disk) ? OF_DISK : OF_HOSTDEV;
}

static void know_controllers(struct vlun_check *check, const struct vlun_model *model) {
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (!vlun_is(device, SHAPE_controller) || device->foreign) continue;
    int64_t index = vlun_number(device->record, VLUN_controller_index, -1);
    if (index < 0 || index > VLUN_MAX_CONTROLLER) continue;
    check->leaving[index] = check->leaving[index] || vlun_is_absent(device);
    if (vlun_is_absent(device)) continue;
    bool says_model = vlun_has(device->record, VLUN_controller_model) != NULL;
    if (says_model || !check->controller[index]) check->controller[index] = device;
  }
}

/* For each index a device of the description that uses it: a drive's address before an HBA. */
static void know_users(struct vlun_check *check) {
  const struct vlun_model *model = check->spot.model;
  memset(check->user, 0, sizeof check->user);
  check->highest = -1;
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    struct vlun_place place = {.controller = -1};
    if (vlun_is_absent(device)) continue;
    if (vlun_is(device, SHAPE_controller)) place.controller = vlun_number(device->record, VLUN_controller_index, -1);
    else if (vlun_common(device->record, COMMON_address)) vlun_place_of(device->record, &place);
    if (place.controller < 0 || place.controller > VLUN_MAX_CONTROLLER) continue;
    const struct vlun_device *known = check->user[place.controller];
    if (!known || (vlun_is(known, SHAPE_controller) && !vlun_is(device, SHAPE_controller)))
      check->user[place.controller] = device;
    if (place.controller > check->highest) check->highest = place.controller;
  }
}

static void claim_host_device(struct vlun_check *check, size_t h, const struct vlun_device *device) {
  const struct vlun_value *boot = vlun_common(device->record, COMMON_boot);
  if (boot && h == 0) vlun_claim(check->claims, HOST_BOOT, &boot->u.number, sizeof boot->u.number, device);
  struct vlun_place place;
  uint64_t *key = vlun_alloc(&check->arena, sizeof *key);
  if (!key || device->foreign || !vlun_place_of(device->record, &place)) return;
  *key = vlun_place_key(&place);
  vlun_claim(check->claims, IN_HOST(HOST_PLACE, h), key, sizeof *key, device);
}

static bool know_hosts(struct vlun_check *check) {
  for (size_t h = 0; h < check->host_count; h++) {
    if (!vlun_index(check->hosts[h])) return false;
    if (h == 0) know_controllers(check, check->hosts[h]);
    for (size_t i = 0; i < check->hosts[h]->count; i++) claim_host_device(check, h, &check->hosts[h]->device[i]);
  }
  if (!check->hosts) return true;
  vlun_claim_host_sources(check);
  check->named = vlun_alloc(&check->arena, (check->hosts[0]->count + 1) * sizeof *check->named);
  return check->named != NULL;
}

/* A device that exists is checked as it will be: what the host has, and over it what the description says. */
static struct vlun_device *effective_device(struct vlun_check *check, const struct vlun_device *described) {
  struct vlun_device *device = vlun_alloc(&check->arena, sizeof *device);
  if (!device) return NULL;
  *device = *described;
  check->existing = vlun_find(&check->arena, check->hosts[0], described->record);
  if (check->existing) device->record = vlun_record_merge(&check->arena, check->existing->record, described->record);
  return device->record ? device : NULL;
}

static bool check_device(struct vlun_check *check, const struct vlun_device *described) {
  struct vlun_device *device = check->hosts ? effective_device(check, described) : (struct vlun_device *)described;
  if (!device) return false;
  check->spot.device = device;
  vlun_check_fields(check, device->record);
  run_rules(check, scope_of(device), vlun_is_absent(device));
  check->spot.device = NULL;
  return true;
}

/* Every described device has a name and a place, and every one of a document a place. */
static size_t expected_claims(const struct vlun_check *check) {
  size_t count = check->spot.model->count * 2;
  for (size_t h = 0; h < check->host_count; h++) count += check->hosts[h]->count;
  return count;
}

static bool check_model(struct vlun_check *check, size_t number) {
  const struct vlun_model *model = check->models[number];
  check->spot = (struct vlun_spot){.model = model, .domain = number};
  memset(check->controller, 0, sizeof check->controller);
  memset(check->leaving, 0, sizeof check->leaving);
  check->knows_described = false;
  check->free_dev = NULL;
  check->claims = vlun_claims_new(&check->arena, expected_claims(check));
  if (!check->claims || !know_hosts(check)) return false;
  know_controllers(check, model);
  if (model->domain) vlun_check_fields(check, model->domain);
  for (size_t i = 0; i < model->count && !vlun_problems_enough(check->problems); i++)
    if (!check_device(check, &model->device[i])) return false;
  know_users(check);
  run_rules(check, OF_DOMAIN, false);
  return true;
}

void vlun_check_run(struct vlun_check *check) {
  check->run_claims = vlun_claims_new(&check->arena, check->count);
  bool good = check->run_claims != NULL;
  for (size_t i = 0; good && i < check->count && !vlun_problems_enough(check->problems); i++)
    good = check_model(check, i);
  if (!good || check->arena.failed) check->problems->arena.failed = true;
  vlun_arena_free(&check->arena);
}
