/*
 * lua_common.h - what the files of the module virtlun.core share.  Helpers that hold a lua_State are lvlun_...,
 * functions that Lua can call are Lvlun_...
 */
#ifndef VLUN_LUA_COMMON_H
#define VLUN_LUA_COMMON_H

#include <lauxlib.h>
#include <lua.h>

#include "internal.h"

/* Everything that a call collects, owned by a userdata so that a Lua error frees it too. */
struct lvlun_run {
  struct vlun_problems problems;
  struct vlun_buffer buffer;
  struct vlun_arena arena;
  struct vlun_model **models;
  size_t count;
};

/* Makes runs known to the state, once. */
void lvlun_open_run(lua_State *L);
struct lvlun_run *lvlun_new_run(lua_State *L);
/* The models only, where memory matters. */
void lvlun_free_models(struct lvlun_run *run);
/* Frees at once what the collector would free later.  Raises like lvlun_check_memory. */
void lvlun_end_run(lua_State *L, struct lvlun_run *run);
/* Room for count models. */
void lvlun_make_models(lua_State *L, struct lvlun_run *run, size_t count);
/* Raises "out of memory" if one of the run's parts met that. */
void lvlun_check_memory(lua_State *L, const struct lvlun_run *run);

/* Marks tables that say what a document has: written without a host, nothing is added to them. */
#define READ_MARK "virtlun.read"

/* lua_marshal.c: a description becomes a model.  What is wrong with types and keys becomes problems.
 * Text stays in the tables at `index` unless copy is true. */
void lvlun_read_domain(lua_State *L, int index, struct vlun_model *model, struct vlun_problems *problems, size_t number,
                       bool copy);
void lvlun_read_device(lua_State *L, int index, struct vlun_model *model, struct vlun_problems *problems, bool copy);
bool lvlun_is_device(lua_State *L, int index);

/* lua_push.c: models and problems become tables. */
void lvlun_push_device(lua_State *L, const struct vlun_record *record);
void lvlun_push_model(lua_State *L, const struct vlun_model *model);
void lvlun_push_value(lua_State *L, const struct vlun_row *row, const struct vlun_value *value);
/* Raises like lvlun_check_memory: nothing that a run found is told when memory ended. */
void lvlun_push_problems(lua_State *L, struct lvlun_run *run);
void lvlun_set_text(lua_State *L, const char *key, const char *text);

/* Functions that lua_core.c registers. */
int Lvlun_schema(lua_State *L);
int Lvlun_lun_encode(lua_State *L);
int Lvlun_lun_decode(lua_State *L);
int Lvlun_lun_wire(lua_State *L);
int Lvlun_lun_hctl(lua_State *L);
int Lvlun_lun_by_path(lua_State *L);
int Lvlun_iso(lua_State *L);
int Lvlun_recipe(lua_State *L);
/* What a recipe may use: instructions, seconds, mebibytes. */
void lvlun_push_limits(lua_State *L);
void lvlun_open_model(lua_State *L);
int Lvlun_model(lua_State *L);
int Lvlun_document(lua_State *L);
int Lvlun_diff(lua_State *L);
int Lvlun_find(lua_State *L);
int Lvlun_matches(lua_State *L);
int Lvlun_patch(lua_State *L);
int Lvlun_boot(lua_State *L);
int Lvlun_element(lua_State *L);
int Lvlun_unread(lua_State *L);
int Lvlun_elements(lua_State *L);
int Lvlun_hash(lua_State *L);

#endif
