/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shortest script that still makes a run fail as the whole one does. Each trial is a run of its
 * own in a process of its own, so that an engine may die of it: what the storm cannot shrink in the
 * process that the engine takes along.
 */
#ifndef RIG_REPLAY_SHRINK_H
#define RIG_REPLAY_SHRINK_H

#include "rig/options.h"
#include "storm/script.h"

/* Plays on what `o` names (a target or a stack), makes s smaller in place, and writes it to path.
 * Says on standard error how it goes. The exit status: 0 when it was written. */
int replay_shrink(const struct run_options *o, struct script *s, const char *path);

#endif
