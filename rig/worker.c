// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define REAP_MS 10
#define CHUNK	65536u
#define LOOK_MS 1000 /* how often deadline and log sizes are looked at while nothing comes */

const char *worker_signal_name(int signal, char buf[16])
{
	const char *name = sigabbrev_np(signal);

	if (name)
		snprintf(buf, 16, "SIG%s", name);
	else
		snprintf(buf, 16, "signal %d", signal);
	return buf;
}

/* ---- the child ---- */

static void default_signals(void)
{
	sigset_t none;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* A peer that closed its socket is an error to report, not a death. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_fd(int from, int flags, int to)
{
	_cleanup_close_ int null = from < 0 ? open("/dev/null", flags | O_CLOEXEC) : -1;

	if (dup2(from < 0 ? null : from, to) < 0)
		_exit(127);
}

static _Noreturn void be_worker(const struct worker_job *job, int event_fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before the line above */
		_exit(127);
	setpgid(0, 0);
	default_signals();
	set_fd(-1, O_RDONLY, STDIN_FILENO);
	set_fd(job->out_fd, O_WRONLY, STDOUT_FILENO);
	set_fd(job->err_fd, O_WRONLY, STDERR_FILENO);
	exit(job->body(event_fd, job->arg));
}

/* ---- the parent ---- */

int worker_start(struct worker *w, const struct worker_job *job)
{
	pid_t parent = getpid();
	int fds[2], err;

	*w = (struct worker){ .pid = -1,
			      .out_fd = job->out_fd,
			      .err_fd = job->err_fd,
			      .deadline_ns = job->deadline_ns,
			      .patience_ns =
				      job->patience_ns ? job->patience_ns : WORKER_PATIENCE_NS };
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fflush(NULL); /* or the child writes our buffers a second time when it exits */
	w->pid = fork();
	if (w->pid == 0) {
		close(fds[0]);
		be_worker(job, fds[1], parent);
	}
	err = w->pid < 0 ? -errno : 0;
	close(fds[1]);
	if (err)
		goto close_pipe;
	setpgid(w->pid, w->pid);
	w->pidfd = pidfd_open(w->pid, 0);
	if (w->pidfd < 0) {
		err = -errno;
		goto reap;
	}
	w->fd = fds[0];
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	return 0;

reap:
	kill(-w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
close_pipe:
	close(fds[0]);
	return err;
}

static void take_line(struct worker *w, const char *line, size_t len, worker_event_fn *fn,
		      void *ctx)
{
	struct json_object *e = w->skipping ? NULL : event_decode(line, len);

	if (!e) {
		w->junk += len + 1;
		w->skipping = false;
		return;
	}
	if (w->junk)
		fn(ctx, NULL, w->junk);
	w->junk = 0;
	fn(ctx, e, 0);
	json_object_put(e);
}

/* Keeps at most one line of EVENT_LINE_MAX; the rest of a longer one is only counted. */
static int keep(struct worker *w, const char *bytes, size_t n)
{
	if (w->skipping || w->len + n > EVENT_LINE_MAX) {
		w->junk += w->len + n;
		w->len = 0;
		w->skipping = true;
		return 0;
	}
	if (w->len + n > w->size) {
		size_t size = w->len + n + CHUNK;
		char *grown = realloc(w->line, size);

		if (!grown)
			return -ENOMEM;
		w->line = grown;
		w->size = size;
	}
	memcpy(w->line + w->len, bytes, n);
	w->len += n;
	return 0;
}

static void take_bytes(struct worker *w, const char *bytes, size_t n, worker_event_fn *fn,
		       void *ctx)
{
	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t part = end ? (size_t)(end - bytes) : n;

		if (end && !w->len) {
			take_line(w, bytes, part, fn, ctx);
		} else if (keep(w, bytes, part)) {
			w->junk += part;
		} else if (end) {
			take_line(w, w->line, w->len, fn, ctx);
			w->len = 0;
		}
		part += end != NULL;
		bytes += part;
		n -= part;
	}
}

/* Takes what the pipe holds, at most `most` bytes. */
static void drain(struct worker *w, size_t most, worker_event_fn *fn, void *ctx)
{
	char chunk[CHUNK];

	while (most && w->fd >= 0) {
		ssize_t n = read(w->fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(w->fd);
			w->fd = -1; /* poll skips it; the child's end comes by pidfd */
			return;
		}
		w->bytes += (size_t)n;
		take_bytes(w, chunk, (size_t)n, fn, ctx);
		most -= (size_t)n < most ? (size_t)n : most;
	}
}

static void kill_as(struct worker *w, enum worker_end end)
{
	if (w->end != WORKER_RUNS)
		return;
	w->end = end;
	w->killed_ns = clock_mono_ns();
	kill(-w->pid, SIGKILL);
	kill(w->pid, SIGKILL); /* in case it never came to lead its group */
}

void worker_kill(struct worker *w)
{
	kill_as(w, WORKER_KILLED);
}

static bool too_long(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size > WORKER_BYTES_MAX;
}

/* The group goes before its leader is reaped, while the number is surely still theirs. */
static bool reap(struct worker *w)
{
	siginfo_t info = { .si_pid = 0 };
	int err = waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT);

	if (!err && !info.si_pid)
		return false;
	if (!err) {
		kill(-w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	if (w->end != WORKER_RUNS)
		return true;
	w->end = info.si_code == CLD_EXITED ? WORKER_EXITED : WORKER_DIED;
	w->status = w->end == WORKER_EXITED ? info.si_status : 0;
	w->signal = w->end == WORKER_DIED ? info.si_status : 0;
	return true;
}

static void finish(struct worker *w, worker_event_fn *fn, void *ctx)
{
	drain(w, WORKER_BYTES_MAX, fn, ctx);
	w->junk += w->len;
	if (w->junk)
		fn(ctx, NULL, w->junk);
	free(w->line);
	w->line = NULL;
	w->len = w->size = w->junk = 0;
	if (w->fd >= 0)
		close(w->fd);
	close(w->pidfd);
	w->fd = w->pidfd = -1;
}

static bool is_given_up(const struct worker *w)
{
	return w->end != WORKER_RUNS && clock_mono_ns() >= w->killed_ns + w->patience_ns;
}

bool worker_step(struct worker *w, worker_event_fn *fn, void *ctx)
{
	drain(w, 4 * CHUNK, fn, ctx);
	if (w->bytes > WORKER_BYTES_MAX || too_long(w->out_fd) || too_long(w->err_fd))
		kill_as(w, WORKER_FLOOD);
	if (reap(w) || (w->stuck = is_given_up(w))) {
		finish(w, fn, ctx);
		return true;
	}
	if (clock_mono_ns() >= w->deadline_ns)
		kill_as(w, WORKER_LATE);
	return false;
}

int worker_timeout_ms(const struct worker *w)
{
	uint64_t now = clock_mono_ns(), left;
	uint64_t until = w->end == WORKER_RUNS ? w->deadline_ns : w->killed_ns + w->patience_ns;

	left = until > now ? (until - now) / NS_PER_MS + 1 : 0;
	return left < LOOK_MS ? (int)left : LOOK_MS;
}

void worker_wait(struct worker *w, int stop_fd, worker_event_fn *fn, void *ctx)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = w->fd, .events = POLLIN },
			{ .fd = w->pidfd, .events = POLLIN },
			{ .fd = w->end == WORKER_RUNS ? stop_fd : -1, .events = POLLIN },
		};

		poll(p, ARRAY_SIZE(p), worker_timeout_ms(w));
		if (p[2].revents)
			worker_kill(w);
		if (worker_step(w, fn, ctx))
			return;
		if (p[1].revents) /* dead, and not ours to reap yet: a debugger has it */
			poll(NULL, 0, REAP_MS);
	}
}
