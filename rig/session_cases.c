// SPDX-License-Identifier: GPL-2.0-or-later
/* The cases of a run, and what stands around each: the kernel's log, guards, wall, door, state. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "kit/kit.h"
#include "rig/runner.h"
#include "rig/session.h"
#include "rig/session_state.h"
#include "rig/session_tell.h"
#include "target/door.h"

/* Where the host's kernel drives the device what it says is of the case. 0 or -errno. */
static int hear_kernel(struct session *s, struct kernel_log *l)
{
	const char *why;
	char text[160];

	l->sink = &s->sink;
	why = kmsg_open(&l->kmsg);
	kmsg_own(&l->kmsg, s->facts->caps.behind);
	if (!*why)
		return 0;
	snprintf(text, sizeof(text), "what the kernel says is not heard: /dev/kmsg: %s", why);
	return tell_note(s, text);
}

static int build_wall(struct session *s)
{
	int err = wall_open(&s->wall);

	if (!err)
		err = session_guard_wall(s->guard, s->bench.target, &s->wall);
	if (!err && !wall_version())
		err = tell_note(
			s, "this kernel has no Landlock: no wall keeps workers from other devices, "
			   "and the guards look before every case that harms");
	return err;
}

/* What workers write before they send what destroys; they inherit the descriptor. */
static int open_about_to(struct session *s, int *ret_fd)
{
	*ret_fd = openat(s->journal.dir_fd, "about_to.jsonl",
			 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*ret_fd < 0)
		return session_say_disk(s, "about_to.jsonl", -errno);
	door_journal(*ret_fd);
	return 0;
}

static int look_again(void *ctx, char *ret_error, size_t size)
{
	struct session *s = ctx;

	if (session_guard_moved(s->guard, s->bench.target)) {
		wall_close(&s->wall);
		if (build_wall(s)) {
			snprintf(ret_error, size, "guard: no wall around the drive's new nodes");
			return -EACCES;
		}
	}
	return session_guard_again(s->guard, &s->sink, ret_error, size);
}

static void compare_state(void *ctx, const char *case_name)
{
	session_state_compare(ctx, case_name);
}

int session_run_cases(struct session *s)
{
	const struct run_options *o = s->options;
	struct kernel_log log = { .kmsg.fd = -1 };
	_cleanup_close_ int about_to = -1;
	struct session_state *state = NULL;
	int err = s->facts->caps.of_machine ? hear_kernel(s, &log) : 0;
	struct runner r = {
		.plan = &s->plan,
		.sink = &s->sink,
		.bench = &s->bench,
		.facts = s->facts,
		.env = &kit_env,
		.effort = (enum rig_effort)effort_find(options_str(o, "effort")),
		.trace = options_trace(o),
		.seed = options_u64(o, "seed"),
		.deadline_s = (unsigned)options_u64(o, "deadline"),
		.fail_fast = o->fail_fast,
		.stop = &s->stop,
		.known = event_get_bool(o->asked, "known") ? session_known : NULL,
		.known_ctx = s,
		.kernel_log = log.kmsg.fd >= 0 ? &log : NULL,
		.before = o->resume ? s->resume.before : NULL,
		.guard = s->guard ? look_again : NULL,
		.guard_ctx = s,
		.wall = s->guard ? &s->wall : NULL,
	};

	if (!err && s->guard)
		err = build_wall(s);
	if (!err && s->guard && !s->guard->ask.light)
		err = open_about_to(s, &about_to);
	if (!err)
		err = session_state_open(s, &state);
	if (state && !s->guard->ask.light) {
		r.after = compare_state;
		r.after_ctx = state;
	}
	if (!err)
		err = runner_run(&r, &s->tally);
	if (!s->tally.stuck)
		session_state_compare(state, NULL);
	session_state_close(state);
	door_journal(-1);
	wall_close(&s->wall);
	kmsg_close(&log.kmsg);
	return err;
}
