/*
 * lua_lun.c - LUN mapping for Lua.  Numbers must be integers; what is out of range is nil and a list of one problem.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lua_common.h"

static int fail(lua_State *L, enum vlun_code code, const char *path, const struct vlun_args *args) {
  struct lvlun_run *run = lvlun_new_run(L);
  lua_pushnil(L);
  vlun_complain(&run->problems, &(struct vlun_spot){0}, path, code, args);
  lvlun_push_problems(L, run);
  return 2;
}

/* Lua would take "256" and 256.0 for 256; a unit must be written as one.  False: nil and problems are pushed. */
static bool read_integer(lua_State *L, int index, const char *path, int64_t *number) {
  if (lua_isinteger(L, index)) {
    *number = lua_tointeger(L, index);
    return true;
  }
  const char *text = luaL_tolstring(L, index, NULL);
  lua_pushfstring(L, lua_type(L, index) == LUA_TSTRING ? "'%s'" : "%s", text);
  fail(L, P_wrong_type, path, &(struct vlun_args){.v = lua_tostring(L, -1), .e = "an integer"});
  return false;
}

static int fail_range(lua_State *L, const char *path, int64_t number, int64_t max) {
  char value[24], range[40];
  snprintf(value, sizeof value, "%" PRId64, number);
  snprintf(range, sizeof range, "0..%" PRId64, max);
  return fail(L, P_out_of_range, path, &(struct vlun_args){.v = value, .e = range});
}

/* lun.encode(unit 0..16383) -> the LUN that Linux shows. */
int Lvlun_lun_encode(lua_State *L) {
  int64_t unit;
  uint32_t lun;
  if (!read_integer(L, 1, "unit", &unit)) return 2;
  if (!vlun_lun_encode(unit, &lun)) return fail_range(L, "unit", unit, VLUN_MAX_UNIT);
  lua_pushinteger(L, lun);
  return 1;
}

/* lun.decode(LUN that Linux shows) -> unit. */
int Lvlun_lun_decode(lua_State *L) {
  int64_t lun;
  uint32_t unit;
  char value[24];
  if (!read_integer(L, 1, "lun", &lun)) return 2;
  snprintf(value, sizeof value, "%" PRId64, lun);
  if (!vlun_lun_decode(lun, &unit))
    return fail(L, P_no_lun, "lun", &(struct vlun_args){.v = value, .e = "0..255 and 16640..32767"});
  lua_pushinteger(L, unit);
  return 1;
}

/* lun.wire(unit 0..16383) -> eight bytes of the LUN in hexadecimal. */
int Lvlun_lun_wire(lua_State *L) {
  int64_t unit;
  char text[32];
  if (!read_integer(L, 1, "unit", &unit)) return 2;
  if (!vlun_lun_wire(unit, text, sizeof text)) return fail_range(L, "unit", unit, VLUN_MAX_UNIT);
  lua_pushstring(L, text);
  return 1;
}

/* A field 0..max of the table at 1, 0 if it is missing.  False: nil and problems are pushed. */
static bool read_part(lua_State *L, const char *key, int64_t max, int64_t *number) {
  *number = 0;
  bool missing = lua_getfield(L, 1, key) == LUA_TNIL;
  if (missing) return true;
  if (!read_integer(L, lua_gettop(L), key, number)) return false;
  if (*number >= 0 && *number <= max) return true;
  fail_range(L, key, *number, max);
  return false;
}

static bool read_place(lua_State *L, struct vlun_place *place) {
  luaL_checktype(L, 1, LUA_TTABLE);
  return read_part(L, "target", VLUN_MAX_TARGET, &place->target) && read_part(L, "unit", VLUN_MAX_UNIT, &place->unit);
}

/* lun.hctl(address) -> "[H:0:T:LUN]": the host number is the guest's own choice. */
int Lvlun_lun_hctl(lua_State *L) {
  struct vlun_place place = {0};
  uint32_t lun;
  if (!read_place(L, &place)) return 2;
  vlun_lun_encode(place.unit, &lun);
  lua_pushfstring(L, "[H:0:%I:%I]", (LUAI_UACINT)place.target, (LUAI_UACINT)lun);
  return 1;
}

/* lun.by_path(address, address of the HBA) -> name below /dev/disk/by-path, whether it is certain; nil for an HBA
 * on a bus that gives no such name. */
int Lvlun_lun_by_path(lua_State *L) {
  struct vlun_place place = {0};
  bool certain = false;
  char text[96];
  if (!read_place(L, &place)) return 2;
  luaL_checktype(L, 2, LUA_TTABLE);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_draft draft;
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_pci]);
  const char *type = lua_getfield(L, 2, "type") == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (strcmp(type, "ccw") == 0) draft.shape = &vlun_shapes[SHAPE_ccw];
  else if (strcmp(type, "pci") != 0) return 0;
  for (int i = 0; i < draft.shape->count; i++) {
    if (lua_getfield(L, 2, draft.shape->rows[i].key) == LUA_TNUMBER)
      vlun_draft_set(&draft, i, ORIGIN_USER)->u.number = lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  const struct vlun_record *address = vlun_draft_pack(&draft, &run->arena);
  lvlun_check_memory(L, run);
  if (!address || !vlun_by_path(address, &place, text, sizeof text, &certain)) return 0;
  lua_pushstring(L, text);
  lua_pushboolean(L, certain);
  return 2;
}
