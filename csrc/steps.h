/*
 * steps.h - what is done with models, in this order: check, complete, compare.
 */
#ifndef VLUN_STEPS_H
#define VLUN_STEPS_H

#include "problem.h"

#define VLUN_MAX_HOSTS 2 /* a domain has two documents: config and live */

/* Where a drive sits. */
struct vlun_place {
  int64_t controller, bus, target, unit;
};

/* A run: everything that is described together, and what the host of the first model has, where it is known. */
struct vlun_claims;

/* What rules ask again and again of one device, as it was found the first time. */
struct vlun_seen {
  const struct vlun_device *place_of, *match_of; /* the devices that the answers are about */
  struct vlun_place place;
  bool has_place;
  const struct vlun_device *match[VLUN_MAX_HOSTS];
};

struct vlun_check {
  struct vlun_problems *problems;
  struct vlun_model *const *models;
  size_t count;
  struct vlun_model *const *hosts; /* documents of the host: config, live; NULL without a host */
  size_t host_count;
  bool whole; /* without a host: every device is to be written as a new one */
  /* Below: the runner's. */
  const struct vlun_device *existing;    /* the host's device that the one at hand is, NULL for a new one */
  bool leaving[VLUN_MAX_CONTROLLER + 1]; /* HBAs that the description removes */
  bool silent, complained;               /* a rule is tried on what the host has */
  struct vlun_spot spot;
  const char *found;        /* the value that the last complaint was about */
  const char *free_dev;     /* a name for a drive that nobody has, once it was looked for */
  struct vlun_seen seen[2]; /* of the device at hand, and of what the host has of it */
  enum vlun_code code;
  struct vlun_claims *claims, *run_claims; /* of the domain, and of the whole run */
  bool knows_described;                    /* whether the described devices of the host are among the claims */
  const struct vlun_device **named;        /* by number of the first document's device what was described as it */
  const struct vlun_device *controller[VLUN_MAX_CONTROLLER + 1]; /* those described, else those of the host */
  const struct vlun_device *user[VLUN_MAX_CONTROLLER + 1]; /* a described device that uses the index, drives first */
  int64_t highest;                                         /* index that is used, -1 for none */
  struct vlun_arena arena;
};

/* Checks every field and every rule of the run (rules.c); the fields of one record (check.c). */
void vlun_check_run(struct vlun_check *check);
void vlun_check_fields(struct vlun_check *check, const struct vlun_record *record);
void vlun_complain_here(struct vlun_check *check, const char *key, const struct vlun_args *args);

/* Fills in what a recipe may leave out: defaults of new devices, missing HBAs, free addresses (complete.c).
 * hosts are the documents of the domain, config and live, where it is known, the `written` ones that will be changed
 * first; without them every device is new but those that were read from a document.
 * False if there is no memory. */
bool vlun_complete(struct vlun_model *model, struct vlun_model *const *hosts, size_t host_count, size_t written);

/* Where a drive sits (address.c); the key orders by controller, target, unit. */
bool vlun_place_of(const struct vlun_record *record, struct vlun_place *place);
uint64_t vlun_place_key(const struct vlun_place *place);
const struct vlun_hba *vlun_hba_of(const struct vlun_record *controller);
bool vlun_hba_takes(const struct vlun_hba *hba, const struct vlun_place *place);
/* The name below /dev/disk/by-path of a drive; `certain` is false where the guest's firmware may number the bus
 * otherwise. */
bool vlun_by_path(const struct vlun_record *hba_address, const struct vlun_place *place, char *text, size_t size,
                  bool *certain);

/* A table of who owns what (claims.c). */
struct vlun_claims *vlun_claims_new(struct vlun_arena *arena, size_t expected);
/* The owner of the key if it is taken; else NULL, and it is `owner`'s from now on. */
const void *vlun_claim(struct vlun_claims *claims, unsigned space, const void *key, size_t len, const void *owner);
const void *vlun_claimed(const struct vlun_claims *claims, unsigned space, const void *key, size_t len);

/* --- identity and difference (diff.c) ---------------------------------------------------------------- */

/* One text for a source, the same for the same source; NULL without memory. */
bool vlun_is_overlaid(const struct vlun_model *host, const struct vlun_record *current);
const char *vlun_source_key(struct vlun_arena *arena, const struct vlun_record *source);

/* The device of an indexed document that has the name, whatever it is; NULL if there is none. */
const struct vlun_device *vlun_find_dev(const struct vlun_model *host, const struct vlun_value *dev);
const struct vlun_device *vlun_find_alias(const struct vlun_model *host, const struct vlun_value *alias);
/* Makes it possible to find devices in a host's document, which nobody changes from then on.  False: no memory. */
bool vlun_index(struct vlun_model *host);
/* The device of an indexed document that is the described one, or NULL; what it takes to compare is in the arena. */
const struct vlun_device *vlun_find(struct vlun_arena *arena, const struct vlun_model *host,
                                    const struct vlun_record *desired);

struct vlun_change {
  enum vlun_action action;
  const struct vlun_device *desired, *current;
  uint64_t rows; /* that differ, for VLUN_CHANGE; the tray may be among them although nobody speaks of it */
};

struct vlun_changes {
  struct vlun_change *list;
  size_t count;
};

/* What must change so that the host's document says what the description says.  Unsaid stays.  False: no memory. */
bool vlun_diff(struct vlun_arena *arena, const struct vlun_model *desired, struct vlun_model *host,
               struct vlun_changes *changes);
/* The same for one described device: whether something must change. */
bool vlun_diff_one(struct vlun_arena *arena, const struct vlun_device *desired, const struct vlun_model *host,
                   struct vlun_change *change);
/* What of the document stands in the way of a change, NULL if nothing does: what it says twice or in a way that nobody
 * can read, or what belongs to the present source.  code: the problem that it is. */
const char *vlun_obstacle(const struct vlun_model *host, const struct vlun_change *change, enum vlun_code *code);
/* Whether a running domain takes a change of the row at once.  libvirt shuts trays, but opens none for good: a tray
 * that is to be open waits for the next boot. */
bool vlun_may_change_live(const struct vlun_record *record, const struct vlun_row *row);

#endif
