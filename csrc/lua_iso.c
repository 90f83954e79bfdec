/*
 * lua_iso.c - what the core finds in the image of a disc, as a table.
 */
#include <stdio.h>
#include <string.h>

#include "lua_common.h"

static void push_platform(lua_State *L, uint8_t platform) {
  char text[8];
  snprintf(text, sizeof text, "0x%02x", platform);
  switch (platform) {
    case 0: lua_pushliteral(L, "bios"); break;
    case 1: lua_pushliteral(L, "powerpc"); break;
    case 2: lua_pushliteral(L, "mac"); break;
    case 0xEF: lua_pushliteral(L, "efi"); break;
    default: lua_pushstring(L, text);
  }
}

static void set_size(lua_State *L, const char *key, uint64_t bytes) {
  lua_pushinteger(L, (lua_Integer)bytes);
  lua_setfield(L, -2, key);
}

static void set_true(lua_State *L, const char *key) {
  lua_pushboolean(L, true);
  lua_setfield(L, -2, key);
}

static void push_iso(lua_State *L, const struct vlun_iso *iso) {
  static const char *const formats[] = {NULL, "iso9660", "udf", "iso9660+udf"};
  static const char *const faults[] = {NULL, "empty", "truncated", "container"};
  lua_createtable(L, 0, 8);
  lvlun_set_text(L, "format", formats[iso->format]);
  lvlun_set_text(L, "label", iso->label[0] ? iso->label : NULL);
  lvlun_set_text(L, "broken", faults[iso->broken]);
  lvlun_set_text(L, "container", iso->container);
  set_size(L, "size", iso->size);
  if (iso->expected) set_size(L, "expected", iso->expected);
  if (iso->shortened) set_true(L, "short");
  lua_pushboolean(L, iso->bootable);
  lua_setfield(L, -2, "bootable");
  lua_createtable(L, (int)iso->platform_count, 0);
  for (size_t i = 0; i < iso->platform_count; i++) {
    push_platform(L, iso->platforms[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "platforms");
}

/* core.iso(path) -> what the image has: format ("iso9660", "udf", "iso9660+udf", nil), label, size and expected in
 * bytes, broken ("empty", "truncated", "container", nil), container, short, bootable, platforms; or nil, why it was not
 * looked at, the errno of that (0 if there is none), and whether it is something
 * that no drive can hold, as a FIFO. */
int Lvlun_iso(lua_State *L) {
  size_t len;
  struct vlun_iso iso;
  const char *path = luaL_checklstring(L, 1, &len);
  if (strlen(path) != len) {
    lua_pushnil(L);
    lua_pushliteral(L, "its name has a NUL byte");
    return 2;
  }
  if (vlun_iso_probe(path, &iso)) {
    push_iso(L, &iso);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, iso.reason);
  lua_pushinteger(L, iso.error);
  lua_pushboolean(L, iso.unusable);
  return 4;
}
