/*
 * api_diff.c - differences for C programs, and the host's document with them.
 */
#include <stdlib.h>

#include "api.h"

struct vlun_diff {
  struct vlun_domain *own; /* the completed description, if it was made here */
  const struct vlun_domain *desired;
  const struct vlun_domain *host;
  struct vlun_changes changes;
  struct vlun_difference *list;
  struct vlun_arena arena;
};

/* --- making ------------------------------------------------------------------------------------------- */

static const char *const *keys_of(struct vlun_arena *arena, const struct vlun_change *change, size_t *count) {
  const struct vlun_row *rows = change->desired->record->shape->rows;
  const char **keys = vlun_alloc(arena, (size_t)(vlun_bits(change->rows) + 1) * sizeof *keys);
  *count = 0;
  for (uint64_t rest = change->rows; keys && rest; rest &= rest - 1) keys[(*count)++] = rows[__builtin_ctzll(rest)].key;
  return keys;
}

static struct vlun_difference difference(struct vlun_diff *diff, const struct vlun_change *change) {
  const struct vlun_model *desired = &diff->desired->model, *host = &diff->host->model;
  struct vlun_difference made = {.action = change->action,
                                 .kind = vlun_device_kind(change->desired->record),
                                 .device = vlun_device_label(&diff->arena, change->desired),
                                 .desired = (size_t)(change->desired - desired->device) + 1,
                                 .assigned = change->desired->place == 0};
  if (change->current) made.current = (size_t)(change->current - host->device) + 1;
  if (change->action == VLUN_CHANGE) made.keys = keys_of(&diff->arena, change, &made.key_count);
  return made;
}

static bool compare(struct vlun_diff *diff, struct vlun_domain *host) {
  if (!vlun_diff(&diff->arena, &diff->desired->model, &host->model, &diff->changes)) return false;
  diff->list = vlun_alloc(&diff->arena, (diff->changes.count + 1) * sizeof *diff->list);
  for (size_t i = 0; diff->list && i < diff->changes.count; i++)
    diff->list[i] = difference(diff, &diff->changes.list[i]);
  return !diff->arena.failed;
}

static bool was_completed_for(const struct vlun_domain *desired, const struct vlun_domain *host) {
  for (size_t i = 0; i < VLUN_MAX_HOSTS; i++) {
    const struct vlun_known_host *known = &desired->hosts[i];
    if (known->domain == host && known->len == host->len && known->fingerprint == host->fingerprint) return true;
  }
  return false;
}

static void refuse(struct vlun_problems *problems, const struct vlun_domain *domain, const char *why) {
  vlun_complain(problems, &(struct vlun_spot){.model = &domain->model}, "", P_bad_patch, &(struct vlun_args){.a = why});
}

struct vlun_diff *vlun_diff_new(const struct vlun_domain *desired, struct vlun_domain *host,
                                struct vlun_problems *problems) {
  if (!desired || !host || !problems) return NULL;
  struct vlun_diff *diff = calloc(1, sizeof *diff);
  bool memory = diff != NULL;
  bool completed = was_completed_for(desired, host);
  if (!host->xml || host->changed) refuse(problems, host, "it is not the document that was read");
  if (desired->complete && !completed) refuse(problems, desired, "it was completed for another document");
  if (diff && !problems->errors) {
    if (!completed) diff->own = vlun_domain_complete(desired, &host, 1, 1, problems);
    diff->desired = completed ? desired : diff->own;
    diff->host = host;
    memory = !diff->desired || compare(diff, host);
  }
  if (vlun_api_good(problems, 0, memory)) return diff;
  vlun_diff_free(diff);
  return NULL;
}

void vlun_diff_free(struct vlun_diff *diff) {
  if (!diff) return;
  vlun_domain_free(diff->own);
  vlun_arena_free(&diff->arena);
  free(diff);
}

/* --- looking ------------------------------------------------------------------------------------------ */

size_t vlun_diff_count(const struct vlun_diff *diff) { return diff ? diff->changes.count : 0; }

const struct vlun_difference *vlun_diff_get(const struct vlun_diff *diff, size_t number) {
  return number < vlun_diff_count(diff) ? &diff->list[number] : NULL;
}

const struct vlun_domain *vlun_diff_desired(const struct vlun_diff *diff) { return diff ? diff->desired : NULL; }

/* --- what is possible --------------------------------------------------------------------------------- */

/* Devices may have moved in memory since, or be others. */
static bool is_as_compared(const struct vlun_diff *diff, struct vlun_problems *problems) {
  bool same = !diff->host->changed && was_completed_for(diff->desired, diff->host);
  if (!same) refuse(problems, diff->desired, "what was compared has changed since");
  return vlun_api_good(problems, 0, true);
}

/* A drive that keeps an HBA where it is, and the index of its own; device is NULL if there is none. */
struct user {
  const struct vlun_device *device;
  int64_t index;
};

static void ask_drive(struct user *user, int64_t hba, const struct vlun_device *device,
                      const struct vlun_record *record) {
  struct vlun_place place;
  if (device->foreign || !vlun_place_of(record, &place) || place.controller < hba) return;
  if (!user->device || place.controller < user->index) *user = (struct user){device, place.controller};
}

/* The nearest drive on the HBA or above it, where libvirt would fill the hole, as all of the changes leave them. */
static struct user user_of(const struct vlun_diff *diff, int64_t hba, struct vlun_arena *arena) {
  const struct vlun_model *host = &diff->host->model;
  struct user user = {0};
  const struct vlun_change **change_of = vlun_alloc(arena, (host->count + 1) * sizeof *change_of);
  for (size_t i = 0; change_of && i < diff->changes.count; i++) {
    const struct vlun_change *change = &diff->changes.list[i];
    if (change->current) change_of[change->current - host->device] = change;
    else ask_drive(&user, hba, change->desired, change->desired->record);
  }
  for (size_t i = 0; change_of && i < host->count; i++) {
    const struct vlun_device *device = &host->device[i];
    const struct vlun_change *change = change_of[i];
    if (change && change->action == VLUN_REMOVE) continue;
    const struct vlun_record *then =
        change ? vlun_record_merge(arena, device->record, change->desired->record) : device->record;
    if (then) ask_drive(&user, hba, device, then);
  }
  return user;
}

/* libvirt would make the HBA again for a drive that needs it, of a model of its own choice. */
static void complain_of_use(const struct vlun_diff *diff, const struct vlun_change *change,
                            struct vlun_problems *problems) {
  if (change->action != VLUN_REMOVE || !vlun_is(change->current, SHAPE_controller)) return;
  struct vlun_arena arena = {0};
  int64_t hba = vlun_number(change->current->record, VLUN_controller_index, 0);
  struct user user = user_of(diff, hba, &arena);
  const struct vlun_spot spot = {.model = &diff->desired->model, .device = change->desired};
  if (user.device)
    vlun_complain(problems, &spot, "", user.index == hba ? P_still_used : P_below_used,
                  &(struct vlun_args){.a = vlun_device_label(&arena, user.device)});
  if (arena.failed) problems->arena.failed = true;
  vlun_arena_free(&arena);
}

static void complain_of_obstacle(const struct vlun_diff *diff, const struct vlun_change *change,
                                 struct vlun_problems *problems) {
  enum vlun_code code;
  const char *obstacle = vlun_obstacle(&diff->host->model, change, &code);
  const struct vlun_spot spot = {.model = &diff->desired->model, .device = change->desired};
  if (obstacle) vlun_complain(problems, &spot, "", code, &(struct vlun_args){.a = obstacle});
}

static bool is_possible(const struct vlun_diff *diff, const struct vlun_changes *changes,
                        struct vlun_problems *problems) {
  if (!is_as_compared(diff, problems)) return false;
  for (size_t i = 0; i < changes->count; i++) {
    complain_of_obstacle(diff, &changes->list[i], problems);
    complain_of_use(diff, &changes->list[i], problems);
  }
  return vlun_api_good(problems, 0, true);
}

/* --- the document ------------------------------------------------------------------------------------- */

char *vlun_diff_patch(const struct vlun_diff *diff, struct vlun_problems *problems) {
  if (!diff || !problems || !is_possible(diff, &diff->changes, problems)) return NULL;
  struct vlun_buffer buffer = {0};
  const struct vlun_domain *host = diff->host;
  bool good = true;
  if (diff->changes.count) good = vlun_patch(host->xml, host->len, &diff->changes, &buffer, problems);
  else vlun_buffer_add(&buffer, host->xml, host->len);
  if (good && !problems->arena.failed) return vlun_api_text(&buffer, problems);
  vlun_buffer_free(&buffer);
  return NULL;
}

static char *text_of(const struct vlun_text *text, struct vlun_problems *problems) {
  if (!text->text) return NULL;
  struct vlun_buffer buffer = {0};
  vlun_buffer_add(&buffer, text->text, text->len);
  return vlun_api_text(&buffer, problems);
}

bool vlun_diff_element(const struct vlun_diff *diff, size_t number, char **before, char **after,
                       struct vlun_problems *problems) {
  *before = *after = NULL;
  if (!problems || number >= vlun_diff_count(diff)) return false;
  const struct vlun_changes one = {.list = &diff->changes.list[number], .count = 1};
  const struct vlun_domain *host = diff->host;
  struct vlun_element element = {0};
  struct vlun_arena arena = {0};
  bool good = is_possible(diff, &one, problems) &&
              vlun_elements(host->xml, host->len, &host->model, &one, &element, &arena, problems);
  if (good) {
    *before = text_of(&element.before, problems);
    *after = text_of(&element.after, problems);
  }
  good = vlun_api_good(problems, 0, !arena.failed);
  vlun_arena_free(&arena);
  if (good) return true;
  free(*before);
  free(*after);
  *before = *after = NULL;
  return false;
}
