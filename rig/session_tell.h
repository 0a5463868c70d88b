/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events around the cases, and run.json. */
#ifndef RIG_SESSION_TELL_H
#define RIG_SESSION_TELL_H

#include "rig/session.h"

/* run.json, on the disk before any device is touched. 0 or -errno. */
int tell_run_json(struct session *s);
/* plan.jsonl, likewise. 0 or -errno. */
int tell_plan_file(struct session *s);

/* run_begin, a fact each, a plan event each from the first one not yet told. 0 or -errno. */
int tell_begin(struct session *s);
int tell_plan(struct session *s, size_t first);
int tell_resume(struct session *s);
/* state: "up", "restarted", "failed"; text may be NULL. */
int tell_stack(struct session *s, const char *state, const char *text);
/* A note of the runner's that belongs to no case. */
int tell_note(struct session *s, const char *text);
int tell_end(struct session *s, const char *reason, int status);

#endif
