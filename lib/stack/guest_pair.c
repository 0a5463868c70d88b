// SPDX-License-Identifier: GPL-2.0-or-later
/* Two guests on a wire of their own: the one behind comes up first, goes down last, ends both. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "stack/guest_internal.h"

#define DOWN_NS (20 * NS_PER_S) /* until its parts are down, or it is ended as it is */

/* ---- what the one behind says ---- */

static void hear_part(void *ctx, const char *name, const char *state, const char *text)
{
	const struct guest *g = ctx;
	char whole[STACK_NAME + 80];

	snprintf(whole, sizeof(whole), "%s/%.70s", g->behind->who, name);
	if (g->ops.part)
		g->ops.part(g->ops.ctx, whole, state, text);
}

static void hear_finding(void *ctx, const char *line)
{
	const struct guest *g = ctx;
	char whole[STACK_NAME + CONSOLE_LINE];

	snprintf(whole, sizeof(whole), "%s: %s", g->behind->who, line);
	if (g->ops.finding)
		g->ops.finding(g->ops.ctx, whole);
}

static void hear_junk(void *ctx, size_t bytes)
{
	const struct guest *g = ctx;

	if (g->ops.junk)
		g->ops.junk(g->ops.ctx, bytes);
}

/* ---- start ---- */

static int make_dir(const struct guest *g, const char *who, char *dir, size_t size, char *error)
{
	if (snprintf(dir, size, "%s/%s", g->dir, who) >= (int)size)
		return -ENAMETOOLONG;
	if (!mkdir(dir, 0700) || errno == EEXIST)
		return 0;
	snprintf(error, STACK_ERROR, "%.400s: %s", dir, strerror(errno));
	return -errno;
}

int guest_pair_start(struct guest *g, const struct guest_job *job, int *ret_link, char *error)
{
	static const char *const wait[] = { "sh", "-c", "trap exit TERM; while :; do sleep 1; done",
					    NULL };
	const struct guest_ops ops = {
		.ctx = g, .part = hear_part, .finding = hear_finding, .junk = hear_junk
	};
	const struct guest_job its = { .argv = wait, .rig = job->rig, .temporary = job->temporary };
	char dir[GUEST_PATH], who[STACK_NAME];
	int fds[2], err;

	*ret_link = -1;
	if (!job->behind)
		return 0;
	snprintf(who, sizeof(who), "%.*s", (int)strcspn(job->behind->name, "@"), job->behind->name);
	err = make_dir(g, who, dir, sizeof(dir), error);
	if (!err && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
		snprintf(error, STACK_ERROR, "socket pair: %s", strerror(errno));
		err = -errno;
	}
	if (err)
		return err;
	err = guest_start_one(job->behind, &its, dir, &ops, g, fds[0], &g->behind, error);
	close(fds[0]);
	if (err) {
		close(fds[1]);
		return err;
	}
	strcpy(g->behind->who, who);
	*ret_link = fds[1];
	return 0;
}

/* ---- life ---- */

static void end_with_it(struct guest *g)
{
	struct guest *b = g->behind;
	enum guest_end how = b->end == GUEST_DONE ? GUEST_DIED : b->end;

	g->blamed = b;
	guest_end(g, how, "the guest behind, %.60s: %.400s", b->who,
		  b->end == GUEST_DONE ? "it ended by itself" : b->reason);
}

void guest_pair_look(struct guest *g)
{
	struct guest *b = g->behind;

	if (!b)
		return;
	if (b->end && !g->end && !g->done)
		end_with_it(g);
	if (!b->parts_up || g->told_go || !g->ready)
		return;
	g->told_go = true;
	guest_tell(g, "{\"type\":\"go\"}\n");
}

/* One whose job is done waits until the one behind is down; any other end is told at once. */
bool guest_pair_ended(struct guest *g)
{
	struct guest *b = g->behind;

	if (!g->end || !b || b->end || (g->end != GUEST_DONE && g->end != GUEST_FAILED))
		return g->end != GUEST_RUNS;
	if (!g->closing_ns) {
		g->closing_ns = clock_mono_ns();
		guest_signal(b, SIGTERM);
	}
	return clock_mono_ns() - g->closing_ns > DOWN_NS;
}
