/*
 * client.c - what virtlun's live operations are measured against, as a Lua module: a bare client of libvirt that makes
 * the same calls, one after the other on the calling thread, or those of many domains on many hosts on some threads for
 * each host.  It looks at no answer but for failures.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#define CLIENT "bench.client"

struct client {
  virConnectPtr connection;
  virDomainPtr domain;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* client.open(uri, domain) -> client. */
static int client_open(lua_State *L) {
  struct client *client = lua_newuserdata(L, sizeof *client);
  memset(client, 0, sizeof *client);
  luaL_setmetatable(L, CLIENT);
  client->connection = virConnectOpen(luaL_checkstring(L, 1));
  if (client->connection) client->domain = virDomainLookupByName(client->connection, luaL_checkstring(L, 2));
  return client->domain ? 1 : luaL_error(L, "no domain: %s", virGetLastErrorMessage());
}

static int client_close(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT);
  if (client->domain) virDomainFree(client->domain);
  if (client->connection) virConnectClose(client->connection);
  *client = (struct client){0};
  return 0;
}

static bool read_xml(virDomainPtr domain, unsigned flags) {
  char *text = virDomainGetXMLDesc(domain, flags);
  free(text);
  return text != NULL;
}

/* What virtlun asks for in one job: facts, and the documents that there are. */
static bool look(virDomainPtr domain, bool documents) {
  int state, active, persistent;
  if (virDomainGetState(domain, &state, NULL, 0) < 0 || (active = virDomainIsActive(domain)) < 0 ||
      (persistent = virDomainIsPersistent(domain)) < 0 || virDomainHasManagedSaveImage(domain, 0) < 0)
    return false;
  if (!documents) return true;
  return (!persistent || read_xml(domain, VIR_DOMAIN_XML_INACTIVE)) && (!active || read_xml(domain, 0));
}

static bool define(virConnectPtr connection, const char *xml) {
  virDomainPtr domain = virDomainDefineXML(connection, xml);
  if (domain) virDomainFree(domain);
  return domain != NULL;
}

/* The domain is that of the calls from now on. */
static bool look_up(struct client *client, const char *name) {
  if (client->domain) virDomainFree(client->domain);
  client->domain = virDomainLookupByName(client->connection, name);
  return client->domain != NULL;
}

static bool call_by_name(struct client *client, const char *name, const char *xml, unsigned flags) {
  virDomainPtr domain = client->domain;
  if (!strcmp(name, "lookup")) return look_up(client, xml);
  if (!strcmp(name, "define")) return define(client->connection, xml);
  if (!strcmp(name, "facts") || !strcmp(name, "look")) return look(domain, !strcmp(name, "look"));
  if (!strcmp(name, "attach_device")) return virDomainAttachDeviceFlags(domain, xml, flags) >= 0;
  if (!strcmp(name, "detach_device")) return virDomainDetachDeviceFlags(domain, xml, flags) >= 0;
  if (!strcmp(name, "update_device")) return virDomainUpdateDeviceFlags(domain, xml, flags) >= 0;
  return !strcmp(name, "xml") && read_xml(domain, flags);
}

/* client:run{ { name, xml or false, flags }, ... } -> seconds. */
static int client_run(lua_State *L) {
  struct client *client = luaL_checkudata(L, 1, CLIENT);
  lua_Integer count = luaL_len(L, 2);
  double begun = now();
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 2, i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lua_rawgeti(L, -3, 3);
    const char *name = luaL_checkstring(L, -3);
    if (!call_by_name(client, name, lua_tostring(L, -2), (unsigned)luaL_checkinteger(L, -1)))
      return luaL_error(L, "%s: %s", name, virGetLastErrorMessage());
    lua_pop(L, 4);
  }
  lua_pushnumber(L, now() - begun);
  return 1;
}

/* --- many domains on many hosts ------------------------------------------------------------------------------------
 */

struct call {
  const char *name, *text;
  unsigned flags;
};

/* The calls of one domain, one after the other. */
struct job {
  struct call *calls;
  size_t count;
};

struct host {
  const char *uri;
  struct job *jobs;
  size_t count, next, threads;
  pthread_mutex_t lock; /* of next */
  virConnectPtr connection;
  char *failure; /* NULL: none */
};

static struct job *next_job(struct host *host) {
  pthread_mutex_lock(&host->lock);
  struct job *job = host->next < host->count && !host->failure ? &host->jobs[host->next++] : NULL;
  pthread_mutex_unlock(&host->lock);
  return job;
}

static void note_failure(struct host *host, const char *what) {
  char text[1200];
  snprintf(text, sizeof text, "%s: %s", what, virGetLastErrorMessage());
  pthread_mutex_lock(&host->lock);
  if (!host->failure) host->failure = strdup(text);
  pthread_mutex_unlock(&host->lock);
}

/* One thread: takes the next domain of its host, and the next. */
static void *work(void *data) {
  struct host *host = data;
  struct client client = {.connection = host->connection};
  const struct job *job;
  while ((job = next_job(host))) {
    for (const struct call *call = job->calls; call < job->calls + job->count; call++) {
      if (call_by_name(&client, call->name, call->text, call->flags)) continue;
      note_failure(host, call->name);
      break;
    }
  }
  if (client.domain) virDomainFree(client.domain);
  return NULL;
}

/* What virtlun asks a new connection. */
static bool greet(virConnectPtr connection) {
  unsigned long version;
  char *uri = virConnectGetURI(connection);
  bool good = uri && virConnectGetType(connection) && virConnectGetLibVersion(connection, &version) >= 0;
  free(uri);
  return good;
}

/* One host: the first of its threads opens and closes the connection. */
static void *serve(void *data) {
  enum { MOST = 64 };
  struct host *host = data;
  pthread_t others[MOST];
  size_t begun = 0;
  host->connection = virConnectOpen(host->uri);
  if (host->connection && greet(host->connection)) {
    while (begun + 1 < host->threads && begun < MOST && !pthread_create(&others[begun], NULL, work, host)) begun++;
    work(host);
  } else {
    note_failure(host, host->uri);
  }
  while (begun) pthread_join(others[--begun], NULL);
  if (host->connection) virConnectClose(host->connection);
  return NULL;
}

/* Memory that the Lua state collects; what is in it points into the tables, which stay where they are. */
static void *room(lua_State *L, size_t count, size_t size) {
  void *memory = lua_newuserdata(L, count * size + 1);
  memset(memory, 0, count * size + 1);
  return memory;
}

/* Keeps what lies on top of the stack: a reference to it for as long as the table at index lives. */
static void keep(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_rawseti(L, index, luaL_len(L, index) + 1);
}

static const char *text_at(lua_State *L, int index, int n) {
  lua_rawgeti(L, index, n);
  const char *text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

/* From the list of calls on top of the stack; kept: a table at that index. */
static void read_job(lua_State *L, struct job *job, int kept) {
  int list = lua_gettop(L);
  job->count = (size_t)luaL_len(L, list);
  job->calls = room(L, job->count, sizeof *job->calls);
  keep(L, kept);
  for (size_t i = 0; i < job->count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 3);
    job->calls[i] = (struct call){text_at(L, list + 1, 1), text_at(L, list + 1, 2), (unsigned)lua_tointeger(L, -1)};
    lua_settop(L, list);
  }
}

/* From the table { uri =, list of calls of each domain... } on top of the stack. */
static void read_host(lua_State *L, struct host *host, int kept) {
  int table = lua_gettop(L);
  lua_getfield(L, table, "uri");
  host->uri = luaL_checkstring(L, -1);
  host->count = (size_t)luaL_len(L, table);
  host->jobs = room(L, host->count, sizeof *host->jobs);
  keep(L, kept);
  for (size_t i = 0; i < host->count; i++) {
    lua_rawgeti(L, table, (lua_Integer)i + 1);
    read_job(L, &host->jobs[i], kept);
    lua_settop(L, table);
  }
  pthread_mutex_init(&host->lock, NULL);
}

/* Serves all hosts at once, one thread for each to begin with. */
static void serve_all(struct host *hosts, size_t count, pthread_t *threads) {
  size_t begun = 0;
  while (begun < count && !pthread_create(&threads[begun], NULL, serve, &hosts[begun])) begun++;
  if (begun < count) note_failure(&hosts[begun], "no thread");
  while (begun) pthread_join(threads[--begun], NULL);
}

/* client.run_all({ { uri =, calls of a domain as for run, ... }, ... }, threads for each host) -> seconds.  Each thread
 * takes the next domain of its host. */
static int client_run_all(lua_State *L) {
  size_t count = (size_t)luaL_len(L, 1), threads = (size_t)luaL_checkinteger(L, 2);
  lua_settop(L, 1);
  lua_newtable(L);
  struct host *hosts = room(L, count, sizeof *hosts);
  pthread_t *first = room(L, count, sizeof *first);
  for (size_t i = 0; i < count; i++) {
    hosts[i].threads = threads;
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    read_host(L, &hosts[i], 2);
    lua_settop(L, 4);
  }
  double begun = now();
  serve_all(hosts, count, first);
  lua_pushnumber(L, now() - begun);
  for (size_t i = 0; i < count; i++) {
    if (hosts[i].failure) lua_pushstring(L, hosts[i].failure);
    free(hosts[i].failure);
    pthread_mutex_destroy(&hosts[i].lock);
  }
  return lua_type(L, -1) == LUA_TSTRING ? lua_error(L) : 1;
}

static int client_now(lua_State *L) {
  lua_pushnumber(L, now());
  return 1;
}

int luaopen_client(lua_State *L);

int luaopen_client(lua_State *L) {
  static const luaL_Reg methods[] = {{"run", client_run}, {"close", client_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"open", client_open}, {"run_all", client_run_all}, {"now", client_now}, {NULL, NULL}};
  luaL_newmetatable(L, CLIENT);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
