// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define NOT_FOUND 127

/* Reads until the writers are gone. 0, -ETIMEDOUT or another -errno. */
static int drain(int fd, uint64_t deadline_ns, char *output, size_t size)
{
	char spill[4096];
	size_t len = 0;

	for (;;) {
		uint64_t now = clock_mono_ns();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int ready;
		ssize_t n;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		ready = poll(&p, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0)
			continue;
		n = len + 1 < size ? read(fd, output + len, size - 1 - len)
				   : read(fd, spill, sizeof(spill));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0 && len + 1 < size)
			len += (size_t)n, output[len] = 0;
	}
}

/* The child's pipe is closed when it ends; its status is there then, or it is killed. */
static int await(pid_t pid, int fd, unsigned ms, char *output, size_t size)
{
	int status = 0, err;

	err = drain(fd, clock_mono_ns() + ms * NS_PER_MS, output, size);
	if (err)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (err)
		return err;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return -ENOENT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void be_child(int out)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
}

static int ask(char *const argv[], int (*fn)(void), unsigned ms, char *output, size_t size)
{
	_cleanup_close_ int in = -1;
	int fds[2];
	pid_t pid;

	output[0] = 0;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	in = fds[0];
	pid = fork();
	if (pid == 0) {
		be_child(fds[1]);
		if (fn)
			_exit(fn() ? 1 : 0);
		execvp(argv[0], argv);
		_exit(NOT_FOUND);
	}
	close(fds[1]);
	return pid < 0 ? -errno : await(pid, in, ms, output, size);
}

int ask_program(char *const argv[], unsigned ms, char *ret_output, size_t size)
{
	return ask(argv, NULL, ms, ret_output, size);
}

int ask_function(int (*fn)(void), unsigned ms)
{
	char none[1];

	return ask(NULL, fn, ms, none, sizeof(none));
}
