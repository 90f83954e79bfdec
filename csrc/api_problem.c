/*
 * api_problem.c - the problems that a C program collects, and how a call of the API ends.
 */
#include <stdlib.h>

#include "api.h"

struct vlun_problems *vlun_problems_new(void) {
  return calloc(1, sizeof(struct vlun_problems));
}

void vlun_problems_free(struct vlun_problems *problems) {
  if (problems) vlun_problems_clear(problems);
  free(problems);
}

size_t vlun_problems_count(const struct vlun_problems *problems) {
  return problems ? problems->count + problems->arena.failed : 0;
}

size_t vlun_problems_errors(const struct vlun_problems *problems) {
  return problems ? problems->errors + problems->arena.failed : 0;
}

/* That memory ended takes no memory to tell; a problem that has lost its words to that is told in the same way.  They
 * are put in order only for who looks: every call may add one of thousands. */
const struct vlun_problem *vlun_problems_get(const struct vlun_problems *problems, size_t number) {
  static const struct vlun_problem no_memory = {.code = "no_memory", .path = "", .message = "out of memory"};
  if (number >= vlun_problems_count(problems)) return NULL;
  vlun_problems_sort((struct vlun_problems *)problems);
  const struct vlun_problem *problem = number < problems->count ? &problems->list[number].problem : &no_memory;
  return problem->path && problem->message ? problem : &no_memory;
}

bool vlun_api_good(struct vlun_problems *problems, size_t before, bool memory) {
  if (!memory) problems->arena.failed = true;
  return problems->errors == before && !problems->arena.failed;
}

void vlun_api_touch(struct vlun_domain *domain) {
  domain->changed = true;
  domain->model.index = NULL; /* it knows what devices were called, and where they were in memory */
  for (size_t i = 0; i < VLUN_MAX_HOSTS; i++) domain->hosts[i] = (struct vlun_known_host){0};
}

char *vlun_api_text(struct vlun_buffer *buffer, struct vlun_problems *problems) {
  vlun_buffer_add(buffer, "", 1);
  if (!buffer->failed) return buffer->text;
  vlun_buffer_free(buffer);
  problems->arena.failed = true;
  return NULL;
}
