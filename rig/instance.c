// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/instance.h"

#include "base/clock.h"

#define DEADLINE_S 30
#define SOAK_TIMES 10

unsigned instance_deadline_s(const struct rig_case *c, enum rig_effort effort)
{
	unsigned s = c->deadline_s ? c->deadline_s : DEADLINE_S;

	return effort == EFFORT_SOAK ? s * SOAK_TIMES : s;
}

static int run_instance(int event_fd, void *arg)
{
	struct instance *i = arg;

	i->run.event_fd = event_fd;
	if (i->prepare)
		i->prepare(i->ctx);
	return (i->run_case ? i->run_case : case_run)(&i->run) ? 1 : 0;
}

struct worker_job instance_job(struct instance *instance, unsigned deadline_s)
{
	return (struct worker_job){
		.body = run_instance,
		.arg = instance,
		.out_fd = -1,
		.err_fd = -1,
		.deadline_ns = clock_mono_ns() + deadline_s * NS_PER_S,
	};
}
