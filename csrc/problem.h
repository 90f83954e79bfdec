/*
 * problem.h - problems while they are collected, and how their texts are made: problem.c.
 */
#ifndef VLUN_PROBLEM_H
#define VLUN_PROBLEM_H

#include "model.h"

enum vlun_code {
#define PROBLEM(id, ...) P_##id,
#define RULE(id, ...) P_##id,
#include "schema/problems.def"
  P_first_rule,
  P_before_rules = P_first_rule - 1, /* so that the first rule gets the number P_first_rule */
#include "schema/rules.def"
#undef PROBLEM
#undef RULE
  P_count
};

struct vlun_code_row {
  const char *code;
  enum vlun_severity severity;
  const char *message, *hint;
};
extern const struct vlun_code_row vlun_codes[P_count];

/* What fills a message's {v}, {e}, {1}, {2} and a hint's {s}; NULL where there is nothing. */
struct vlun_args {
  const char *v, *e, *a, *b, *s;
};

struct vlun_finding {
  struct vlun_problem problem;
  uint64_t order; /* domain, device and row: the document order */
  size_t serial;
};

struct vlun_problems {
  struct vlun_arena arena;
  struct vlun_finding *list;
  size_t count, size, errors;
  size_t sorted; /* how many there were when they were put in order */
  bool more;     /* than the list has room for */
};

/* Where a problem is.  `tail` of vlun_complain is the field below the device ("address.unit"), "" for the device
 * itself. */
struct vlun_spot {
  const struct vlun_model *model;
  const struct vlun_device *device;
  int place;     /* where there is no device, of what stands in its place */
  size_t domain; /* number of the model within the run, for the order */
  int row;
};

/* The way from a device down to a nested value; a text is made of it only for a problem. */
struct vlun_trail {
  const struct vlun_trail *up;
  const char *key;
  size_t number; /* of an item in a list, from 1; 0 if it is none */
};
const char *vlun_trail_text(struct vlun_arena *arena, const struct vlun_trail *trail);

void vlun_complain(struct vlun_problems *problems, const struct vlun_spot *spot, const char *tail, enum vlun_code code,
                   const struct vlun_args *args);
/* Whether there are more errors than anybody reads, so that nobody needs to look for further ones. */
bool vlun_problems_enough(const struct vlun_problems *problems);
void vlun_problems_sort(struct vlun_problems *problems);
void vlun_problems_clear(struct vlun_problems *problems);
char *vlun_format(struct vlun_arena *arena, const char *template, const struct vlun_args *args);
/* Printed into the arena; NULL if there is no memory. */
char *vlun_printf(struct vlun_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A text as problems show it: its beginning, with bytes that are no printable UTF-8 as Lua writes them, "\x1b".  NULL
 * if there is no memory. */
const char *vlun_shown(struct vlun_arena *arena, const char *text, size_t len);
/* Words as "a, b or c"; those that `next` gives as NULL are left out. */
const char *vlun_or_list(struct vlun_arena *arena, vlun_next_word *next, const void *words, size_t count);
/* Those words of an enumeration whose bits are in `which`. */
const char *vlun_word_list(struct vlun_arena *arena, const struct vlun_words *words, uint64_t which);
/* What a text that is none of the words is told. */
struct vlun_args vlun_args_of_word(struct vlun_arena *arena, const struct vlun_words *words, const char *text);
/* What a text that is no kind of device is told. */
struct vlun_args vlun_args_of_kind(struct vlun_arena *arena, const char *kind);
/* How the variants of a table are told apart: "file, dev, pool or protocol". */
const char *vlun_variant_list(struct vlun_arena *arena, const struct vlun_row *row);
/* What a value of the row is: "an integer". */
const char *vlun_expected(struct vlun_arena *arena, const struct vlun_row *row);
const char *vlun_device_label(struct vlun_arena *arena, const struct vlun_device *device);

#endif
