/*
 * arena.c - memory that is freed all at once, and growing text.
 * Knows nothing of what is kept in it.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FIRST_CHUNK 1024 /* a host may have many small domains */
#define LARGEST_CHUNK (1024 * 1024)
#define ALIGNMENT 8

struct vlun_chunk {
  struct vlun_chunk *next;
  size_t size;
  char data[];
};

static bool add_chunk(struct vlun_arena *arena, size_t at_least) {
  size_t size = arena->chunks ? arena->chunks->size * 2 : FIRST_CHUNK;
  if (size > LARGEST_CHUNK) size = LARGEST_CHUNK;
  if (size < at_least) size = at_least;
  struct vlun_chunk *chunk = malloc(sizeof *chunk + size);
  if (!chunk) {
    arena->failed = true;
    return false;
  }
  chunk->next = arena->chunks;
  chunk->size = size;
  arena->chunks = chunk;
  arena->free = chunk->data;
  arena->left = size;
  arena->total += size;
  return true;
}

void *vlun_alloc(struct vlun_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) {
    arena->failed = true;
    return NULL;
  }
  size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  if (size > arena->left && !add_chunk(arena, size)) return NULL;
  void *memory = arena->free;
  arena->free += size;
  arena->left -= size;
  return memset(memory, 0, size);
}

char *vlun_copy(struct vlun_arena *arena, const char *text, size_t len) {
  char *copy = vlun_alloc(arena, len + 1);
  if (copy && len) memcpy(copy, text, len);
  return copy;
}

void vlun_arena_free(struct vlun_arena *arena) {
  struct vlun_chunk *chunk = arena->chunks;
  while (chunk) {
    struct vlun_chunk *next = chunk->next;
    free(chunk);
    chunk = next;
  }
  *arena = (struct vlun_arena){0};
}

bool vlun_buffer_grow(struct vlun_buffer *buffer, size_t more) {
  if (buffer->failed) return false;
  size_t size = buffer->size ? buffer->size * 2 : 1024;
  if (size - buffer->len < more) size = buffer->len + more;
  char *text = realloc(buffer->text, size);
  if (!text) {
    buffer->failed = true;
    buffer->size = buffer->len; /* so that whatever is added next comes here and is ignored */
    return false;
  }
  buffer->text = text;
  buffer->size = size;
  return true;
}

void vlun_buffer_free(struct vlun_buffer *buffer) {
  free(buffer->text);
  *buffer = (struct vlun_buffer){0};
}
