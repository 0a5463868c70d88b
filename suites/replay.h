/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A replay file as a case: `nvrig replay` makes a suite of the files it was given, and runs that.
 * `robust.sqe-storm` writes such files (storm/script.h).
 */
#ifndef SUITES_REPLAY_H
#define SUITES_REPLAY_H

#include "case/case.h"
#include "storm/script.h"

struct replay_row {
	const char *name;
	const struct script *script; /* there as long as the suite */
};

/* A case over n rows, and the suite "replay" over the case; both point to what they are given. */
void replay_case(struct rig_case *ret, const struct replay_row *rows, size_t n);
void replay_suite(struct rig_suite *ret, const struct rig_case *c);

#endif
