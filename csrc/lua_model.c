/*
 * lua_model.c - models as userdata, for what takes several steps: a plan reads the host's documents once, compares
 * the description with each of them (lua_diff.c), and patches the text (lua_patch.c).
 */
#include <stdlib.h>
#include <string.h>

#include "lua_model.h"

/* Lua sees only a small userdata; this tells its collector how much memory hangs on it, and frees what is done with. */
static void account(lua_State *L, const struct vlun_model *model, struct lvlun_run *run) {
  int kilobytes = (int)(model->arena.total / 1024);
  lvlun_end_run(L, run);
  lua_gc(L, LUA_GCSTEP, kilobytes);
}

/* core.model(description) -> model, problems; the model is whole only without errors. */
int Lvlun_model(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_model *model = lvlun_new_model(L);
  lvlun_read_domain(L, 1, model, &run->problems, 0, true);
  if (model->arena.failed) run->arena.failed = true;
  lvlun_push_problems(L, run);
  account(L, model, run);
  return 2;
}

/* core.document(xml) -> model of a host's document, or nil and problems. */
int Lvlun_document(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_model *model = lvlun_new_model(L);
  if (vlun_read(model, xml, len, &run->problems)) {
    account(L, model, run);
    return 1;
  }
  lua_pushnil(L);
  lvlun_push_problems(L, run);
  return 2;
}

/* The models from index on, at most as many as a domain has documents. */
static size_t read_hosts(lua_State *L, int index, struct vlun_model *hosts[VLUN_MAX_HOSTS]) {
  size_t count = 0;
  for (; count < VLUN_MAX_HOSTS && !lua_isnoneornil(L, index); index++) hosts[count++] = lvlun_check_model(L, index);
  return count;
}

/* model:check(config, live) -> problems, of fields and rules, those against the host's documents included. */
static int check(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
  struct vlun_model *hosts[VLUN_MAX_HOSTS];
  size_t count = read_hosts(L, 2, hosts);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_model *const models[] = {model};
  struct vlun_check work = {
      .problems = &run->problems, .models = models, .count = 1, .hosts = count ? hosts : NULL, .host_count = count};
  vlun_check_all(&work);
  lvlun_push_problems(L, run);
  lvlun_end_run(L, run);
  return 1;
}

/* model:complete(written, first, second): defaults, HBAs and addresses of what the documents do not have; the first
 * `written` of them will be changed. */
static int complete(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
  struct vlun_model *hosts[VLUN_MAX_HOSTS];
  size_t count = read_hosts(L, 3, hosts);
  lua_Integer written = luaL_checkinteger(L, 2);
  luaL_argcheck(L, written >= 0 && (size_t)written <= count, 2, "more than there are documents");
  if (!vlun_complete(model, hosts, count, (size_t)written)) return luaL_error(L, "not enough memory");
  return 0;
}

/* model:tables() -> the description as tables. */
static int tables(lua_State *L) {
  lvlun_push_model(L, lvlun_check_model(L, 1));
  return 1;
}

/* model:xml(number) -> XML of the device with that number. */
static int device_xml(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
  size_t number = lvlun_check_number(L, 2, model);
  struct lvlun_run *run = lvlun_new_run(L);
  vlun_write_record(&run->buffer, model->device[number - 1].record, 0);
  lvlun_check_memory(L, run);
  lua_pushlstring(L, run->buffer.text, run->buffer.len);
  return 1;
}

/* model:device(number) -> the device with that number as a table.  model:tables() counts only what it shows, so that
 * its positions are no numbers of devices. */
static int device_table(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
  lvlun_push_device(L, model->device[lvlun_check_number(L, 2, model) - 1].record);
  return 1;
}

/* model:says(number, key) -> whether the device with that number says true there. */
static int says(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
  const struct vlun_record *record = model->device[lvlun_check_number(L, 2, model) - 1].record;
  int row = vlun_row_of_key(record->shape, luaL_checkstring(L, 3));
  lua_pushboolean(L, row >= 0 && record->shape->rows[row].kind == KIND_BOOL && vlun_number(record, row, 0) != 0);
  return 1;
}

/* model:facts() -> what the document says besides the devices. */
static int facts(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
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
  lvlun_set_number(L, "free_ports", vlun_free_ports(model));
  return 1;
}

/* model:alias(number) -> the name that events call the running device by, nil if it has none. */
static int alias(lua_State *L) {
  const struct vlun_model *model = lvlun_check_model(L, 1);
  const struct vlun_device *device = &model->device[lvlun_check_number(L, 2, model) - 1];
  const struct vlun_value *own = vlun_common(device->record, COMMON_alias);
  lua_pushstring(L, own ? own->u.text : device->given_alias);
  return 1;
}

/* model:count() -> number of devices. */
static int count_devices(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lvlun_check_model(L, 1)->count);
  return 1;
}

/* model:drives() -> by number of the device { name =, controller = }, of every SCSI drive that has a place on an HBA,
 * those included whose place libvirt implies. */
static int drives(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
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
  lvlun_end_run(L, run);
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
  struct vlun_model *model = lvlun_check_model(L, 1);
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
    lvlun_set_number(L, "order", boot_of(list[i]));
    lvlun_set_number(L, "device", list[i] - model->device + 1);
    lvlun_set_text(L, "name", vlun_device_label(&run->arena, list[i]));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_end_run(L, run);
  return 1;
}

/* model:hbas() -> by index of the HBA the number of its device. */
static int hbas(lua_State *L) {
  const struct vlun_model *model = lvlun_check_model(L, 1);
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
  const struct vlun_model *model = lvlun_check_model(L, 1);
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
  const struct vlun_model *model = lvlun_check_model(L, 1);
  const struct vlun_device *device = &model->device[lvlun_check_number(L, 2, model) - 1];
  bool chain = model->run && device->bound && strcmp(device->bound, "backingStore") == 0;
  lua_pushboolean(L, chain || vlun_is_overlaid(model, device->record));
  return 1;
}

void lvlun_open_model(lua_State *L) {
  static const luaL_Reg methods[] = {{"check", check},         {"complete", complete},
                                     {"tables", tables},       {"device", device_table},
                                     {"says", says},           {"xml", device_xml},
                                     {"facts", facts},         {"fingerprint", lvlun_model_fingerprint},
                                     {"count", count_devices}, {"drives", drives},
                                     {"alias", alias},         {"boots", boots},
                                     {"hbas", hbas},           {"foreign", foreign},
                                     {"has_chain", has_chain}, {NULL, NULL}};
  lvlun_new_model_type(L);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
