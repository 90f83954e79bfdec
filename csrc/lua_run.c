/*
 * lua_run.c - what a call of the module virtlun.core collects, kept so that an error of Lua frees it too.
 */
#include "lua_common.h"

#define RUN_TYPE "virtlun.apply.run"

struct lvlun_run *lvlun_new_run(lua_State *L) {
  struct lvlun_run *run = lua_newuserdata(L, sizeof *run);
  *run = (struct lvlun_run){0};
  luaL_setmetatable(L, RUN_TYPE);
  return run;
}

void lvlun_free_models(struct lvlun_run *run) {
  for (size_t i = 0; i < run->count; i++) vlun_model_free(run->models[i]);
  run->count = 0;
}

static void free_run(struct lvlun_run *run) {
  lvlun_free_models(run);
  vlun_problems_clear(&run->problems);
  vlun_buffer_free(&run->buffer);
  vlun_arena_free(&run->arena);
  *run = (struct lvlun_run){0};
}

void lvlun_end_run(lua_State *L, struct lvlun_run *run) {
  lvlun_check_memory(L, run);
  free_run(run);
}

static int collect_run(lua_State *L) {
  free_run(luaL_checkudata(L, 1, RUN_TYPE));
  return 0;
}

void lvlun_make_models(lua_State *L, struct lvlun_run *run, size_t count) {
  run->models = vlun_alloc(&run->arena, (count + 1) * sizeof *run->models);
  for (size_t i = 0; run->models && i < count; i++) {
    run->models[i] = vlun_alloc(&run->arena, sizeof *run->models[i]);
    if (run->models[i]) run->count = i + 1;
  }
  lvlun_check_memory(L, run);
}

void lvlun_check_memory(lua_State *L, const struct lvlun_run *run) {
  bool failed = run->arena.failed || run->problems.arena.failed || run->buffer.failed;
  for (size_t i = 0; i < run->count; i++) failed = failed || run->models[i]->arena.failed;
  if (failed) luaL_error(L, "out of memory"); /* not in Lua's words, which a recipe's own limit has too */
}

void lvlun_open_run(lua_State *L) {
  luaL_newmetatable(L, RUN_TYPE);
  lua_pushcfunction(L, collect_run);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
