/*
 * lun.c - units of a virtual HBA and the SCSI LUNs that a guest sees (facts 1).
 * Knows no model and no XML: numbers in, numbers and texts out.
 */
#include <inttypes.h>
#include <stdio.h>

#include "internal.h"

#define PERIPHERAL_MAX 255 /* highest unit that SAM's peripheral method can say */
#define FLAT_SPACE 0x4000  /* addressing method bits of SAM's flat space method */

bool vlun_lun_encode(int64_t unit, uint32_t *lun) {
  if (unit < 0 || unit > VLUN_MAX_UNIT) return false;
  *lun = (uint32_t)(unit <= PERIPHERAL_MAX ? unit : unit | FLAT_SPACE);
  return true;
}

bool vlun_lun_decode(int64_t lun, uint32_t *unit) {
  bool peripheral = lun >= 0 && lun <= PERIPHERAL_MAX;
  bool flat = lun > (FLAT_SPACE | PERIPHERAL_MAX) && lun <= (FLAT_SPACE | VLUN_MAX_UNIT);
  if (!peripheral && !flat) return false;
  *unit = (uint32_t)lun & VLUN_MAX_UNIT;
  return true;
}

bool vlun_lun_wire(int64_t unit, char *text, size_t size) {
  uint32_t lun;
  if (!vlun_lun_encode(unit, &lun)) return false;
  return snprintf(text, size, "0x%04" PRIx32 "000000000000", lun) < (int)size;
}
