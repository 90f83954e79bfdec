/*
 * lua_diff.c - which device is which, and what differs, for Lua.
 */
#include "lua_model.h"

const char *const lvlun_actions[] = {"add", "change", "remove", NULL};

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
  lua_pushboolean(L, vlun_may_change_live(change->desired->record, row));
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

/* What stands in the way, as the problem that it is. */
static void set_obstacle(lua_State *L, const struct vlun_model *host, const struct vlun_change *change) {
  enum vlun_code code;
  const char *obstacle = vlun_obstacle(host, change, &code);
  if (!obstacle) return;
  lua_createtable(L, 0, 2);
  lvlun_set_text(L, "code", vlun_codes[code].code);
  lvlun_set_text(L, "a", obstacle);
  lua_setfield(L, -2, "obstacle");
}

static void push_change(lua_State *L, struct vlun_arena *arena, const struct vlun_model *desired,
                        const struct vlun_model *host, const struct vlun_change *change) {
  lua_createtable(L, 0, 10);
  lvlun_set_text(L, "action", lvlun_actions[change->action]);
  lvlun_set_text(L, "kind", vlun_device_kind(change->desired->record));
  lvlun_set_text(L, "device", vlun_device_label(arena, change->desired));
  lvlun_set_text(L, "file", change->desired->file);
  if (change->desired->line) lvlun_set_number(L, "line", change->desired->line);
  lua_pushboolean(L, change->desired->place == 0); /* nobody described it: an HBA that others need */
  lua_setfield(L, -2, "assigned");
  lvlun_set_number(L, "desired", change->desired - desired->device + 1);
  if (change->current) lvlun_set_number(L, "current", change->current - host->device + 1);
  lvlun_set_number(L, "rows", (lua_Integer)change->rows);
  if (change->action == VLUN_CHANGE) set_fields(L, change);
  set_obstacle(L, host, change);
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
  lvlun_end_run(L, run);
  return 1;
}

/* core.diff(description, document, only) -> list of changes: action, kind, device, fields with before and after.
 * The numbers desired, current and rows are for core.patch with the same two models.  only: the number of the one
 * described device that is asked for, or nil. */
int Lvlun_diff(lua_State *L) {
  struct vlun_model *desired = lvlun_check_model(L, 1), *host = lvlun_check_indexed(L, 2);
  if (!lua_isnoneornil(L, 3))
    return diff_one(L, desired, host, &desired->device[lvlun_check_number(L, 3, desired) - 1]);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_changes changes;
  if (!vlun_diff(&run->arena, desired, host, &changes)) return luaL_error(L, "not enough memory");
  lua_createtable(L, (int)changes.count, 0);
  for (size_t i = 0; i < changes.count; i++) {
    push_change(L, &run->arena, desired, host, &changes.list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_end_run(L, run);
  return 1;
}

/* core.find(description, document, number) -> number of the document's device that the described one is, or nil. */
int Lvlun_find(lua_State *L) {
  struct vlun_model *desired = lvlun_check_model(L, 1), *host = lvlun_check_indexed(L, 2);
  size_t number = lvlun_check_number(L, 3, desired);
  struct lvlun_run *run = lvlun_new_run(L);
  const struct vlun_device *found = vlun_find(&run->arena, host, desired->device[number - 1].record);
  lvlun_check_memory(L, run);
  if (found) lua_pushinteger(L, found - host->device + 1);
  else lua_pushnil(L);
  lvlun_end_run(L, run);
  return 1;
}

/* core.matches(description, document) -> by number of the described device the number of the document's device that it
 * is. */
int Lvlun_matches(lua_State *L) {
  struct vlun_model *desired = lvlun_check_model(L, 1), *host = lvlun_check_indexed(L, 2);
  struct lvlun_run *run = lvlun_new_run(L);
  lua_createtable(L, (int)desired->count, 0);
  for (size_t i = 0; i < desired->count; i++) {
    const struct vlun_device *found = vlun_find(&run->arena, host, desired->device[i].record);
    if (!found) continue;
    lua_pushinteger(L, found - host->device + 1);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lvlun_check_memory(L, run);
  lvlun_end_run(L, run);
  return 1;
}
