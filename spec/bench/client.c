/*
 * client.c - what virtlun's live operations are measured against, as a Lua module: a bare client of libvirt that makes
 * the same calls, one after the other, on the calling thread.  It looks at no answer but for failures.
 */
#include <stdbool.h>
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

/* What virtlun asks for in one job. */
static bool ask_facts(virDomainPtr domain) {
  int state;
  return virDomainGetState(domain, &state, NULL, 0) >= 0 && virDomainIsActive(domain) >= 0 &&
         virDomainIsPersistent(domain) >= 0 && virDomainHasManagedSaveImage(domain, 0) >= 0;
}

static bool define(virConnectPtr connection, const char *xml) {
  virDomainPtr domain = virDomainDefineXML(connection, xml);
  if (domain) virDomainFree(domain);
  return domain != NULL;
}

static bool call_by_name(const struct client *client, const char *name, const char *xml, unsigned flags) {
  virDomainPtr domain = client->domain;
  if (!strcmp(name, "define")) return define(client->connection, xml);
  if (!strcmp(name, "facts")) return ask_facts(domain);
  if (!strcmp(name, "attach_device")) return virDomainAttachDeviceFlags(domain, xml, flags) >= 0;
  if (!strcmp(name, "detach_device")) return virDomainDetachDeviceFlags(domain, xml, flags) >= 0;
  if (!strcmp(name, "update_device")) return virDomainUpdateDeviceFlags(domain, xml, flags) >= 0;
  char *text = strcmp(name, "xml") ? NULL : virDomainGetXMLDesc(domain, flags);
  free(text);
  return text != NULL;
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

static int client_now(lua_State *L) {
  lua_pushnumber(L, now());
  return 1;
}

int luaopen_client(lua_State *L);

int luaopen_client(lua_State *L) {
  static const luaL_Reg methods[] = {{"run", client_run}, {"close", client_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", client_open}, {"now", client_now}, {NULL, NULL}};
  luaL_newmetatable(L, CLIENT);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
