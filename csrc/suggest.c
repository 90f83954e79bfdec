/*
 * suggest.c - which known word a mistyped one may have meant: the nearest by edits, if it is near enough.
 */
#include <string.h>

#include "internal.h"

#define LONGEST 32 /* no key and no word of the schema is longer */

static size_t least(size_t a, size_t b, size_t c) {
  size_t m = a < b ? a : b;
  return m < c ? m : c;
}

/* Number of letters to insert, drop, replace or swap with their neighbour. */
static size_t edits(const char *a, size_t na, const char *b, size_t nb) {
  size_t before[LONGEST + 1], last[LONGEST + 1], row[LONGEST + 1];
  for (size_t j = 0; j <= nb; j++) last[j] = j;
  for (size_t i = 1; i <= na; i++) {
    row[0] = i;
    for (size_t j = 1; j <= nb; j++) {
      size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = least(last[j] + 1, row[j - 1] + 1, replaced);
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && before[j - 2] + 1 < row[j]) row[j] = before[j - 2] + 1;
    }
    memcpy(before, last, sizeof last);
    memcpy(last, row, sizeof row);
  }
  return last[nb];
}

const char *vlun_suggest(const char *text, size_t len, vlun_next_word *next, const void *words, size_t count) {
  const char *best = NULL;
  if (len == 0 || len > LONGEST) return NULL;
  size_t limit = len < 3 ? 1 : len / 3; /* more would be another word */
  for (size_t i = 0; i < count; i++) {
    const char *word = next(words, i);
    size_t n = word ? strlen(word) : 0;
    if (n == 0 || n > LONGEST) continue;
    size_t distance = edits(text, len, word, n);
    if (distance <= limit && distance < n) {
      limit = distance - (distance > 0);
      best = word;
      if (distance == 0) break;
    }
  }
  return best;
}

static const char *next_key(const void *words, size_t i) {
  const struct vlun_row *row = &((const struct vlun_shape *)words)->rows[i];
  return vlun_row_is_sayable(row) && row->kind != KIND_MOVED ? row->key : NULL;
}

const char *vlun_suggest_key(const struct vlun_shape *shape, const char *text, size_t len) {
  return vlun_suggest(text, len, next_key, shape, (size_t)shape->count);
}

static const char *next_word(const void *words, size_t i) { return ((const struct vlun_words *)words)->word[i]; }

const char *vlun_suggest_word(const struct vlun_words *words, const char *text, size_t len) {
  return vlun_suggest(text, len, next_word, words, (size_t)words->count);
}
