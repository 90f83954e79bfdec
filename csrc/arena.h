/*
 * arena.h - memory: arenas, which are freed all at once, and growing texts.
 */
#ifndef VLUN_ARENA_H
#define VLUN_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* An arena gives memory that is freed all at once.  It remembers that it once failed, so that a long piece of
 * work may check at its end instead of after every word. */
struct vlun_arena {
  struct vlun_chunk *chunks;
  char *free;
  size_t left;
  size_t total; /* bytes taken from the system */
  bool failed;
};

void *vlun_alloc(struct vlun_arena *arena, size_t size); /* zeroed; NULL if there is no memory */
char *vlun_copy(struct vlun_arena *arena, const char *text, size_t len);
void vlun_arena_free(struct vlun_arena *arena);

/* A growing text.  It remembers that it once failed and then ignores what is added. */
struct vlun_buffer {
  char *text;
  size_t len, size;
  bool failed;
};

bool vlun_buffer_grow(struct vlun_buffer *buffer, size_t more);

static inline bool vlun_buffer_room(struct vlun_buffer *buffer, size_t more) {
  return more <= buffer->size - buffer->len || vlun_buffer_grow(buffer, more);
}

/* Inline, for XML is written in pieces of a few bytes. */
static inline void vlun_buffer_add(struct vlun_buffer *buffer, const char *text, size_t len) {
  if (!len || !vlun_buffer_room(buffer, len)) return;
  memcpy(buffer->text + buffer->len, text, len);
  buffer->len += len;
}

void vlun_buffer_free(struct vlun_buffer *buffer);

#endif
