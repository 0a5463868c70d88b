// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/pool.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rig/judge.h"
#include "rig/stop.h"
#include "rig/worker.h"

#define JOBS_MAX 64
#define TOGETHER 16 /* tasks of one worker */

/* One worker and what it is to run, one after the other. */
struct slot {
	bool busy;
	struct pool_task task[TOGETHER];
	unsigned n, at; /* at: the task that is heard of now */
	unsigned deadline_s;
	struct worker worker;
	struct witness witness;
	uint64_t start_ns;
};

struct pool {
	bool (*take)(void *ctx, size_t i, struct pool_task *task);
	void *ctx;
	size_t next, n;
	struct pool_task held; /* taken, and not begun yet */
	bool holds;
	struct pool_task *again; /* of workers that were brought down: each alone */
	size_t n_again;
	unsigned jobs, busy;
	struct slot slot[JOBS_MAX];
};

/* ---- in the worker ---- */

static int run_together(int event_fd, void *arg)
{
	struct slot *s = arg;

	for (unsigned i = 0; i < s->n; i++) {
		struct instance *instance = &s->task[i].instance;
		struct worker_job job = instance_job(instance, 0);

		if (job.body(event_fd, job.arg))
			return 1;
	}
	return 0;
}

/* ---- what is heard of it ---- */

static void settle(struct slot *s, const struct worker *end)
{
	struct outcome *ret = s->task[s->at].ret;
	uint64_t now = clock_mono_ns();

	judge_end(&s->witness, end, s->deadline_s, ret);
	ret->duration_ns = now - s->start_ns;
	s->start_ns = now;
	s->witness = (struct witness){ .checks = 0 };
	s->at++;
}

/* The verdict of the last one waits for the worker's end, which has a say in it. */
static void hear(void *ctx, struct json_object *e, size_t junk)
{
	const struct worker well = { .end = WORKER_EXITED };
	struct slot *s = ctx;

	(void)junk;
	if (e && judge_hear(&s->witness, e) == HEARD_VERDICT && s->at + 1 < s->n)
		settle(s, &well);
}

static bool ended_badly(const struct worker *w)
{
	return w->end != WORKER_EXITED || w->status;
}

/* What a worker that others brought down left undone, or may have done under their influence. */
static void put_again(struct pool *p, struct slot *s)
{
	while (s->at < s->n) {
		p->again[p->n_again] = s->task[s->at++];
		p->again[p->n_again++].shared = false;
	}
}

static void end(struct pool *p, struct slot *s)
{
	if (s->n > 1 && ended_badly(&s->worker) && s->worker.end != WORKER_KILLED)
		put_again(p, s);
	else
		settle(s, &s->worker);
	s->busy = false;
	p->busy--;
}

static void step(struct pool *p, struct slot *s)
{
	if (s->busy && worker_step(&s->worker, hear, s))
		end(p, s);
}

/* ---- what is to be done ---- */

static bool is_left(const struct pool *p)
{
	return p->n_again || p->holds || p->next < p->n;
}

/* False: those that were left are not wanted any more. */
static bool next_task(struct pool *p, struct pool_task *ret)
{
	if (p->n_again) {
		*ret = p->again[--p->n_again];
		return true;
	}
	if (p->holds) {
		p->holds = false;
		*ret = p->held;
		return true;
	}
	while (p->next < p->n)
		if (p->take(p->ctx, p->next++, ret))
			return true;
	return false;
}

/* One task, and after one that is shared as many more as there is room for. */
static void fill(struct pool *p, struct slot *s)
{
	struct pool_task task;

	s->n = 0;
	while (next_task(p, &task)) {
		if (s->n && !task.shared) {
			p->held = task;
			p->holds = true;
			return;
		}
		s->task[s->n++] = task;
		if (!s->task[0].shared || s->n == TOGETHER || p->n_again)
			return;
	}
}

static void begin(struct pool *p, struct slot *s)
{
	struct worker_job job;
	int err;

	fill(p, s);
	if (!s->n)
		return;
	s->deadline_s = s->task[0].deadline_s;
	job = instance_job(&s->task[0].instance, s->deadline_s);
	if (s->n > 1) {
		job.body = run_together;
		job.arg = s;
	}
	s->at = 0;
	s->witness = (struct witness){ .checks = 0 };
	s->start_ns = clock_mono_ns();
	err = worker_start(&s->worker, &job);
	if (err) {
		for (unsigned i = 0; i < s->n; i++)
			outcome_set(s->task[i].ret, BROKEN, "no worker: %s", strerror(-err));
		return;
	}
	s->busy = true;
	p->busy++;
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

static void kill_all(struct pool *p)
{
	for (unsigned i = 0; i < p->jobs; i++)
		if (p->slot[i].busy)
			worker_kill(&p->slot[i].worker);
}

static int run(struct pool *p, struct stop *stop)
{
	bool stopped = false;

	while (p->busy || (is_left(p) && !stopped)) {
		for (unsigned i = 0; i < p->jobs && is_left(p) && !stopped; i++)
			if (!p->slot[i].busy)
				begin(p, &p->slot[i]);
		if (p->busy)
			wait_for_any(p, stop);
		if (!stopped && stop_asked(stop)) {
			stopped = true;
			kill_all(p);
		}
		for (unsigned i = 0; i < p->jobs; i++)
			step(p, &p->slot[i]);
	}
	return stopped ? -EINTR : 0;
}

int pool_run(size_t n, unsigned jobs, struct stop *stop,
	     bool (*take)(void *ctx, size_t i, struct pool_task *task), void *ctx)
{
	_cleanup_free_ struct pool *p = calloc(1, sizeof(*p));
	_cleanup_free_ struct pool_task *again = calloc(n + 1, sizeof(*again));

	if (!p || !again)
		return -ENOMEM;
	p->take = take;
	p->ctx = ctx;
	p->n = n;
	p->again = again;
	p->jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
	return run(p, stop);
}
