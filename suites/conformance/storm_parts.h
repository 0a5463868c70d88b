/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the random storm and the replay of one share: a stage, and a play judged as a case. */
#ifndef CONFORMANCE_STORM_PARTS_H
#define CONFORMANCE_STORM_PARTS_H

#include "kit/kit.h"
#include "storm/play.h"

/* The stage on this case's controller; leaves as N/A where there is none. */
void storm_stage(struct rig *r, struct play_stage *ret);
/* What scripts may set has its value of now when the case ends. */
void storm_keep_settings(struct rig *r);
/* Plays it; trouble of the rig leaves as BROKEN, a script that the controller is too small for as
 * N/A. */
void storm_play(struct rig *r, const struct play_stage *st, const struct script *s,
		struct play_result *ret);
/* A check that fails for what was found; one that holds for a play with nothing found. */
void storm_check_found(struct rig *r, const struct play_finding *f, const char *what);
void storm_check_good(struct rig *r, const struct play_result *res, const char *what);

#endif
