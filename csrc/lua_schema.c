/*
 * lua_schema.c - the schema as data: every shape, field, word, rule and problem.  Help, constructors, documentation
 * and generated tests come from it.
 */
#include <string.h>

#include "lua_common.h"

static const char *kind_word(enum vlun_kind kind) {
  static const char *const words[] = {
      [KIND_INT] = "integer",   [KIND_HEX] = "integer",  [KIND_BOOL] = "boolean", [KIND_YESNO] = "boolean",
      [KIND_ONOFF] = "boolean", [KIND_FLAG] = "boolean", [KIND_ENUM] = "word",    [KIND_SET] = "words",
      [KIND_STR] = "text",      [KIND_RECORD] = "table", [KIND_LIST] = "list",    [KIND_RAW] = "xml",
      [KIND_LIT] = "constant",  [KIND_TAG] = "tag",      [KIND_MOVED] = "moved"};
  return words[kind];
}

static void set_integer(lua_State *L, const char *key, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool flag) {
  if (!flag) return;
  lua_pushboolean(L, true);
  lua_setfield(L, -2, key);
}

static void set_words(lua_State *L, const char *key, const struct vlun_words *words, uint64_t which) {
  lua_newtable(L);
  lua_Integer n = 0;
  for (int i = 0; i < words->count; i++) {
    if (!(which & BIT(i))) continue;
    lua_pushstring(L, words->word[i]);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, key);
}

static void set_variants(lua_State *L, const struct vlun_shape *const *variant) {
  lua_newtable(L);
  for (lua_Integer n = 1; *variant; variant++, n++) {
    lua_pushstring(L, (*variant)->name);
    lua_rawseti(L, -2, n);
  }
  lua_setfield(L, -2, "variants");
}

static void set_when(lua_State *L, const struct vlun_shape *shape, const struct vlun_row *row) {
  const struct vlun_row *other = &shape->rows[row->when.row];
  lua_newtable(L);
  lvlun_set_text(L, "key", other->key);
  set_words(L, "words", other->words, row->when.words);
  lua_setfield(L, -2, "when");
}

static void set_xml_place(lua_State *L, const struct vlun_row *row) {
  if (!row->elem) return;
  lua_pushfstring(L, "%s%s%s", row->elem, row->attr ? "@" : "", row->attr ? row->attr : "");
  lua_setfield(L, -2, "xml");
}

static void set_default(lua_State *L, const struct vlun_row *row) {
  if (!row->dflt_for) return;
  lvlun_push_value(L, row, &(struct vlun_value){.u.number = row->dflt});
  lua_setfield(L, -2, "default");
  if (row->dflt_for != UINT64_MAX)
    set_words(L, "default_for", vlun_shapes[SHAPE_disk].rows[VLUN_disk_device].words, row->dflt_for);
}

static void set_range(lua_State *L, const struct vlun_row *row) {
  if (row->min == 0 && row->max == 0) return;
  bool text = row->kind == KIND_STR;
  set_integer(L, text ? "min_length" : "min", row->min);
  if (row->max != INT64_MAX) set_integer(L, text ? "max_length" : "max", row->max);
}

static void push_field(lua_State *L, const struct vlun_shape *shape, const struct vlun_row *row) {
  lua_newtable(L);
  lvlun_set_text(L, "key", row->key);
  lvlun_set_text(L, "kind", kind_word(row->kind));
  lvlun_set_text(L, "doc", row->doc);
  lvlun_set_text(L, "text", row->text);
  set_xml_place(L, row);
  set_flag(L, "required", row->flags & REQUIRED);
  set_flag(L, "identity", row->flags & IDENTITY);
  set_flag(L, "internal", !vlun_row_is_sayable(row));
  set_flag(L, "live", row->flags & LIVE);
  set_flag(L, "medium", row->flags & MEDIUM);
  set_flag(L, "shorthand", row->flags & SHORTHAND);
  set_flag(L, "xml_switch", row->kind == KIND_YESNO || row->kind == KIND_ONOFF);
  set_range(L, row);
  set_default(L, row);
  if (row->since) set_integer(L, "since", row->since);
  if (row->words) set_words(L, "words", row->words, UINT64_MAX);
  if (row->form) lvlun_set_text(L, "form", row->form->name);
  if (row->form) lvlun_set_text(L, "expected", row->form->expected);
  if (row->variants) set_variants(L, row->variants);
  if (row->when.words) set_when(L, shape, row);
}

static void push_shape(lua_State *L, const struct vlun_shape *shape) {
  lua_newtable(L);
  lvlun_set_text(L, "name", shape->name);
  lvlun_set_text(L, "element", shape->element);
  lvlun_set_text(L, "tag", shape->tag);
  lua_createtable(L, shape->count, 0);
  for (int i = 0; i < shape->count; i++) {
    push_field(L, shape, &shape->rows[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "fields");
}

static void set_shapes(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; i < SHAPE_count; i++) {
    push_shape(L, &vlun_shapes[i]);
    lua_setfield(L, -2, vlun_shapes[i].name);
  }
  lua_setfield(L, -2, "shapes");
}

static void set_problems(lua_State *L) {
  static const char *const severities[] = {"error", "warning", "note"};
  lua_createtable(L, P_count, 0);
  for (int i = 0; i < P_count; i++) {
    lua_newtable(L);
    lvlun_set_text(L, "code", vlun_codes[i].code);
    lvlun_set_text(L, "severity", severities[vlun_codes[i].severity]);
    lvlun_set_text(L, "message", vlun_codes[i].message);
    lvlun_set_text(L, "hint", vlun_codes[i].hint);
    set_flag(L, "rule", i >= P_first_rule);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "problems");
}

static void set_hbas(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; i < W(model, count); i++) {
    const struct vlun_hba *hba = &vlun_hbas[i];
    lua_newtable(L);
    lvlun_set_text(L, "model", hba->model);
    set_integer(L, "max_target", hba->max_target);
    set_integer(L, "max_unit", hba->max_unit);
    if (hba->reserved >= 0) set_integer(L, "reserved_unit", hba->reserved);
    set_flag(L, "unit_is_target", hba->properties & HBA_UNIT_IS_TARGET);
    lvlun_set_text(L, "never", hba->never);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "hbas");
}

/* core.schema() -> { shapes = { disk = { fields = {...} } }, problems = {...}, hbas = {...} }, a new table each time.
 */
int Lvlun_schema(lua_State *L) {
  lua_newtable(L);
  set_shapes(L);
  set_problems(L);
  set_hbas(L);
  return 1;
}
