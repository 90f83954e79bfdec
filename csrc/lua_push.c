/*
 * lua_push.c - turns models and problems into tables.  What it makes of a host's document is a description again:
 * it says what is there, no more.
 */
#include <string.h>

#include "lua_common.h"

void lvlun_set_text(lua_State *L, const char *key, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

/* --- values ------------------------------------------------------------------------------------------- */

static void push_record(lua_State *L, const struct vlun_record *record, int extra);

static void push_set(lua_State *L, const struct vlun_row *row, int64_t bits) {
  lua_newtable(L);
  lua_Integer n = 0;
  for (int i = 0; i < row->words->count; i++) {
    if (!((uint64_t)bits & BIT(i))) continue;
    lua_pushstring(L, row->words->word[i]);
    lua_rawseti(L, -2, ++n);
  }
}

static void push_list(lua_State *L, const struct vlun_list *list) {
  lua_createtable(L, (int)list->count, 0);
  for (size_t i = 0; i < list->count; i++) {
    push_record(L, list->item[i], 0);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* A source that is nothing but a file is its path. */
static bool is_shorthand(const struct vlun_row *row, const struct vlun_record *record) {
  return (row->flags & SHORTHAND) && record->shape == row->variants[0] && record->set == BIT(0);
}

static void push_nested(lua_State *L, const struct vlun_row *row, const struct vlun_record *record) {
  if (is_shorthand(row, record)) lua_pushlstring(L, record->value[0].u.text, record->value[0].len);
  else push_record(L, record, 0);
}

void lvlun_push_value(lua_State *L, const struct vlun_row *row, const struct vlun_value *value) {
  if (value->no) {
    lua_pushboolean(L, false);
    return;
  }
  switch (row->kind) {
    case KIND_INT:
    case KIND_HEX: lua_pushinteger(L, value->u.number); break;
    case KIND_ENUM: lua_pushstring(L, row->words->word[value->u.number]); break;
    case KIND_SET: push_set(L, row, value->u.number); break;
    case KIND_STR:
    case KIND_RAW: lua_pushlstring(L, value->u.text, value->len); break;
    case KIND_RECORD: push_nested(L, row, value->u.record); break;
    case KIND_LIST: push_list(L, value->u.list); break;
    default: lua_pushboolean(L, value->u.number != 0); break;
  }
}

/* The constants that tell variants apart are part of the table, unless they go without saying. */
static void set_literals(lua_State *L, const struct vlun_shape *shape) {
  const struct vlun_row *row = &shape->rows[0];
  if (row->kind == KIND_LIT && row->doc) lvlun_set_text(L, row->key, row->text);
}

static void push_record(lua_State *L, const struct vlun_record *record, int extra) {
  luaL_checkstack(L, 4, "description");
  lua_createtable(L, 0, vlun_bits(record->set) + extra);
  set_literals(L, record->shape);
  const struct vlun_value *value = record->value;
  for (uint64_t rest = record->set; rest; rest &= rest - 1, value++) {
    const struct vlun_row *row = &record->shape->rows[__builtin_ctzll(rest)];
    if (!vlun_row_is_sayable(row)) continue;
    lvlun_push_value(L, row, value);
    lua_setfield(L, -2, row->key);
  }
}

/* --- devices and models ------------------------------------------------------------------------------- */

void lvlun_push_device(lua_State *L, const struct vlun_record *record) {
  push_record(L, record, 1);
  lvlun_set_text(L, "kind", vlun_device_kind(record));
  luaL_setmetatable(L, READ_MARK);
}

void lvlun_push_model(lua_State *L, const struct vlun_model *model) {
  lua_createtable(L, (int)model->count, 2);
  lua_Integer n = 0;
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (device->foreign) continue;
    lvlun_push_device(L, device->record);
    lua_rawseti(L, -2, ++n);
  }
  const struct vlun_value *name = model->domain ? vlun_has(model->domain, VLUN_domain_name) : NULL;
  if (name) {
    lua_pushlstring(L, name->u.text, name->len);
    lua_setfield(L, -2, "name");
  }
  lvlun_set_text(L, "kind", "domain");
}

/* --- problems ----------------------------------------------------------------------------------------- */

static const char *severity_word(enum vlun_severity severity) {
  static const char *const words[] = {"error", "warning", "note"};
  return words[severity];
}

static void push_problem(lua_State *L, const struct vlun_problem *problem) {
  lua_createtable(L, 0, 9);
  lvlun_set_text(L, "code", problem->code);
  lvlun_set_text(L, "severity", severity_word(problem->severity));
  lvlun_set_text(L, "path", problem->path);
  lvlun_set_text(L, "message", problem->message);
  lvlun_set_text(L, "hint", problem->hint);
  lvlun_set_text(L, "value", problem->value);
  lvlun_set_text(L, "expected", problem->expected);
  lvlun_set_text(L, "file", problem->file);
  if (problem->line) {
    lua_pushinteger(L, problem->line);
    lua_setfield(L, -2, "line");
  }
}

void lvlun_push_problems(lua_State *L, struct lvlun_run *run) {
  struct vlun_problems *problems = &run->problems;
  lvlun_check_memory(L, run);
  vlun_problems_sort(problems);
  lua_createtable(L, (int)problems->count, 0);
  for (size_t i = 0; i < problems->count; i++) {
    push_problem(L, &problems->list[i].problem);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}
