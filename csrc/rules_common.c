/*
 * rules_common.c - what rules complain with, and what they ask of the whole description.
 */
#include "rules_common.h"

/* key names the field below the device: "address.unit". */
void vlun_complain_here(struct vlun_check *check, const char *key, const struct vlun_args *args) {
  check->complained = true;
  check->found = args->v;
  if (check->silent) return;
  check->spot.row = 0;
  if (check->spot.device && *key) {
    char first[32] = "";
    size_t n = strcspn(key, ".");
    if (n < sizeof first) memcpy(first, key, n);
    check->spot.row = vlun_row_of_key(here(check)->shape, first) + 1;
  }
  vlun_complain(check->problems, &check->spot, key, check->code, args);
}

/* Which devices of the host are described; most recipes never need to know. */
void vlun_know_described(struct vlun_check *check) {
  const struct vlun_model *model = check->spot.model;
  check->knows_described = true;
  for (size_t i = 0; i < model->count; i++)
    for (size_t h = 0; h < check->host_count; h++) {
      const struct vlun_device **key = vlun_alloc(&check->arena, sizeof *key);
      if (!key) return; /* the arena remembers */
      *key = vlun_find(&check->arena, check->hosts[h], model->device[i].record);
      if (*key) vlun_claim(check->claims, DESCRIBED, key, sizeof *key, &model->device[i]);
    }
}
