/*
 * api_domain.c - what a C program does with whole domains: read, check, complete, write.
 * It joins the steps that the core has, and decides nothing itself.
 */
#include <stdlib.h>

#include "api.h"
#include "fingerprint.h"

/* --- domains ------------------------------------------------------------------------------------------ */

static bool give_name(struct vlun_domain *domain, const char *name) {
  struct vlun_draft draft;
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_domain]);
  struct vlun_value *value = vlun_draft_set(&draft, VLUN_domain_name, ORIGIN_USER);
  value->len = (uint32_t)strlen(name);
  value->u.text = vlun_copy(&domain->model.arena, name, value->len);
  domain->model.domain = vlun_draft_pack(&draft, &domain->model.arena);
  return !domain->model.arena.failed;
}

struct vlun_domain *vlun_domain_new(const char *name, struct vlun_problems *problems) {
  if (!problems) return NULL;
  struct vlun_domain *domain = calloc(1, sizeof *domain);
  if (domain && (!name || give_name(domain, name))) return domain;
  problems->arena.failed = true;
  vlun_domain_free(domain);
  return NULL;
}

void vlun_domain_free(struct vlun_domain *domain) {
  if (!domain) return;
  vlun_model_free(&domain->model);
  free(domain->xml);
  free(domain);
}

/* The text is kept, so that a change is never made to another one than that which was compared. */
static bool keep_xml(struct vlun_domain *domain, const char *xml, size_t len) {
  domain->xml = malloc(len + 1);
  if (!domain->xml) return false;
  memcpy(domain->xml, xml, len);
  domain->xml[len] = '\0';
  domain->len = len;
  domain->fingerprint = vlun_fingerprint(VLUN_FINGERPRINT_START, xml, len);
  return true;
}

struct vlun_domain *vlun_domain_read(const char *xml, size_t len, struct vlun_problems *problems) {
  if (!xml || !problems) return NULL;
  struct vlun_domain *domain = vlun_domain_new(NULL, problems);
  size_t before = problems->errors;
  bool good = domain && vlun_read(&domain->model, xml, len, problems); /* it knows which length is too much */
  bool memory = domain && !domain->model.arena.failed && (!good || keep_xml(domain, xml, len));
  for (size_t i = 0; good && i < domain->model.count; i++) domain->model.device[i].read = true;
  if (vlun_api_good(problems, before, memory) && good) return domain;
  vlun_domain_free(domain);
  return NULL;
}

static bool is_at_most(const struct vlun_domain *domain, const char *argument, size_t number, size_t most,
                       struct vlun_problems *problems) {
  if (number <= most) return true;
  struct vlun_arena *arena = &problems->arena;
  const struct vlun_args args = {.v = vlun_printf(arena, "%zu", number), .e = vlun_printf(arena, "0..%zu", most)};
  vlun_complain(problems, &(struct vlun_spot){.model = &domain->model}, argument, P_out_of_range, &args);
  return vlun_api_good(problems, 0, true);
}

/* False with a problem if one of the hosts could not be read, or there are more than a domain has documents. */
static bool models_of(const struct vlun_domain *domain, struct vlun_domain *const *hosts, size_t count,
                      struct vlun_model *models[VLUN_MAX_HOSTS], struct vlun_problems *problems) {
  if (!is_at_most(domain, "hosts", count, VLUN_MAX_HOSTS, problems)) return false;
  for (size_t i = 0; i < count; i++) {
    if (hosts && hosts[i]) {
      models[i] = &hosts[i]->model;
      continue;
    }
    const struct vlun_args args = {.v = vlun_printf(&problems->arena, "hosts[%zu]", i)};
    vlun_complain(problems, &(struct vlun_spot){.model = &domain->model}, "", P_required, &args);
    return vlun_api_good(problems, 0, true);
  }
  return true;
}

static void check(const struct vlun_model *model, struct vlun_model *const *hosts, size_t count,
                  struct vlun_problems *problems) {
  struct vlun_model *const models[] = {(struct vlun_model *)model};
  struct vlun_check work = {
      .problems = problems, .models = models, .count = 1, .hosts = count ? hosts : NULL, .host_count = count};
  vlun_check_all(&work);
}

/* A domain with the same devices, but those that are none of virtlun's; the records are the old one's, whose values
 * nobody changes. */
static struct vlun_domain *copy_of(const struct vlun_domain *domain) {
  struct vlun_domain *copy = calloc(1, sizeof *copy);
  if (!copy) return NULL;
  copy->model = domain->model;
  copy->model.arena = (struct vlun_arena){0};
  copy->model.index = NULL;
  copy->model.device = NULL;
  copy->model.count = copy->model.size = 0;
  copy->changed = copy->complete = true;
  if (!vlun_model_room(&copy->model, domain->model.count + 1)) {
    vlun_domain_free(copy);
    return NULL;
  }
  for (size_t i = 0; i < domain->model.count; i++)
    if (!domain->model.device[i].foreign) copy->model.device[copy->model.count++] = domain->model.device[i];
  return copy;
}

bool vlun_domain_check(const struct vlun_domain *domain, struct vlun_domain *const *hosts, size_t count,
                       struct vlun_problems *problems) {
  struct vlun_model *models[VLUN_MAX_HOSTS];
  if (!domain || !problems || !models_of(domain, hosts, count, models, problems)) return false;
  size_t before = problems->errors;
  struct vlun_domain *ours = copy_of(domain);
  if (ours) check(&ours->model, models, count, problems);
  bool memory = ours != NULL;
  vlun_domain_free(ours);
  return vlun_api_good(problems, before, memory);
}

/* --- complete ----------------------------------------------------------------------------------------- */

/* Rules hold for every document that is to be changed, each taken as the first. */
static void check_each(const struct vlun_model *model, struct vlun_model *const *hosts, size_t count, size_t written,
                       struct vlun_problems *problems) {
  check(model, hosts, count, problems);
  if (written < 2 || problems->errors) return;
  struct vlun_model *const turned[] = {hosts[1], hosts[0]};
  struct vlun_problems more = {0};
  check(model, turned, count, &more); /* most of it is told already */
  if (more.errors) check(model, turned, count, problems);
  if (more.arena.failed) problems->arena.failed = true;
  vlun_problems_clear(&more);
}

struct vlun_domain *vlun_domain_complete(const struct vlun_domain *domain, struct vlun_domain *const *hosts,
                                         size_t count, size_t written, struct vlun_problems *problems) {
  struct vlun_model *models[VLUN_MAX_HOSTS];
  if (!domain || !problems || !models_of(domain, hosts, count, models, problems)) return NULL;
  if (!is_at_most(domain, "written", written, count, problems)) return NULL;
  struct vlun_domain *copy = copy_of(domain);
  bool memory = copy != NULL;
  if (copy && count == 0) {
    vlun_settle(&copy->model, problems);
  } else if (copy) {
    check_each(&copy->model, models, count, written, problems);
    if (!problems->errors) memory = vlun_complete(&copy->model, models, count, written);
    for (size_t i = 0; i < count; i++)
      copy->hosts[i] = (struct vlun_known_host){hosts[i], hosts[i]->len, hosts[i]->fingerprint};
  }
  if (copy && copy->model.arena.failed) memory = false;
  if (vlun_api_good(problems, 0, memory)) return copy;
  vlun_domain_free(copy);
  return NULL;
}

char *vlun_domain_xml(const struct vlun_domain *domain, size_t device, struct vlun_problems *problems) {
  if (!domain || !problems || !vlun_api_has(domain, device, problems)) return NULL;
  struct vlun_domain *whole = vlun_domain_complete(domain, NULL, 0, 0, problems);
  if (!whole) return NULL;
  struct vlun_buffer buffer = {0};
  size_t place = 0; /* of the device in the whole */
  for (size_t i = 0; i + 1 < device; i++) place += !domain->model.device[i].foreign;
  if (device) vlun_write_record(&buffer, whole->model.device[place].record, 0);
  else vlun_write_model(&buffer, &whole->model);
  vlun_domain_free(whole);
  return vlun_api_text(&buffer, problems);
}
