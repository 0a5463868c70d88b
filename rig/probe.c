// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "rig/stop.h"
#include "rig/worker.h"
#include "target/target.h"

/* Shared by parent and worker; facts are 100 KiB and more, too much for an event. */
struct probing {
	const char *target;
	int err;
	bool done;
	char error[256];
	struct facts facts;
};

static int probe_body(int event_fd, void *arg)
{
	struct probing *p = arg;
	struct target *t;

	(void)event_fd;
	p->err = target_open(p->target, &t, p->error);
	if (!p->err) {
		p->err = facts_gather(t, &p->facts);
		if (p->err)
			snprintf(p->error, sizeof(p->error), "%s: %.200s", p->target,
				 t->error[0] ? t->error : strerror(-p->err));
		target_close(t);
	}
	p->done = true;
	return 0;
}

static void ignore(void *ctx, struct json_object *e, size_t junk)
{
	(void)ctx;
	(void)e;
	(void)junk;
}

static int judge_probe(const struct probing *p, const struct worker *w, unsigned deadline_s,
		       char error[PROBE_ERROR])
{
	char name[16];

	if (w->end == WORKER_KILLED) {
		snprintf(error, PROBE_ERROR, "stopped by signal");
		return -EINTR;
	}
	if (w->end == WORKER_LATE) {
		snprintf(error, PROBE_ERROR, "%.200s: no answer to the probe within %u s",
			 p->target, deadline_s);
		return -ETIMEDOUT;
	}
	if (w->end == WORKER_DIED) {
		snprintf(error, PROBE_ERROR, "%.200s: the probe's worker died: %s", p->target,
			 worker_signal_name(w->signal, name));
		return -EIO;
	}
	if (!p->done || w->status) {
		snprintf(error, PROBE_ERROR, "%.200s: the probe's worker died: exit status %d",
			 p->target, w->status);
		return -EIO;
	}
	if (p->err)
		snprintf(error, PROBE_ERROR, "%s", p->error);
	return p->err;
}

int probe_target(const char *target, unsigned deadline_s, struct stop *stop, struct facts *ret,
		 char ret_error[PROBE_ERROR])
{
	struct probing *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct worker_job job = { .body = probe_body, .arg = p, .out_fd = -1, .err_fd = -1 };
	struct worker w;
	int err;

	if (p == MAP_FAILED) {
		snprintf(ret_error, PROBE_ERROR, "probe: out of memory");
		return -ENOMEM;
	}
	p->target = target;
	job.deadline_ns = clock_mono_ns() + deadline_s * NS_PER_S;
	err = worker_start(&w, &job);
	if (err) {
		snprintf(ret_error, PROBE_ERROR, "probe: no worker: %s", strerror(-err));
	} else {
		worker_wait(&w, stop_fd(stop), ignore, NULL);
		err = judge_probe(p, &w, deadline_s, ret_error);
	}
	if (!err)
		*ret = p->facts;
	munmap(p, sizeof(*p));
	return err;
}
