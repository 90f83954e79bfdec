/*
 * iso.c - looks into a file that is to be a disc: what it is, and whether it is whole.
 * Every byte of the file may be a stranger's: numbers are only added in 64 bits and only used to read within the file,
 * lists have a longest length.  What a finding means for a change is not decided here.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "iso_common.h"

static void choose_label(const struct vlun_probe *probe) {
  struct vlun_iso *iso = probe->iso;
  const char *other = probe->joliet[0] ? probe->joliet : probe->udf;
  if (!iso->label[0]) memcpy(iso->label, other, VLUN_ISO_LABEL);
}

/* What a file has where its system area would be proves nothing if it is an image nevertheless. */
static void judge(struct vlun_probe *probe) {
  struct vlun_iso *iso = probe->iso;
  if (iso->size == 0) {
    iso->broken = VLUN_ISO_EMPTY;
  } else if (!iso->format) {
    iso->container = vlun_probe_container(probe);
    if (iso->container) iso->broken = VLUN_ISO_CONTAINER;
  } else if (probe->proven > iso->size && probe->proven - iso->size > VLUN_ISO_PADDING) {
    iso->broken = VLUN_ISO_TRUNCATED;
  } else {
    iso->shortened = iso->expected > iso->size;
  }
}

static void look(struct vlun_probe *probe) {
  vlun_iso9660_look(probe);
  if (probe->iso->format & VLUN_ISO_UDF) vlun_udf_look(probe);
  choose_label(probe);
  judge(probe);
}

bool vlun_iso_probe(const char *path, struct vlun_iso *iso) {
  struct vlun_probe probe = {.fd = -1, .iso = iso};
  *iso = (struct vlun_iso){0};
  probe.error = vlun_probe_open(&probe, path);
  if (!probe.error && !iso->reason[0]) look(&probe);
  if (probe.fd >= 0) close(probe.fd);
  iso->error = probe.error;
  if (probe.error && strerror_r(probe.error, iso->reason, sizeof iso->reason) != 0)
    snprintf(iso->reason, sizeof iso->reason, "error %d", probe.error);
  return !iso->reason[0];
}
