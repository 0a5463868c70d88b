/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks a plan: one worker process an instance, deadline, kill, reap, recover. What happens goes
 * to the sink; the parent never touches the device.
 */
#ifndef RIG_RUNNER_H
#define RIG_RUNNER_H

#include "case/case.h"
#include "rig/bench.h"
#include "rig/kernel_log.h"
#include "rig/plan.h"
#include "rig/sink.h"
#include "rig/verdict.h"

struct stop;

struct runner {
	const struct plan *plan;
	struct sink *sink;
	struct bench *bench;
	const struct facts *facts; /* NULL: none */
	const struct case_env *env;
	enum rig_effort effort;
	enum rig_trace trace;
	uint64_t seed;
	unsigned deadline_s; /* of every case; 0: each its own */
	bool fail_fast;
	uint64_t patience_ns; /* with a worker that was killed; 0: WORKER_PATIENCE_NS */
	struct stop *stop;    /* NULL: nobody stops it */
	struct kernel_log *kernel_log; /* NULL: what the kernel says is not heard */
	/* What the drive's profile says of one thing that went wrong, or NULL; what NULL: of the
	 * case, in which nothing did. */
	const char *(*known)(void *ctx, const char *case_name, const char *what);
	void *known_ctx;
	int (*run_case)(const struct case_run *run); /* NULL: case_run() */
	/* Before a case that harms: may it? 0, or -errno with the sentence. NULL: no guard is needed. */
	int (*guard)(void *ctx, char *ret_error, size_t size);
	void *guard_ctx;
	/* After a case that harms, before its case_end: is the drive as it was? NULL: nobody asks. */
	void (*after)(void *ctx, const char *case_name);
	void *after_ctx;
	const struct wall *wall; /* raised in every worker before its case; NULL: none */
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
