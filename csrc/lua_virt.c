/*
 * lua_virt.c - the module virtlun.libvirt: submits libvirt's calls as jobs, and gives what comes back to Lua, as thinly
 * as can be.  No function here waits for a host; `take` waits for a message, and only as long as it is told to.
 * No policy lives here; the only Lua file that may use this module is jobs.lua.
 */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "lua_virt.h"
#include "virt_calls.h"
#include "virt_signals.h"

struct word {
  const char *word;
  unsigned bits;
};

static const struct word options[] = {{"inactive", VIR_DOMAIN_XML_INACTIVE},
                                      {"secure", VIR_DOMAIN_XML_SECURE},
                                      {"live", VIR_DOMAIN_AFFECT_LIVE},
                                      {"config", VIR_DOMAIN_AFFECT_CONFIG},
                                      {"force", VIR_DOMAIN_DEVICE_MODIFY_FORCE},
                                      {"readonly", VIRT_OPEN_READONLY},
                                      {"events", VIRT_OPEN_EVENTS},
                                      {"ask", VIRT_OPEN_ASK},
                                      {NULL, 0}};
static const struct word abouts[] = {{"tray", VIRT_TRAY},           {"added", VIRT_ADDED},
                                     {"removed", VIRT_REMOVED},     {"removal_failed", VIRT_REMOVAL_FAILED},
                                     {"lifecycle", VIRT_LIFECYCLE}, {"reboot", VIRT_REBOOT},
                                     {"closed", VIRT_CLOSED},       {NULL, 0}};

/* The bits of the words that are true in the table at index; none if there is no table. */
static unsigned bits_of(lua_State *L, int index, const struct word *words) {
  unsigned bits = 0;
  if (lua_isnoneornil(L, index)) return 0;
  luaL_checktype(L, index, LUA_TTABLE);
  for (; words->word; words++) {
    lua_getfield(L, index, words->word);
    if (lua_toboolean(L, -1)) bits |= words->bits;
    lua_pop(L, 1);
  }
  return bits;
}

/* --- jobs --------------------------------------------------------------------------------------------- */

/* A job for the connection or the domain at index. */
static struct virt_job *new_job(lua_State *L, const struct virt_call *call, int index) {
  struct virt_conn *conn = NULL;
  struct virt_domain *dom = NULL;
  if (call->on == VIRT_ON_DOMAIN) dom = lvirt_check_domain(L, index);
  else conn = lvirt_check_connection(L, index);
  struct virt_job *job = virt_job_new(call, conn, dom);
  if (!job) luaL_error(L, "not enough memory");
  return job;
}

static int submit(lua_State *L, struct virt_job *job, struct virt_mailbox *box, long long id) {
  if (!virt_job_submit(job, box, id)) return luaL_error(L, "the connection is closed");
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* libvirt.submit(name, handle, options or nil, texts...) -> id of the answer. */
static int Lvirt_submit(lua_State *L) {
  struct lvirt_state *state = lvirt_state_of(L);
  const struct virt_call *call = virt_call_find(luaL_checkstring(L, 1));
  const char *texts[2] = {NULL, NULL};
  luaL_argcheck(L, call, 1, "there is no such call");
  unsigned flags = bits_of(L, 3, options);
  for (int i = 0; i < 2; i++) texts[i] = i < call->texts ? luaL_checkstring(L, 4 + i) : luaL_optstring(L, 4 + i, NULL);
  struct virt_job *job = new_job(L, call, 2);
  job->flags = flags;
  for (int i = 0; i < 2; i++) {
    if (!texts[i] || (job->arguments[i] = strdup(texts[i]))) continue;
    virt_job_release(job);
    return luaL_error(L, "not enough memory");
  }
  return submit(L, job, state->box, virt_mailbox_new_id(state->box));
}

static void release_subscription(void *subscription) { virt_subscription_unref(subscription); }

/* libvirt.listen(connection, domain or nil, id of the events, { tray = true ... }) -> id of the answer. */
static int Lvirt_listen(lua_State *L) {
  struct lvirt_state *state = lvirt_state_of(L);
  const struct virt_domain *of = lua_isnil(L, 2) ? NULL : lvirt_check_domain(L, 2);
  long long id = luaL_checkinteger(L, 3);
  unsigned about = bits_of(L, 4, abouts);
  struct virt_job *job = new_job(L, virt_call_find("listen"), 1);
  job->more = virt_subscription_new(state->box, id, about, of);
  job->release_more = release_subscription;
  if (job->more) return submit(L, job, state->box, virt_mailbox_new_id(state->box));
  virt_job_release(job);
  return luaL_error(L, "not enough memory");
}

/* libvirt.unlisten(connection, id of the events). */
static int Lvirt_unlisten(lua_State *L) {
  virt_events_unlisten(lvirt_check_connection(L, 1), lvirt_state_of(L)->box, luaL_checkinteger(L, 2));
  return 0;
}

/* libvirt.close(connection) -> id of the answer; nil if there is nothing to wait for. */
static int Lvirt_close(lua_State *L) {
  struct lvirt_state *state = lvirt_state_of(L);
  long long id = virt_mailbox_new_id(state->box);
  if (!virt_conn_close(lvirt_check_connection(L, 1), state->box, id)) return 0;
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* libvirt.abandon(handle, id) -> "begun" or "waiting", and a failure; nil if the job has its answer already. */
static int Lvirt_abandon(lua_State *L) {
  struct lvirt_state *state = lvirt_state_of(L);
  struct virt_error error;
  bool begun;
  struct virt_conn *conn = lvirt_is_domain(L, 1) ? lvirt_check_domain(L, 1)->conn : lvirt_check_connection(L, 1);
  if (!virt_job_abandon(conn, state->box, luaL_checkinteger(L, 2), &begun)) return 0;
  lua_pushstring(L, begun ? "begun" : "waiting");
  virt_error_make(&error, VIR_ERR_OPERATION_TIMEOUT, "%s", "");
  lvirt_push_failure(L, &error);
  return 2;
}

/* --- the rest ----------------------------------------------------------------------------------------- */

static int Lvirt_new_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)virt_mailbox_new_id(lvirt_state_of(L)->box));
  return 1;
}

/* libvirt.forget(id): drops the messages of that id. */
static int Lvirt_forget(lua_State *L) {
  virt_mailbox_forget(lvirt_state_of(L)->box, luaL_checkinteger(L, 1));
  return 0;
}

static int Lvirt_count(lua_State *L) {
  lua_pushinteger(L, virt_mailbox_count(lvirt_state_of(L)->box));
  return 1;
}

static int Lvirt_fd(lua_State *L) {
  lua_pushinteger(L, virt_mailbox_fd(lvirt_state_of(L)->box));
  return 1;
}

/* libvirt.alarm(time or nil): the descriptor becomes readable then. */
static int Lvirt_alarm(lua_State *L) {
  virt_mailbox_alarm(lvirt_state_of(L)->box, luaL_optnumber(L, 1, -1));
  return 0;
}

/* libvirt.hold_signals(true) keeps signals that would end the program from this thread until false comes: what is
 * torn in two by one of them would lose something. */
static int Lvirt_hold_signals(lua_State *L) {
  virt_signals_hold(lua_toboolean(L, 1));
  return 0;
}

/* libvirt.count_signals(true): SIGINT, SIGTERM and SIGHUP end nothing but are counted, until false comes. */
static int Lvirt_count_signals(lua_State *L) {
  virt_signals_count(lua_toboolean(L, 1));
  return 0;
}

/* libvirt.signals() -> how many have come, and the number of the latest; nil if they are not counted. */
static int Lvirt_signals(lua_State *L) {
  int last, count = virt_signals_counted(&last);
  if (count < 0) return 0;
  lua_pushinteger(L, count);
  lua_pushinteger(L, last);
  return 2;
}

/* libvirt.most_in_flight() -> how many calls of one connection there may be at a time. */
static int Lvirt_most_in_flight(lua_State *L) {
  lua_pushinteger(L, virt_most_in_flight());
  return 1;
}

/* libvirt.now() -> seconds of a clock that never goes back. */
static int Lvirt_now(lua_State *L) {
  lua_pushnumber(L, virt_now());
  return 1;
}

/* --- the module --------------------------------------------------------------------------------------- */

__attribute__((visibility("default"))) int luaopen_virtlun_libvirt(lua_State *L);

/* Lua unmaps its modules when it closes, but threads may run in this one by then: it stays (facts 13).
 * Returns what dlsym finds its libraries by; a program that has the module linked in needs neither. */
static void *pin(void) {
  int (*const inside)(lua_State *) = luaopen_virtlun_libvirt;
  Dl_info info;
  void *address;
  memcpy(&address, &inside, sizeof address);
  if (!dladdr(address, &info) || !info.dli_fname) return RTLD_DEFAULT;
  void *module = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  return module ? module : RTLD_DEFAULT;
}

static void call_there(void *libraries, const char *name) {
  void *address = dlsym(libraries, name);
  void (*function)(void);
  memcpy(&function, &address, sizeof function);
  if (function) function();
}

/* The test driver reads its files with libxml2, whose first use is not safe on several threads at once, nor is that of
 * its catalogs: two threads waited for each other for ever (libxml2 2.9). */
static void prepare_xml(void *libraries) {
  call_there(libraries, "xmlInitParser");
  call_there(libraries, "xmlInitializeCatalog");
  virt_error_silence_xml(dlsym(libraries, "xmlSetGenericErrorFunc"));
}

int luaopen_virtlun_libvirt(lua_State *L) {
  static const luaL_Reg functions[] = {{"connection", Lvirt_connection},
                                       {"submit", Lvirt_submit},
                                       {"listen", Lvirt_listen},
                                       {"unlisten", Lvirt_unlisten},
                                       {"close", Lvirt_close},
                                       {"abandon", Lvirt_abandon},
                                       {"take", Lvirt_take},
                                       {"prompts", Lvirt_prompts},
                                       {"reply", Lvirt_reply},
                                       {"new_id", Lvirt_new_id},
                                       {"forget", Lvirt_forget},
                                       {"count", Lvirt_count},
                                       {"fd", Lvirt_fd},
                                       {"alarm", Lvirt_alarm},
                                       {"now", Lvirt_now},
                                       {"most_in_flight", Lvirt_most_in_flight},
                                       {"hold_signals", Lvirt_hold_signals},
                                       {"count_signals", Lvirt_count_signals},
                                       {"signals", Lvirt_signals},
                                       {NULL, NULL}};
  luaL_checkversion(L);
  prepare_xml(pin());
  virt_pool_prepare(virt_error_silence_thread);
  if (virInitialize() < 0) return luaL_error(L, "libvirt cannot be initialized");
  virt_error_silence();
  lvirt_open_handles(L);
  lvirt_open_questions(L);
  luaL_newlibtable(L, functions);
  lvirt_new_state(L);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
