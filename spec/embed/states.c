/*
 * states.c - a host program with many Lua states on several threads.  Each thread keeps some states at a time, runs a
 * script in them, and closes them in no particular order, whatever they still have in flight.
 *
 *   states SCRIPT THREADS ROUNDS [ARGUMENT...]
 *
 * The script gets `host`, { seed = number, arguments... }.  The program ends
 * with 1 and a message if any script raised an error.  With PRELOAD virtlun and the module `poll` are compiled in.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#ifdef PRELOAD
#include <virtlun_lua.h>

int luaopen_poll(lua_State *L);

static void preload(lua_State *L) {
  virtlun_preload(L);
  luaL_requiref(L, "poll", luaopen_poll, 0);
  lua_pop(L, 1);
}
#else
static void preload(lua_State *L) { (void)L; }
#endif

#define STATES 3 /* of a thread at a time */

struct host {
  const char *script;
  char **arguments;
  int rounds, number, errors;
};

static lua_State *begin(struct host *host, int seed) {
  lua_State *L = luaL_newstate();
  if (!L) return NULL;
  luaL_openlibs(L);
  preload(L);
  lua_newtable(L);
  lua_pushinteger(L, seed);
  lua_setfield(L, -2, "seed");
  for (int i = 0; host->arguments[i]; i++) {
    lua_pushstring(L, host->arguments[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setglobal(L, "host");
  if (luaL_loadfile(L, host->script) == LUA_OK && lua_pcall(L, 0, 0, 0) == LUA_OK) return L;
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  host->errors++;
  return L;
}

static void *run(void *data) {
  struct host *host = data;
  lua_State *states[STATES] = {NULL};
  for (int round = 0; round < host->rounds; round++) {
    int seed = host->number * 1000 + round;
    lua_State **place = &states[(seed * 7 + round / 2) % STATES];
    if (*place) lua_close(*place);
    *place = begin(host, seed);
  }
  for (int i = 0; i < STATES; i++)
    if (states[i]) lua_close(states[i]);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 4) return 64;
  enum { MOST = 16 };
  int count = atoi(argv[2]), errors = 0;
  pthread_t threads[MOST];
  struct host hosts[MOST];
  if (count < 1 || count > MOST) return 64;
  for (int i = 0; i < count; i++) {
    hosts[i] = (struct host){.script = argv[1], .arguments = argv + 4, .rounds = atoi(argv[3]), .number = i + 1};
    if (pthread_create(&threads[i], NULL, run, &hosts[i]) != 0) return 1;
  }
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    errors += hosts[i].errors;
  }
  printf("%d states, %d errors\n", count * atoi(argv[3]), errors);
  return errors > 0;
}
