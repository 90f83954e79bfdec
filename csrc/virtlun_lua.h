/*
 * virtlun_lua.h - the whole of virtlun for C programs that have Lua inside: core, libvirt and the Lua files, compiled
 * in.  Library libvirtlun-luaX.Y, for the Lua X.Y that it was built with.  It shows none of virtlun.h's functions,
 * which need no Lua: a program that calls them too is linked with libvirtlun as well.
 */
#ifndef VIRTLUN_LUA_H
#define VIRTLUN_LUA_H

#include <lua.h>

#include "virtlun.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lets require find "virtlun" and all that belongs to it but the command (virtlun.cli), without any file: they stand in
 * package.preload, before every path.  Nothing is run until it is required, and libvirt is touched only by the first
 * virtlun.open, apply or plans.  To be called once for each Lua state, before or after luaL_openlibs; it leaves the
 * stack as it is and returns 0, so that lua_pcall can call it too.  Raises Lua's error where memory ends. */
VLUN_API int virtlun_preload(lua_State *L);

/* What it preloads as "virtlun.core" and "virtlun.libvirt", for programs that preload files of their own. */
VLUN_API int luaopen_virtlun_core(lua_State *L);
VLUN_API int luaopen_virtlun_libvirt(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
