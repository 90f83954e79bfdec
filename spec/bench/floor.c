/*
 * floor.c - what virtlun is measured against, as a Lua module: the least that the same job can cost in plain C.
 * Generating is snprintf from C structs, parsing is libxml2's SAX2 filling plain Lua tables. Both know the seed's CD
 * drive by heart and check nothing, so they are a floor and no alternative. The clocks of the benchmark are here too.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <lauxlib.h>
#include <libxml/parser.h>
#include <lua.h>

extern char **environ;

/* --- clocks ------------------------------------------------------------------------------------------- */

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* floor.cpu() -> CPU seconds of this process. */
static int cpu(lua_State *L) {
  lua_pushnumber(L, seconds(CLOCK_PROCESS_CPUTIME_ID));
  return 1;
}

/* floor.start(program, argument, ...) -> seconds from the start of that process to its end, without a shell. */
static int start(lua_State *L) {
  char *arguments[16] = {NULL};
  int count = lua_gettop(L), status = 0;
  luaL_argcheck(L, count >= 1 && count < 16, count, "1 to 15 words expected");
  for (int i = 0; i < count; i++) arguments[i] = (char *)luaL_checkstring(L, i + 1);
  double before = seconds(CLOCK_MONOTONIC);
  pid_t child;
  int error = posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ);
  if (error) return luaL_error(L, "cannot start %s: %s", arguments[0], strerror(error));
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  double after = seconds(CLOCK_MONOTONIC);
  if (status != 0) return luaL_error(L, "%s failed", arguments[0]);
  lua_pushnumber(L, after - before);
  return 1;
}

/* --- generating: C structs to XML --------------------------------------------------------------------- */

struct device {
  const char *dev, *source; /* NULL for a controller; the Lua tables keep them alive */
  int controller, target, unit;
};

struct devices {
  size_t count;
  struct device device[];
};

static int integer_at(lua_State *L, const char *key) {
  lua_getfield(L, -1, key);
  int number = (int)luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return number;
}

static const char *text_at(lua_State *L, const char *key) {
  lua_getfield(L, -1, key);
  const char *text = luaL_checkstring(L, -1);
  lua_pop(L, 1);
  return text;
}

/* The device whose table is on top of the stack. */
static struct device read_device(lua_State *L) {
  if (strcmp(text_at(L, "kind"), "controller") == 0) return (struct device){.controller = integer_at(L, "index")};
  struct device device = {.dev = text_at(L, "dev"), .source = text_at(L, "source")};
  lua_getfield(L, -1, "address");
  device.controller = integer_at(L, "controller");
  device.target = integer_at(L, "target");
  device.unit = integer_at(L, "unit");
  lua_pop(L, 1);
  return device;
}

/* floor.structs(domain) -> its devices as C structs, the input of generating. */
static int structs(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t count = (size_t)lua_rawlen(L, 1);
  struct devices *devices = lua_newuserdata(L, sizeof *devices + count * sizeof devices->device[0]);
  devices->count = count;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    devices->device[i] = read_device(L);
    lua_pop(L, 1);
  }
  return 1;
}

struct text {
  char *start;
  size_t len, size;
};

static int print_device(char *to, size_t size, const struct device *device) {
  if (!device->dev)
    return snprintf(to, size, "<controller type='scsi' index='%d' model='virtio-scsi'/>\n", device->controller);
  return snprintf(to, size,
                  "<disk type='file' device='cdrom'>\n"
                  "  <driver name='qemu' type='raw' cache='none' io='native'/>\n"
                  "  <source file='%s'/>\n"
                  "  <target dev='%s' bus='scsi'/>\n"
                  "  <readonly/>\n"
                  "  <address type='drive' controller='%d' bus='0' target='%d' unit='%d'/>\n"
                  "</disk>\n",
                  device->source, device->dev, device->controller, device->target, device->unit);
}

static void make_room(lua_State *L, struct text *text) {
  size_t size = text->size ? text->size * 2 : 1024;
  char *larger = realloc(text->start, size);
  if (!larger) {
    free(text->start);
    luaL_error(L, "not enough memory");
  }
  text->start = larger;
  text->size = size;
}

/* What did not fit is printed again into more room. */
static struct text print_all(lua_State *L, const struct devices *devices) {
  struct text text = {0};
  make_room(L, &text);
  for (size_t i = 0; i < devices->count;) {
    size_t left = text.size - text.len;
    size_t len = (size_t)print_device(text.start + text.len, left, &devices->device[i]);
    if (len >= left) {
      make_room(L, &text);
    } else {
      text.len += len;
      i++;
    }
  }
  return text;
}

/* floor.generate(structs) -> length of the XML; floor.generate(structs, true) -> the XML. */
static int generate(lua_State *L) {
  struct text text = print_all(L, lua_touserdata(L, 1));
  if (lua_toboolean(L, 2)) lua_pushlstring(L, text.start, text.len);
  else lua_pushinteger(L, (lua_Integer)text.len);
  free(text.start);
  return 1;
}

/* --- parsing: XML to Lua tables ----------------------------------------------------------------------- */

/* Where an attribute goes: a field of the table on top of the stack. Attributes that are not listed are constants. */
struct place {
  const char *attribute, *field;
  int is_number;
};

static const struct place of_controller[] = {{"index", "index", 1}, {"model", "model", 0}, {NULL, NULL, 0}};
static const struct place of_disk[] = {{"device", "kind", 0}, {NULL, NULL, 0}};
static const struct place of_driver[] = {
    {"type", "format", 0}, {"cache", "cache", 0}, {"io", "io", 0}, {NULL, NULL, 0}};
static const struct place of_source[] = {{"file", "source", 0}, {NULL, NULL, 0}};
static const struct place of_target[] = {{"dev", "dev", 0}, {NULL, NULL, 0}};
static const struct place of_address[] = {
    {"controller", "controller", 1}, {"bus", "bus", 1}, {"target", "target", 1}, {"unit", "unit", 1}, {NULL, NULL, 0}};

struct parse {
  lua_State *L; /* the domain's table is on top of the stack, a device's table above it while that is read */
  lua_Integer devices;
  int in_devices, in_name;
};

static void set_attribute(lua_State *L, const struct place *place, const char *text, size_t len) {
  if (place->is_number) lua_pushinteger(L, strtol(text, NULL, 10));
  else lua_pushlstring(L, text, len);
  lua_setfield(L, -2, place->field);
}

static void set_attributes(lua_State *L, const struct place *places, int count, const xmlChar **attributes) {
  for (int i = 0; i < count; i++, attributes += 5)
    for (const struct place *place = places; place->attribute; place++)
      if (strcmp((const char *)attributes[0], place->attribute) == 0)
        set_attribute(L, place, (const char *)attributes[3], (size_t)(attributes[4] - attributes[3]));
}

static int is(const xmlChar *name, const char *text) { return strcmp((const char *)name, text) == 0; }

static void start_controller(lua_State *L, int count, const xmlChar **attributes) {
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, "controller");
  lua_setfield(L, -2, "kind");
  set_attributes(L, of_controller, count, attributes);
}

static void start_disk(lua_State *L, int count, const xmlChar **attributes) {
  lua_createtable(L, 0, 8);
  set_attributes(L, of_disk, count, attributes);
}

static void add_address(lua_State *L, int count, const xmlChar **attributes) {
  lua_createtable(L, 0, 4);
  set_attributes(L, of_address, count, attributes);
  lua_setfield(L, -2, "address");
}

static void add_readonly(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "readonly");
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **ns, int count, int defaulted, const xmlChar **attributes) {
  (void)prefix, (void)uri, (void)namespaces, (void)ns, (void)defaulted;
  struct parse *parse = context;
  if (is(name, "disk")) start_disk(parse->L, count, attributes);
  else if (is(name, "driver")) set_attributes(parse->L, of_driver, count, attributes);
  else if (is(name, "source")) set_attributes(parse->L, of_source, count, attributes);
  else if (is(name, "target")) set_attributes(parse->L, of_target, count, attributes);
  else if (is(name, "readonly")) add_readonly(parse->L);
  else if (is(name, "address")) add_address(parse->L, count, attributes);
  else if (is(name, "controller")) start_controller(parse->L, count, attributes);
  else if (is(name, "name")) parse->in_name = 1;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
  (void)prefix, (void)uri;
  struct parse *parse = context;
  if (is(name, "disk") || is(name, "controller")) lua_rawseti(parse->L, -2, ++parse->devices);
  else if (is(name, "name")) parse->in_name = 0;
}

static void on_text(void *context, const xmlChar *text, int len) {
  struct parse *parse = context;
  if (!parse->in_name) return;
  lua_pushlstring(parse->L, (const char *)text, (size_t)len);
  lua_setfield(parse->L, -2, "name");
}

/* floor.parse(xml) -> the tables that virtlun.core.read makes of a domain with nothing but the seed's devices. */
static int parse(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  xmlSAXHandler handler = {
      .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end, .characters = on_text};
  struct parse context = {.L = L};
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  lua_pushliteral(L, "domain");
  lua_setfield(L, -2, "kind");
  if (xmlSAXUserParseMemory(&handler, &context, xml, (int)len) != 0) return luaL_error(L, "the document is malformed");
  return 1;
}

/* --- the module --------------------------------------------------------------------------------------- */

__attribute__((visibility("default"))) int luaopen_floor(lua_State *L);

int luaopen_floor(lua_State *L) {
  static const luaL_Reg functions[] = {{"cpu", cpu},           {"start", start}, {"structs", structs},
                                       {"generate", generate}, {"parse", parse}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_pushliteral(L, LIBXML_DOTTED_VERSION);
  lua_setfield(L, -2, "LIBXML2");
  return 1;
}
