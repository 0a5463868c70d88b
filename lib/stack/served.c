// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/served.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "stack/stack_internal.h"

#define TICK_NS (5 * NS_PER_MS)

static int start(struct served *s, const char *program, const char *what, int log_fd)
{
	char socket[sizeof(s->socket) + 16];
	const char *argv[] = { program, "serve", socket, what, NULL };
	struct keeper_job job = { .argv = (char *const *)argv,
				  .log_fd = log_fd,
				  .paths = { s->socket, s->dir } };

	snprintf(socket, sizeof(socket), "--socket=%s", s->socket);
	return keeper_start(&s->keeper, &job);
}

bool served_ended(struct served *s, char *text, unsigned size)
{
	int status = 0;

	if (!s->socket[0] || !keeper_ended(&s->keeper, &status))
		return false;
	if (WIFSIGNALED(status))
		snprintf(text, size, "what serves the controller died: SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, size, "what serves the controller ended with status %d",
			 WEXITSTATUS(status));
	return true;
}

/* It removes an abandoned socket and makes its own before it takes clients. */
static int await(struct served *s, unsigned start_s, char *error)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	uint64_t until = clock_mono_ns() + start_s * NS_PER_S;
	char how[128];

	while (access(s->socket, F_OK)) {
		if (served_ended(s, how, sizeof(how)))
			return stack_fail(error, -ECHILD, "%s: rig-serve.log says why", how);
		if (clock_mono_ns() > until)
			return stack_fail(error, -ETIMEDOUT,
					  "the controller is not served within %u s", start_s);
		nanosleep(&tick, NULL);
	}
	return 0;
}

int served_start(struct served *s, const char *program, const char *what, int log_fd,
		 unsigned start_s, char *error)
{
	char self[PATH_MAX] = "";
	int err = 0;

	if (!program && readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		err = -errno;
	program = program ? program : self;
	if (!err)
		err = tmp_dir_short("serve", s->dir);
	if (err)
		return stack_fail(error, err, "a directory for a socket: %s", strerror(-err));
	snprintf(s->socket, sizeof(s->socket), "%s/serve", s->dir);
	err = start(s, program, what, log_fd);
	if (err)
		stack_fail(error, err, "%.200s serve: %s", program, strerror(-err));
	else
		err = await(s, start_s, error);
	if (err)
		served_stop(s);
	return err;
}

void served_stop(struct served *s)
{
	keeper_stop(&s->keeper);
	if (s->socket[0])
		unlink(s->socket);
	if (s->dir[0])
		rmdir(s->dir);
	s->socket[0] = s->dir[0] = 0;
}
