/*
 * fingerprint.h - numbers that tell whether bytes are still the same: fingerprint.c.
 */
#ifndef VLUN_FINGERPRINT_H
#define VLUN_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#define VLUN_FINGERPRINT_START UINT64_C(14695981039346656037)

/* The fingerprint of what `sum` is that of, followed by the bytes; equal bytes, equal numbers.  Nobody tries to deceive
 * it. */
uint64_t vlun_fingerprint(uint64_t sum, const void *bytes, size_t len);

#endif
