/*
 * failures.c - a host program in which memory ends whenever a script wants it to: every malloc, calloc, realloc and
 * strdup of the process comes here first, whoever asks for it, and what is never given back is counted.
 *
 *   failures SCRIPT [ARGUMENT...]
 *
 * The script gets the module `failure`.  What the program says when it crashes or hangs is where the script was then.
 * It is built without sanitizers, so that it runs before theirs do; under one, memory comes from the sanitizer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if LUA_VERSION_NUM >= 505
#define new_state(alloc) lua_newstate(alloc, NULL, 1) /* each run has the same hashes */
#else
#define new_state(alloc) lua_newstate(alloc, NULL)
#endif

/* --- who fails ---------------------------------------------------------------------------------------- */

enum mode { NEVER, ONCE, EVER };

static atomic_int mode;              /* NEVER while nothing is to fail */
static atomic_long at;               /* the number of the allocation that fails, from 1 */
static atomic_long seen;             /* how many there were */
static atomic_size_t refused;        /* the size that was refused last, where Lua may ask once more */
static atomic_long live;             /* blocks that nobody has given back, but those of script_alloc */
static _Thread_local bool is_script; /* the memory is the script's own */

/* Where our own objects and Lua lie, while nobody else is to fail. */
static struct range { uintptr_t from, to; } ours[16];
static atomic_int ours_count;

static bool is_ours(uintptr_t caller) {
  int count = atomic_load(&ours_count);
  for (int i = 0; i < count; i++)
    if (caller >= ours[i].from && caller < ours[i].to) return true;
  return count == 0;
}

/* Whether this allocation fails.  Lua collects its garbage and asks once more for the same: that is the same
 * allocation, or no failure would ever come to it. */
static bool fails(size_t size, void *caller, bool may_ask_again) {
  int how = atomic_load(&mode);
  if (how == NEVER || !is_ours((uintptr_t)caller)) return false;
  long number = atomic_fetch_add(&seen, 1) + 1;
  bool again = number == atomic_load(&at) + 1 && may_ask_again && atomic_load(&refused) == size;
  bool hit = number == atomic_load(&at);
  if (hit) atomic_store(&refused, may_ask_again ? size : 0);
  bool failed = hit || again || (how == EVER && number > atomic_load(&at));
  if (failed) errno = ENOMEM;
  return failed;
}

/* --- where memory comes from -------------------------------------------------------------------------- */

static struct {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void (*free)(void *);
} real;

/* What is asked for while the real functions are looked for. */
static char early[4096] __attribute__((aligned(16)));
static size_t early_used;
static bool is_looking;

static bool is_early(const void *block) {
  return (uintptr_t)block >= (uintptr_t)early && (uintptr_t)block < (uintptr_t)early + sizeof early;
}

static void *take_early(size_t size) {
  size = (size + 15) & ~(size_t)15;
  if (size > sizeof early - early_used) abort();
  void *block = early + early_used;
  early_used += size;
  return block;
}

/* False while that is under way. */
static bool look_for_real(void) {
  if (real.free) return true;
  if (is_looking) return false;
  is_looking = true;
  *(void **)&real.malloc = dlsym(RTLD_NEXT, "malloc");
  *(void **)&real.calloc = dlsym(RTLD_NEXT, "calloc");
  *(void **)&real.realloc = dlsym(RTLD_NEXT, "realloc");
  *(void **)&real.free = dlsym(RTLD_NEXT, "free");
  is_looking = false;
  return true;
}

static void *counted(void *block) {
  if (block && !is_script) atomic_fetch_add(&live, 1);
  return block;
}

static void *take(size_t size, void *caller) {
  if (!look_for_real()) return take_early(size);
  return fails(size, caller, false) ? NULL : counted(real.malloc(size));
}

void *malloc(size_t size) { return take(size, __builtin_return_address(0)); }

void *calloc(size_t count, size_t size) {
  if (!look_for_real()) return take_early(count * size);
  return fails(size, __builtin_return_address(0), false) ? NULL : counted(real.calloc(count, size));
}

/* Lua 5.3 relies on it that a block can always become smaller, and ends the process where that fails. */
static bool may_fail(void *block, size_t size) {
  return LUA_VERSION_NUM > 503 || !block || size > malloc_usable_size(block);
}

void *realloc(void *block, size_t size) {
  if (!look_for_real() || is_early(block)) abort();
  if (may_fail(block, size) && fails(size, __builtin_return_address(0), true)) return NULL;
  void *moved = real.realloc(block, size);
  return block ? moved : counted(moved);
}

void free(void *block) {
  if (!block || is_early(block)) return;
  if (!is_script) atomic_fetch_sub(&live, 1);
  real.free(block);
}

char *strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = take(size, __builtin_return_address(0));
  return copy ? memcpy(copy, text, size) : NULL;
}

/* --- what the script is told -------------------------------------------------------------------------- */

static char where[256] = "the beginning";

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

static void say_where(const char *what) {
  say("failures: ");
  say(what);
  say(" at ");
  say(where);
  say("\n");
}

static void on_signal(int number) {
  say_where(number == SIGALRM ? "it hangs" : "it crashed");
  signal(number, SIG_DFL);
  raise(number);
}

/* A sanitizer calls this before it ends the program. */
void __asan_on_error(void);
void __asan_on_error(void) { say_where("the sanitizer speaks"); }

/* failure.at(text): what a crash is told to have been at.  Where nothing else comes for half a minute, it hangs. */
static int tell_where(lua_State *L) {
  snprintf(where, sizeof where, "%s", luaL_checkstring(L, 1));
  alarm(30);
  return 0;
}

/* What the dynamic linker keeps is no leak; the leak detector knows that only where it asks without us between.  And
 * libxml2 2.9 loses what it has when it cannot copy a text of more than eight kilobytes. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:ld-linux\nleak:xmlParserInputBufferCreateMem"; }

static const char *const modes[] = {"never", "once", "ever", NULL};

static void arm(int how, long number) {
  atomic_store(&seen, 0);
  atomic_store(&at, number);
  atomic_store(&mode, how);
}

/* failure.try(mode, n, fn, ...) -> how many allocations there were, and what pcall(fn, ...) gives.  mode: "never",
 * "once" (the n-th fails) or "ever" (and all after it). */
static int try(lua_State *L) {
  int how = luaL_checkoption(L, 1, NULL, modes);
  lua_Integer number = luaL_checkinteger(L, 2);
  int count = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  arm(how, (long)number);
  int status = lua_pcall(L, count - 3, LUA_MULTRET, 0);
  atomic_store(&mode, NEVER);
  lua_pushinteger(L, atomic_load(&seen));
  lua_replace(L, 1);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 2);
  return lua_gettop(L);
}

/* failure.pause(fn, ...) -> fn(...), in which nothing fails: a host that the script plays has memory of its own. */
static int pause_for(lua_State *L) {
  int how = atomic_exchange(&mode, NEVER);
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  atomic_store(&mode, how);
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* failure.live() -> blocks in the process that nobody has given back, without those of the script's own state. */
static int count_live(lua_State *L) {
  lua_pushinteger(L, atomic_load(&live));
  return 1;
}

struct search {
  const char *name;
  int found;
};

static int note_range(struct dl_phdr_info *info, size_t size, void *data) {
  struct search *search = data;
  (void)size;
  if (!strstr(*info->dlpi_name ? info->dlpi_name : "failures", search->name)) return 0; /* the program has no name */
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    int number = atomic_load(&ours_count);
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || number == 16) continue;
    ours[number].from = info->dlpi_addr + part->p_vaddr;
    ours[number].to = ours[number].from + part->p_memsz;
    atomic_store(&ours_count, number + 1);
    search->found++;
  }
  return 0;
}

/* failure.only(name...): from now on only what these loaded objects ask for fails; without names, whatever is asked. */
static int narrow(lua_State *L) {
  atomic_store(&ours_count, 0);
  for (int i = 1; i <= lua_gettop(L); i++) {
    struct search search = {.name = luaL_checkstring(L, i)};
    dl_iterate_phdr(note_range, &search);
    luaL_argcheck(L, search.found > 0, i, "no such object is loaded");
  }
  return 0;
}

/* --- states ------------------------------------------------------------------------------------------- */

/* The allocator of the script's state: fails like any other, but its blocks are no leaks, for a collector has them. */
static void *script_alloc(void *ud, void *block, size_t old, size_t size) {
  (void)ud, (void)old;
  bool before = is_script;
  is_script = true;
  void *result = NULL;
  if (size == 0) free(block);
  else result = realloc(block, size);
  is_script = before;
  return result;
}

static void *state_alloc(void *ud, void *block, size_t old, size_t size) {
  (void)ud, (void)old;
  if (size) return realloc(block, size);
  free(block);
  return NULL;
}

struct visit {
  const char *code;
  char said[512];
};

static int run_inside(lua_State *L) {
  struct visit *visit = lua_touserdata(L, 1);
  luaL_openlibs(L);
  if (luaL_loadstring(L, visit->code) != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

static bool visit_state(struct visit *visit) {
  lua_State *L = new_state(state_alloc);
  snprintf(visit->said, sizeof visit->said, "not enough memory for a state");
  if (!L) return false;
  lua_pushcfunction(L, run_inside);
  lua_pushlightuserdata(L, visit);
  bool good = lua_pcall(L, 1, 1, 0) == LUA_OK;
  int how = atomic_exchange(&mode, NEVER);
  const char *text = lua_tostring(L, -1);
  snprintf(visit->said, sizeof visit->said, "%s", text ? text : "(no text)");
  atomic_store(&mode, how); /* what a closing state frees may ask for memory too */
  lua_close(L);
  return good;
}

/* failure.state(mode, n, code) -> how many allocations there were, whether the code ran in a new state, and what it
 * returned or raised, as text. */
static int try_state(lua_State *L) {
  int how = luaL_checkoption(L, 1, NULL, modes);
  struct visit visit = {.code = luaL_checkstring(L, 3)};
  arm(how, (long)luaL_checkinteger(L, 2));
  bool before = is_script;
  is_script = false;
  bool good = visit_state(&visit);
  is_script = before;
  atomic_store(&mode, NEVER);
  lua_pushinteger(L, atomic_load(&seen));
  lua_pushboolean(L, good);
  lua_pushstring(L, visit.said);
  return 3;
}

static int open_failure(lua_State *L) {
  static const luaL_Reg functions[] = {{"at", tell_where},   {"try", try},         {"pause", pause_for},
                                       {"live", count_live}, {"state", try_state}, {"only", narrow},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

static int traced(lua_State *L) {
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  const int signals[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], on_signal);
  lua_State *L = new_state(script_alloc);
  if (!L) return 1;
  luaL_openlibs(L);
  luaL_requiref(L, "failure", open_failure, 0);
  lua_settop(L, 0);
  lua_pushcfunction(L, traced);
  if (luaL_loadfile(L, argv[1]) == LUA_OK) {
    for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
    if (lua_pcall(L, argc - 2, 1, 1) == LUA_OK) {
      int code = lua_toboolean(L, -1) ? 0 : 1;
      lua_close(L);
      return code;
    }
  }
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  return 1;
}
