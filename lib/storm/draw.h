/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws scripts: commands that a host might send, and then one field or another bent to a value
 * at an edge. What may be drawn at all is a list, not all but a deny-list: an opcode that means
 * nothing today may mean Format tomorrow. Nothing drawn outlasts a Controller Reset but the
 * content of the namespaces of the stage, and what an emulated controller is welcome to lose.
 */
#ifndef STORM_DRAW_H
#define STORM_DRAW_H

#include "storm/play.h"

enum draw_kind {
	DRAW_ADMIN, /* admin commands, one queue */
	DRAW_IO,    /* I/O commands on every queue */
	DRAW_MIXED, /* both together, with Controller Resets in between */
};

/* Adds `steps` drawn steps to an empty script. The same seed and stage: the same script. 0,
 * -ENOMEM. */
int draw_script(const struct play_stage *st, enum draw_kind kind, uint64_t seed, size_t steps,
		struct script *ret);

#endif
