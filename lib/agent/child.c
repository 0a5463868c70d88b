// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/internal.h"
#include "base/clock.h"
#include "stack/protocol.h"

#define STEP_MS	 100
#define TERMINAL "/dev/hvc0"

static void become(char *const *argv, enum child_from from, int out, int err)
{
	int in = open(from == CHILD_TERMINAL ? TERMINAL : "/dev/null", O_RDWR);
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (from == CHILD_TERMINAL)
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, STDIN_FILENO);
	dup2(from == CHILD_TERMINAL ? in : out, STDOUT_FILENO);
	dup2(from == CHILD_TERMINAL ? in : err, STDERR_FILENO);
	if (in > STDERR_FILENO)
		close(in);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

int child_start(struct child *c, char *const *argv, enum child_from from)
{
	int out[2], err[2];

	*c = (struct child){ .pid = -1, .out = -1, .err = -1 };
	if (pipe2(out, O_CLOEXEC))
		return -errno;
	if (pipe2(err, O_CLOEXEC)) {
		close(out[0]);
		close(out[1]);
		return -errno;
	}
	c->pid = fork();
	if (!c->pid)
		become(argv, from, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	c->out = out[0];
	c->err = err[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	fcntl(c->err, F_SETFL, O_NONBLOCK);
	if (c->pid > 0)
		return 0;
	child_close(c);
	return -EAGAIN;
}

/* Everybody's orphans come to process 1. */
static void reap(struct child *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == c->pid) {
			c->status = status;
			c->ended = true;
		}
}

static void drain(int *fd, int stream,
		  void (*out)(void *ctx, int stream, const char *data, size_t n), void *ctx)
{
	char data[PROTOCOL_CHUNK];
	ssize_t n;

	while (*fd >= 0 && (n = read(*fd, data, sizeof(data))) != -1) {
		if (n > 0) {
			out(ctx, stream, data, (size_t)n);
			continue;
		}
		close(*fd);
		*fd = -1;
	}
}

void child_step(struct child *c, struct link *l,
		void (*out)(void *ctx, int stream, const char *data, size_t n), void *ctx)
{
	struct pollfd p[] = { { .fd = c->out, .events = POLLIN },
			      { .fd = c->err, .events = POLLIN },
			      { .fd = l->fd, .events = POLLIN } };

	poll(p, 3, c->out < 0 && c->err < 0 ? 5 : STEP_MS);
	reap(c); /* before the last look at what it wrote */
	drain(&c->out, 1, out, ctx);
	drain(&c->err, 2, out, ctx);
	link_hear(l);
	if (l->signal)
		kill(-c->pid, l->signal);
	l->signal = 0;
	link_alive(l);
}

void child_close(struct child *c)
{
	if (c->pid > 0)
		kill(-c->pid, SIGKILL);
	if (c->out >= 0)
		close(c->out);
	if (c->err >= 0)
		close(c->err);
	c->out = c->err = -1;
}

int child_exit_status(const struct child *c)
{
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}
