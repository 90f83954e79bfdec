/* host.c - a C program with Lua inside: makes what a recipe says, by a virtlun that is compiled in. */
#include <stdio.h>

#include <lauxlib.h>
#include <lualib.h>
#include <virtlun_lua.h>

static const char script[] = "local virtlun = require 'virtlun'\n"
                             "local recipe = assert(virtlun.loadstring(...))\n"
                             "local report = virtlun.apply(recipe)\n"
                             "assert(not report.failed, report.problems)\n"
                             "print(report.done .. ' changes made')\n";

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (!L || argc != 2) return 64;
  luaL_openlibs(L);
  virtlun_preload(L);
  int status = luaL_loadstring(L, script);
  lua_pushstring(L, argv[1]);
  if (status == LUA_OK) status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return status != LUA_OK;
}
