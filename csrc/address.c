/*
 * address.c - where drives sit: the address of a drive, what an HBA can address, and the name that udev gives it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "internal.h"

#define UNITS_OF_IMPLIED 7 /* libvirt's narrow bus: controller = index / 7, unit = index % 7 (facts 4) */

/* The address that libvirt gives a disk whose document has none. */
static bool implied_place(const struct vlun_record *disk, struct vlun_place *place) {
  const struct vlun_value *dev = vlun_has(disk, VLUN_disk_dev);
  int32_t index = dev ? vlun_dev_index(dev->u.text, dev->len) : -1;
  if (index < 0) return false;
  *place = (struct vlun_place){.controller = index / UNITS_OF_IMPLIED, .unit = index % UNITS_OF_IMPLIED};
  return true;
}

bool vlun_place_of(const struct vlun_record *record, struct vlun_place *place) {
  bool disk = record->shape == &vlun_shapes[SHAPE_disk];
  if (!disk && record->shape != &vlun_shapes[SHAPE_hostdev]) return false;
  const struct vlun_value *value = vlun_has(record, disk ? VLUN_disk_address : VLUN_hostdev_address);
  if (!value) return disk && implied_place(record, place);
  const struct vlun_record *address = value->u.record;
  if (address->shape != &vlun_shapes[SHAPE_drive]) return false;
  place->controller = vlun_number(address, VLUN_drive_controller, 0);
  place->bus = vlun_number(address, VLUN_drive_bus, 0);
  place->target = vlun_number(address, VLUN_drive_target, 0);
  place->unit = vlun_number(address, VLUN_drive_unit, 0);
  return true;
}

uint64_t vlun_place_key(const struct vlun_place *place) {
  return (uint64_t)place->controller << 48 | (uint64_t)(place->target & 0xffff) << 32 |
         (uint64_t)(place->unit & 0xffffffff);
}

const struct vlun_hba *vlun_hba_of(const struct vlun_record *controller) {
  return &vlun_hbas[vlun_number(controller, VLUN_controller_model, W(model, virtio_scsi))];
}

bool vlun_hba_takes(const struct vlun_hba *hba, const struct vlun_place *place) {
  return place->bus == 0 && place->target <= hba->max_target && place->unit <= hba->max_unit &&
         place->unit != hba->reserved;
}

/* The guest's firmware numbers PCI buses in its own order, so only the root bus is certain (facts 13). */
static int pci_parent(const struct vlun_record *address, char *text, size_t size, bool *certain) {
  int64_t bus = vlun_number(address, VLUN_pci_bus, 0);
  *certain = bus == 0;
  return snprintf(text, size, "pci-%04" PRIx64 ":%02" PRIx64 ":%02" PRIx64 ".%" PRIx64,
                  (uint64_t)vlun_number(address, VLUN_pci_domain, 0), (uint64_t)bus,
                  (uint64_t)vlun_number(address, VLUN_pci_slot, 0),
                  (uint64_t)vlun_number(address, VLUN_pci_function, 0));
}

/* fe.S.NNNN is 0.S.NNNN in the guest: cssid 0xfe resolves to 0 (facts 1). */
static int ccw_parent(const struct vlun_record *address, char *text, size_t size, bool *certain) {
  *certain = true;
  return snprintf(text, size, "ccw-0.%" PRIx64 ".%04" PRIx64, (uint64_t)vlun_number(address, VLUN_ccw_ssid, 0),
                  (uint64_t)vlun_number(address, VLUN_ccw_devno, 0));
}

bool vlun_by_path(const struct vlun_record *hba_address, const struct vlun_place *place, char *text, size_t size,
                  bool *certain) {
  uint32_t lun;
  if (!vlun_lun_encode(place->unit, &lun)) return false;
  int n = -1;
  if (hba_address->shape == &vlun_shapes[SHAPE_pci]) n = pci_parent(hba_address, text, size, certain);
  if (hba_address->shape == &vlun_shapes[SHAPE_ccw]) n = ccw_parent(hba_address, text, size, certain);
  if (n < 0 || (size_t)n >= size) return false;
  int m = snprintf(text + n, size - (size_t)n, "-scsi-0:0:%" PRId64 ":%" PRIu32, place->target, lun);
  return m >= 0 && (size_t)(n + m) < size;
}
