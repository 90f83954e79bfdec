/*
 * api_value.c - how a C program says what a device is, and asks it: values by the keys of the schema, given as text.
 * What a key is and which type it has is known to the schema alone.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "api.h"

#define LONGEST_KEY 64

/* --- keys ---------------------------------------------------------------------------------------------- */

/* One step of "source.hosts[2].name": the key, the number behind it, and what follows. */
struct step {
  char key[LONGEST_KEY];
  size_t number;    /* 0 if there is none */
  const char *rest; /* NULL at the end */
};

/* What is no step has a key that no shape has. */
static struct step next_step(const char *path) {
  struct step step = {.rest = strchr(path, '.')};
  size_t len = step.rest ? (size_t)(step.rest++ - path) : strlen(path);
  const char *bracket = memchr(path, '[', len);
  size_t digits = bracket ? strspn(bracket + 1, "0123456789") : 0;
  if (digits >= 1 && digits <= 5 && bracket + digits + 2 == path + len && bracket[digits + 1] == ']') {
    step.number = strtoul(bracket + 1, NULL, 10);
    len = (size_t)(bracket - path);
  }
  if (len < sizeof step.key) memcpy(step.key, path, len);
  return step;
}

static int row_of(const struct vlun_shape *shape, const char *key) {
  int row = vlun_row_of_key(shape, key);
  return row >= 0 && vlun_row_is_sayable(&shape->rows[row]) ? row : -1;
}

/* The record that a number stands for: the domain's or a device's; NULL if there is none. */
static struct vlun_record **record_at(const struct vlun_domain *domain, size_t device) {
  struct vlun_model *model = (struct vlun_model *)&domain->model;
  if (device == 0) return &model->domain;
  bool ours = device <= model->count && !model->device[device - 1].foreign;
  return ours ? &model->device[device - 1].record : NULL;
}

bool vlun_api_has(const struct vlun_domain *domain, size_t device, struct vlun_problems *problems) {
  if (record_at(domain, device)) return true;
  const struct vlun_args args = {.v = vlun_printf(&problems->arena, "%zu", device)};
  vlun_complain(problems, &(struct vlun_spot){.model = &domain->model}, "", P_no_such_device, &args);
  return vlun_api_good(problems, 0, true);
}

/* --- asking ------------------------------------------------------------------------------------------- */

struct found {
  const struct vlun_row *row;
  const struct vlun_value *value; /* NULL for a constant of the schema */
};

static const struct vlun_record *item_of(const struct vlun_list *list, size_t number) {
  return number >= 1 && number <= list->count ? list->item[number - 1] : NULL;
}

static bool find(const struct vlun_record *record, const char *path, struct found *found) {
  while (record) {
    struct step step = next_step(path);
    int number = row_of(record->shape, step.key);
    if (number < 0) return false;
    *found = (struct found){&record->shape->rows[number], vlun_get(record, number)};
    if (!step.rest && !step.number) return found->value || found->row->kind == KIND_LIT;
    if (!step.rest || !found->value || found->value->no) return false;
    if (found->row->kind == KIND_LIST) record = item_of(found->value->u.list, step.number);
    else record = found->row->kind == KIND_RECORD && !step.number ? found->value->u.record : NULL;
    path = step.rest;
  }
  return false;
}

static bool ask(const struct vlun_domain *domain, size_t device, const char *key, struct found *found) {
  struct vlun_record **record = domain && key ? record_at(domain, device) : NULL;
  return record && find(*record, key, found);
}

const char *vlun_domain_get_text(const struct vlun_domain *domain, size_t device, const char *key) {
  struct found found;
  if (!ask(domain, device, key, &found)) return NULL;
  const struct vlun_row *row = found.row;
  if (row->kind == KIND_LIT) return row->text;
  if (found.value->no) return NULL;
  if (row->kind == KIND_ENUM) return row->words->word[found.value->u.number];
  if (row->kind == KIND_STR || row->kind == KIND_RAW) return found.value->u.text;
  bool path = row->kind == KIND_RECORD && (row->flags & SHORTHAND) && found.value->u.record->shape == row->variants[0];
  const struct vlun_value *text = path ? vlun_has(found.value->u.record, 0) : NULL;
  return text ? text->u.text : NULL;
}

bool vlun_domain_get_number(const struct vlun_domain *domain, size_t device, const char *key, int64_t *number) {
  struct found found;
  if (!ask(domain, device, key, &found) || !found.value || found.value->no) return false;
  if (found.row->kind != KIND_INT && found.row->kind != KIND_HEX) return false;
  *number = found.value->u.number;
  return true;
}

bool vlun_domain_get_flag(const struct vlun_domain *domain, size_t device, const char *key, bool *flag) {
  struct found found;
  if (!ask(domain, device, key, &found) || !found.value) return false;
  if (!found.value->no && !vlun_row_is_switch(found.row)) return false;
  *flag = !found.value->no && found.value->u.number != 0;
  return true;
}

size_t vlun_domain_count(const struct vlun_domain *domain) { return domain ? domain->model.count : 0; }

const char *vlun_domain_kind(const struct vlun_domain *domain, size_t device) {
  struct vlun_record **record = domain && device ? record_at(domain, device) : NULL;
  return record ? vlun_device_kind(*record) : NULL;
}

/* --- saying ------------------------------------------------------------------------------------------- */

/* What is said; text and flag are what it shows. */
struct said {
  enum { TEXT, NUMBER, FLAG } type;
  const char *text;
  int64_t number;
};

struct saying {
  struct vlun_domain *domain;
  struct vlun_problems *problems;
  struct vlun_spot spot;
  struct said said;
};

static void complain(const struct saying *saying, const struct vlun_trail *trail, enum vlun_code code,
                     const struct vlun_args *args) {
  vlun_complain(saying->problems, &saying->spot, vlun_trail_text(&saying->problems->arena, trail), code, args);
}

static void complain_of_key(const struct saying *saying, const struct vlun_trail *trail, const struct vlun_shape *shape,
                            const char *key) {
  struct vlun_args args = {.v = key, .s = vlun_suggest_key(shape, key, strlen(key))};
  complain(saying, trail, P_unknown_key, &args);
}

static bool complain_of_type(const struct saying *saying, const struct vlun_trail *trail, const struct vlun_row *row,
                             const char *shown) {
  const char *expected = vlun_expected(&saying->problems->arena, row);
  complain(saying, trail, P_wrong_type, &(struct vlun_args){.v = shown, .e = expected});
  return false;
}

/* No text, as getenv gives it, is not nothing to say: it would be left out silently. */
static bool complain_of_nothing(const struct saying *saying, const struct vlun_trail *trail) {
  complain(saying, trail, P_empty, &(struct vlun_args){0});
  return false;
}

static const char *shown(const struct saying *saying) {
  struct vlun_arena *arena = &saying->problems->arena;
  const struct said *said = &saying->said;
  if (said->type == TEXT) return vlun_printf(arena, "'%.80s'", said->text);
  if (said->type == NUMBER) return vlun_printf(arena, "%" PRId64, said->number);
  return said->number ? "true" : "false";
}

static bool say_word(const struct saying *saying, const struct vlun_trail *trail, const struct vlun_row *row,
                     int64_t *number) {
  const char *text = saying->said.text;
  struct vlun_value word = {.u.number = 0};
  if (vlun_parse(&(struct vlun_row){.kind = KIND_ENUM, .words = row->words}, text, strlen(text), &word) == PARSED) {
    *number = word.u.number;
    return true;
  }
  struct vlun_args args = vlun_args_of_word(&saying->problems->arena, row->words, text);
  complain(saying, trail, P_unknown_word, &args);
  return false;
}

static bool keep_text(const struct saying *saying, struct vlun_value *value) {
  size_t len = strlen(saying->said.text);
  value->len = (uint32_t)(len > UINT32_MAX ? UINT32_MAX : len);
  value->u.text = vlun_copy(&saying->domain->model.arena, saying->said.text, value->len);
  return value->u.text != NULL;
}

/* A path stands for the first variant of a source. */
static bool say_shorthand(const struct saying *saying, const struct vlun_row *row, struct vlun_value *value) {
  struct vlun_draft draft;
  vlun_draft_init(&draft, row->variants[0]);
  if (!keep_text(saying, vlun_draft_set(&draft, 0, ORIGIN_USER))) return false;
  value->u.record = vlun_draft_pack(&draft, &saying->domain->model.arena);
  return value->u.record != NULL;
}

static bool say_text(const struct saying *saying, const struct vlun_trail *trail, const struct vlun_row *row,
                     struct vlun_value *value) {
  const char *text = saying->said.text;
  switch (row->kind) {
    case KIND_STR:
    case KIND_RAW: return keep_text(saying, value);
    case KIND_ENUM: return say_word(saying, trail, row, &value->u.number);
    case KIND_RECORD:
      return row->flags & SHORTHAND ? say_shorthand(saying, row, value)
                                    : complain_of_type(saying, trail, row, shown(saying));
    case KIND_LIT:
      if (strcmp(text, row->text) == 0) return true;
      complain(saying, trail, P_bad_form, &(struct vlun_args){.v = text, .e = row->text});
      return false;
    default: return complain_of_type(saying, trail, row, shown(saying));
  }
}

/* The value at the end of a key. */
static bool say(const struct saying *saying, const struct vlun_trail *trail, const struct vlun_row *row,
                struct vlun_value *value) {
  const struct said *said = &saying->said;
  bool fits = said->type == NUMBER ? row->kind == KIND_INT || row->kind == KIND_HEX : vlun_row_is_switch(row);
  if (said->type == TEXT && !said->text) return complain_of_nothing(saying, trail);
  if (said->type == TEXT) return say_text(saying, trail, row, value);
  value->no = said->type == FLAG && !said->number && !fits && row->kind != KIND_LIT;
  if (!value->no && !fits) return complain_of_type(saying, trail, row, shown(saying));
  value->u.number = row->kind == KIND_SET && said->number ? row->implied : said->number;
  return true;
}

/* --- tables within ------------------------------------------------------------------------------------- */

/* Which variant a table becomes by one of its keys: the key of its first row decides, by its text where that is a
 * constant; any other key leaves it as it is, or decides if only one variant has it. */
static const struct vlun_shape *variant_by(const struct vlun_row *row, const struct vlun_record *present,
                                           const char *key, const char *text) {
  const struct vlun_shape *only = NULL, *usual = NULL;
  size_t count = 0;
  for (const struct vlun_shape *const *variant = row->variants; *variant; variant++) {
    const struct vlun_row *first = &(*variant)->rows[0];
    bool named = strcmp(first->key, key) == 0 && (first->kind != KIND_LIT || (text && strcmp(text, first->text) == 0));
    if (named) return *variant;
    if (row_of(*variant, key) < 0) continue;
    only = *variant;
    count++;
    if (first->kind == KIND_LIT && first->implied_for) usual = *variant;
  }
  if (present) return present->shape;
  if (!row->variants[1]) return row->variants[0];
  return usual ? usual : count == 1 ? only : NULL;
}

static struct vlun_record *say_in(const struct saying *saying, const struct vlun_record *present,
                                  const struct vlun_shape *shape, const struct vlun_trail *up, const char *path);

static struct vlun_record *say_nested(const struct saying *saying, const struct vlun_row *row,
                                      const struct vlun_record *present, const struct vlun_trail *trail,
                                      const char *path) {
  struct step step = next_step(path);
  const char *text = !step.rest && saying->said.type == TEXT ? saying->said.text : NULL;
  const struct vlun_shape *shape = variant_by(row, present, step.key, text);
  if (shape) return say_in(saying, present && present->shape == shape ? present : NULL, shape, trail, path);
  const char *variants = vlun_variant_list(&saying->problems->arena, row);
  complain(saying, trail, P_no_variant, &(struct vlun_args){.e = variants});
  return NULL;
}

/* The list with the item changed, or with one more. */
static bool say_item(const struct saying *saying, const struct vlun_row *row, const struct vlun_list *present,
                     const struct vlun_trail *trail, const char *path, struct vlun_value *value) {
  size_t count = present ? present->count : 0, number = trail->number;
  if (number > count + 1) {
    struct vlun_arena *arena = &saying->problems->arena;
    const char *range = count ? vlun_printf(arena, "1..%zu", count + 1) : "1";
    complain(saying, trail->up, P_out_of_range,
             &(struct vlun_args){.v = vlun_printf(arena, "%zu", number), .e = range});
    return false;
  }
  size_t longer = count + (number > count);
  struct vlun_list *list = vlun_alloc(&saying->domain->model.arena, sizeof *list + longer * sizeof list->item[0]);
  struct vlun_record *item = say_nested(saying, row, number <= count ? present->item[number - 1] : NULL, trail, path);
  if (!list || !item) return false;
  for (size_t i = 0; i < count; i++) list->item[i] = present->item[i];
  list->item[number - 1] = item;
  list->count = longer;
  value->u.list = list;
  return true;
}

/* One step: the end of the key, an item of a list, or a table. */
static bool say_step(const struct saying *saying, const struct step *step, const struct vlun_row *row,
                     const struct vlun_value *present, const struct vlun_trail *trail, struct vlun_value *value) {
  bool there = present && !present->no;
  if (!step->rest && !step->number) return say(saying, trail, row, value);
  if (step->rest && step->number && row->kind == KIND_LIST)
    return say_item(saying, row, there ? present->u.list : NULL, trail, step->rest, value);
  if (!step->rest || step->number || row->kind != KIND_RECORD)
    return complain_of_type(saying, trail, row, step->number ? "a list" : "a table");
  value->u.record = say_nested(saying, row, there ? present->u.record : NULL, trail, step->rest);
  return value->u.record != NULL;
}

/* The record with the value said in it, NULL with a problem or without memory. */
static struct vlun_record *say_in(const struct saying *saying, const struct vlun_record *present,
                                  const struct vlun_shape *shape, const struct vlun_trail *up, const char *path) {
  struct step step = next_step(path);
  int number = row_of(shape, step.key);
  if (number < 0) {
    complain_of_key(saying, up, shape, *step.key ? step.key : path);
    return NULL;
  }
  const struct vlun_row *row = &shape->rows[number];
  struct vlun_trail trail = {.up = up, .key = row->key, .number = step.number};
  if (row->kind == KIND_MOVED) {
    complain(saying, up, P_moved_key, &(struct vlun_args){.v = row->key, .a = row->text});
    return NULL;
  }
  struct vlun_draft draft;
  vlun_draft_init(&draft, shape);
  if (present) vlun_draft_from(&draft, present);
  struct vlun_value value = {.origin = ORIGIN_USER};
  if (!say_step(saying, &step, row, present ? vlun_get(present, number) : NULL, &trail, &value)) return NULL;
  if (row->kind != KIND_LIT) *vlun_draft_set(&draft, number, ORIGIN_USER) = value;
  return vlun_draft_pack(&draft, &saying->domain->model.arena);
}

static bool say_of(struct vlun_domain *domain, size_t device, const char *key, struct said said,
                   struct vlun_problems *problems) {
  if (!domain || !problems || !vlun_api_has(domain, device, problems)) return false;
  struct vlun_record **record = record_at(domain, device);
  struct vlun_model *model = &domain->model;
  struct saying saying = {.domain = domain, .problems = problems, .spot = {.model = model}, .said = said};
  const struct vlun_shape *shape = device ? (*record)->shape : &vlun_shapes[SHAPE_domain];
  if (!key) key = "";
  struct step first = next_step(key);
  if (device) saying.spot.device = &model->device[device - 1];
  saying.spot.row = row_of(shape, first.key) + 1;
  size_t before = problems->errors;
  struct vlun_record *changed = say_in(&saying, *record, shape, NULL, key);
  if (changed) *record = changed;
  vlun_api_touch(domain);
  return vlun_api_good(problems, before, !model->arena.failed) && changed;
}

bool vlun_domain_set_text(struct vlun_domain *domain, size_t device, const char *key, const char *text,
                          struct vlun_problems *problems) {
  return say_of(domain, device, key, (struct said){.type = TEXT, .text = text}, problems);
}

bool vlun_domain_set_number(struct vlun_domain *domain, size_t device, const char *key, int64_t number,
                            struct vlun_problems *problems) {
  return say_of(domain, device, key, (struct said){.type = NUMBER, .number = number}, problems);
}

bool vlun_domain_set_flag(struct vlun_domain *domain, size_t device, const char *key, bool flag,
                          struct vlun_problems *problems) {
  return say_of(domain, device, key, (struct said){.type = FLAG, .number = flag}, problems);
}

/* --- devices ------------------------------------------------------------------------------------------ */

size_t vlun_domain_add(struct vlun_domain *domain, const char *kind, struct vlun_problems *problems) {
  if (!domain || !problems) return 0;
  struct vlun_model *model = &domain->model;
  if (!kind) kind = "";
  struct vlun_draft draft;
  if (!vlun_draft_start(&draft, kind)) {
    struct vlun_spot spot = {.model = model, .place = (int)model->count + 1};
    struct vlun_args args = vlun_args_of_kind(&problems->arena, kind);
    vlun_complain(problems, &spot, "", P_unknown_kind, &args);
    vlun_api_good(problems, 0, true);
    return 0;
  }
  struct vlun_record *record = vlun_draft_pack(&draft, &model->arena);
  struct vlun_device *device = record ? vlun_model_add(model) : NULL;
  if (device) *device = (struct vlun_device){.record = record, .place = (int)model->count};
  vlun_api_touch(domain);
  vlun_api_good(problems, 0, device != NULL);
  return device ? model->count : 0;
}

bool vlun_domain_locate(struct vlun_domain *domain, size_t device, const char *file, int line) {
  if (!domain || device > domain->model.count) return false;
  struct vlun_model *model = &domain->model;
  const char *copy = file ? vlun_copy(&model->arena, file, strlen(file)) : NULL;
  if (file && !copy) return false;
  *(device ? &model->device[device - 1].file : &model->file) = copy;
  *(device ? &model->device[device - 1].line : &model->line) = line;
  return true;
}
