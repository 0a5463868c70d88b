/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks a plan: one worker process an instance, deadline, kill, reap, recover. What happens goes
 * to the sink; the parent never touches the device.
 */
#ifndef RIG_RUNNER_H
#define RIG_RUNNER_H

#include "case/case.h"
#include "rig/plan.h"
#include "rig/sink.h"
#include "rig/verdict.h"
#include "stack/stack.h"

struct stop;

enum health {
	HEALTH_GOOD,
	HEALTH_DEAD,   /* the way in is there, the controller does not come up */
	HEALTH_SILENT, /* nothing answers */
};

/* What is under the cases, and how it is brought back. Every function may be NULL. */
struct bench {
	const char *target; /* address in full; read again after a restart */
	void *ctx;
	/* An engine that the rig started itself: is it alive? */
	bool (*alive)(void *ctx, struct stack_death *ret);
	/* Brings that engine up again; error has 512 bytes. */
	int (*restart)(struct bench *b, char *error);
	/* Asks the device, in a worker, after a case that went wrong; trouble has 256 bytes. */
	enum health (*health)(struct bench *b, char *trouble);
};

struct runner {
	const struct plan *plan;
	struct sink *sink;
	struct bench *bench;
	const struct facts *facts; /* NULL: none */
	const struct case_env *env;
	enum rig_effort effort;
	uint64_t seed;
	unsigned deadline_s; /* of every case; 0: each its own */
	bool fail_fast;
	struct stop *stop; /* NULL: nobody stops it */
	/* What the drive's profile says of a deviation, or NULL. */
	const char *(*known)(void *ctx, const char *case_name);
	void *known_ctx;
	int (*run_case)(const struct case_run *run); /* NULL: case_run() */
	/* Of a resumed run, by place in the plan: VERDICT_NONE not begun, LOST begun and not
	 * ended (to be told), else already in the journal. NULL: a new run. */
	const struct outcome *before;
};

/*
 * Runs it all, run_begin and run_end are the caller's. Every instance of the plan has its case_end
 * when this returns 0, except after an error of the journal (-errno).
 */
int runner_run(struct runner *r, struct tally *ret);

#endif
