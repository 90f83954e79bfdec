/*
 * lua_fingerprint.c - tells Lua whether a text or the devices of a model are still the same.
 */
#include <inttypes.h>
#include <stdio.h>

#include "fingerprint.h"
#include "lua_model.h"

static int push_hash(lua_State *L, uint64_t sum) {
  char text[24];
  snprintf(text, sizeof text, "%016" PRIx64, sum);
  lua_pushstring(L, text);
  return 1;
}

/* core.hash(text) -> the fingerprint of a text. */
int Lvlun_hash(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  return push_hash(L, vlun_fingerprint(VLUN_FINGERPRINT_START, text, len));
}

static bool is_left_out(lua_State *L, int index, size_t number) {
  if (!lua_istable(L, index)) return false;
  bool left_out = lua_rawgeti(L, index, (lua_Integer)number) != LUA_TNIL;
  lua_pop(L, 1);
  return left_out;
}

static const struct vlun_record *without_boot(struct vlun_arena *arena, const struct vlun_record *record) {
  struct vlun_draft draft;
  int row = vlun_common_row(record->shape, COMMON_boot);
  if (row < 0 || !vlun_get(record, row)) return record;
  vlun_draft_from(&draft, record);
  draft.set &= ~BIT(row);
  const struct vlun_record *rest = vlun_draft_pack(&draft, arena);
  return rest ? rest : record;
}

/* model:fingerprint(except, bootless) -> text that changes when the devices, the boot order or the identity of the
 * domain do.  except: a table whose keys are numbers of devices that do not count.  bootless: what boots does not
 * count. */
int lvlun_model_fingerprint(lua_State *L) {
  struct vlun_model *model = lvlun_check_model(L, 1);
  bool bootless = lua_toboolean(L, 3);
  struct lvlun_run *run = lvlun_new_run(L);
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    if (is_left_out(L, 2, i + 1) || vlun_is(device, SHAPE_other)) continue;
    if (device->foreign) vlun_buffer_add(&run->buffer, device->foreign, strlen(device->foreign));
    vlun_write_record(&run->buffer, bootless ? without_boot(&run->arena, device->record) : device->record, 0);
  }
  lvlun_check_memory(L, run);
  uint64_t sum = vlun_fingerprint(VLUN_FINGERPRINT_START, run->buffer.text, run->buffer.len);
  if (!bootless) sum = vlun_fingerprint(sum, &model->os_boot, sizeof model->os_boot);
  if (model->uuid) sum = vlun_fingerprint(sum, model->uuid, strlen(model->uuid));
  lvlun_end_run(L, run);
  return push_hash(L, sum);
}
