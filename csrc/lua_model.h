/*
 * lua_model.h - what the files that work on models as userdata share.
 */
#ifndef VLUN_LUA_MODEL_H
#define VLUN_LUA_MODEL_H

#include "lua_common.h"

/* Pushes a model without devices; pushes the metatable of models, whose methods are lua_model.c's. */
struct vlun_model *lvlun_new_model(lua_State *L);
void lvlun_new_model_type(lua_State *L);
/* The argument that is a model; one that is a document in which devices can be found. */
struct vlun_model *lvlun_check_model(lua_State *L, int index);
struct vlun_model *lvlun_check_indexed(lua_State *L, int index);
/* The argument that is the number of a device with rows, counted as core.diff does: from 1. */
size_t lvlun_check_number(lua_State *L, int index, const struct vlun_model *model);
void lvlun_set_number(lua_State *L, const char *key, lua_Integer number);

/* The words of enum vlun_action; ends with NULL. */
extern const char *const lvlun_actions[];

/* A method of models (lua_fingerprint.c). */
int lvlun_model_fingerprint(lua_State *L);

#endif
