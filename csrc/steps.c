/*
 * steps.c - steps that belong together for everybody who describes domains, in Lua or in C.
 */
#include "internal.h"

void vlun_check_all(struct vlun_check *check) {
  vlun_check_run(check);
  vlun_check_raw(check);
}

/* How many drives of the model have been given an address. */
static size_t count_assigned(const struct vlun_model *model) {
  size_t count = 0;
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_value *address =
        vlun_device_is_drive(&model->device[i]) ? vlun_common(model->device[i].record, COMMON_address) : NULL;
    count += address && address->origin == ORIGIN_ASSIGNED;
  }
  return count;
}

bool vlun_settle(struct vlun_model *model, struct vlun_problems *problems) {
  struct vlun_check work = {.problems = problems, .models = &model, .count = 1, .whole = true};
  vlun_check_all(&work);
  if (problems->errors || problems->arena.failed) return false;
  size_t before = count_assigned(model); /* by who knew the host */
  if (!vlun_complete(model, NULL, 0, 0)) problems->arena.failed = true;
  size_t assigned = count_assigned(model) - before;
  if (!assigned || problems->arena.failed) return !problems->arena.failed;
  const char *what = vlun_printf(&problems->arena, assigned == 1 ? "%zu drive is" : "%zu drives are", assigned);
  vlun_complain(problems, &(struct vlun_spot){.model = model}, "", P_provisional, &(struct vlun_args){.a = what});
  return !problems->arena.failed;
}
