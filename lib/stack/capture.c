// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/capture.h"

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

static void become(char *const *argv, int out)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
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

int capture(char *const *argv, unsigned timeout_ms, char *ret_text, size_t size)
{
	uint64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
	int pipes[2], status = 0, err;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		err = -errno;
		close(pipes[0]);
		close(pipes[1]);
		return err;
	}
	if (!pid)
		become(argv, pipes[1]);
	close(pipes[1]);
	err = drain(pipes[0], deadline, ret_text, size);
	close(pipes[0]);
	/* At end of file it is about to exit; it may also have closed its output and hang. */
	while (!err && waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono_ns() >= deadline)
			err = -ETIMEDOUT;
		usleep(1000);
	}
	if (err) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return err;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
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
