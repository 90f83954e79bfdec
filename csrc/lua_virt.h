/*
 * lua_virt.h - what the files of the module virtlun.libvirt that know Lua share.
 */
#ifndef VLUN_LUA_VIRT_H
#define VLUN_LUA_VIRT_H

#include <lauxlib.h>
#include <lua.h>

#include "virt_events.h"
#include "virt_question.h"

/* What a Lua state has of this module: the upvalue of every function. */
struct lvirt_state {
  struct virt_mailbox *box;     /* NULL once the state closes */
  struct virt_message *in_hand; /* being given to Lua, which may raise meanwhile */
};

/* --- lua_virt_handle.c -------------------------------------------------------------------------------- */

/* Of the table on top of the stack; a text that is NULL sets nothing. */
void lvirt_set_text(lua_State *L, const char *key, const char *text);
void lvirt_set_integer(lua_State *L, const char *key, long long number);
void lvirt_set_flag(lua_State *L, const char *key, bool flag);

/* The box is made before all handles, so that it is collected after them. */
void lvirt_new_state(lua_State *L);
/* Raises once the Lua state closes. */
struct lvirt_state *lvirt_state_of(lua_State *L);
/* Releases the message in hand. */
void lvirt_drop(struct lvirt_state *state);

/* Makes the types of handles known to the state; a type of its own. */
void lvirt_open_handles(lua_State *L);
void lvirt_new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release);
int Lvirt_connection(lua_State *L);
/* A handle for the collector, still empty. */
struct virt_domain **lvirt_new_domain(lua_State *L);
/* The argument that is one. */
struct virt_conn *lvirt_check_connection(lua_State *L, int index);
struct virt_domain *lvirt_check_domain(lua_State *L, int index);
bool lvirt_is_domain(lua_State *L, int index);

/* --- lua_virt_message.c ------------------------------------------------------------------------------- */

void lvirt_open_questions(lua_State *L);
void lvirt_push_failure(lua_State *L, const struct virt_error *error);
int Lvirt_take(lua_State *L);
int Lvirt_prompts(lua_State *L);
int Lvirt_reply(lua_State *L);

#endif
