/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the drive was set before the run: kept in its directory, compared and put back. */
#ifndef RIG_SESSION_STATE_H
#define RIG_SESSION_STATE_H

#include "rig/session.h"

struct session_state;

/*
 * Takes it before the first case that harms, and writes it to drive.json on the disk. A run that
 * goes on takes that file in its place, and puts back what was left otherwise. *ret NULL: a drive
 * of which it is not kept. 0 or -errno of the journal.
 */
int session_state_open(struct session *s, struct session_state **ret);

/* After a case that harms, or NULL at the end: what is otherwise now is noted and put back, once.
 */
void session_state_compare(struct session_state *st, const char *case_name);

void session_state_close(struct session_state *st);

#endif
