// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What block I/O costs. usage: build/dev/bench/io [SECONDS] [TARGET...]
 *
 * 4 KiB random read and write at depth 1, 32 and 128, by `nvrig bench`: on no device, which is the
 * client alone (everything complete at once, and one after the other); on the model in this
 * process; on the model served over vfio-user by a process of its own; and on the targets named.
 */
#include <errno.h>
#include <linux/limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <libgen.h>
#include <unistd.h>

#define TARGETS_MAX 16
#define READY_MS    10000

/* A server that says that it is ready, or -1. */
static pid_t serve(const char *nvrig, const char *sock)
{
	int said[2];
	char c;
	pid_t pid;

	if (pipe(said))
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(said[1], STDOUT_FILENO);
		close(said[0]);
		execl(nvrig, nvrig, "serve", "model:", "--socket", sock, (char *)NULL);
		_exit(127);
	}
	close(said[1]);
	if (pid > 0 &&
	    (poll(&(struct pollfd){ .fd = said[0], .events = POLLIN }, 1, READY_MS) != 1 ||
	     read(said[0], &c, 1) != 1)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	/* the pipe stays open: the server goes on talking into it, a few lines in all */
	return pid;
}

static int measure(const char *nvrig, const char *seconds, char **targets, int n)
{
	char *argv[TARGETS_MAX + 16] = { (char *)nvrig, (char *)"bench" };
	int argc = 2, status;
	pid_t pid;

	for (int i = 0; i < n; i++)
		argv[argc++] = targets[i];
	argv[argc++] = (char *)"--rw=randread,randwrite";
	argv[argc++] = (char *)"--depth=1,32,128";
	argv[argc++] = (char *)"--seconds";
	argv[argc++] = (char *)seconds;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(nvrig, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 2;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	char nvrig[PATH_MAX], dir[] = "/tmp/nvrig-bench-XXXXXX", sock[64], served[80];
	char *targets[TARGETS_MAX] = { (char *)"null:", (char *)"null:batch=1", (char *)"model:" };
	ssize_t len = readlink("/proc/self/exe", nvrig, sizeof(nvrig) - 16);
	int n = 3, status;
	pid_t server;

	if (len < 0 || !mkdtemp(dir))
		return 2;
	nvrig[len] = 0;
	strcat(dirname(dirname(nvrig)), "/nvrig");
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	snprintf(served, sizeof(served), "vfio-user:%s", sock);
	server = serve(nvrig, sock);
	if (server > 0)
		targets[n++] = served;
	else
		printf("the model cannot be served: %s\n", strerror(errno));
	for (int i = 2; i < argc && n < TARGETS_MAX; i++)
		targets[n++] = argv[i];
	status = measure(nvrig, argc > 1 ? argv[1] : "3", targets, n);
	if (server > 0) {
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	unlink(sock);
	rmdir(dir);
	return status;
}
