/*
 * lua_virt_handle.c - what Lua holds of a host: connections, domains, and the state's own mailbox.
 */
#include <string.h>

#include "lua_virt.h"
#include "virt_calls.h"

#define CONNECTION_TYPE "virtlun.connection"
#define DOMAIN_TYPE "virtlun.domain"
#define STATE_TYPE "virtlun.state"

/* --- values ------------------------------------------------------------------------------------------- */

void lvirt_set_text(lua_State *L, const char *key, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

void lvirt_set_integer(lua_State *L, const char *key, long long number) {
  lua_pushinteger(L, (lua_Integer)number);
  lua_setfield(L, -2, key);
}

void lvirt_set_flag(lua_State *L, const char *key, bool flag) {
  lua_pushboolean(L, flag);
  lua_setfield(L, -2, key);
}

/* --- the state ---------------------------------------------------------------------------------------- */

struct lvirt_state *lvirt_state_of(lua_State *L) {
  struct lvirt_state *state = lua_touserdata(L, lua_upvalueindex(1));
  if (!state->box) luaL_error(L, "the Lua state is closing");
  return state;
}

void lvirt_drop(struct lvirt_state *state) {
  struct virt_message *message = state->in_hand;
  state->in_hand = NULL;
  if (message) message->release(message);
}

static int close_state(lua_State *L) {
  struct lvirt_state *state = lua_touserdata(L, 1);
  lvirt_drop(state);
  if (!state->box) return 0;
  virt_mailbox_close(state->box);
  virt_mailbox_unref(state->box);
  state->box = NULL;
  return 0;
}

void lvirt_new_state(lua_State *L) {
  struct lvirt_state *state = lua_newuserdata(L, sizeof *state);
  memset(state, 0, sizeof *state);
  luaL_setmetatable(L, STATE_TYPE);
  state->box = virt_mailbox_new();
  if (!state->box) luaL_error(L, "no memory or file descriptor for a mailbox");
}

/* --- connections and domains -------------------------------------------------------------------------- */

/* libvirt.connection() -> a connection that is not open yet. */
int Lvirt_connection(lua_State *L) {
  struct virt_conn **handle = lua_newuserdata(L, sizeof *handle);
  *handle = NULL;
  luaL_setmetatable(L, CONNECTION_TYPE);
  *handle = virt_conn_new(virt_call_find("close"));
  return *handle ? 1 : luaL_error(L, "not enough memory");
}

static int collect_connection(lua_State *L) {
  struct virt_conn **handle = lua_touserdata(L, 1);
  if (!*handle) return 0;
  virt_conn_close(*handle, NULL, 0);
  virt_conn_unref(*handle);
  *handle = NULL;
  return 0;
}

struct virt_conn *lvirt_check_connection(lua_State *L, int index) {
  struct virt_conn *conn = *(struct virt_conn **)luaL_checkudata(L, index, CONNECTION_TYPE);
  luaL_argcheck(L, conn, index, "the connection is collected");
  return conn;
}

struct virt_domain **lvirt_new_domain(lua_State *L) {
  struct virt_domain **handle = lua_newuserdata(L, sizeof *handle);
  *handle = NULL;
  luaL_setmetatable(L, DOMAIN_TYPE);
  return handle;
}

static int collect_domain(lua_State *L) {
  struct virt_domain **handle = lua_touserdata(L, 1);
  virt_domain_unref(*handle);
  *handle = NULL;
  return 0;
}

struct virt_domain *lvirt_check_domain(lua_State *L, int index) {
  struct virt_domain *handle = *(struct virt_domain **)luaL_checkudata(L, index, DOMAIN_TYPE);
  luaL_argcheck(L, handle, index, "the domain is collected");
  return handle;
}

bool lvirt_is_domain(lua_State *L, int index) { return luaL_testudata(L, index, DOMAIN_TYPE) != NULL; }

static int Lvirt_name(lua_State *L) {
  lua_pushstring(L, lvirt_check_domain(L, 1)->name);
  return 1;
}

static int Lvirt_uuid(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  char text[VIR_UUID_STRING_BUFLEN], *to = text;
  const struct virt_domain *handle = lvirt_check_domain(L, 1);
  for (int i = 0; i < VIR_UUID_BUFLEN; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    *to++ = digits[handle->uuid[i] >> 4];
    *to++ = digits[handle->uuid[i] & 15];
  }
  lua_pushlstring(L, text, (size_t)(to - text));
  return 1;
}

void lvirt_new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void lvirt_open_handles(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  static const luaL_Reg domain_methods[] = {{"name", Lvirt_name}, {"uuid", Lvirt_uuid}, {NULL, NULL}};
  lvirt_new_type(L, STATE_TYPE, none, close_state);
  lvirt_new_type(L, CONNECTION_TYPE, none, collect_connection);
  lvirt_new_type(L, DOMAIN_TYPE, domain_methods, collect_domain);
}
