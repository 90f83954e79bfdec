/*
 * poll.c - the Lua module `poll` of the specs: poll(2), as a program without any event library has it.
 */
#include <poll.h>

#include <lauxlib.h>
#include <lua.h>

/* poll(descriptor, seconds) -> whether it can be read. */
static int wait_for(lua_State *L) {
  struct pollfd poller = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLIN};
  lua_pushboolean(L, poll(&poller, 1, (int)(luaL_checknumber(L, 2) * 1000)) > 0);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_poll(lua_State *L);

int luaopen_poll(lua_State *L) {
  lua_pushcfunction(L, wait_for);
  return 1;
}
