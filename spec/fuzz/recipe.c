/*
 * recipe.c - fuzzes recipes: any bytes as a recipe, loaded, checked, completed and written as a user would.  What is
 * written is read again, and lies within the limits of addresses.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"

int luaopen_virtlun_core(lua_State *L);

/* virtlun is loaded once; a recipe runs in a state of its own anyhow. */
static const char prelude[] =
    "package.path = os.getenv 'VIRTLUN_FUZZ_PATH'\n"
    "local virtlun = require 'virtlun'\n"
    "local limit = { controller = 99, bus = 0, target = 255, unit = 16383 }\n"
    "local function demand(good, what) if not good then error('broken: ' .. tostring(what), 0) end end\n"
    "local function told(problems)\n"
    "  local text = tostring(problems)\n"
    "  demand(utf8.len(text) and not text:find '\\0', 'the text of a problem')\n"
    "  for _, problem in ipairs(problems) do demand(problem.message and problem.code, 'a problem without words') end\n"
    "end\n"
    "local function within(domain)\n"
    "  for _, device in ipairs(domain) do\n"
    "    local place = device.kind ~= 'controller' and device.address\n"
    "    for key, most in pairs(place and limit or {}) do\n"
    "      demand((place[key] or 0) >= 0 and (place[key] or 0) <= most, key .. ' beyond its limit')\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return function(text)\n"
    "  local domains, problems = virtlun.loadstring(text, 'r.lua', { iso = '/a.iso', unit = '3' })\n"
    "  told(problems)\n"
    "  if not domains then return end\n"
    "  local good, found = virtlun.check(domains)\n"
    "  told(found)\n"
    "  for _, domain in ipairs(good and domains or {}) do\n"
    "    local xml, more = virtlun.xml(domain)\n"
    "    told(more)\n"
    "    if xml then\n"
    "      demand(utf8.len(xml) and not xml:find '\\0', 'the text of a document')\n"
    "      local again = virtlun.read('<domain><devices>' .. xml .. '</devices></domain>')\n"
    "      demand(again, 'what was written cannot be read')\n"
    "      within(again)\n"
    "      within(virtlun.complete(domain))\n"
    "    end\n"
    "  end\n"
    "end\n";

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "virtlun.core", luaopen_virtlun_core, 0);
  if (luaL_loadstring(L, prelude) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_replace(L, 1);
  lua_settop(L, 1);
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  if (!L) L = open_state();
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_gc(L, LUA_GCCOLLECT, 0);
  return 0;
}
