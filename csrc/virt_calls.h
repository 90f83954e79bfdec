/*
 * virt_calls.h - the libvirt calls that there are, by name.
 */
#ifndef VLUN_VIRT_CALLS_H
#define VLUN_VIRT_CALLS_H

#include "virt_jobs.h"

#define VIRT_OPEN_READONLY 1
#define VIRT_OPEN_EVENTS 2 /* runs an event loop of our own if there is no other */
#define VIRT_OPEN_ASK 4    /* somebody answers questions */

/* NULL if there is no such call. */
const struct virt_call *virt_call_find(const char *name);

#endif
