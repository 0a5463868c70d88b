// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/aside.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "rig/worker.h"

struct doing {
	void (*fn)(void *shared);
	void *shared;
};

void *aside_alloc(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void aside_free(void *shared, size_t size)
{
	if (shared)
		munmap(shared, size);
}

static int body(int event_fd, void *arg)
{
	const struct doing *d = arg;

	(void)event_fd;
	d->fn(d->shared);
	return 0;
}

static void ignore(void *ctx, struct json_object *e, size_t junk)
{
	(void)ctx;
	(void)e;
	(void)junk;
}

int aside_run(void (*fn)(void *shared), void *shared, uint64_t within_ns)
{
	struct doing d = { fn, shared };
	struct worker_job job = { .body = body,
				  .arg = &d,
				  .out_fd = -1,
				  .err_fd = -1,
				  .deadline_ns = clock_mono_ns() + within_ns };
	struct worker w;
	int err = worker_start(&w, &job);

	if (err)
		return err;
	worker_wait(&w, -1, ignore, NULL);
	if (w.end == WORKER_LATE)
		return -ETIMEDOUT;
	return w.end == WORKER_EXITED && !w.status ? 0 : -EIO;
}
