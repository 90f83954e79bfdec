/*
 * claims.c - a table of who owns what, for everything that must be unique: an open-addressing hash table.
 * The keys stay where they are and must outlive the table; `space` keeps names, addresses and the like apart.
 */
#include <string.h>

#include "internal.h"

struct claim {
  const void *key, *owner;
  uint32_t len, hash;
  unsigned space;
};

struct vlun_claims {
  struct vlun_arena *arena;
  struct claim *slot;
  size_t size, count; /* size is a power of two */
};

#define SMALLEST 64

struct vlun_claims *vlun_claims_new(struct vlun_arena *arena, size_t expected) {
  struct vlun_claims *claims = vlun_alloc(arena, sizeof *claims);
  size_t size = SMALLEST;
  while (size < expected + expected / 2) size *= 2;
  if (!claims) return NULL;
  *claims = (struct vlun_claims){.arena = arena, .size = size, .slot = vlun_alloc(arena, size * sizeof *claims->slot)};
  return claims->slot ? claims : NULL;
}

/* FNV-1a. */
static uint32_t hash_of(unsigned space, const void *key, size_t len) {
  const unsigned char *p = key;
  uint32_t hash = 2166136261u ^ space;
  for (size_t i = 0; i < len; i++) hash = (hash ^ p[i]) * 16777619u;
  return hash ^ hash >> 15;
}

static struct claim *find(const struct vlun_claims *claims, unsigned space, const void *key, size_t len,
                          uint32_t hash) {
  for (size_t i = hash;; i++) {
    struct claim *claim = &claims->slot[i & (claims->size - 1)];
    if (!claim->owner) return claim;
    if (claim->hash == hash && claim->space == space && claim->len == len && memcmp(claim->key, key, len) == 0)
      return claim;
  }
}

static bool grow(struct vlun_claims *claims) {
  struct vlun_claims larger = {.arena = claims->arena, .size = claims->size * 2, .count = claims->count};
  larger.slot = vlun_alloc(claims->arena, larger.size * sizeof *larger.slot);
  if (!larger.slot) return false;
  for (size_t i = 0; i < claims->size; i++) {
    const struct claim *claim = &claims->slot[i];
    if (claim->owner) *find(&larger, claim->space, claim->key, claim->len, claim->hash) = *claim;
  }
  *claims = larger;
  return true;
}

const void *vlun_claim(struct vlun_claims *claims, unsigned space, const void *key, size_t len, const void *owner) {
  if (claims->count >= claims->size / 4 * 3 && !grow(claims)) return NULL;
  uint32_t hash = hash_of(space, key, len);
  struct claim *claim = find(claims, space, key, len, hash);
  if (claim->owner) return claim->owner;
  *claim = (struct claim){.key = key, .owner = owner, .len = (uint32_t)len, .hash = hash, .space = space};
  claims->count++;
  return NULL;
}

const void *vlun_claimed(const struct vlun_claims *claims, unsigned space, const void *key, size_t len) {
  return find(claims, space, key, len, hash_of(space, key, len))->owner;
}
