/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many instances at once with no journal and nobody told: their verdicts alone. */
#ifndef RIG_POOL_H
#define RIG_POOL_H

#include "case/case.h"
#include "rig/instance.h"
#include "rig/verdict.h"

struct stop;

struct pool_task {
	struct instance instance;
	unsigned deadline_s;
	struct outcome *ret; /* filled when it ended */
	/* May run in one worker after others that may: cheaper, and when one of them brings the
	 * worker down the rest are run again, each in a worker of its own. */
	bool shared;
};

/*
 * Runs n tasks, `jobs` workers at a time (at least 1); take(ctx, i, task) fills the i-th when its
 * turn has come, or says false: it is not wanted any more. All that were begun have ended when it
 * returns. 0; -EINTR when asked to stop: the rest was not run; -ENOMEM.
 */
int pool_run(size_t n, unsigned jobs, struct stop *stop,
	     bool (*take)(void *ctx, size_t i, struct pool_task *task), void *ctx);

#endif
