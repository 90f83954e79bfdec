/*
 * virt_signals.h - signals that would end the program, held back or counted while something must not be left half-way.
 */
#ifndef VLUN_VIRT_SIGNALS_H
#define VLUN_VIRT_SIGNALS_H

#include <stdbool.h>

/* Keeps the signals from this thread until false comes. */
void virt_signals_hold(bool hold);
/* From now on they are only counted, all of them, wherever they hit; false brings back what was before. */
void virt_signals_count(bool count);
/* How many have come since, -1 if they are not counted; *last is the number of the latest one, 0 if there is none. */
int virt_signals_counted(int *last);

#endif
