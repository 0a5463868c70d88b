/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guards before a measurement that writes. */
#ifndef RIG_MEASURE_GUARD_H
#define RIG_MEASURE_GUARD_H

#include "rig/guard_drive.h"
#include "rig/measure.h"

/*
 * Asks them if a cell writes to a device of this machine and that was allowed. 0, with *ret the
 * drive that they let be written to, or NULL; -EACCES: refused or stopped, and error (MEASURE_ERROR bytes)
 * says by whom. What they let is held until measure_guard_drop.
 */
int measure_guard(const char *target, const struct measure *m, struct stop *stop,
		  struct guard_drive **ret, char *error);
void measure_guard_drop(struct guard_drive *d);

#endif
