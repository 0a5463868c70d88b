/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many writes and reads in flight, each on blocks of its own, and the memory of what every block
 * may hold: for cases that cut a controller off in mid-flight. Owns LBAs from STORM_LBA on of the
 * scratch namespace. Everything lives as long as the case.
 */
#ifndef CONFORMANCE_STORM_H
#define CONFORMANCE_STORM_H

#include "kit/kit.h"

struct storm;

/* Writes every block once, so that each has a known content. */
struct storm *storm_new(struct rig *r);

/* Puts half writes, half reads on up to four I/O queues and rings them all; none is waited for. */
void storm_begin(struct storm *s);

/* Takes every CQE that is in the completion queues now; checks status and data of each. */
void storm_reap(struct storm *s);

/* Host memory as the controller has left it, and the check that it stays so for ns. */
void storm_check_quiet(struct storm *s, uint64_t ns);

/*
 * After the controller is enabled again: creates the queues, reads every block back. A write that
 * was reaped as done must be there; of any other each block is wholly old or wholly new.
 */
void storm_verify(struct storm *s);

/* Commands begun and commands reaped in all, for the note at the end. */
unsigned storm_begun(const struct storm *s);
unsigned storm_done(const struct storm *s);

#endif
