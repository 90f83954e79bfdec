/*
 * api.h - what the files behind virtlun.h share: the objects that a C program holds.
 */
#ifndef VLUN_API_H
#define VLUN_API_H

#include "internal.h"

/* A document that may be freed since: another one may then have its address, but not its text too. */
struct vlun_known_host {
  const struct vlun_domain *domain;
  size_t len;
  uint64_t fingerprint;
};

struct vlun_domain {
  struct vlun_model model;
  char *xml; /* the document that it was read from; NULL for a description */
  size_t len;
  uint64_t fingerprint;                         /* of the document */
  bool changed;                                 /* it is not any more what was read */
  bool complete;                                /* vlun_domain_complete made it */
  struct vlun_known_host hosts[VLUN_MAX_HOSTS]; /* that it was completed for, and is still complete */
};

/* Whether a call did what it was to do: there is memory, and `before` is the number of errors. */
bool vlun_api_good(struct vlun_problems *problems, size_t before, bool memory);
/* The domain is not any more what was read or completed. */
void vlun_api_touch(struct vlun_domain *domain);
/* Whether the number is that of the domain, 0, or of a device of virtlun's; a problem if it is not. */
bool vlun_api_has(const struct vlun_domain *domain, size_t device, struct vlun_problems *problems);
/* The text of a buffer becomes the caller's; NULL without memory.  The buffer is empty then. */
char *vlun_api_text(struct vlun_buffer *buffer, struct vlun_problems *problems);

#endif
