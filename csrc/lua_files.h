/*
 * lua_files.h - the Lua files of the library as the linker finds them; make writes them by lua/tools/embed.lua.
 */
#ifndef VLUN_LUA_FILES_H
#define VLUN_LUA_FILES_H

#include <stddef.h>

struct lvlun_file {
  const char *module; /* "virtlun.view.plan" */
  const char *chunk;  /* what messages call it: "@virtlun/view/plan.lua" */
  const char *text;
  size_t len;
};

extern const struct lvlun_file lvlun_files[]; /* ends with a module of NULL */

#endif
