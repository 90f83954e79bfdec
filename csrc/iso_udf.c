/*
 * iso_udf.c - label and size of a UDF volume: ECMA-167 part 3, and OSTA UDF 2.60 for what it narrows.
 * Knows nothing of files and folders on the volume, and does not judge.
 */
#include "iso_common.h"

#define TAG_SIZE 16
#define ANCHOR_BLOCK 256
#define MOST_DESCRIPTORS 64 /* of one sequence; real ones have about six */
#define DESCRIPTOR_SIZE 512 /* all that is asked for stands in so many bytes */

enum { TAG_PRIMARY = 1, TAG_ANCHOR = 2, TAG_PARTITION = 5, TAG_LOGICAL = 6, TAG_TERMINATING = 8 };
enum { READ_ONLY = 1 };

struct volume {
  struct vlun_probe *probe;
  uint32_t block_size;
  uint8_t descriptor[DESCRIPTOR_SIZE]; /* the last one that was read */
  bool named;                          /* a logical volume descriptor was there */
};

/* Reads the descriptor in a block and returns its tag, 0 if there is no valid one: its sum must fit, and it must know
 * where it lies, so that copies of descriptors in files are not taken for them. */
static unsigned descriptor_at(struct volume *volume, uint64_t block) {
  uint8_t *d = volume->descriptor;
  if (!vlun_probe_read(volume->probe, block * volume->block_size, d, DESCRIPTOR_SIZE)) return 0;
  unsigned sum = 0;
  for (int i = 0; i < TAG_SIZE; i++) sum += i == 4 ? 0 : d[i];
  return (sum & 0xFF) == d[4] && vlun_le32(d + 12) == block ? vlun_le16(d) : 0;
}

/* Anchors are in block 256, in the last one, and 256 before it, two of the three.  The size of a block is known only
 * by finding one; 2048 bytes have all that were meant for optical drives. */
static bool find_anchor(struct volume *volume) {
  static const uint32_t sizes[] = {2048, 512, 4096, 1024};
  for (size_t i = 0; i < VLUN_COUNT(sizes); i++) {
    volume->block_size = sizes[i];
    if (descriptor_at(volume, ANCHOR_BLOCK) == TAG_ANCHOR) return true;
  }
  volume->block_size = sizes[0];
  uint64_t blocks = volume->probe->iso->size / sizes[0];
  for (uint64_t back = 1; back <= ANCHOR_BLOCK + 1 && back <= blocks; back += ANCHOR_BLOCK)
    if (descriptor_at(volume, blocks - back) == TAG_ANCHOR) return true;
  return false;
}

static void read_name(struct volume *volume, const uint8_t *field, size_t size) {
  char label[VLUN_ISO_LABEL];
  vlun_label_dstring(label, field, size);
  if (label[0]) memcpy(volume->probe->udf, label, sizeof label);
}

/* A partition of a medium that can be written may reach to the end of the medium, further than what an image of it
 * needs; one that is only read ends with its data. */
static void read_partition(struct volume *volume) {
  const uint8_t *d = volume->descriptor;
  uint64_t end = (uint64_t)vlun_le32(d + 188) + vlun_le32(d + 192);
  vlun_probe_expect(volume->probe, end * volume->block_size, vlun_le32(d + 184) == READ_ONLY);
}

/* Goes through one sequence of descriptors; the logical volume's name is the one that systems show, the primary
 * descriptor's stands in for it. */
static void read_sequence(struct volume *volume, uint32_t bytes, uint32_t block) {
  uint32_t count = bytes / volume->block_size;
  if (count > MOST_DESCRIPTORS) count = MOST_DESCRIPTORS;
  for (uint32_t i = 0; i < count; i++) {
    switch (descriptor_at(volume, (uint64_t)block + i)) {
      case TAG_PRIMARY:
        if (!volume->probe->udf[0]) read_name(volume, volume->descriptor + 24, 32);
        break;
      case TAG_LOGICAL:
        read_name(volume, volume->descriptor + 84, 128);
        volume->named = true;
        break;
      case TAG_PARTITION: read_partition(volume); break;
      case TAG_TERMINATING:
      case 0: return;
    }
  }
}

void vlun_udf_look(struct vlun_probe *probe) {
  struct volume volume = {.probe = probe};
  if (!find_anchor(&volume)) return;
  uint8_t extents[16]; /* the main sequence, and its reserve */
  memcpy(extents, volume.descriptor + TAG_SIZE, sizeof extents);
  for (int at = 0; at < 16 && !volume.named; at += 8)
    read_sequence(&volume, vlun_le32(extents + at), vlun_le32(extents + at + 4));
}
