// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define PATIENCE_MS                                                                                \
	2000 /* with a child that SIGKILL does not end: it is in the kernel, and left there */

static void become(char *const *argv, int in, int out, int err)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

/* 0, or -errno of fork. */
static int spawn(char *const *argv, int in, int out, int err, pid_t *ret)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		become(argv, in < 0 ? null : in, out < 0 ? null : out, err < 0 ? null : err);
	}
	*ret = pid;
	return 0;
}

static int kill_and_reap(pid_t pid, int err)
{
	kill(pid, SIGKILL);
	for (int ms = 0; waitpid(pid, NULL, WNOHANG) == 0 && ms < PATIENCE_MS; ms++)
		usleep(1000);
	return err;
}

/* 0 with how it ended, or -ETIMEDOUT: killed. */
static int await(pid_t pid, uint64_t deadline, int *ret_status)
{
	while (waitpid(pid, ret_status, WNOHANG) == 0) {
		if (clock_mono_ns() >= deadline)
			return kill_and_reap(pid, -ETIMEDOUT);
		usleep(1000);
	}
	return 0;
}

/* Reads until end of file or the deadline; the surplus is read and dropped. */
static int drain(int fd, uint64_t deadline, char *text, size_t size)
{
	size_t have = 0;
	char bin[256];

	text[0] = 0;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_mono_ns();
		ssize_t n;

		if (now >= deadline || poll(&p, 1, (int)((deadline - now) / NS_PER_MS) + 1) == 0)
			return -ETIMEDOUT;
		n = have + 1 < size ? read(fd, text + have, size - 1 - have)
				    : read(fd, bin, sizeof(bin));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (have + 1 < size)
			have += (size_t)n;
		text[have] = 0;
	}
}

int capture_status(char *const *argv, unsigned timeout_ms, char *ret_text, size_t size,
		   int *ret_status)
{
	uint64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	int pipes[2], err;
	pid_t pid = -1;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	err = spawn(argv, -1, pipes[1], pipes[1], &pid);
	close(pipes[1]);
	if (!err) {
		err = drain(pipes[0], deadline, ret_text, size);
		/* At end of file it is about to exit; it may also have closed its output and hang.
		 */
		err = err ? kill_and_reap(pid, err) : await(pid, deadline, ret_status);
	}
	close(pipes[0]);
	return err;
}

int capture(char *const *argv, unsigned timeout_ms, char *ret_text, size_t size)
{
	int status = 0, err = capture_status(argv, timeout_ms, ret_text, size, &status);

	return err ? err : WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int capture_filter(char *const *argv, int in_fd, int out_fd, unsigned timeout_ms)
{
	uint64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	int status = 0, err;
	pid_t pid = -1;

	err = spawn(argv, in_fd, out_fd, -1, &pid);
	if (!err)
		err = await(pid, deadline, &status);
	return err ? err : WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

static int usable(const char *path)
{
	struct stat st;

	return !access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode);
}

int capture_find(const char *program, char *ret_path, size_t size)
{
	_cleanup_free_ char *paths = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	char *save = NULL;

	if (strchr(program, '/')) {
		if ((size_t)snprintf(ret_path, size, "%s", program) >= size)
			return -ENOENT;
		return usable(ret_path) ? 0 : -ENOENT;
	}
	for (char *d = paths ? strtok_r(paths, ":", &save) : NULL; d;
	     d = strtok_r(NULL, ":", &save))
		if ((size_t)snprintf(ret_path, size, "%s/%s", d, program) < size &&
		    usable(ret_path))
			return 0;
	return -ENOENT;
}
