/*
 * problem.c - collects problems: fills the message of a code, says where it is, keeps the document order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MOST 10000 /* errors of a list, and as many of what is none */
#define MOST_TEXT "10,000"
#define LONGEST_SHOWN 200 /* bytes of a text: enough to know it by */

#define ERROR VLUN_ERROR
#define WARNING VLUN_WARNING
#define NOTE VLUN_NOTE
const struct vlun_code_row vlun_codes[P_count] = {
#define PROBLEM(id, severity, message, hint) {#id, severity, message, hint},
#define RULE(id, severity, scope, message, hint) {#id, severity, message, hint},
#include "schema/problems.def"
#include "schema/rules.def"
#undef PROBLEM
#undef RULE
};

static const char *argument(char letter, const struct vlun_args *args) {
  switch (letter) {
    case 'v': return args->v;
    case 'e': return args->e;
    case '1': return args->a;
    case '2': return args->b;
    case 's': return args->s;
    default: return NULL;
  }
}

/* False if an argument that the template wants is missing. */
static bool fill(struct vlun_buffer *buffer, const char *template, const struct vlun_args *args) {
  for (const char *p = template; *p; p++) {
    bool slot = p[0] == '{' && p[1] && p[2] == '}' && strchr("ve12s", p[1]);
    if (!slot) {
      vlun_buffer_add(buffer, p, 1);
      continue;
    }
    const char *text = argument(p[1], args);
    if (!text) return false;
    vlun_buffer_add(buffer, text, strlen(text));
    p += 2;
  }
  return true;
}

char *vlun_format(struct vlun_arena *arena, const char *template, const struct vlun_args *args) {
  struct vlun_buffer buffer = {0};
  char *text = NULL;
  if (template && fill(&buffer, template, args) && !buffer.failed)
    text = vlun_copy(arena, buffer.text ? buffer.text : "", buffer.len);
  if (buffer.failed) arena->failed = true;
  vlun_buffer_free(&buffer);
  return text;
}

char *vlun_printf(struct vlun_arena *arena, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int len = vsnprintf(NULL, 0, format, list);
  va_end(list);
  char *text = len < 0 ? NULL : vlun_alloc(arena, (size_t)len + 1);
  if (!text) return NULL;
  va_start(list, format);
  vsnprintf(text, (size_t)len + 1, format, list);
  va_end(list);
  return text;
}

const char *vlun_or_list(struct vlun_arena *arena, vlun_next_word *next, const void *words, size_t count) {
  struct vlun_buffer buffer = {0};
  size_t last = count;
  while (last > 0 && !next(words, last - 1)) last--;
  for (size_t i = 0; i < last; i++) {
    const char *word = next(words, i);
    if (!word) continue;
    const char *between = buffer.len == 0 ? "" : i == last - 1 ? " or " : ", ";
    vlun_buffer_add(&buffer, between, strlen(between));
    vlun_buffer_add(&buffer, word, strlen(word));
  }
  const char *text = buffer.failed ? NULL : vlun_copy(arena, buffer.text ? buffer.text : "", buffer.len);
  if (buffer.failed) arena->failed = true;
  vlun_buffer_free(&buffer);
  return text;
}

struct some_words {
  const struct vlun_words *words;
  uint64_t which;
};

static const char *next_of_some(const void *words, size_t i) {
  const struct some_words *some = words;
  return (some->which & BIT(i)) ? some->words->word[i] : NULL;
}

const char *vlun_word_list(struct vlun_arena *arena, const struct vlun_words *words, uint64_t which) {
  return vlun_or_list(arena, next_of_some, &(struct some_words){words, which}, (size_t)words->count);
}

struct vlun_args vlun_args_of_word(struct vlun_arena *arena, const struct vlun_words *words, const char *text) {
  return (struct vlun_args){
      .v = text, .e = vlun_word_list(arena, words, UINT64_MAX), .s = vlun_suggest_word(words, text, strlen(text))};
}

static const char *next_kind(const void *words, size_t i) {
  (void)words;
  return vlun_kind_name(i);
}

struct vlun_args vlun_args_of_kind(struct vlun_arena *arena, const char *kind) {
  return (struct vlun_args){.v = kind,
                            .e = vlun_or_list(arena, next_kind, NULL, VLUN_KINDS),
                            .s = vlun_suggest(kind, strlen(kind), next_kind, NULL, VLUN_KINDS)};
}

struct variant_names {
  struct vlun_arena *arena;
  const struct vlun_shape *const *variants;
};

static const char *next_variant(const void *words, size_t i) {
  const struct variant_names *names = words;
  const struct vlun_row *first = &names->variants[i]->rows[0];
  return first->kind == KIND_LIT ? vlun_printf(names->arena, "%s = \"%s\"", first->key, first->text) : first->key;
}

const char *vlun_variant_list(struct vlun_arena *arena, const struct vlun_row *row) {
  size_t count = 0;
  while (row->variants[count]) count++;
  return vlun_or_list(arena, next_variant, &(struct variant_names){arena, row->variants}, count);
}

const char *vlun_expected(struct vlun_arena *arena, const struct vlun_row *row) {
  const char *words = row->kind == KIND_ENUM ? vlun_word_list(arena, row->words, UINT64_MAX) : NULL;
  switch (row->kind) {
    case KIND_INT:
    case KIND_HEX: return "an integer";
    case KIND_ENUM: return words ? words : "a word";
    case KIND_SET: return "true, false or a list";
    case KIND_STR:
    case KIND_RAW: return "text";
    case KIND_RECORD: return row->flags & SHORTHAND ? "a path, a table or false" : "a table";
    case KIND_LIST: return "a list";
    default: return "true or false";
  }
}

/* How many bytes of the text at p can be shown together: a printable character, or 0. */
static size_t printable(const unsigned char *p, size_t left) {
  if (p[0] < 0x80) return p[0] >= 0x20 && p[0] != 0x7F;
  bool control = left > 1 && p[0] == 0xC2 && p[1] < 0xA0; /* C1, which terminals obey too */
  return control ? 0 : vlun_utf8_length(p, left);
}

/* As Lua can write a byte. */
static void add_byte(struct vlun_buffer *buffer, unsigned char byte) {
  static const char hex[] = "0123456789abcdef";
  const char digits[] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
  vlun_buffer_add(buffer, digits, sizeof digits);
}

const char *vlun_shown(struct vlun_arena *arena, const char *text, size_t len) {
  struct vlun_buffer buffer = {0};
  size_t done = 0;
  while (done < len && buffer.len < LONGEST_SHOWN && !buffer.failed) {
    size_t n = printable((const unsigned char *)text + done, len - done);
    if (n) vlun_buffer_add(&buffer, text + done, n);
    else add_byte(&buffer, (unsigned char)text[done]);
    done += n ? n : 1;
  }
  if (done < len) vlun_buffer_add(&buffer, "...", 3);
  const char *copy = buffer.failed ? NULL : vlun_copy(arena, buffer.text ? buffer.text : "", buffer.len);
  if (buffer.failed) arena->failed = true;
  vlun_buffer_free(&buffer);
  return copy;
}

/* The same of a text that ends with its NUL, or of none. */
static const char *shown(struct vlun_arena *arena, const char *text) {
  return text ? vlun_shown(arena, text, strnlen(text, LONGEST_SHOWN + 1)) : NULL;
}

/* The name by which people know a device: its dev, controller4, its alias, or its kind and place. */
const char *vlun_device_label(struct vlun_arena *arena, const struct vlun_device *device) {
  const struct vlun_record *record = device->record;
  if (!record) return vlun_printf(arena, "#%d", device->place);
  if (vlun_is(device, SHAPE_other)) return vlun_printf(arena, "%s#%d", device->foreign, device->place);
  const struct vlun_value *name = vlun_get_key(record, "dev"), *alias = vlun_common(record, COMMON_alias);
  if (name) return vlun_shown(arena, name->u.text, name->len);
  const struct vlun_value *index = vlun_get_key(record, "index");
  if (index) return vlun_printf(arena, "%s%lld", record->shape->name, (long long)index->u.number);
  if (alias) return vlun_shown(arena, alias->u.text, alias->len);
  return vlun_printf(arena, "%s#%d", vlun_device_kind(record), device->place);
}

const char *vlun_trail_text(struct vlun_arena *arena, const struct vlun_trail *trail) {
  if (!trail) return "";
  const char *up = vlun_trail_text(arena, trail->up);
  if (!up) return "";
  const char *dot = *up ? "." : "";
  const char *text = trail->number ? vlun_printf(arena, "%s%s%s[%zu]", up, dot, trail->key, trail->number)
                                   : vlun_printf(arena, "%s%s%s", up, dot, trail->key);
  return text ? text : "";
}

static const char *path_of(struct vlun_arena *arena, const struct vlun_spot *spot, const char *tail) {
  const struct vlun_value *name =
      spot->model && spot->model->domain ? vlun_get(spot->model->domain, VLUN_domain_name) : NULL;
  const char *domain = name && name->u.text ? vlun_shown(arena, name->u.text, name->len) : "";
  const char *device = spot->device ? vlun_device_label(arena, spot->device) : "";
  if (!domain || !device) return NULL;
  return vlun_printf(arena, "%s%s%s%s%s", domain, *domain && *device ? "." : "", device,
                     *tail && (*domain || *device) ? "." : "", tail);
}

static struct vlun_finding *next_finding(struct vlun_problems *problems) {
  if (problems->count == problems->size) {
    size_t size = problems->size ? problems->size * 2 : 16;
    struct vlun_finding *list = realloc(problems->list, size * sizeof *list);
    if (!list) {
      problems->arena.failed = true;
      return NULL;
    }
    problems->list = list;
    problems->size = size;
  }
  return &problems->list[problems->count++];
}

bool vlun_problems_enough(const struct vlun_problems *problems) { return problems->errors >= MOST; }

/* Errors and what is none have room of their own, so that a list with errors shows one. */
static bool is_full(const struct vlun_problems *problems, enum vlun_severity severity) {
  size_t errors = problems->errors < MOST ? problems->errors : MOST;
  return severity == VLUN_ERROR ? vlun_problems_enough(problems) : problems->count - errors >= MOST;
}

/* The last of a list that could go on. */
static void tell_more(struct vlun_problems *problems) {
  struct vlun_finding *finding = problems->more ? NULL : next_finding(problems);
  const struct vlun_args args = {.e = MOST_TEXT};
  problems->more = true;
  if (!finding) return;
  const struct vlun_code_row *row = &vlun_codes[P_more_problems];
  *finding = (struct vlun_finding){.order = UINT64_MAX,
                                   .problem = {.code = row->code,
                                               .severity = row->severity,
                                               .path = "",
                                               .message = vlun_format(&problems->arena, row->message, &args),
                                               .expected = args.e}};
}

void vlun_complain(struct vlun_problems *problems, const struct vlun_spot *spot, const char *tail, enum vlun_code code,
                   const struct vlun_args *given) {
  const struct vlun_code_row *row = &vlun_codes[code];
  bool full = is_full(problems, row->severity);
  if (row->severity == VLUN_ERROR) problems->errors++;
  if (full || vlun_problems_enough(problems)) tell_more(problems);
  struct vlun_finding *finding = full ? NULL : next_finding(problems);
  if (!finding) return;
  struct vlun_arena *arena = &problems->arena;
  const struct vlun_args filled = {.v = shown(arena, given->v),
                                   .e = given->e, /* the schema's words, and all of them */
                                   .a = shown(arena, given->a),
                                   .b = shown(arena, given->b),
                                   .s = shown(arena, given->s)};
  const struct vlun_args *args = &filled;
  const char *message = vlun_format(arena, row->message, args);
  uint64_t place = (uint64_t)(spot->device ? spot->device->place : spot->place);
  *finding = (struct vlun_finding){
      .order = (uint64_t)spot->domain << 40 | place << 8 | (uint64_t)(spot->row & 255),
      .serial = problems->count,
      .problem = {.code = row->code,
                  .severity = row->severity,
                  .path = shown(arena, path_of(arena, spot, tail)),
                  .message = message ? message : row->message, /* better with its gaps than none */
                  .hint = vlun_format(arena, row->hint, args),
                  .value = args->v,
                  .expected = args->e ? vlun_copy(arena, args->e, strlen(args->e)) : NULL}};
  if (!spot->model) return;
  const char *file = spot->device && spot->device->file ? spot->device->file : spot->model->file;
  if (file) finding->problem.file = vlun_copy(arena, file, strlen(file)); /* it may outlive the model */
  finding->problem.line = spot->device && spot->device->line ? spot->device->line : spot->model->line;
}

static int compare_text(const char *a, const char *b) { return a && b ? strcmp(a, b) : 0; }

/* Keys of a table come in an order of their own in every process, so what is in one place goes by its text. */
static int by_order(const void *a, const void *b) {
  const struct vlun_finding *x = a, *y = b;
  if (x->order != y->order) return x->order < y->order ? -1 : 1;
  int order = compare_text(x->problem.path, y->problem.path);
  if (order == 0) order = compare_text(x->problem.value, y->problem.value);
  if (order != 0) return order;
  return x->serial < y->serial ? -1 : x->serial > y->serial;
}

void vlun_problems_sort(struct vlun_problems *problems) {
  bool in_order = problems->count < 2 || problems->count == problems->sorted;
  if (!in_order) qsort(problems->list, problems->count, sizeof *problems->list, by_order);
  problems->sorted = problems->count;
}

void vlun_problems_clear(struct vlun_problems *problems) {
  free(problems->list);
  vlun_arena_free(&problems->arena);
  *problems = (struct vlun_problems){0};
}
