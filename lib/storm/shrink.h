/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fewest steps of a script that still go wrong in the same way: delta debugging (Zeller and
 * Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002), and then single steps made
 * plainer. Each trial is a play from a Controller Reset on.
 */
#ifndef STORM_SHRINK_H
#define STORM_SHRINK_H

#include "storm/play.h"

struct shrink {
	/* Plays it afresh. 0 and *ret; -errno: no more trials can be made (the device is gone). */
	int (*play)(void *ctx, const struct script *s, struct play_result *ret);
	/* Is there time for another trial? */
	bool (*goes_on)(void *ctx);
	void *ctx;
	unsigned trials; /* out: how many were made */
};

/*
 * s went wrong as `was` says and is made smaller in place as long as a finding of the same key
 * comes of it; *was follows. Stops when there is
 * nothing left to take away, when goes_on says so, or when play fails: what was reached stands.
 * -ENOMEM leaves s as far as it came.
 */
int shrink(struct shrink *sh, struct script *s, struct play_finding *was);

#endif
