/*
 * lua_model.c - models as userdata, for what takes several steps: a plan reads the host's documents once, compares
 * the description with each of them, and patches the text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_common.h"

#define MODEL_TYPE "virtlun.model"

static struct vlun_model *new_model(lua_State *L) {
  struct vlun_model *model = lua_newuserdata(L, sizeof *model);
  *model = (struct vlun_model){0};
  luaL_setmetatable(L, MODEL_TYPE);
  return model;
}

static struct vlun_model *check_model(lua_State *L, int index) { return luaL_checkudata(L, index, MODEL_TYPE); }

/* A document in which devices can be found. */
static struct vlun_model *check_indexed(lua_State *L, int index) {
  struct vlun_model *host = check_model(L, index);
  if (!vlun_index(host)) luaL_error(L, "not enough memory");
  return host;
}

static int free_model(lua_State *L) {
  vlun_model_free(check_model(L, 1));
  return 0;
}

/* Lua sees only a small userdata; this tells its collector how much memory hangs on it, and frees what is done with. */
static void account(lua_State *L, const struct vlun_model *model, struct lvlun_run *run) {
  int kilobytes = (int)(model->arena.total / 1024);
  lvlun_end_run(run);
  lua_gc(L, LUA_GCSTEP, kilobytes);
}

/* core.model(description) -> model, problems; the model is whole only without errors. */
int Lvlun_model(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_model *model = new_model(L);
  lvlun_read_domain(L, 1, model, &run->problems, 0, true);
  if (model->arena.failed) run->arena.failed = true;
  lvlun_check_memory(L, run);
  lvlun_push_problems(L, &run->problems);
  account(L, model, run);
  return 2;
}

/* core.document(xml) -> model of a host's document, or nil and problems. */
int Lvlun_document(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_model *model = new_model(L);
  if (vlun_read(model, xml, len, &run->problems)) {
    account(L, model, run);
    return 1;
  }
  lvlun_check_memory(L, run);
  lua_pushnil(L);
  lvlun_push_problems(L, &run->problems);
  return 2;
}

/* The models from index on, at most as many as a domain has documents. */
static size_t read_hosts(lua_State *L, int index, struct vlun_model *hosts[VLUN_MAX_HOSTS]) {
  size_t count = 0;
  for (; count < VLUN_MAX_HOSTS && !lua_isnoneornil(L, index); index++) hosts[count++] = check_model(L, index);
  return count;
}

/* model:check(config, live) -> problems, of fields and rules, those against the host's documents included. */
static int check(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  struct vlun_model *hosts[VLUN_MAX_HOSTS];
  size_t count = read_hosts(L, 2, hosts);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_model *const models[] = {model};
  struct vlun_check work = {
      .problems = &run->problems, .models = models, .count = 1, .hosts = count ? hosts : NULL, .host_count = count};
  vlun_check_run(&work);
  vlun_check_raw(&work);
  lvlun_check_memory(L, run);
  lvlun_push_problems(L, &run->problems);
  lvlun_end_run(run);
  return 1;
}

/* model:complete(written, first, second): defaults, HBAs and addresses of what the documents do not have; the first
 * `written` of them will be changed. */
static int complete(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  struct vlun_model *hosts[VLUN_MAX_HOSTS];
  size_t count = read_hosts(L, 3, hosts);
  lua_Integer written = luaL_checkinteger(L, 2);
  luaL_argcheck(L, written >= 0 && (size_t)written <= count, 2, "more than there are documents");
  if (!vlun_complete(model, hosts, count, (size_t)written)) return luaL_error(L, "not enough memory");
  return 0;
}

/* model:tables() -> the description as tables. */
static int tables(lua_State *L) {
  lvlun_push_model(L, check_model(L, 1));
  return 1;
}

/* The argument that is the number of a device with rows, counted as core.diff does. */
static size_t check_number(lua_State *L, int index, const struct vlun_model *model) {
  lua_Integer number = luaL_checkinteger(L, index);
  bool known = number >= 1 && (size_t)number <= model->count && !vlun_is(&model->device[number - 1], SHAPE_other);
  luaL_argcheck(L, known, index, "no such device");
  return (size_t)number;
}

/* model:xml(number) -> XML of the device with that number. */
static int device_xml(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  size_t number = check_number(L, 2, model);
  struct lvlun_run *run = lvlun_new_run(L);
  vlun_write_record(&run->buffer, model->device[number - 1].record, 0);
  lvlun_check_memory(L, run);
  lua_pushlstring(L, run->buffer.text, run->buffer.len);
  return 1;
}

/* model:device(number) -> the device with that number as a table.  model:tables() counts only what it shows, so that
 * its positions are no numbers of devices. */
static int device_table(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  lvlun_push_device(L, model->device[check_number(L, 2, model) - 1].record);
  return 1;
}

/* model:says(number, key) -> whether the device with that number says true there. */
static int says(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  const struct vlun_record *record = model->device[check_number(L, 2, model) - 1].record;
  int row = vlun_row_of_key(record->shape, luaL_checkstring(L, 3));
  lua_pushboolean(L, row >= 0 && record->shape->rows[row].kind == KIND_BOOL && vlun_number(record, row, 0) != 0);
  return 1;
}

static void set_number(lua_State *L, const char *key, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, key);
}

/* model:facts() -> what the document says besides the devices. */
static int facts(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  const struct vlun_value *name = model->domain ? vlun_has(model->domain, VLUN_domain_name) : NULL;
  lua_newtable(L);
  if (name) {
    lua_pushlstring(L, name->u.text, name->len);
    lua_setfield(L, -2, "name");
  }
  lvlun_set_text(L, "uuid", model->uuid);
  lvlun_set_text(L, "arch", model->arch);
  lvlun_set_text(L, "machine", model->machine);
  lua_pushboolean(L, model->os_boot);
  lua_setfield(L, -2, "os_boot");
  lua_pushboolean(L, model->os_kernel);
  lua_setfield(L, -2, "os_kernel");
  lvlun_set_text(L, "run", model->run);
  lua_pushboolean(L, model->slots.acpi);
  lua_setfield(L, -2, "acpi");
  set_number(L, "free_ports", vlun_free_ports(model));
  return 1;
}

/* FNV-1a by words of eight bytes, whose high bits the shift brings down: equal texts, equal numbers; nobody tries to
 * deceive it. */
static uint64_t hash(uint64_t sum, const void *bytes, size_t len) {
  for (const char *p = bytes; len;) {
    uint64_t word = 0;
    size_t step = len < sizeof word ? len : sizeof word;
    memcpy(&word, p, step);
    sum = (sum ^ word) * UINT64_C(1099511628211);
    sum ^= sum >> 32;
    p += step;
    len -= step;
  }
  return sum;
}

static int push_hash(lua_State *L, uint64_t sum) {
  char text[24];
  snprintf(text, sizeof text, "%016" PRIx64, sum);
  lua_pushstring(L, text);
  return 1;
}

#define HASH_START UINT64_C(14695981039346656037)

/* core.hash(text) -> the fingerprint of a text. */
int Lvlun_hash(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  return push_hash(L, hash(HASH_START, text, len));
}

static bool is_left_out(lua_State *L, int index, size_t number) {
  if (!lua_istable(L, index)) return false;
  bool left_out = lua_rawgeti(L, index, (lua_Integer)number) != LUA_TNIL;
  lua_pop(L, 1);
  return left_out;
}

static const struct vlun_record *without_boot(struct vlun_arena *arena, const struct vlun_record *record) {
  struct vlun_draft draft;
  int row = vlun_common_row(record->shape, COMMON_boot);
  if (row < 0 || !vlun_get(record, row)) return record;
  vlun_draft_from(&draft, record);
  draft.set &= ~BIT(row);
  const struct vlun_record *rest = vlun_draft_pack(&draft, arena);
  return rest ? rest : record;
}

/* model:fingerprint(except, bootless) -> text that changes when the devices, the boot order or the identity of the
 * domain do.  except: a table whose keys are numbers of devices that do not count.  bootless: what boots does not
 * count. */
static int fingerprint(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  bool bootless = lua_toboolean(L, 3);
  struct lvlun_run *run = lvlun_new_run(L);
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (is_left_out(L, 2, i + 1) || vlun_is(device, SHAPE_other)) continue;
    if (device->foreign) vlun_buffer_add(&run->buffer, device->foreign, strlen(device->foreign));
    vlun_write_record(&run->buffer, bootless ? without_boot(&run->arena, device->record) : device->record, 0);
  }
  lvlun_check_memory(L, run);
  uint64_t sum = hash(HASH_START, run->buffer.text, run->buffer.len);
  if (!bootless) sum = hash(sum, &model->os_boot, sizeof model->os_boot);
  if (model->uuid) sum = hash(sum, model->uuid, strlen(model->uuid));
  lvlun_end_run(run);
  return push_hash(L, sum);
}

/* model:alias(number) -> the name that events call the running device by, nil if it has none. */
static int alias(lua_State *L) {
  const struct vlun_model *model = check_model(L, 1);
  const struct vlun_device *device = &model->device[check_number(L, 2, model) - 1];
  const struct vlun_value *own = vlun_common(device->record, COMMON_alias);
  lua_pushstring(L, own ? own->u.text : device->given_alias);
  return 1;
}

/* model:count() -> number of devices. */
static int count_devices(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_model(L, 1)->count);
  return 1;
}

/* model:drives() -> by number of the device { name =, controller = }, of every SCSI drive that has a place on an HBA,
 * those included whose place libvirt implies. */
static int drives(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  struct lvlun_run *run = lvlun_new_run(L);
  lua_newtable(L);
  for (size_t i = 0; i < model->count; i++) {
    struct vlun_place place;
    const struct vlun_device *device = &model->device[i];
    if (device->foreign || vlun_is_absent(device) || !vlun_place_of(device->record, &place)) continue;
    lua_createtable(L, 0, 2);
    lvlun_set_text(L, "name", vlun_device_label(&run->arena, device));
    lua_pushinteger(L, place.controller);
    lua_setfield(L, -2, "controller");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_end_run(run);
  return 1;
}

static int64_t boot_of(const struct vlun_device *device) {
  const struct vlun_value *boot = vlun_common(device->record, COMMON_boot);
  return boot ? boot->u.number : 0;
}

static int by_boot(const void *left, const void *right) {
  int64_t a = boot_of(*(const struct vlun_device *const *)left), b = boot_of(*(const struct vlun_device *const *)right);
  return a < b ? -1 : a > b;
}

/* model:boots() -> list of { order =, name =, device = number } of every device with a boot order, in that order. */
static int boots(lua_State *L) {
  struct vlun_model *model = check_model(L, 1);
  struct lvlun_run *run = lvlun_new_run(L);
  const struct vlun_device **list = vlun_alloc(&run->arena, (model->count + 1) * sizeof *list);
  lvlun_check_memory(L, run);
  size_t count = 0;
  for (size_t i = 0; i < model->count; i++)
    if (boot_of(&model->device[i])) list[count++] = &model->device[i];
  qsort(list, count, sizeof *list, by_boot);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 3);
    set_number(L, "order", boot_of(list[i]));
    set_number(L, "device", list[i] - model->device + 1);
    lvlun_set_text(L, "name", vlun_device_label(&run->arena, list[i]));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_end_run(run);
  return 1;
}

/* model:hbas() -> by index of the HBA the number of its device. */
static int hbas(lua_State *L) {
  const struct vlun_model *model = check_model(L, 1);
  lua_newtable(L);
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (device->foreign || !vlun_is(device, SHAPE_controller)) continue;
    const struct vlun_value *index = vlun_has(device->record, VLUN_controller_index);
    if (!index) continue;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_rawseti(L, -2, index->u.number);
  }
  return 1;
}

/* model:foreign() -> by number of the device { kind =, dev =, why = } of every device that is none of virtlun's; why is
 * the bus of a drive, the type of another controller or host device, the element of anything else. */
static int foreign(lua_State *L) {
  const struct vlun_model *model = check_model(L, 1);
  lua_newtable(L);
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (!device->foreign) continue;
    const struct vlun_value *dev = vlun_get_key(device->record, "dev");
    lua_createtable(L, 0, 3);
    lvlun_set_text(L, "kind", vlun_device_kind(device->record));
    lvlun_set_text(L, "dev", dev ? dev->u.text : NULL);
    lvlun_set_text(L, "why", device->foreign);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* model:has_chain(number) -> whether libvirt wrote a chain of images for the device, overlays of its own included. */
static int has_chain(lua_State *L) {
  const struct vlun_model *model = check_model(L, 1);
  const struct vlun_device *device = &model->device[check_number(L, 2, model) - 1];
  bool chain = model->run && device->bound && strcmp(device->bound, "backingStore") == 0;
  lua_pushboolean(L, chain || vlun_is_overlaid(model, device->record));
  return 1;
}

/* --- differences -------------------------------------------------------------------------------------- */

static const char *const actions[] = {"add", "change", "remove", NULL};

/* libvirt shuts trays, but opens none for good: a tray that is to be open waits for the next boot. */
static bool may_change_live(const struct vlun_record *record, const struct vlun_row *row) {
  bool cdrom = record->shape == &vlun_shapes[SHAPE_disk] &&
               vlun_number(record, VLUN_disk_device, W(device, disk)) == W(device, cdrom);
  bool opens = row == &vlun_shapes[SHAPE_disk].rows[VLUN_disk_tray] &&
               vlun_number(record, VLUN_disk_tray, W(tray, closed)) == W(tray, open);
  return (row->flags & LIVE) || (cdrom && (row->flags & MEDIUM) && !opens);
}

static void push_field(lua_State *L, const struct vlun_change *change, int number) {
  const struct vlun_row *row = &change->desired->record->shape->rows[number];
  const struct vlun_value *before = vlun_has(change->current->record, number),
                          *after = vlun_get(change->desired->record, number);
  lua_createtable(L, 0, 4);
  lvlun_set_text(L, "key", row->key);
  if (before) {
    lvlun_push_value(L, row, before);
    lua_setfield(L, -2, "before");
  }
  if (after) lvlun_push_value(L, row, after);
  else lua_pushstring(L, row->words->word[row->implied]);
  lua_setfield(L, -2, "after");
  lua_pushboolean(L, may_change_live(change->desired->record, row));
  lua_setfield(L, -2, "live");
}

static void set_fields(lua_State *L, const struct vlun_change *change) {
  lua_newtable(L);
  lua_Integer n = 0;
  for (uint64_t rest = change->rows; rest; rest &= rest - 1) {
    push_field(L, change, __builtin_ctzll(rest));
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "fields");
}

/* What the host's document says twice, or in a way that virtlun cannot read, and the description wants to change. */
static void set_obstacles(lua_State *L, const struct vlun_change *change) {
  const struct vlun_device *current = change->current;
  uint64_t unclear = current ? change->rows & current->unclear : 0;
  if (unclear) lvlun_set_text(L, "unclear", current->record->shape->rows[__builtin_ctzll(unclear)].key);
  if (current) lvlun_set_text(L, "bound", current->bound);
}

static void push_change(lua_State *L, struct vlun_arena *arena, const struct vlun_model *desired,
                        const struct vlun_model *host, const struct vlun_change *change) {
  lua_createtable(L, 0, 10);
  lvlun_set_text(L, "action", actions[change->action]);
  lvlun_set_text(L, "kind", vlun_device_kind(change->desired->record));
  lvlun_set_text(L, "device", vlun_device_label(arena, change->desired));
  lvlun_set_text(L, "file", change->desired->file);
  if (change->desired->line) set_number(L, "line", change->desired->line);
  lua_pushboolean(L, change->desired->place == 0); /* nobody described it: an HBA that others need */
  lua_setfield(L, -2, "assigned");
  set_number(L, "desired", change->desired - desired->device + 1);
  if (change->current) set_number(L, "current", change->current - host->device + 1);
  set_number(L, "rows", (lua_Integer)change->rows);
  if (change->action == ACTION_CHANGE) set_fields(L, change);
  set_obstacles(L, change);
  const struct vlun_record *shown = change->current ? change->current->record : change->desired->record;
  lvlun_push_device(L, shown);
  lua_setfield(L, -2, change->current ? "before" : "after");
}

static int diff_one(lua_State *L, const struct vlun_model *desired, const struct vlun_model *host,
                    const struct vlun_device *only) {
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_change change;
  bool differs = vlun_diff_one(&run->arena, only, host, &change);
  lvlun_check_memory(L, run);
  lua_createtable(L, 1, 0);
  if (differs) {
    push_change(L, &run->arena, desired, host, &change);
    lua_rawseti(L, -2, 1);
  }
  lvlun_end_run(run);
  return 1;
}

/* core.diff(description, document, only) -> list of changes: action, kind, device, fields with before and after.
 * The numbers desired, current and rows are for core.patch with the same two models.  only: the number of the one
 * described device that is asked for, or nil. */
int Lvlun_diff(lua_State *L) {
  struct vlun_model *desired = check_model(L, 1), *host = check_indexed(L, 2);
  if (!lua_isnoneornil(L, 3)) return diff_one(L, desired, host, &desired->device[check_number(L, 3, desired) - 1]);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_changes changes;
  if (!vlun_diff(&run->arena, desired, host, &changes)) return luaL_error(L, "not enough memory");
  lua_createtable(L, (int)changes.count, 0);
  for (size_t i = 0; i < changes.count; i++) {
    push_change(L, &run->arena, desired, host, &changes.list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_end_run(run);
  return 1;
}

/* core.find(description, document, number) -> number of the document's device that the described one is, or nil. */
int Lvlun_find(lua_State *L) {
  struct vlun_model *desired = check_model(L, 1), *host = check_indexed(L, 2);
  size_t number = check_number(L, 3, desired);
  struct lvlun_run *run = lvlun_new_run(L);
  const struct vlun_device *found = vlun_find(&run->arena, host, desired->device[number - 1].record);
  lvlun_check_memory(L, run);
  if (found) lua_pushinteger(L, found - host->device + 1);
  else lua_pushnil(L);
  lvlun_end_run(run);
  return 1;
}

/* core.matches(description, document) -> by number of the described device the number of the document's device that it
 * is. */
int Lvlun_matches(lua_State *L) {
  struct vlun_model *desired = check_model(L, 1), *host = check_indexed(L, 2);
  struct lvlun_run *run = lvlun_new_run(L);
  lua_createtable(L, (int)desired->count, 0);
  for (size_t i = 0; i < desired->count; i++) {
    const struct vlun_device *found = vlun_find(&run->arena, host, desired->device[i].record);
    if (!found) continue;
    lua_pushinteger(L, found - host->device + 1);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_check_memory(L, run);
  lvlun_end_run(run);
  return 1;
}

static lua_Integer number_at(lua_State *L, const char *key, size_t max) {
  lua_getfield(L, -1, key);
  lua_Integer number = luaL_optinteger(L, -1, 0);
  lua_pop(L, 1);
  if (number < 0 || (size_t)number > max) luaL_error(L, "change.%s is out of range", key);
  return number;
}

/* The change on top of the stack. */
static struct vlun_change read_change(lua_State *L, const struct vlun_model *desired, const struct vlun_model *host) {
  struct vlun_change change = {0};
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_Integer d = number_at(L, "desired", desired->count), c = number_at(L, "current", host->count);
  lua_getfield(L, -1, "action");
  change.action = (enum vlun_action)luaL_checkoption(L, -1, NULL, actions);
  lua_getfield(L, -2, "rows");
  change.rows = (uint64_t)luaL_optinteger(L, -1, 0);
  lua_pop(L, 2);
  if (d == 0 || (c == 0) != (change.action == ACTION_ADD)) luaL_error(L, "a change must come from core.diff");
  change.desired = &desired->device[d - 1];
  change.current = c ? &host->device[c - 1] : NULL;
  const struct vlun_shape *shape = change.desired->record->shape;
  bool same = !change.current || (change.current->record->shape == shape && !change.current->foreign);
  if (!same || shape == &vlun_shapes[SHAPE_other]) luaL_error(L, "a change must come from core.diff");
  change.rows &= change.desired->record->set; /* nobody says how a tray is to be written */
  return change;
}

/* The list of changes that is the fourth argument. */
static struct vlun_changes read_changes(lua_State *L, struct lvlun_run *run, const struct vlun_model *desired,
                                        const struct vlun_model *host) {
  size_t count = (size_t)lua_rawlen(L, 4);
  struct vlun_changes changes = {.list = vlun_alloc(&run->arena, (count + 1) * sizeof *changes.list)};
  lvlun_check_memory(L, run);
  for (; changes.count < count; changes.count++) {
    lua_rawgeti(L, 4, (lua_Integer)changes.count + 1);
    changes.list[changes.count] = read_change(L, desired, host);
    lua_pop(L, 1);
  }
  return changes;
}

/* core.patch(xml, description, document, changes) -> xml with the changes, or nil and problems. */
int Lvlun_patch(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_model *desired = check_model(L, 2), *host = check_model(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_changes changes = read_changes(L, run, desired, host);
  bool good = vlun_patch(xml, len, &changes, &run->buffer, &run->problems);
  lvlun_check_memory(L, run);
  if (good) lua_pushlstring(L, run->buffer.text, run->buffer.len);
  else lua_pushnil(L);
  lvlun_push_problems(L, &run->problems);
  return 2;
}

/* core.boot(xml, document, description, first) -> xml in which the devices that <os><boot> meant have a boot order
 * instead, behind those that have one already; nil and problems.  A device that the description denies one gets none.
 * first: number of the document's device that then boots before all others, or nil. */
int Lvlun_boot(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_boot boot = {.host = check_model(L, 2)};
  if (!lua_isnoneornil(L, 3)) boot.desired = check_model(L, 3);
  if (!lua_isnoneornil(L, 4)) boot.first = &boot.host->device[check_number(L, 4, boot.host) - 1];
  struct lvlun_run *run = lvlun_new_run(L);
  bool good = vlun_boot(xml, len, &boot, &run->buffer, &run->problems);
  lvlun_check_memory(L, run);
  if (good) lua_pushlstring(L, run->buffer.text, run->buffer.len);
  else lua_pushnil(L);
  lvlun_push_problems(L, &run->problems);
  return 2;
}

static void set_element_text(lua_State *L, const char *key, const struct vlun_text *text) {
  if (!text->text) return;
  lua_pushlstring(L, text->text, text->len);
  lua_setfield(L, -2, key);
}

/* core.elements(xml, description, document, changes) -> for each change { before = the document's element, xml = the
 * element as it will be }, as far as there are; nil and problems. */
int Lvlun_elements(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_model *desired = check_model(L, 2), *host = check_model(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_changes changes = read_changes(L, run, desired, host);
  struct vlun_element *elements = vlun_alloc(&run->arena, (changes.count + 1) * sizeof *elements);
  lvlun_check_memory(L, run);
  bool good = vlun_elements(xml, len, host, &changes, elements, &run->arena, &run->problems);
  lvlun_check_memory(L, run);
  if (good) lua_createtable(L, (int)changes.count, 0);
  else lua_pushnil(L);
  for (size_t i = 0; good && i < changes.count; i++) {
    lua_createtable(L, 0, 2);
    set_element_text(L, "before", &elements[i].before);
    set_element_text(L, "xml", &elements[i].after);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_push_problems(L, &run->problems);
  return 2;
}

/* core.element(xml, document, number) -> XML of that device's element as it stands in the document.
 * core.element(xml, document, change, description) -> the same element with a change by core.diff. */
int Lvlun_element(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_model *host = check_model(L, 2);
  struct vlun_change change = {.action = ACTION_CHANGE};
  if (lua_istable(L, 3)) {
    struct vlun_model *desired = check_model(L, 4);
    lua_pushvalue(L, 3);
    change = read_change(L, desired, host);
    luaL_argcheck(L, change.action == ACTION_CHANGE, 3, "not a change of a device that is there");
  } else {
    change.current = &host->device[check_number(L, 3, host) - 1];
  }
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_element element = {0};
  const struct vlun_changes changes = {.list = &change, .count = 1};
  bool good = vlun_elements(xml, len, host, &changes, &element, &run->arena, &run->problems);
  lvlun_check_memory(L, run);
  const struct vlun_text *text = change.desired ? &element.after : &element.before;
  if (good) lua_pushlstring(L, text->text, text->len);
  else lua_pushnil(L);
  lvlun_push_problems(L, &run->problems);
  return 2;
}

static void push_unread(lua_State *L, const struct vlun_unread *unread) {
  lua_newtable(L);
  for (; unread; unread = unread->next) {
    if (lua_rawgeti(L, -1, (lua_Integer)unread->device) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_newtable(L);
      lua_pushvalue(L, -1);
      lua_rawseti(L, -3, (lua_Integer)unread->device);
    }
    lua_createtable(L, 0, 2);
    lvlun_set_text(L, "place", unread->place);
    lvlun_set_text(L, "xml", unread->xml);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
}

/* core.unread(xml, document) -> by number of the device a list of what the text says and the document does not keep:
 * { place = "source/slices" or "driver@queues", xml = of an element directly below the device's }; nil and problems. */
int Lvlun_unread(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_model *model = check_model(L, 2);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_unread *list;
  bool good = vlun_unread(&run->arena, xml, len, model, &list, &run->problems);
  lvlun_check_memory(L, run);
  if (good) push_unread(L, list);
  else lua_pushnil(L);
  lvlun_push_problems(L, &run->problems);
  lvlun_end_run(run);
  return 2;
}

void lvlun_open_model(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"check", check},         {"complete", complete}, {"tables", tables},       {"device", device_table},
      {"says", says},           {"xml", device_xml},    {"facts", facts},         {"fingerprint", fingerprint},
      {"count", count_devices}, {"drives", drives},     {"alias", alias},         {"boots", boots},
      {"hbas", hbas},           {"foreign", foreign},   {"has_chain", has_chain}, {NULL, NULL}};
  luaL_newmetatable(L, MODEL_TYPE);
  lua_pushcfunction(L, free_model);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
