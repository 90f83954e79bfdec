/*
 * lua_recipe.c - runs a recipe in a Lua state of its own, with a limit of memory and of instructions, and copies
 * what it described into the caller's state.  Which names a recipe may use is decided in lua/virtlun/recipe/dsl.lua;
 * this file only builds the walls.  They protect from mistakes, and from recipes that would eat the machine.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lualib.h>

#include "lua_common.h"
#include "lua_compat.h"

#define CELL_TYPE "virtlun.recipe"
#ifndef INSTRUCTIONS
#define INSTRUCTIONS 50000000 /* about half a second */
#endif
#define MEBIBYTES 256
#define MEMORY ((size_t)MEBIBYTES * 1024 * 1024)
#define LARGEST_FILE ((size_t)16 * 1024 * 1024)
#define HOOK_EVERY 100
#define LARGE ((size_t)1024 * 1024) /* memory whose making takes as long as many instructions */
#define SECONDS 1.0                 /* of this thread: some functions of Lua's library run long in one instruction */
#define MOST_PROBLEMS 1000
#define DEEPEST 100 /* tables within tables */
/* What a description may have, so that whoever looks at it has bounded work too: 100,000 drives have 300,000 tables. */
#define MOST_TABLES 500000
#define MOST_TEXT ((size_t)64 * 1024 * 1024)

struct cell {
  lua_State *L;
  size_t used;
  long left;    /* instructions */
  double end;   /* of the time */
  bool starved; /* the machine had no memory, while the limit was not reached */
  bool slow;    /* there was a large text: a single comparison of such takes long */
  time_t seen;  /* when the time was looked at last, in ticks of the coarse clock */
  long seen_ns;
};

static void count_instructions(lua_State *L, lua_Debug *ar);

static void watch(lua_State *L, int instructions) {
  lua_sethook(L, count_instructions, LUA_MASKCOUNT | LUA_MASKCALL, instructions);
}

static void *bounded_alloc(void *ud, void *block, size_t old, size_t size) {
  struct cell *cell = ud;
  bool is_text = !block && old == LUA_TSTRING; /* of a new block Lua tells the type instead of a size */
  if (!block) old = 0;
  if (size == 0) {
    free(block);
    cell->used -= old;
    return NULL;
  }
  if (size > old && cell->used - old + size > MEMORY) return NULL;
  void *memory = realloc(block, size);
  if (memory) cell->used += size - old;
  else cell->starved = true;
  if (is_text && size >= LARGE) cell->slow = true;
  if (memory && size >= LARGE && cell->L && lua_gethook(cell->L)) watch(cell->L, 1); /* look before the next one */
  return memory;
}

static struct cell *cell_of(lua_State *L) {
  void *ud;
  lua_getallocf(L, &ud);
  return ud;
}

static double thread_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* To ask for a thread's time takes long, so it is asked for only when the coarse clock has moved on. */
static bool is_late(struct cell *cell) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (now.tv_nsec == cell->seen_ns && now.tv_sec == cell->seen) return false;
  cell->seen = now.tv_sec;
  cell->seen_ns = now.tv_nsec;
  return thread_seconds() > cell->end;
}

/* Also called for every function, as one of Lua's own may run long.  After the limit there is a little left, so that
 * the error can be reported. */
static void count_instructions(lua_State *L, lua_Debug *ar) {
  struct cell *cell = cell_of(L);
  if (ar->event == LUA_HOOKCOUNT) {
    cell->left -= lua_gethookcount(L);
    if (!cell->slow && lua_gethookcount(L) != HOOK_EVERY) watch(L, HOOK_EVERY);
  }
  bool late = is_late(cell);
  if (cell->left > 0 && !late) return;
  cell->left = INSTRUCTIONS / 100;
  cell->end += SECONDS;
  luaL_error(L, late ? "too many seconds" : "too many instructions");
}

static int free_cell(lua_State *L) {
  struct cell *cell = luaL_checkudata(L, 1, CELL_TYPE);
  if (cell->L) lua_close(cell->L);
  cell->L = NULL;
  return 0;
}

/* --- inside ------------------------------------------------------------------------------------------- */

static const char *read_failure(FILE *file, struct vlun_buffer *buffer) {
  struct stat info;
  if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) return "not a regular file";
  if ((size_t)info.st_size > LARGEST_FILE) return "larger than 16 MiB";
  if (!vlun_buffer_room(buffer, (size_t)info.st_size + 1)) return "not enough memory";
  buffer->len = fread(buffer->text, 1, (size_t)info.st_size, file);
  return ferror(file) ? "read error" : NULL;
}

/* read(path) -> text, or nil and why not. */
static int read_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct lvlun_run *run = lvlun_new_run(L);
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe that nobody writes to must not block */
  FILE *file = fd >= 0 ? fdopen(fd, "rb") : NULL;
  if (!file) {
    int n = luaL_fileresult(L, 0, NULL);
    if (fd >= 0) close(fd);
    return n;
  }
  const char *failure = read_failure(file, &run->buffer);
  fclose(file);
  if (failure) {
    lua_pushnil(L);
    lua_pushstring(L, failure);
    return 2;
  }
  lua_pushlstring(L, run->buffer.text, run->buffer.len);
  lvlun_end_run(L, run);
  return 1;
}

static void open_libraries(lua_State *L) {
  static const luaL_Reg libraries[] = {{"_G", luaopen_base},
                                       {LUA_TABLIBNAME, luaopen_table},
                                       {LUA_STRLIBNAME, luaopen_string},
                                       {LUA_MATHLIBNAME, luaopen_math},
                                       {LUA_UTF8LIBNAME, luaopen_utf8},
                                       {LUA_DBLIBNAME, luaopen_debug}};
  for (size_t i = 0; i < VLUN_COUNT(libraries); i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
    lua_pop(L, 1);
  }
}

struct order {
  lua_State *from;         /* the caller's state: code at 1, name at 2, text at 3, parameters at 4 */
  lua_CFunction open_core; /* gives the recipe's state its own virtlun.core */
};

static void push_text_of(lua_State *L, lua_State *from, int index) {
  size_t len;
  const char *text = lua_tolstring(from, index, &len);
  if (text) lua_pushlstring(L, text, len);
  else lua_pushnil(L);
}

static void push_parameters(lua_State *L, lua_State *from) {
  lua_newtable(L);
  lua_pushnil(from);
  while (lua_next(from, 4)) {
    if (lua_type(from, -2) == LUA_TSTRING && lua_type(from, -1) == LUA_TSTRING) {
      push_text_of(L, from, -2);
      push_text_of(L, from, -1);
      lua_rawset(L, -3);
    }
    lua_pop(from, 1);
  }
}

/* Each item of the caller's list is a dumped function of our own; all are loaded, the first is called with the rest. */
static void load_code(lua_State *L, lua_State *from) {
  for (lua_Integer i = 1; lua_rawgeti(from, 1, i) == LUA_TSTRING; i++) {
    size_t len;
    const char *code = lua_tolstring(from, -1, &len);
    if (luaL_loadbufferx(L, code, len, "=virtlun", "b") != LUA_OK) lua_error(L);
    lua_pop(from, 1);
  }
  lua_pop(from, 1);
}

static int run_inside(lua_State *L) {
  struct order *order = lua_touserdata(L, 1);
  open_libraries(L);
  lua_settop(L, 0);
  load_code(L, order->from);
  order->open_core(L);
  lua_pushcfunction(L, read_file);
  push_text_of(L, order->from, 2);
  push_text_of(L, order->from, 3);
  push_parameters(L, order->from);
  watch(L, HOOK_EVERY);
  lua_call(L, lua_gettop(L) - 1, 2);
  return 2;
}

/* --- copying out -------------------------------------------------------------------------------------- */

/* A description on its way into the caller's state. */
struct parcel {
  lua_State *to, *from;
  size_t tables, text; /* how many, and their bytes: a text counts wherever it stands */
};

static void copy_value(struct parcel *parcel, int depth);

/* The copy of a table that was met before is the same table: seen, at 6 of `to`, knows them by their address. */
static void copy_table(struct parcel *parcel, int depth) {
  lua_State *to = parcel->to, *from = parcel->from;
  if (depth > DEEPEST) luaL_error(to, "tables are nested deeper than %d", DEEPEST);
  luaL_checkstack(to, 6, "recipe");
  if (!lua_checkstack(from, 4)) luaL_error(to, "not enough memory");
  if (lua_rawgetp(to, 6, lua_topointer(from, -1)) == LUA_TTABLE) return;
  if (++parcel->tables > MOST_TABLES) luaL_error(to, "more than %d tables are described", MOST_TABLES);
  lua_pop(to, 1);
  lua_newtable(to); /* its length tells nothing of its memory: a table with holes may claim any */
  lua_pushvalue(to, -1);
  lua_rawsetp(to, 6, lua_topointer(from, -1));
  lua_pushnil(from);
  while (lua_next(from, -2)) {
    lua_pushvalue(from, -2);
    copy_value(parcel, depth + 1); /* pops the copy of the key */
    copy_value(parcel, depth + 1); /* pops the value */
    if (lua_isnil(to, -2)) lua_pop(to, 2);
    else lua_rawset(to, -3);
  }
}

static int not_a_value(lua_State *L) { return luaL_error(L, "a function of a recipe cannot be called outside of it"); }

static void copy_text(struct parcel *parcel) {
  size_t len;
  const char *text = lua_tolstring(parcel->from, -1, &len);
  parcel->text += len;
  if (parcel->text > MOST_TEXT)
    luaL_error(parcel->to, "more than %d MiB of text are described", (int)(MOST_TEXT >> 20));
  lua_pushlstring(parcel->to, text, len);
}

/* Pops the value on top of `from` and pushes its copy.  What is no data stays visible as a function, for the checks to
 * refuse. */
static void copy_value(struct parcel *parcel, int depth) {
  lua_State *to = parcel->to, *from = parcel->from;
  switch (lua_type(from, -1)) {
    case LUA_TNIL: lua_pushnil(to); break;
    case LUA_TBOOLEAN: lua_pushboolean(to, lua_toboolean(from, -1)); break;
    case LUA_TNUMBER:
      if (lua_isinteger(from, -1)) lua_pushinteger(to, lua_tointeger(from, -1));
      else lua_pushnumber(to, lua_tonumber(from, -1));
      break;
    case LUA_TSTRING: copy_text(parcel); break;
    case LUA_TTABLE: copy_table(parcel, depth); break;
    default: lua_pushcfunction(to, not_a_value); break;
  }
  lua_pop(from, 1);
}

void lvlun_push_limits(lua_State *L) {
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, MOST_PROBLEMS);
  lua_setfield(L, -2, "problems");
  lua_pushinteger(L, INSTRUCTIONS);
  lua_setfield(L, -2, "instructions");
  lua_pushnumber(L, SECONDS);
  lua_setfield(L, -2, "seconds");
  lua_pushinteger(L, MEBIBYTES);
  lua_setfield(L, -2, "mebibytes");
}

static void enter_cell(lua_State *L, struct cell *cell) {
  *cell = (struct cell){.left = INSTRUCTIONS, .end = thread_seconds() + SECONDS};
  cell->L = lvlun_newstate(bounded_alloc, cell);
  if (!cell->L) luaL_error(L, "not enough memory");
}

/* core.recipe(code, name, text or nil for the file of that name, parameters) -> described domains, problems.
 * code: dumped functions of dsl.lua, the first of which is called with the others.  Its upvalue opens virtlun.core. */
int Lvlun_recipe(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkstring(L, 2);
  luaL_optstring(L, 3, NULL);
  luaL_checktype(L, 4, LUA_TTABLE);
  lua_settop(L, 4);
  struct cell *cell = lua_newuserdata(L, sizeof *cell);
  *cell = (struct cell){0};
  if (luaL_newmetatable(L, CELL_TYPE)) {
    lua_pushcfunction(L, free_cell);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, 5);
  enter_cell(L, cell);
  struct order order = {.from = L, .open_core = lua_tocfunction(L, lua_upvalueindex(1))};
  lua_pushcfunction(cell->L, run_inside);
  lua_pushlightuserdata(cell->L, &order);
  if (lua_pcall(cell->L, 1, 2, 0) != LUA_OK) {
    const char *text = lua_type(cell->L, -1) == LUA_TSTRING ? lua_tostring(cell->L, -1) : "the recipe failed";
    return luaL_error(L, "%s", text);
  }
  if (cell->starved && lua_rawlen(cell->L, -1) > 0)
    return luaL_error(L, "out of memory"); /* whatever the problem says */
  lua_settop(L, 5);
  lua_newtable(L);                                           /* seen */
  copy_value(&(struct parcel){.to = L, .from = cell->L}, 0); /* problems are on top */
  copy_value(&(struct parcel){.to = L, .from = cell->L}, 0);
  lua_insert(L, -2);
  lua_pushcfunction(L, free_cell); /* the memory is wanted back now, not when the collector comes by */
  lua_pushvalue(L, 5);
  lua_call(L, 1, 0);
  return 2;
}
