/*
 * lua_compat.h - what the versions of Lua's C API differ in, as the newest has it.  It knows nothing of virtlun.
 */
#ifndef VLUN_LUA_COMPAT_H
#define VLUN_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

/* Lua 5.5 wants to be told the seed of a state's hashes, which earlier ones choose themselves. */
#if LUA_VERSION_NUM >= 505
#define lvlun_newstate(alloc, context) lua_newstate(alloc, context, luaL_makeseed(NULL))
#else
#define lvlun_newstate(alloc, context) lua_newstate(alloc, context)
#endif

#endif
