/*
 * lua_virt.c - the module virtlun.libvirt: connections and domains of libvirt for Lua, as thin as they can be.
 * Every call that fails gives nil and a table with code, name, domain and message.  No policy lives here; the only
 * Lua file that may use this module is backend.lua.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "virt_error.h"

#define CONNECTION_TYPE "virtlun.connection"
#define DOMAIN_TYPE "virtlun.domain"

/* --- helpers ------------------------------------------------------------------------------------------ */

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static int fail(lua_State *L) {
  struct virt_error error;
  virt_error_last(&error);
  lua_pushnil(L);
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, error.code);
  lua_setfield(L, -2, "code");
  set_text(L, "name", error.code_name);
  set_text(L, "domain", error.domain_name);
  set_text(L, "message", error.message);
  return 2;
}

/* A text that libvirt allocated.  Lua may raise while it copies, and then the text leaks: only out of memory. */
static int give_text(lua_State *L, char *text) {
  if (!text) return fail(L);
  lua_pushstring(L, text);
  free(text);
  return 1;
}

/* A yes or no that is negative on failure. */
static int give_answer(lua_State *L, int answer) {
  if (answer < 0) return fail(L);
  lua_pushboolean(L, answer);
  return 1;
}

/* --- handles: created closed, then opened into -------------------------------------------------------- */

static virConnectPtr *new_connection(lua_State *L) {
  virConnectPtr *handle = lua_newuserdata(L, sizeof *handle);
  *handle = NULL;
  luaL_setmetatable(L, CONNECTION_TYPE);
  return handle;
}

static virConnectPtr connection(lua_State *L) {
  virConnectPtr handle = *(virConnectPtr *)luaL_checkudata(L, 1, CONNECTION_TYPE);
  luaL_argcheck(L, handle, 1, "the connection is closed");
  return handle;
}

static int close_connection(lua_State *L) {
  virConnectPtr *handle = luaL_checkudata(L, 1, CONNECTION_TYPE);
  if (*handle) virConnectClose(*handle);
  *handle = NULL;
  return 0;
}

static virDomainPtr *new_domain(lua_State *L) {
  virDomainPtr *handle = lua_newuserdata(L, sizeof *handle);
  *handle = NULL;
  luaL_setmetatable(L, DOMAIN_TYPE);
  return handle;
}

static virDomainPtr domain(lua_State *L) {
  virDomainPtr handle = *(virDomainPtr *)luaL_checkudata(L, 1, DOMAIN_TYPE);
  luaL_argcheck(L, handle, 1, "the domain is freed");
  return handle;
}

static int free_domain(lua_State *L) {
  virDomainPtr *handle = luaL_checkudata(L, 1, DOMAIN_TYPE);
  if (*handle) virDomainFree(*handle);
  *handle = NULL;
  return 0;
}

/* --- connections -------------------------------------------------------------------------------------- */

/* libvirt.open(uri or nil, readonly) -> connection. */
static int Lvirt_open(lua_State *L) {
  const char *uri = luaL_optstring(L, 1, NULL);
  bool readonly = lua_toboolean(L, 2);
  virConnectPtr *handle = new_connection(L);
  *handle = readonly ? virConnectOpenReadOnly(uri) : virConnectOpen(uri);
  return *handle ? 1 : fail(L);
}

static int Lvirt_uri(lua_State *L) { return give_text(L, virConnectGetURI(connection(L))); }

static int Lvirt_driver(lua_State *L) {
  const char *driver = virConnectGetType(connection(L));
  if (!driver) return fail(L);
  lua_pushstring(L, driver);
  return 1;
}

/* The host's libvirt as a number.  Its emulators are not asked: that would probe each of them (design 3.3). */
static int Lvirt_version(lua_State *L) {
  unsigned long version;
  if (virConnectGetLibVersion(connection(L), &version) < 0) return fail(L);
  lua_pushinteger(L, (lua_Integer)version);
  return 1;
}

/* connection:domains() -> list of domains. */
static int Lvirt_domains(lua_State *L) {
  virDomainPtr *list = NULL;
  int count = virConnectListAllDomains(connection(L), &list, 0);
  if (count < 0) return fail(L);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    *new_domain(L) = list[i];
    lua_rawseti(L, -2, i + 1);
  }
  free(list);
  return 1;
}

/* connection:lookup(name or uuid) -> domain. */
static int Lvirt_lookup(lua_State *L) {
  virConnectPtr conn = connection(L);
  const char *name = luaL_checkstring(L, 2);
  virDomainPtr *handle = new_domain(L);
  bool is_uuid = strlen(name) == VIR_UUID_STRING_BUFLEN - 1 && strspn(name, "0123456789abcdefABCDEF-") == strlen(name);
  if (is_uuid) *handle = virDomainLookupByUUIDString(conn, name);
  if (!*handle) *handle = virDomainLookupByName(conn, name);
  return *handle ? 1 : fail(L);
}

/* connection:define(xml) -> domain. */
static int Lvirt_define(lua_State *L) {
  virConnectPtr conn = connection(L);
  const char *xml = luaL_checkstring(L, 2);
  virDomainPtr *handle = new_domain(L);
  *handle = virDomainDefineXMLFlags(conn, xml, 0);
  return *handle ? 1 : fail(L);
}

/* --- domains ------------------------------------------------------------------------------------------ */

static int Lvirt_name(lua_State *L) {
  lua_pushstring(L, virDomainGetName(domain(L)));
  return 1;
}

static int Lvirt_uuid(lua_State *L) {
  char text[VIR_UUID_STRING_BUFLEN];
  if (virDomainGetUUIDString(domain(L), text) < 0) return fail(L);
  lua_pushstring(L, text);
  return 1;
}

/* domain:xml{ inactive =, secure = } -> text. */
static int Lvirt_xml(lua_State *L) {
  virDomainPtr handle = domain(L);
  unsigned flags = 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_getfield(L, 2, "inactive");
  if (lua_toboolean(L, -1)) flags |= VIR_DOMAIN_XML_INACTIVE;
  lua_getfield(L, 2, "secure");
  if (lua_toboolean(L, -1)) flags |= VIR_DOMAIN_XML_SECURE;
  return give_text(L, virDomainGetXMLDesc(handle, flags));
}

/* domain:state() -> the word that virsh uses. */
static int Lvirt_state(lua_State *L) {
  static const char *const words[] = {"no state",    "running",  "idle",    "paused",
                                      "in shutdown", "shut off", "crashed", "pmsuspended"};
  int state, reason;
  if (virDomainGetState(domain(L), &state, &reason, 0) < 0) return fail(L);
  bool known = state >= 0 && (size_t)state < sizeof words / sizeof words[0];
  lua_pushstring(L, known ? words[state] : "no state");
  return 1;
}

static int Lvirt_is_active(lua_State *L) { return give_answer(L, virDomainIsActive(domain(L))); }
static int Lvirt_is_persistent(lua_State *L) { return give_answer(L, virDomainIsPersistent(domain(L))); }

/* Drivers that cannot save have nothing saved. */
static int Lvirt_has_managed_save(lua_State *L) {
  int answer = virDomainHasManagedSaveImage(domain(L), 0);
  bool unsupported = answer < 0 && virGetLastErrorCode() == VIR_ERR_NO_SUPPORT;
  return give_answer(L, unsupported ? 0 : answer);
}

/* --- the module --------------------------------------------------------------------------------------- */

/* libvirt.now() -> seconds of a clock that never goes back. */
static int Lvirt_now(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
  return 1;
}

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_virtlun_libvirt(lua_State *L);

int luaopen_virtlun_libvirt(lua_State *L) {
  static const luaL_Reg connection_methods[] = {
      {"close", close_connection}, {"uri", Lvirt_uri},       {"driver", Lvirt_driver}, {"version", Lvirt_version},
      {"domains", Lvirt_domains},  {"lookup", Lvirt_lookup}, {"define", Lvirt_define}, {NULL, NULL}};
  static const luaL_Reg domain_methods[] = {{"name", Lvirt_name},
                                            {"uuid", Lvirt_uuid},
                                            {"xml", Lvirt_xml},
                                            {"state", Lvirt_state},
                                            {"is_active", Lvirt_is_active},
                                            {"is_persistent", Lvirt_is_persistent},
                                            {"has_managed_save", Lvirt_has_managed_save},
                                            {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", Lvirt_open}, {"now", Lvirt_now}, {NULL, NULL}};
  luaL_checkversion(L);
  if (virInitialize() < 0) return luaL_error(L, "libvirt cannot be initialized");
  virt_error_silence();
  virt_ignore_broken_pipes();
  new_type(L, CONNECTION_TYPE, connection_methods, close_connection);
  new_type(L, DOMAIN_TYPE, domain_methods, free_domain);
  luaL_newlib(L, functions);
  return 1;
}
