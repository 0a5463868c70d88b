/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run on a stack of kind guest: the same program runs it inside, its events come back here. */
#ifndef RIG_SESSION_GUEST_H
#define RIG_SESSION_GUEST_H

#include "rig/session.h"

/* From the stack to run_end. The exit status. */
int session_guest_run(struct session *s);

/* The plan that it would make, printed by the nvrig in it. dir: for what the stack makes. */
int session_guest_dry(struct session *s, const char *dir);

#endif
