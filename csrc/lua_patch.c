/*
 * lua_patch.c - changes that lua_diff.c told, made in the text of the host's document, and what else that text says.
 */
#include "lua_model.h"

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
  change.action = (enum vlun_action)luaL_checkoption(L, -1, NULL, lvlun_actions);
  lua_getfield(L, -2, "rows");
  change.rows = (uint64_t)luaL_optinteger(L, -1, 0);
  lua_pop(L, 2);
  if (d == 0 || (c == 0) != (change.action == VLUN_ADD)) luaL_error(L, "a change must come from core.diff");
  change.desired = &desired->device[d - 1];
  change.current = c ? &host->device[c - 1] : NULL;
  const struct vlun_shape *shape = change.desired->record->shape;
  bool same = !change.current || (change.current->record->shape == shape && !change.current->foreign);
  if (!same || shape == &vlun_shapes[SHAPE_other]) luaL_error(L, "a change must come from core.diff");
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

/* The results of a function that makes a text: what the buffer has, or nil and problems. */
static int push_text(lua_State *L, struct lvlun_run *run, bool good) {
  lvlun_check_memory(L, run);
  if (good) lua_pushlstring(L, run->buffer.text, run->buffer.len);
  else lua_pushnil(L);
  lvlun_push_problems(L, run);
  return 2;
}

/* core.patch(xml, description, document, changes) -> xml with the changes, or nil and problems. */
int Lvlun_patch(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_model *desired = lvlun_check_model(L, 2), *host = lvlun_check_model(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_changes changes = read_changes(L, run, desired, host);
  bool good = vlun_patch(xml, len, &changes, &run->buffer, &run->problems);
  return push_text(L, run, good);
}

/* core.boot(xml, document, description, first) -> xml in which the devices that <os><boot> meant have a boot order
 * instead, behind those that have one already; nil and problems.  A device that the description denies one gets none.
 * first: number of the document's device that then boots before all others, or nil. */
int Lvlun_boot(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_boot boot = {.host = lvlun_check_model(L, 2)};
  if (!lua_isnoneornil(L, 3)) boot.desired = lvlun_check_model(L, 3);
  if (!lua_isnoneornil(L, 4)) boot.first = &boot.host->device[lvlun_check_number(L, 4, boot.host) - 1];
  struct lvlun_run *run = lvlun_new_run(L);
  bool good = vlun_boot(xml, len, &boot, &run->buffer, &run->problems);
  return push_text(L, run, good);
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
  struct vlun_model *desired = lvlun_check_model(L, 2), *host = lvlun_check_model(L, 3);
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
  lvlun_push_problems(L, run);
  return 2;
}

/* core.element(xml, document, number) -> XML of that device's element as it stands in the document.
 * core.element(xml, document, change, description) -> the same element with a change by core.diff. */
int Lvlun_element(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct vlun_model *host = lvlun_check_model(L, 2);
  struct vlun_change change = {.action = VLUN_CHANGE};
  if (lua_istable(L, 3)) {
    struct vlun_model *desired = lvlun_check_model(L, 4);
    lua_pushvalue(L, 3);
    change = read_change(L, desired, host);
    luaL_argcheck(L, change.action == VLUN_CHANGE, 3, "not a change of a device that is there");
  } else {
    change.current = &host->device[lvlun_check_number(L, 3, host) - 1];
  }
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_element element = {0};
  const struct vlun_changes changes = {.list = &change, .count = 1};
  bool good = vlun_elements(xml, len, host, &changes, &element, &run->arena, &run->problems);
  lvlun_check_memory(L, run);
  const struct vlun_text *text = change.desired ? &element.after : &element.before;
  if (good) lua_pushlstring(L, text->text, text->len);
  else lua_pushnil(L);
  lvlun_push_problems(L, run);
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
  struct vlun_model *model = lvlun_check_model(L, 2);
  struct lvlun_run *run = lvlun_new_run(L);
  struct vlun_unread *list;
  bool good = vlun_unread(&run->arena, xml, len, model, &list, &run->problems);
  lvlun_check_memory(L, run);
  if (good) push_unread(L, list);
  else lua_pushnil(L);
  lvlun_push_problems(L, run);
  lvlun_end_run(L, run);
  return 2;
}
