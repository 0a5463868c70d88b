/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run has of its drive until its end: the lock of its serial and its block nodes. */
#ifndef RIG_GUARD_HOLD_H
#define RIG_GUARD_HOLD_H

#include "rig/guard.h"

#define GUARD_LOCKS "/run/nvrig-lock"

/*
 * Opens the block nodes of the drive for this process alone, and keeps them (target/claim.h);
 * write: the guards let it be written to. waived: G3 was, so what cannot be had is left. 0, or
 * -errno with the sentence (GUARD_ERROR bytes).
 */
int guard_hold(const struct guard_ask *a, bool write, bool waived, char *error);

/* Gives nodes and lock back. */
void guard_drop(void);

#endif
