/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what a worker said and how it ended to the verdict of its case. It says what it likes: it
 * may have lost its mind, and success is never the default.
 */
#ifndef RIG_JUDGE_H
#define RIG_JUDGE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "rig/verdict.h"
#include "rig/worker.h"

#define MISSES_KEPT 24
#define MISS_TEXT   512

/* What was heard of one worker. Zeroed to begin with. */
struct witness {
	unsigned checks, failed, advice; /* seen as events */
	/* The first failed checks: "status: got 0h Success, want 101h Invalid Queue ..." */
	char miss[MISSES_KEPT][MISS_TEXT];
	enum verdict said; /* VERDICT_NONE: its verdict never came */
	char reason[512];
	unsigned said_checks, said_failed, said_advice;
};

enum heard {
	HEARD_EVENT,   /* to be journalled */
	HEARD_VERDICT, /* kept here, becomes case_end */
	HEARD_JUNK,    /* an event, but not one that a worker may send */
};

enum heard judge_hear(struct witness *w, const struct json_object *e);

/* The verdict; deadline_s is what the case had. Duration is left alone. */
void judge_end(const struct witness *w, const struct worker *end, unsigned deadline_s,
	       struct outcome *ret);

#endif
