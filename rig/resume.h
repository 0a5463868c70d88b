/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run's journal says of the run so far, so that it can go on. */
#ifndef RIG_RESUME_H
#define RIG_RESUME_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "rig/journal.h"
#include "rig/plan.h"
#include "rig/verdict.h"

struct resume {
	struct outcome *before; /* by place in the plan; struct runner says what they mean */
	size_t n;		/* entries of before */
	size_t planned;		/* plan events in the journal */
	size_t cases;		/* what run_begin said the plan has */
	bool began;		/* run_begin is there */
	bool ended;		/* run_end is the last */
	int err;		/* -ENOMEM */
};

/* For journal_reopen: takes one event. */
void resume_event(struct resume *r, const struct json_object *e);

/*
 * The plan made now is the plan made then (plan.jsonl in j's directory); what was left out then
 * stays so, with its reason. before has an entry for each instance afterwards. -ESTALE when they
 * differ, -ENOENT when the run never came to a plan; ret_error says so.
 */
int resume_plan(struct resume *r, struct journal *j, struct plan *plan,
		char ret_error[JOURNAL_ERROR]);

/* The case that was begun and not ended, NULL: none. */
const char *resume_lost(const struct resume *r, const struct plan *plan);

/* Every instance has a verdict that holds and the run was ended: nothing is left to do. */
bool resume_complete(const struct resume *r);

void resume_free(struct resume *r);

#endif
