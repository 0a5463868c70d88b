// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/pool.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "rig/judge.h"
#include "rig/stop.h"
#include "rig/worker.h"

#define JOBS_MAX 64

struct slot {
	bool busy;
	struct pool_task task;
	struct worker worker;
	struct witness witness;
	uint64_t start_ns;
};

struct pool {
	struct slot slot[JOBS_MAX];
	unsigned jobs, busy;
};

static void hear(void *ctx, struct json_object *e, size_t junk)
{
	(void)junk;
	if (e)
		judge_hear(ctx, e);
}

static void begin(struct pool *p, struct slot *s)
{
	struct worker_job job = instance_job(&s->task.instance, s->task.deadline_s);
	int err;

	s->witness = (struct witness){ .checks = 0 };
	s->start_ns = clock_mono_ns();
	err = worker_start(&s->worker, &job);
	if (err) {
		outcome_set(s->task.ret, BROKEN, "no worker: %s", strerror(-err));
		return;
	}
	s->busy = true;
	p->busy++;
}

static void step(struct pool *p, struct slot *s)
{
	if (!s->busy || !worker_step(&s->worker, hear, &s->witness))
		return;
	judge_end(&s->witness, &s->worker, s->task.deadline_s, s->task.ret);
	s->task.ret->duration_ns = clock_mono_ns() - s->start_ns;
	s->busy = false;
	p->busy--;
}

static void wait_for_any(const struct pool *p, struct stop *stop)
{
	struct pollfd fds[2 * JOBS_MAX + 1];
	nfds_t n = 0;
	int timeout = 1000;

	fds[n++] = (struct pollfd){ .fd = stop_fd(stop), .events = POLLIN };
	for (unsigned i = 0; i < p->jobs; i++) {
		const struct slot *s = &p->slot[i];
		int ms;

		if (!s->busy)
			continue;
		fds[n++] = (struct pollfd){ .fd = s->worker.fd, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = s->worker.pidfd, .events = POLLIN };
		ms = worker_timeout_ms(&s->worker);
		timeout = ms < timeout ? ms : timeout;
	}
	poll(fds, n, timeout);
}

int pool_run(size_t n, unsigned jobs, struct stop *stop,
	     void (*take)(void *ctx, size_t i, struct pool_task *task), void *ctx)
{
	struct pool p = { .jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs };
	size_t next = 0;
	bool stopped = false;

	while (p.busy || (next < n && !stopped)) {
		for (unsigned i = 0; i < p.jobs && next < n && !stopped; i++) {
			if (p.slot[i].busy)
				continue;
			take(ctx, next++, &p.slot[i].task);
			begin(&p, &p.slot[i]);
		}
		if (p.busy)
			wait_for_any(&p, stop);
		if (!stopped && stop_asked(stop)) {
			stopped = true;
			for (unsigned i = 0; i < p.jobs; i++)
				if (p.slot[i].busy)
					worker_kill(&p.slot[i].worker);
		}
		for (unsigned i = 0; i < p.jobs; i++)
			step(&p, &p.slot[i]);
	}
	return stopped ? -EINTR : 0;
}
