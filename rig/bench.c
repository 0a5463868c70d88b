// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/probe.h"
#include "rig/stop.h"
#include "target/target.h"

#define STACK_PROBE_S 60 /* an emulator that takes longer has stopped */

static enum health ask(struct bench *b, unsigned deadline_s, char trouble[BENCH_ERROR])
{
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));

	/* no memory, no answer: then the next case will tell */
	if (!f || stop_asked(b->stop))
		return HEALTH_GOOD;
	switch (probe_target(b->target, deadline_s, b->stop, f, trouble)) {
	case 0:
		snprintf(trouble, BENCH_ERROR, "%s", f->trouble);
		return f->alive ? HEALTH_GOOD : HEALTH_DEAD;
	case -EINTR:
		return HEALTH_GOOD;
	default:
		return HEALTH_SILENT;
	}
}

static enum health target_health(struct bench *b, char trouble[BENCH_ERROR])
{
	return ask(b, PROBE_DEADLINE_S, trouble);
}

static enum health stack_health(struct bench *b, char trouble[BENCH_ERROR])
{
	return ask(b, STACK_PROBE_S, trouble);
}

void bench_on_target(struct bench *b, const char *target, struct stop *stop)
{
	*b = (struct bench){ .target = target, .stop = stop };
	/* a model lives and dies with the worker that opened it */
	if (strncmp(target, "model:", strlen("model:")))
		b->health = target_health;
}

static bool stack_is_alive(struct bench *b, struct stack_death *ret)
{
	return stack_alive(b->ctx, ret);
}

static int restart(struct bench *b, char error[BENCH_ERROR])
{
	int err = stack_restart(b->ctx, error);

	if (!err)
		b->target = stack_target(b->ctx);
	return err;
}

int bench_on_stack(struct bench *b, const struct stack_config *cfg, const char *dir,
		   struct stop *stop, char ret_error[BENCH_ERROR])
{
	struct stack *s;
	int err = stack_up(cfg, dir, &s, ret_error);

	*b = (struct bench){ .stop = stop };
	if (err)
		return err;
	*b = (struct bench){
		.target = stack_target(s),
		.engine = stack_engine(s),
		.ctx = s,
		.stop = stop,
		.alive = stack_is_alive,
		.restart = restart,
		.health = stack_health,
	};
	return 0;
}

/* Of runs that were killed before they could do it themselves. */
static void recover(void)
{
	char error[256];
	int n = target_recover(error);

	if (n < 0)
		fprintf(stderr, "nvrig: %s\n", error);
	if (n > 0)
		fprintf(stderr,
			"nvrig: %d drive%s given back to the kernel that a killed run had taken\n",
			n, n > 1 ? "s" : "");
}

int bench_hold(struct bench *b, char error[BENCH_ERROR])
{
	recover();
	return target_hold(b->target, &b->hold, error);
}

int bench_close(struct bench *b, char error[BENCH_ERROR])
{
	int err = target_release(b->hold, error);

	b->hold = NULL;
	if (b->ctx)
		stack_down(b->ctx);
	b->ctx = NULL;
	return err;
}
